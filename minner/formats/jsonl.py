"""JSON lines for programs: the entities alone, or all that is known of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from minner.document import Document
from minner.entity import record_of
from minner.formats.json_text import json_parts, json_text
from minner.formats.registry import FORMATS, Format
from minner.formats.tagged import tagged
from minner.tagger import Tagger
from minner.text.words import split_words


def jsonl(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A JSON object per text: the text, and its entities."""
    for text, found in tagged(ner, texts):
        yield from json_parts({"text": text}, "entities", map(record_of, found))


def jsonl_words(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """As `jsonl`, with every word, the probabilities of all labels for it, and how it was read."""
    for document in ner.documents(texts):
        record = {
            "text": document.text,
            "entities": [*map(record_of, document.entities)],
            "words": list(_words(document)),
            "wordpieces": len(document.wordpieces.ids),
            "windows": len(document.windows),
            "cut": document.cut,
        }
        yield json_text(record)


def _words(document: Document) -> Iterator[dict[str, Any]]:
    places = split_words(document.text)  # in code points, whatever unit was asked for
    for i, (first, last) in enumerate(places):
        start, end = document.words[i]
        yield {
            "text": document.text[first:last],
            "start": start,
            "end": end,
            "tag": document.tags[i],
            "score": float(document.scores[i]),
            "probabilities": _by_label(document.labels, document.probabilities[i].tolist()),
        }


def _by_label(labels: Sequence[str], probabilities: Sequence[float]) -> dict[str, float]:
    """Six decimals, about what float32 has; labels that two classes share are added up."""
    total = dict.fromkeys(labels, 0.0)
    for label, probability in zip(labels, probabilities, strict=True):
        total[label] += probability
    return {label: round(probability, 6) for label, probability in total.items()}


FORMATS["jsonl"] = Format(jsonl, summary="a JSON object per text, with its entities")
FORMATS["jsonl-words"] = Format(
    jsonl_words,
    summary="as jsonl, with every word, the probabilities of all labels for it, and how many "
    "wordpieces were cut off",
)
