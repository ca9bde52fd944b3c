"""Spark NLP's annotations as dictionaries, and how a row's tokens fall into sentences."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from minner.errors import MinnerError
from minner.sparknlp.jvm import utf16_length


class Annotation(dict[str, Any]):
    """What every stage gives and takes: a dictionary whose values are attributes, too.

    The keys are `annotatorType`, `begin`, `end`, `result` and `metadata`. `begin` and `end` count
    UTF-16 units of the row's text, `end` is the last unit itself, and all values of `metadata` are
    strings. Attributes have the names of Spark NLP's Python, to be read and not set.
    """

    __slots__ = ()

    @property
    def annotator_type(self) -> str:
        """What it is: document, token, named_entity or chunk."""
        return str(self["annotatorType"])

    @property
    def begin(self) -> int:
        """The first UTF-16 unit."""
        return int(self["begin"])

    @property
    def end(self) -> int:
        """The last UTF-16 unit."""
        return int(self["end"])

    @property
    def result(self) -> str:
        """The text, or the tag."""
        return str(self["result"])

    @property
    def metadata(self) -> dict[str, str]:
        """What else there is to know."""
        found: dict[str, str] = self["metadata"]
        return found

    @property
    def embeddings(self) -> list[float]:
        """Always empty: no stage here has any."""
        return []


def document(text: str | None, metadata: Mapping[str, str] | None = None) -> Annotation:
    """A row's text as its one document, as DocumentAssembler gives it; no text reads as empty.

    Args:
        text: of the row; the end of an empty one is -1.
        metadata: Spark NLP has `{"sentence": "0"}` in a data frame, nothing in a LightPipeline.
    """
    text = "" if text is None else text
    return Annotation(
        annotatorType="document",
        begin=0,
        end=utf16_length(text) - 1,
        result=text,
        metadata=dict(metadata or {}),
    )


def sentence_number(annotation: Annotation) -> int:
    """The sentence that an annotation's metadata names; 0 where they name none.

    Raises:
        MinnerError: it is not a whole number.
    """
    number = annotation["metadata"].get("sentence", "0")
    try:
        return int(number)
    except ValueError:
        raise MinnerError(
            f"the metadata of an annotation must have a whole number as sentence, not {number!r}"
        ) from None


def inhabited(
    documents: Sequence[Annotation], tokens: Sequence[Annotation]
) -> list[tuple[Annotation, list[Annotation]]]:
    """Each document of a row that has tokens, with them, in the order of their begins.

    A token belongs where it lies between begin and end.
    """
    ordered = sorted(tokens, key=_begin)
    begins = [token["begin"] for token in ordered]
    found = []
    for item in documents:
        near = ordered[bisect_left(begins, item["begin"]) : bisect_right(begins, item["end"])]
        inside = [token for token in near if token["end"] <= item["end"]]
        if inside:
            found.append((item, inside))
    return found


def sentences(
    documents: Sequence[Annotation], tokens: Sequence[Annotation]
) -> list[list[Annotation]]:
    """The tokens of each sentence of a row, in the order of the sentences' numbers.

    A document annotation is a sentence, or part of one: those of the same number are joined. Where
    no metadata name a sentence, each stands alone. A sentence without tokens is left out, so the
    place of a sentence in the result may differ from its number.
    """
    numbered = any("sentence" in item["metadata"] for item in (*documents, *tokens))
    found: dict[int, list[Annotation]] = {}
    for position, (item, inside) in enumerate(inhabited(documents, tokens)):
        found.setdefault(sentence_number(item) if numbered else position, []).extend(inside)
    return [found[number] for number in sorted(found)]


def _begin(annotation: Annotation) -> int:
    return annotation.begin
