"""The public interface: what goes in, what comes out, and that no batch changes it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import minner
from checkpoints import write_checkpoint
from minner.errors import MinnerError, MinnerWarning
from minner.streams import TEXTS_PER_BATCH
from minner.tagger import Tagger
from minner.text.wordpieces import encode_words
from minner.text.words import split_words

TEXTS = [
    "",
    "John",
    "My name is John Smith.",
    "John Smith works for Acme Corp. in London, and Mary for Johnson & Co. in Paris.",
    "日本 \u200b e\u0301te\u0301 👍🏽 \ud800",
    " ".join(f"Smith{i} lives in Paris" for i in range(40)),  # many windows
]


# ---- what goes in and what comes out ------------------------------------------------------------


def test_a_text_gives_entities(tiny: Tagger) -> None:
    text = TEXTS[3]
    found = tiny(text)
    assert found, "this seed finds something"
    types = {label[2:] for label in tiny.labels if label != "O"}
    for entity in found:
        assert isinstance(entity, minner.Entity)
        assert text[entity.start : entity.end] == entity.text
        assert entity.label in types
        assert 0 < entity.score <= 1
    assert [entity.start for entity in found] == sorted(entity.start for entity in found)


def test_a_list_gives_a_list_per_text(tiny: Tagger) -> None:
    assert tiny(TEXTS) == [tiny(text) for text in TEXTS]
    assert tiny(tuple(TEXTS)) == tiny(TEXTS)
    assert tiny([TEXTS[1]]) == [tiny(TEXTS[1])]


@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0\u2003", "\u200b", "\u00ad\u200b"])
def test_nothing_to_find(tiny: Tagger, text: str) -> None:
    assert tiny(text) == []
    assert tiny([text, text]) == [[], []]


def test_empty_lists(tiny: Tagger) -> None:
    assert tiny([]) == []
    assert list(tiny.pipe([])) == []
    assert tiny.tag([]) == []
    assert tiny.tag([[]]) == [[]]
    assert tiny.logits([]) == []


def test_tags_of_words(tiny: Tagger) -> None:
    words = ["My", "name", "is", "John"]
    tags = tiny.tag(words)
    assert len(tags) == 4
    assert set(tags) <= set(tiny.labels)
    assert tiny.tag(tuple(words)) == tiny.tag(iter(words)) == tags
    assert tiny.tag([words, [], words[:2]]) == [tags, [], tiny.tag(words[:2])]


def test_tags_agree_with_entities(tiny: Tagger) -> None:
    text = TEXTS[3]
    spans = split_words(text)
    tags = tiny.tag([text[start:end] for start, end in spans])
    inside = {span for span, tag in zip(spans, tags, strict=True) if tag != "O"}
    found = tiny(text)
    assert inside == {(a, b) for a, b in spans if any(e.start <= a and b <= e.end for e in found)}


def test_words_without_wordpieces_are_outside(tiny: Tagger) -> None:
    tags = tiny.tag(["", "John", "\u200b", "Smith", "\u00ad"])
    assert [tags[1], tags[3]] == tiny.tag(["John", "Smith"])
    assert tags[0] == tags[2] == tags[4] == "O"


def test_labels(tiny: Tagger) -> None:
    assert tiny.labels[:3] == ("O", "B-PER", "I-PER")
    assert len(tiny.labels) == 9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ner: ner(5), "expected a list or stream of texts, not int"),
        (lambda ner: ner(None), "not NoneType"),
        (lambda ner: ner(b"John"), "not bytes"),
        (lambda ner: ner([b"John"]), "a text must be a string, not bytes"),
        (lambda ner: ner([["John"]]), "a text must be a string, not list"),
        (lambda ner: list(ner.pipe("John")), "expected a list or stream of texts, not str"),
        (lambda ner: ner.tag("John"), "expected a list of words, or of such lists, not str"),
        (lambda ner: ner.tag(["John", 5]), "a word must be a string, not int"),
        (lambda ner: ner.tag([5]), "expected a list of words, not int"),
        (lambda ner: ner.tag([["John"], "Smith"]), "expected a list of words, not str"),
        (lambda ner: ner.tag([["John", None]]), "a word must be a string, not NoneType"),
        (lambda ner: ner.trace(5), "a text must be a string, not int"),
        (lambda ner: ner.trace("a " * 31), "31 wordpieces, which the model reads in 2 windows"),
        (lambda ner: ner.logits(5), "expected a list of id arrays, not int"),
        (lambda ner: ner.logits([1, 2]), "one row of whole numbers"),
        (lambda ner: ner.logits([[1, [2]]]), "one row of whole numbers"),
        (lambda ner: ner.logits([[1.0]]), "one row of whole numbers"),
        (lambda ner: ner.logits([[True]]), "one row of whole numbers"),
        (lambda ner: ner.logits([["a"]]), "one row of whole numbers"),
        (lambda ner: ner.logits([[10**30]]), "one row of whole numbers"),
        (lambda ner: ner.logits([[0, -1]]), "ids must be from 0 to"),
        (lambda ner: ner.logits([np.array([2**63], dtype=np.uint64)]), "ids must be from 0 to"),
        (lambda ner: ner.logits([[0] * 33]), "33 ids, but the model has 32 positions"),
        (lambda ner: minner.load(5), "a model must be a path or a name, not int"),  # type: ignore
        (lambda ner: minner.load("/no/such/model"), "there is no directory '/no/such/model'"),
        (lambda ner: minner.load(precision="int4"), "float32, bfloat16, int8"),
        (lambda ner: minner.load(precision=["int8"]), "['int8'] is not available"),  # type: ignore
        (lambda ner: minner.load(threads=0), "at least 1, not 0"),
        (lambda ner: minner.load(threads=100_000), "at most 1024, not 100000"),
        (lambda ner: minner.load(lowercase="x"), "lowercase must be True, False or None"),  # type: ignore[arg-type]
        (lambda ner: ner.trace("Ann", without=3), "expected a list of parts"),  # type: ignore[arg-type]
        (lambda ner: ner.explain("Ann", window="a"), "there is no window a"),  # type: ignore[arg-type]
        (lambda ner: minner.load(threads="2"), "at least 1, not '2'"),  # type: ignore[arg-type]
    ],
)
def test_bad_input(tiny: Tagger, call: Any, message: str) -> None:
    with pytest.raises(MinnerError) as caught:
        call(tiny)
    assert message in str(caught.value)


def test_neighbours_with_one_bare_label_are_one_entity(tmp_path: Path) -> None:
    names = {"0": "O", "1": "PER", "2": "LOC"}
    path = write_checkpoint(tmp_path / "flat", n_labels=3, id2label=names, label2id=None)
    with pytest.warns(MinnerWarning, match="no label starts with B- or I-"):
        ner = minner.load(path)
    words = ["John", "Smith", "works", "for", "Acme", "in", "London", "and", "Paris"]
    tags = ner.tag(words)
    assert set(tags) <= {"O", "PER", "LOC"}
    runs = [label for label, _ in itertools.groupby(tags) if label != "O"]
    assert [entity.label for entity in ner(" ".join(words))] == runs


# ---- streams ------------------------------------------------------------------------------------


def test_pipe_reads_a_bounded_way_ahead(tiny: Tagger) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        for taken in itertools.count(1):
            yield f"John Smith {taken}"

    stream = tiny.pipe(endless())
    assert taken == 0
    for done in range(1, 2 * TEXTS_PER_BATCH + 2):
        next(stream)
        assert done <= taken < done + TEXTS_PER_BATCH


def test_pipe_of_tags_reads_a_bounded_way_ahead(tiny: Tagger) -> None:
    source = itertools.count()
    stream = tiny.pipe_tags(["John", str(number)] for number in source)
    next(stream)
    assert next(source) <= TEXTS_PER_BATCH


def test_pipe_gives_what_single_calls_give(tiny: Tagger) -> None:
    texts = [f"{text} {i}" for i in range(30) for text in TEXTS[:4]]
    assert list(tiny.pipe(text for text in texts)) == [tiny(text) for text in texts]


def test_an_error_of_the_source_passes_through(tiny: Tagger) -> None:
    def broken() -> Iterator[str]:
        yield "John"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        list(tiny.pipe(broken()))


# ---- inside -------------------------------------------------------------------------------------


def ids_of(tagger: Tagger, words: list[str]) -> np.ndarray:
    vocabulary = tagger.vocabulary
    wordpieces = encode_words(words, vocabulary)
    return np.array([vocabulary.cls_id, *wordpieces.ids, vocabulary.sep_id])


def test_logits(tiny: Tagger) -> None:
    a, b = ids_of(tiny, ["John"]), ids_of(tiny, ["My", "name"])
    found = tiny.logits([a, b])
    assert [logits.shape for logits in found] == [(3, 9), (4, 9)]
    assert all(logits.dtype == np.float32 for logits in found)
    for same in (a.tolist(), tuple(a.tolist()), a.astype(np.uint8), a.astype(np.int32)):
        np.testing.assert_array_equal(tiny.logits([same])[0], found[0])
    assert [logits.shape for logits in tiny.logits([[], [1]])] == [(0, 9), (1, 9)]


def test_results_are_the_callers_own(tiny: Tagger) -> None:
    ids = ids_of(tiny, ["John"])
    first = tiny.logits([ids])[0]
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(tiny.logits([ids])[0], kept)


def test_a_trace_says_which_names_it_has(tiny: Tagger) -> None:
    seen = tiny.trace("John Smith")
    with pytest.raises(MinnerError, match="no array 'foo'; choose from: ids, wordpieces, words, e"):
        seen["foo"]
    with pytest.raises(MinnerError, match=r"did you mean 'transformer\.layer\.1\.ffn\.lin2'"):
        seen["transformer.layer.1.ffn.lin3"]
    with pytest.raises(MinnerError, match="no array 3"):
        seen[3]  # type: ignore[index]
    assert "foo" not in seen and seen.get("foo") is None


def test_trace(tiny: Tagger) -> None:
    seen = tiny.trace("John Smith")
    layers = [f"transformer.layer.{i}" for i in range(2)]
    parts = {
        **{f"attention.{name}": (4, 32) for name in ("q_lin", "k_lin", "v_lin")},
        "attention.weights": (4, 4, 4),
        "attention.out_lin": (4, 32),
        "sa_layer_norm": (4, 32),
        "ffn.lin1": (4, 37),
        "ffn.activation": (4, 37),
        "ffn.lin2": (4, 32),
        "output_layer_norm": (4, 32),
    }
    shapes = {
        "ids": (4,),
        "wordpieces": (4,),
        "words": (4,),
        "embeddings": (4, 32),
        **{f"{layer}.{name}": shape for layer in layers for name, shape in parts.items()},
        "classifier": (4, 9),
        "probabilities": (2, 9),
    }
    assert {name: array.shape for name, array in seen.items()} == shapes
    assert list(seen) == list(shapes)
    assert seen["wordpieces"].tolist() == ["[CLS]", "John", "Smith", "[SEP]"]
    np.testing.assert_array_equal(seen["ids"], ids_of(tiny, ["John", "Smith"]))
    assert all(
        a.dtype == np.float32
        for name, a in seen.items()
        if name not in ("ids", "wordpieces", "words")
    )
    np.testing.assert_allclose(seen["transformer.layer.0.attention.weights"].sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(seen["classifier"], tiny.logits([seen["ids"]])[0])
    np.testing.assert_array_equal(seen["words"], [-1, 0, 1, -1])


def test_a_trace_without_a_part_tells_what_it_changes(embedded: Tagger) -> None:
    text = "The old Oslo ."
    whole, hidden = embedded.trace(text), embedded.trace(text, without=["words.2"])
    assert [entity.text for entity in whole.entities] == ["Oslo"]
    assert (whole.lost, whole.gained) == ([], [])
    assert [entity.text for entity in hidden.lost] == ["Oslo"]
    assert (hidden.entities, hidden.gained) == ([], [])


@pytest.mark.parametrize(
    ("without", "complaint"),
    [
        ("transformer.layer.2", "there are 2 layers"),
        ("transformer.layer.0.attention.head.4", "there are 4 heads in a layer"),
        ("words.2", "there are 2 words"),
        ("transformer.layer.0.ffn.head.1", "names no part of the model"),
        ("layer.0", "names no part of the model"),
        (3, "names no part of the model"),
    ],
)
def test_a_part_that_is_not_there_cannot_be_left_out(
    tiny: Tagger, without: object, complaint: str
) -> None:
    with pytest.raises(minner.MinnerError, match=complaint):
        tiny.trace("John Smith", without=[without])  # type: ignore[list-item]


def test_a_trace_of_one_window_of_many(tiny: Tagger) -> None:
    text = "a b c " * 20
    with pytest.raises(minner.MinnerError, match="choose one by window=0 to 2"):
        tiny.trace(text)
    assert len(tiny.trace(text, window=1)["ids"]) == 32
    with pytest.raises(minner.MinnerError, match="the text has 3, numbered from 0"):
        tiny.trace(text, window=3)
    with pytest.raises(minner.MinnerError, match="by must be one of kernels, reference"):
        tiny.trace("a", by="torch")


def test_trace_of_nothing(tiny: Tagger) -> None:
    assert tiny.trace("")["wordpieces"].tolist() == ["[CLS]", "[SEP]"]


# ---- all of Unicode -----------------------------------------------------------------------------


@given(st.text(alphabet=st.characters()))
@example("\0")
@example("John\0Smith \ud83d\ude00 \ud800")
@example("[SEP] [CLS] [PAD] [UNK] ##son")
@example("שלום John مرحبا \u202eSmith\u202c")
def test_any_text(tiny: Tagger, text: str) -> None:
    for entity in tiny(text):
        assert text[entity.start : entity.end] == entity.text
        assert entity.text.strip() == entity.text != ""


@given(st.lists(st.text(alphabet=st.characters(), max_size=5), max_size=40))
def test_any_words(tiny: Tagger, words: list[str]) -> None:
    assert len(tiny.tag(words)) == len(words)


# ---- long texts ---------------------------------------------------------------------------------


def test_a_text_that_fits_is_one_window(tiny: Tagger) -> None:
    words = ["John"] * 30
    (logits,) = tiny.logits([ids_of(tiny, words)])
    assert tiny.tag(words) == [tiny.labels[best] for best in logits[1:-1].argmax(axis=1)]


def test_a_long_text_is_windowed_not_cut(tiny: Tagger) -> None:
    """Each word's tag comes from the window that has the most room around the word."""
    choose = random.Random(0)
    words = [choose.choice(["John", "Smith", "in", "Johnson", "abc", "!"]) for _ in range(3000)]
    wordpieces = encode_words(words, tiny.vocabulary)
    size, step, count = 30, 30 - 30 // 4, len(wordpieces.ids)
    starts = range(0, count - 30 // 4, step)
    bounds = [(start, min(start + size, count)) for start in starts]
    cls, sep = tiny.vocabulary.cls_id, tiny.vocabulary.sep_id
    logits = tiny.logits([[cls, *wordpieces.ids[a:b].tolist(), sep] for a, b in bounds])

    expected = []
    assert len(wordpieces.first()[0]) == len(words)
    for word, first in enumerate(wordpieces.first()[1].tolist()):
        last = int(np.searchsorted(wordpieces.words, word, side="right"))
        # In a tie the later window has the word.
        _, index = max((min(first - a, b - last), i) for i, (a, b) in enumerate(bounds))
        expected.append(tiny.labels[logits[index][1 + first - bounds[index][0]].argmax()])
    assert tiny.tag(words) == expected
    assert len(set(expected)) > 3

    text = " ".join(words)
    assert tiny(text)[-1].end > len(text) - 200


def test_a_megabyte(tiny: Tagger, shared: Path) -> None:
    text = (shared / "wiki-text" / "wiki_00.txt").read_text(encoding="utf-8")
    found = tiny(text)
    assert all(text[entity.start : entity.end] == entity.text for entity in found)
    starts = np.array([entity.start for entity in found])
    assert (np.diff(starts) > 0).all()
    # Random weights find something in every stretch: no part was left out.
    assert np.diff([0, *starts, len(text)]).max() < 1000


# ---- the batch changes nothing ------------------------------------------------------------------

SIZES = [1, 2, 7, 64]


def in_batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def test_the_same_bits_in_any_batch_and_order(tiny: Tagger) -> None:
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 181, rng.integers(1, 33)) for _ in range(96)]
    alone = [tiny.logits([ids])[0].tobytes() for ids in sequences]
    order = rng.permutation(len(sequences)).tolist()
    for size in SIZES:
        found = [
            logits.tobytes()
            for batch in in_batches([sequences[i] for i in order], size)
            for logits in tiny.logits(batch)
        ]
        assert found == [alone[i] for i in order]


