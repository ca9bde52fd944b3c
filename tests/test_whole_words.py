"""minner's own word rule behind Spark NLP's annotations, in process."""

from __future__ import annotations

import pytest

from minner.sparknlp import Annotation, document
from minner.sparknlp.whole_words import WholeWordClassifier, WholeWordTokenizer
from minner.tagger import Tagger

TEXTS = ["John (Acme-Corp) isn't in St. 😀 London!", "", " \n", "John in Paris. " * 30, "\u0301"]


def row(text: str) -> tuple[list[Annotation], list[Annotation]]:
    documents = [document(text)]
    return documents, WholeWordTokenizer().annotate(documents)


def test_words_and_tags_are_minner_s(tiny: Tagger) -> None:
    rows = [row(text) for text in TEXTS]
    found = WholeWordClassifier(tiny).annotate(rows)
    for text, (_, tokens), tags in zip(TEXTS, rows, found, strict=True):
        expected = tiny.document(text)
        assert [token["result"] for token in tokens] == [text[a:b] for a, b in expected.words]
        assert [tag["result"] for tag in tags] == expected.tags
        assert [(tag["begin"], tag["end"]) for tag in tags] == [
            (token["begin"], token["end"]) for token in tokens
        ]
        for tag, values in zip(tags, expected.probabilities, strict=True):
            metadata = tag["metadata"]
            assert list(metadata) == ["sentence", "word", *tiny.labels]
            numbers = [float(metadata[label]) for label in tiny.labels]
            assert numbers == pytest.approx(values.tolist(), rel=1e-6)


def test_sentences_are_read_alone(tiny: Tagger) -> None:
    first, second = document("John in"), document("London")
    first["metadata"], second["metadata"] = {"sentence": "0"}, {"sentence": "1"}
    second["begin"], second["end"] = 8, 13
    documents = [first, second]
    (found,) = WholeWordClassifier(tiny).annotate(
        [(documents, WholeWordTokenizer().annotate(documents))]
    )
    assert [tag["result"] for tag in found] == tiny.tag(["John", "in"]) + tiny.tag(["London"])
    assert [tag["metadata"]["sentence"] for tag in found] == ["0", "0", "1"]
    assert [tag["begin"] for tag in found] == [0, 5, 8]
