"""Documents, and what the options of `minner.load` do to them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import FrozenInstanceError, replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minner
from checkpoints import write_checkpoint
from minner.compat import pipeline
from minner.decoders import DECODERS
from minner.decoding.assembler import Assembler
from minner.decoding.reading import Reading
from minner.decoding.softmax import softmax
from minner.decoding.strategies import STRATEGIES
from minner.errors import MinnerError, MinnerWarning
from minner.options import Options
from minner.sparknlp import LightPipeline
from minner.streams import TEXTS_PER_BATCH
from minner.tagger import Tagger
from minner.text.inputs import Source, text_source
from minner.text.offsets import UNITS, unit_offsets
from minner.text.words import split_words

TEXT = "John Smith works for Acme Corp. in London, and Mary for Johnson & Co. in Paris."
LONG = " ".join(f"Smith{i} lives in Paris" for i in range(40))
TEXTS = ["", TEXT, "日本 \u200b e\u0301te\u0301 👍🏽 \ud800", LONG, "Ann\u00ad \u00ad Lee"]
CODECS = {"codepoints": ("utf-32-le", 4), "utf8": ("utf-8", 1), "utf16": ("utf-16-le", 2)}


@pytest.fixture(scope="module")
def iobes(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    """A random model with the labels O, and B-, I-, E- and S- of PER and LOC."""
    labels = ["O", *(f"{prefix}-{name}" for name in ("PER", "LOC") for prefix in "BIES")]
    path = write_checkpoint(
        tmp_path_factory.mktemp("models") / "iobes",
        max_positions=32,
        seed=3,
        n_labels=len(labels),
        id2label={str(i): label for i, label in enumerate(labels)},
        label2id=None,
    )
    return minner.load(path)


def cut_out(text: str, start: int, end: int, unit: str) -> str:
    """What stands between two offsets, by encoding all of the text."""
    codec, width = CODECS[unit]
    encoded = text.encode(codec, "surrogatepass")[start * width : end * width]
    return encoded.decode(codec, "surrogatepass")


# ---- the default rules --------------------------------------------------------------------------


def test_a_document_tells_what_calls_tell(tiny: Tagger) -> None:
    """The two ways of the tagger, the short one and the one that keeps a record, are one rule."""
    for document, text in zip(tiny.documents(TEXTS), TEXTS, strict=True):
        assert document.text == text
        assert document.words == split_words(text)
        assert document.entities == tiny(text)
        assert document.tags == tiny.tag([text[start:end] for start, end in document.words])


def test_what_a_document_holds(tiny: Tagger) -> None:
    document = tiny.document(TEXT)
    count = len(document.words)
    assert document.labels == tiny.labels
    assert document.probabilities.shape == (count, 9)
    assert document.probabilities.dtype == document.scores.dtype == np.float32
    np.testing.assert_allclose(document.probabilities.sum(axis=1), 1, rtol=1e-5)
    best = document.probabilities.argmax(axis=1)
    assert document.tags == [tiny.labels[i] for i in best]
    np.testing.assert_array_equal(document.scores, document.probabilities.max(axis=1))
    assert document.wordpieces.ids.shape == document.wordpieces.words.shape
    assert set(document.wordpieces.words.tolist()) == set(range(count))
    assert (len(document.windows), document.cut) == (1 + (len(document.wordpieces.ids) > 30), 0)
    with pytest.raises(FrozenInstanceError):
        document.text = ""  # type: ignore[misc]


def test_words_without_wordpieces_are_outside(tiny: Tagger) -> None:
    document = tiny.document(["John", "\u00ad", "", "Smith"])
    assert document.tags[1:3] == ["O", "O"]
    assert document.scores[1:3].tolist() == [1, 1]
    assert document.probabilities[1:3].tolist() == [[1] + [0] * 8] * 2


def test_a_list_of_words_is_a_document(tiny: Tagger) -> None:
    words = ["New York", "", "U.S.", "e\u0301", "Smith's"]
    document = tiny.document(words)
    assert document.text == "New York  U.S. e\u0301 Smith's"
    assert [document.text[start:end] for start, end in document.words] == words
    assert document.tags == tiny.tag(words)
    assert tiny.document([]).text == ""


def test_documents_stream(tiny: Tagger) -> None:
    taken = []

    def texts() -> Iterator[str]:
        for i in range(3 * TEXTS_PER_BATCH):
            taken.append(i)
            yield f"John Smith {i}"

    stream = tiny.documents(texts())
    assert next(stream).text == "John Smith 0"
    assert len(taken) <= TEXTS_PER_BATCH


@pytest.mark.parametrize("item", [5, None, b"John", ["John", 5]])
def test_what_is_no_document(tiny: Tagger, item: object) -> None:
    with pytest.raises(MinnerError, match="must be a string"):
        tiny.document(item)  # type: ignore[arg-type]
    with pytest.raises(MinnerError, match="a list or stream of texts, not str"):
        next(tiny.documents("John"))


# ---- word strategies and decoders ---------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_word_strategies(tiny: Tagger, strategy: str) -> None:
    words = ["Johnsonville", "lives", "in", "Londonton", "\u00ad", "xyz"]
    ner = tiny.with_options(word_strategy=strategy)
    document = ner.document(words)
    ids = [tiny.vocabulary.cls_id, *document.wordpieces.ids, tiny.vocabulary.sep_id]
    probabilities = softmax(tiny.logits([ids])[0][1:-1])
    for word in (0, 1, 2, 3, 5):
        rows = probabilities[document.wordpieces.words == word]
        expected = {
            "first": rows[0],
            "average": rows.mean(axis=0),
            "max": rows[rows.max(axis=1).argmax()],
        }[strategy]
        np.testing.assert_allclose(document.probabilities[word], expected, rtol=1e-5)
        assert document.tags[word] == tiny.labels[expected.argmax()]
    assert ner.tag(words) == document.tags


def test_the_strategies_differ(tiny: Tagger) -> None:
    found = {tuple(tiny.with_options(word_strategy=name).tag(LONG.split())) for name in STRATEGIES}
    assert len(found) == 3


@pytest.mark.parametrize("decoder", ["iob2", "viterbi", "viterbi-iob1"])
def test_decoders(tiny: Tagger, decoder: str) -> None:
    ner = tiny.with_options(decoder=decoder)
    differs = 0
    for text in TEXTS:
        document = ner.document(text)
        spans = document.words
        words = document.wordpieces.first()[0]  # those that a decoder sees
        expected = [
            (label, spans[run[0]][0], spans[run[-1]][1], document.scores[run].mean())
            for label, first, last in DECODERS[decoder]([document.tags[word] for word in words])
            for run in [words[first : last + 1]]
        ]
        found = [(e.label, e.start, e.end, pytest.approx(e.score)) for e in document.entities]
        assert found == expected
        assert ner(text) == document.entities
        differs += document.entities != tiny(text)
        picked = [document.labels.index(tag) for tag in document.tags]
        seen = np.isin(np.arange(len(spans)), document.wordpieces.words)
        np.testing.assert_array_equal(
            document.scores[seen], document.probabilities[np.arange(len(spans)), picked][seen]
        )
    assert differs


@pytest.mark.parametrize("decoder", ["conlleval", "iob2", "sparknlp", "viterbi"])
def test_a_word_without_wordpieces_changes_no_other(tiny: Tagger, decoder: str) -> None:
    ner = tiny.with_options(decoder=decoder)
    words = LONG.split()[:20]
    plain = ner.document(words)
    gaps = ner.document([*words[:9], "\u00ad", "\ufffd", *words[9:], "\0"])
    assert [gaps.tags.pop(place) for place in (22, 10, 9)] == ["O"] * 3
    assert gaps.tags == plain.tags
    for one, other in zip(gaps.entities, plain.entities, strict=True):
        assert (one.label, one.score) == (other.label, other.score)
        assert one.text.replace(" \u00ad \ufffd", "") == other.text


# ---- labels -------------------------------------------------------------------------------------


def test_labels(tiny: Tagger) -> None:
    everything = tiny(LONG)
    assert len({entity.label for entity in everything}) > 2
    kept = tiny.with_options(labels=["PER", "MISC"])(LONG)
    assert kept == [entity for entity in everything if entity.label in ("PER", "MISC")]
    kept = tiny.with_options(ignore_labels=["PER", "O"])(LONG)
    assert kept == [entity for entity in everything if entity.label != "PER"]


def test_a_label_map_renames_before_filters(tiny: Tagger) -> None:
    everything = tiny(LONG)
    names = {"PER": "PERSON", "LOC": "PLACE", "ORG": "PLACE"}
    renamed = [
        replace(entity, label=names.get(entity.label, entity.label)) for entity in everything
    ]
    assert tiny.with_options(label_map=names)(LONG) == renamed
    places = tiny.with_options(label_map=names, labels=["PLACE"])(LONG)
    assert places == [entity for entity in renamed if entity.label == "PLACE"]


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({}, ["PER", "ORG", "LOC", "MISC"]),
        ({"labels": ["LOC", "PER"]}, ["PER", "LOC"]),
        ({"ignore_labels": ["LOC", "O"]}, ["PER", "ORG", "MISC"]),
        ({"label_map": {"PER": "WHO", "LOC": "ORG"}}, ["WHO", "ORG", "MISC"]),
        ({"label_map": {"LOC": "ORG"}, "labels": ["ORG"]}, ["ORG"]),
    ],
)
def test_labels_that_entities_can_have(
    tiny: Tagger, options: dict[str, Any], labels: list[str]
) -> None:
    ner = tiny.with_options(**options)
    assert ner.entity_labels == tuple(labels)
    assert {entity.label for entity in ner(LONG)} <= set(labels)
    assert ner.labels == tiny.labels


def test_min_score(tiny: Tagger) -> None:
    everything = tiny(LONG)
    bound = sorted(entity.score for entity in everything)[len(everything) // 2]
    kept = tiny.with_options(min_score=bound)(LONG)
    assert kept == [entity for entity in everything if entity.score >= bound]
    assert 0 < len(kept) < len(everything)


def test_options_leave_their_tagger_alone(tiny: Tagger) -> None:
    before = tiny(LONG)
    other = tiny.with_options(labels=["PER"], min_score=0.1)
    assert other(LONG) != before
    assert other.with_options(labels=None, min_score=0)(LONG) == before
    assert tiny(LONG) == before


# ---- long texts ---------------------------------------------------------------------------------


def test_windows_are_recorded(tiny: Tagger) -> None:
    document = tiny.document(LONG)
    assert len(document.windows) > 5
    assert document.windows[-1].keep_end == len(document.wordpieces.ids)
    assert document.cut == 0
    assert tiny.document("").windows == []


def test_on_long_error(tiny: Tagger) -> None:
    ner = tiny.with_options(on_long="error")
    fits = ["John"] * 30
    assert ner.tag(fits) == tiny.tag(fits)
    message = "begins 'Smith0 lives in Paris Smith1' has .* wordpieces, but the model takes 30"
    for call in (ner, ner.document, lambda text: ner.tag(text.split())):
        with pytest.raises(MinnerError, match=message):
            call(LONG)


def test_on_long_truncate(tiny: Tagger) -> None:
    ner = tiny.with_options(on_long="truncate")
    assert ner.document(TEXT[:20]).cut == 0
    whole = tiny.document(LONG)
    message = (
        f"{len(whole.wordpieces.ids) - 30} of {len(whole.wordpieces.ids)} wordpieces were cut off"
    )
    with pytest.warns(MinnerWarning, match=message):
        document = ner.document(LONG)
    assert document.cut == len(whole.wordpieces.ids) - 30
    assert len(document.windows) == 1
    np.testing.assert_array_equal(document.wordpieces.ids, whole.wordpieces.ids[:30])
    read = int(document.wordpieces.words[-1]) + 1
    assert document.words == whole.words
    assert set(document.tags[read:]) == {"O"}
    assert not document.scores[read:].any() and not document.probabilities[read:].any()
    assert document.scores[:read].all()
    assert max(entity.end for entity in document.entities) <= document.words[read - 1][1]
    ids = [tiny.vocabulary.cls_id, *document.wordpieces.ids, tiny.vocabulary.sep_id]
    rows = softmax(tiny.logits([ids])[0][1:-1])[document.wordpieces.first()[1]]
    np.testing.assert_array_equal(document.probabilities[:read], rows)


# ---- offsets ------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters()), st.sampled_from(UNITS), st.booleans())
def test_offsets(tiny: Tagger, text: str, unit: str, inclusive: bool) -> None:
    document = tiny.with_options(offsets=unit, inclusive_ends=inclusive).document(text)
    for start, end in document.words:
        assert cut_out(text, start, end + inclusive, unit).strip()
    for entity, ours in zip(document.entities, tiny(text), strict=True):
        assert cut_out(text, entity.start, entity.end + inclusive, unit) == entity.text
        assert replace(entity, start=ours.start, end=ours.end) == ours


def generated_texts(count: int) -> list[str]:
    """Texts of names the model knows, and of anything that a Python string can hold."""
    choose = random.Random(0)
    planes = [(0, 0x7F), (0, 0x7FF), (0, 0xFFFF), (0xD800, 0xDFFF), (0x10000, 0x10FFFF)]

    def token() -> str:
        if choose.random() < 0.5:
            return choose.choice(["John", "Smith", "London", "Acme", " ", " ", "\n", ", "])
        low, high = choose.choice(planes)
        return "".join(chr(choose.randint(low, high)) for _ in range(choose.randint(1, 3)))

    return ["".join(token() for _ in range(choose.randint(0, 8))) for _ in range(count)]


class Read(NamedTuple):
    """A generated text, what a model made of it, and the text and its places in every unit."""

    source: Source
    readings: dict[bool, Reading]  # by whether it has the logits of all wordpieces
    encoded: dict[str, bytes]
    places: dict[str, Sequence[int]]


@pytest.fixture(scope="module")
def reads(tiny: Tagger, iobes: Tagger) -> dict[str, list[Read]]:
    """10,000 texts, read once by either model."""
    texts = generated_texts(10_000)
    sources = [text_source(text) for text in texts]
    encoded = [
        {unit: text.encode(codec, "surrogatepass") for unit, (codec, _) in CODECS.items()}
        for text in texts
    ]
    places = [{unit: unit_offsets(text, unit) for unit in UNITS} for text in texts]
    return {
        name: [
            Read(source, {True: everything, False: firsts}, ours, units)
            for source, everything, firsts, ours, units in zip(
                sources,
                model._reader.read(sources, all_rows=True),
                model._reader.read(sources),
                encoded,
                places,
                strict=True,
            )
        ]
        for name, model in (("iob", tiny), ("iobes", iobes))
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("decoder", [name for name in DECODERS if name != "bilou"])
def test_ten_thousand_texts(
    tiny: Tagger, iobes: Tagger, reads: dict[str, list[Read]], decoder: str, strategy: str
) -> None:
    """`text[start:end] == entity.text` in every decoder, strategy and unit."""
    labels, texts = (iobes.labels, "iobes") if decoder == "iobes" else (tiny.labels, "iob")
    assembler = Assembler(Options(decoder=decoder, word_strategy=strategy), labels)
    count = 0
    for source, readings, encoded, places in reads[texts]:
        text, reading = source.text, readings[assembler.all_rows]
        for entity in assembler.document(source, reading).entities:
            assert text[entity.start : entity.end] == entity.text != ""
            for unit, (codec, width) in CODECS.items():
                start, end = (places[unit][place] * width for place in (entity.start, entity.end))
                assert encoded[unit][start:end] == entity.text.encode(codec, "surrogatepass")
            count += 1
    assert count > 1000


def test_ten_thousand_texts_in_the_way_of_hugging_face(tiny: Tagger) -> None:
    """Every entity is a place in its text; none is empty, and none begins before the one before."""
    texts = generated_texts(10_000)
    ours = pipeline("ner", tiny, aggregation_strategy="simple")
    count = 0
    for text, found in zip(texts, ours(texts), strict=True):
        starts = [entity["start"] for entity in found]
        assert starts == sorted(starts)
        for entity in found:
            assert 0 <= entity["start"] < entity["end"] <= len(text)
            count += 1
    assert count > 1000


def test_ten_thousand_texts_in_the_way_of_spark_nlp(tiny: Tagger) -> None:
    """Begin and end, inclusive and in UTF-16 units, cut out what the annotation says it is."""
    texts = generated_texts(10_000)
    count = 0
    for text, columns in zip(texts, LightPipeline(tiny).fullAnnotate(texts), strict=True):
        units = text.encode("utf-16-le", "surrogatepass")
        for annotation in columns["token"] + columns["entities"]:
            begin, end = annotation["begin"], annotation["end"]
            result = annotation["result"].encode("utf-16-le", "surrogatepass")
            assert units[2 * begin : 2 * (end + 1)] == result != b""
        count += len(columns["entities"])
    assert count > 1000
