"""The manual format of displaCy, spaCy's visualiser: `displacy.render(..., manual=True)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from minner.formats.json_text import json_parts
from minner.formats.registry import FORMATS, OFFSETS, Format
from minner.formats.tagged import tagged
from minner.tagger import Tagger


def displacy(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A JSON object per text; a list of them is what displaCy draws with `style="ent"`."""
    for text, found in tagged(ner, texts):
        ents = ({"start": e.start, "end": e.end, "label": e.label} for e in found)
        yield from json_parts({"text": text, "title": None}, "ents", ents)


FORMATS["displacy"] = Format(
    displacy,
    summary="JSON lines that spaCy's displaCy draws",
    refuses=OFFSETS,
    reason="has offsets of its own",
)
