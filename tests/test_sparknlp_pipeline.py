"""Spark NLP's classifier on minner's engine, and the whole pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minner
from checkpoints import VOCABULARY, write_checkpoint
from minner import MinnerError
from minner.decoding.softmax import softmax
from minner.sparknlp import (
    Annotation,
    LightPipeline,
    NerConverter,
    TokenClassifier,
    Tokenizer,
    document,
)
from minner.tagger import Tagger

TEXTS = [
    "My name is John Smith.",
    "",
    "John Smith works for Acme-Corp in London, and (Mary) for Johnson & Co. in São Paris.",
    " \n ",
    "\u0301 😀 John \ud800",
]


def row(*texts: str) -> tuple[list[Annotation], list[Annotation]]:
    """Sentences that stand one after the other in a row, and their tokens."""
    documents = []
    begin = 0
    for number, text in enumerate(texts):
        item = document(text, {"sentence": str(number)})
        documents.append(Annotation(**{**item, "begin": begin, "end": begin + item["end"]}))
        begin += item["end"] + 2
    return documents, Tokenizer().annotate(documents)


def ids_of(tagger: Tagger, *wordpieces: str) -> list[int]:
    return [VOCABULARY.index(wordpiece) for wordpiece in ("[CLS]", *wordpieces, "[SEP]")]


# ---- the classifier -----------------------------------------------------------------------------


def test_tags_and_probabilities_are_those_of_first_wordpieces(tiny: Tagger) -> None:
    # `Acme-Corp` goes in as `Acme`, `São` as `Sao`.
    ids = ids_of(tiny, "John", "##son", "and", "Acme", "S", "##a", "##o", ".")
    probabilities = softmax(tiny.logits([ids])[0])[[1, 3, 4, 5, 8]]
    (found,) = TokenClassifier(tiny).annotate([row("Johnson and Acme-Corp São.")])
    assert [item["metadata"]["word"] for item in found] == [
        "Johnson", "and", "Acme-Corp", "São", ".",
    ]  # fmt: skip
    for item, expected in zip(found, probabilities, strict=True):
        assert item["annotatorType"] == "named_entity"
        assert item["result"] == tiny.labels[int(expected.argmax())]
        assert list(item["metadata"]) == ["sentence", "word", *tiny.labels]
        numbers = [float(item["metadata"][label]) for label in tiny.labels]
        np.testing.assert_allclose(numbers, expected, rtol=1e-6)
    assert [(item["begin"], item["end"]) for item in found] == [
        (0, 6), (8, 10), (12, 20), (22, 24), (25, 25),
    ]  # fmt: skip


def test_a_row_is_the_same_in_any_batch(tiny: Tagger) -> None:
    classifier = TokenClassifier(tiny)
    rows = [row(text) for text in TEXTS] + [row("John Smith", "", "London"), ([], [])]
    assert classifier.annotate(rows) == [classifier.annotate([one])[0] for one in rows]
    assert classifier.annotate([]) == []


def test_sentences_run_alone_and_are_counted_in_their_row(tiny: Tagger) -> None:
    classifier = TokenClassifier(tiny)
    (found,) = classifier.annotate([row("John Smith", "", "in London")])
    (first,), (second,) = (
        classifier.annotate([row("John Smith")]),
        classifier.annotate([row("in London")]),
    )
    assert [item["result"] for item in found] == [item["result"] for item in first + second]
    assert [item["metadata"]["sentence"] for item in found] == ["0", "0", "1", "1"]
    assert [item["begin"] for item in found] == [0, 5, 12, 15]


def test_words_without_wordpieces_get_no_annotation(tiny: Tagger) -> None:
    (found,) = TokenClassifier(tiny).annotate([row("\u0301 John \x85")])
    assert [item["metadata"]["word"] for item in found] == ["John"]
    assert TokenClassifier(tiny).annotate([row("\u0301")]) == [[]]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 9, 10, 32])
def test_max_sentence_length(tiny: Tagger, length: int) -> None:
    words = ["My", "name", "is", "John", "Smith", "##ton", "in"]  # seven wordpieces of six words
    logits = tiny.logits([ids_of(tiny, *words[: max(length - 2, 0)])])[0]
    # The wordpiece behind the last that went in is read from the row of [SEP].
    seen = min(length, len(words), len(logits) - 1)
    rows = [place for place in range(1, seen + 1) if words[place - 1] != "##ton"]
    classifier = TokenClassifier(tiny, max_sentence_length=length)
    (found,) = classifier.annotate([row("My name is John Smithton in")])
    assert [item["result"] for item in found] == [
        tiny.labels[best] for best in logits[rows].argmax(axis=1)
    ]
    top = [float(item["metadata"][item["result"]]) for item in found]
    np.testing.assert_allclose(top, softmax(logits)[rows].max(axis=1), rtol=1e-6)


@pytest.mark.parametrize("length", [0, 33, 513, -1, 1.5, "8"])
def test_max_sentence_length_is_checked(tiny: Tagger, length: int) -> None:
    with pytest.raises(MinnerError, match="max_sentence_length must be from 1 to 32, not"):
        TokenClassifier(tiny, max_sentence_length=length)


def test_no_more_than_512_wordpieces_even_of_a_longer_model(tmp_path: Path) -> None:
    tagger = minner.load(write_checkpoint(tmp_path, max_positions=600))
    with pytest.raises(MinnerError, match="from 1 to 512, not 600"):
        TokenClassifier(tagger, max_sentence_length=600)
    (found,) = TokenClassifier(tagger).annotate([row("a " * 600)])
    assert len(found) == 511  # 510, and the one that [SEP] speaks for


def test_case(tmp_path: Path, tiny: Tagger) -> None:
    uncased = minner.load(write_checkpoint(tmp_path, lowercase=True))
    for tagger, setting, wordpieces in [
        (uncased, None, ["is"]),
        (uncased, True, ["I", "##S"]),
        (tiny, None, ["I", "##S"]),
        (tiny, False, ["is"]),
    ]:
        (found,) = TokenClassifier(tagger, case_sensitive=setting).annotate([row("IS")])
        expected = tagger.logits([ids_of(tagger, *wordpieces)])[0][1]
        assert found[0]["result"] == tagger.labels[int(expected.argmax())]
        assert float(found[0]["metadata"]["O"]) == pytest.approx(softmax(expected)[0], rel=1e-6)
        assert found[0]["metadata"]["word"] == "IS"


def test_a_word_that_decomposition_lengthens_may_tag_the_next_one_too(tmp_path: Path) -> None:
    # 가나 is four wordpieces, of which the last begins at unit 3, as 다 does.
    jamo = ["ᄀ", "##ᅡ", "##ᄂ", "ᄃ"]
    tagger = minner.load(write_checkpoint(tmp_path, vocab=(*VOCABULARY, *jamo)))
    documents, tokens = row("가나 다")
    (found,) = TokenClassifier(tagger).annotate([(documents, tokens)])
    assert [(item["begin"], item["metadata"]["word"]) for item in found] == [
        (0, "가나"),
        (3, "다"),
        (3, "다"),
    ]
    ids = [
        tagger.vocabulary.tokenizer.token_to_id(p) for p in [*jamo[:3], jamo[1], jamo[3], jamo[1]]
    ]
    logits = tagger.logits([[2, *ids, 3]])[0]
    assert [item["result"] for item in found] == [
        tagger.labels[best] for best in logits[[1, 4, 5]].argmax(axis=1)
    ]


# ---- the pipeline -------------------------------------------------------------------------------


def test_the_card_s_example(embedded: Tagger) -> None:
    pipeline = LightPipeline(embedded)
    (row,) = pipeline.fullAnnotate("My name is John!")
    assert list(row) == ["document", "token", "ner", "entities"]
    assert row["document"] == [
        {
            "annotatorType": "document",
            "begin": 0,
            "end": 15,
            "result": "My name is John!",
            "metadata": {},
        }
    ]
    assert [item["result"] for item in row["token"]] == ["My", "name", "is", "John", "!"]
    assert [item["result"] for item in row["ner"]][:4] == ["O", "O", "O", "B-PER"]
    john = row["ner"][3]
    assert (john["begin"], john["end"]) == (11, 14)
    assert list(john["metadata"]) == ["sentence", "word", *embedded.labels]
    (entity,) = row["entities"]
    assert entity["annotatorType"] == "chunk"
    assert entity["begin"] == 11
    assert entity["result"].startswith("John")
    assert list(entity["metadata"]) == ["entity", "sentence", "chunk", "confidence"]
    assert entity["metadata"]["entity"] == "PER"
    assert entity["metadata"]["sentence"] == entity["metadata"]["chunk"] == "0"
    assert float(entity["metadata"]["confidence"]) > 0.5


def test_annotate_gives_the_results_of_full_annotate(tiny: Tagger) -> None:
    pipeline = LightPipeline(tiny)
    full = pipeline.fullAnnotate(TEXTS)
    short = pipeline.annotate(TEXTS)
    assert short == [
        {column: [item["result"] for item in items] for column, items in row.items()}
        for row in full
    ]
    assert short == [pipeline.annotate(text) for text in TEXTS]
    assert full == [pipeline.fullAnnotate(text)[0] for text in TEXTS]
    assert pipeline.annotate(iter(TEXTS)) == pipeline.annotate(tuple(TEXTS)) == short


def test_rows_without_text_are_kept(tiny: Tagger) -> None:
    pipeline = LightPipeline(tiny)
    nothing = {"document": [""], "token": [], "ner": [], "entities": []}
    assert pipeline.annotate("") == nothing
    assert pipeline.annotate([None, "", "\t"]) == [
        nothing,
        nothing,
        {**nothing, "document": ["\t"]},
    ]
    assert pipeline.fullAnnotate([None])[0]["document"][0]["end"] == -1
    assert pipeline.annotate([]) == pipeline.fullAnnotate([]) == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (5, "expected a text or a list of texts, not int"),
        (None, "expected a text or a list of texts, not NoneType"),
        (b"John", "expected a text or a list of texts, not bytes"),
        ({"key": "value"}, "expected a text or a list of texts, not dict"),
        (["John", 5], "a text must be a string or None, not int"),
        ([["John"]], "a text must be a string or None, not list"),
    ],
)
def test_bad_targets(tiny: Tagger, target: object, message: str) -> None:
    pipeline = LightPipeline(tiny)
    for call in (pipeline.annotate, pipeline.fullAnnotate):
        with pytest.raises(MinnerError, match=message):
            call(target)  # type: ignore[arg-type]


def test_stages_can_be_set(tiny_path: Path) -> None:
    text = "Mary-John works in New Paris"
    pipeline = LightPipeline(
        tiny_path,
        max_sentence_length=3,
        tokenizer=Tokenizer(split_pattern="-", exceptions=["New Paris"]),
        converter=NerConverter(white_list=[]),
    )
    found = pipeline.annotate(text)
    assert found["token"] == ["Mary", "John", "works", "in", "New Paris"]
    assert len(found["ner"]) < 5
    assert found["entities"] == []


def test_what_is_cut_off_is_outside(tiny: Tagger) -> None:
    found = LightPipeline(tiny).fullAnnotate("John Smith in London " * 40)[0]
    assert len(found["token"]) == 160
    assert len(found["ner"]) == 31
    assert max(chunk["end"] for chunk in found["entities"]) <= found["ner"][-1]["end"]


def check(text: str, row: dict[str, list[Annotation]]) -> None:
    """What holds for every text: offsets slice it, metadata are strings, chunks are numbered."""
    units = text.encode("utf-16-le", "surrogatepass")
    for column in ("document", "token", "entities"):
        for item in row[column]:
            part = units[2 * item["begin"] : 2 * item["end"] + 2]
            assert part == item["result"].encode("utf-16-le", "surrogatepass")
    places = {(token["begin"], token["end"]): token["result"] for token in row["token"]}
    for item in row["ner"]:
        assert places[item["begin"], item["end"]] == item["metadata"]["word"]
    for items in row.values():
        for item in items:
            assert all(isinstance(value, str) for value in item["metadata"].values())
    assert [c["metadata"]["chunk"] for c in row["entities"]] == [
        str(number) for number in range(len(row["entities"]))
    ]
    assert json.dumps(row), "plain dictionaries"


AWKWARD = st.text(alphabet="JohnSmith .,-()' \n\t\u00a0\u2028\u0301ↇ가東“👍🏽\ud800\udc00\0")


@given(st.text(alphabet=st.characters()) | AWKWARD)
@settings(max_examples=300)
def test_offsets_of_any_text(tiny: Tagger, text: str) -> None:
    check(text, LightPipeline(tiny).fullAnnotate(text)[0])


def test_sentences_of_wikipedia(embedded: Tagger, shared: Path) -> None:
    blocks = (shared / "wikigold" / "wikigold.conll.txt").read_text(encoding="utf-8").split("\n\n")
    texts = [" ".join(line.split()[0] for line in b.splitlines() if line.strip()) for b in blocks]
    texts = [text for text in texts if text][:200]
    rows = LightPipeline(embedded).fullAnnotate(texts)
    for text, row in zip(texts, rows, strict=True):
        check(text, row)
        assert len(row["ner"]) == len(row["token"])
    assert sum(len(row["entities"]) for row in rows) > 200


def test_articles_of_wikipedia(tiny: Tagger, shared: Path) -> None:
    text = (shared / "wiki-text" / "wiki_00.txt").read_text(encoding="utf-8")[:300_000]
    texts = text.split("</doc>")
    for article, row in zip(texts, LightPipeline(tiny).fullAnnotate(texts), strict=True):
        check(article, row)
