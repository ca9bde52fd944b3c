"""JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from minner.formats.tagged import tagged
from minner.tagger import Tagger


def jsonl(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A JSON object per text: the text, and its entities with code point offsets."""
    for text, found in tagged(ner, texts):
        record = {"text": text, "entities": [asdict(entity) for entity in found]}
        yield json.dumps(record, ensure_ascii=False) + "\n"