def test_the_same_tags_and_entities_in_any_batch_and_order(tiny: Tagger) -> None:
    texts = [f"{text} {i}" for i in range(16) for text in TEXTS]
    random.Random(0).shuffle(texts)
    words = [text.split() for text in texts]
    entities, tags = [tiny(text) for text in texts], [tiny.tag(one) for one in words]
    for size in SIZES:
        assert [e for batch in in_batches(texts, size) for e in tiny(batch)] == entities
        assert [t for batch in in_batches(words, size) for t in tiny.tag(batch)] == tags


def test_threads_may_share_a_tagger(tiny: Tagger) -> None:
    texts = [f"{text} {i}" for i in range(20) for text in TEXTS]
    expected = [tiny(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(lambda: [tiny(text) for text in texts]) for _ in range(4)]
        assert all(run.result() == expected for run in runs)


# ---- the embedded model -------------------------------------------------------------------------


def test_the_embedded_model_finds_names(embedded: Tagger) -> None:
    text = "My name is John Smith. I work for Acme Corp. in New York City."
    found = [(entity.text, entity.label) for entity in embedded(text)]
    assert found == [("John Smith", "PER"), ("Acme Corp.", "ORG"), ("New York City", "LOC")]
    tags = embedded.tag(["My", "name", "is", "John"])
    assert tags == ["O", "O", "O", "B-PER"]


def test_the_embedded_model_gives_the_same_bits_in_any_batch(embedded: Tagger) -> None:
    texts = [f"John Smith {i} went to Paris with {i} Germans of the U.N." for i in range(70)]
    texts[3] = " ".join(texts)  # longer than one window
    alone = {text: embedded(text) for text in texts}
    ids = {text: embedded.encode(text)[:512] for text in texts}
    bits = {text: embedded.logits([ids[text]])[0].tobytes() for text in texts}
    random.Random(0).shuffle(texts)
    for size in SIZES[1:]:
        for batch in in_batches(texts, size):
            assert embedded(batch) == [alone[text] for text in batch]
            found = embedded.logits([ids[text] for text in batch])
            assert [logits.tobytes() for logits in found] == [bits[text] for text in batch]
