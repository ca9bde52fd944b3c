"""A table for people, who read it on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from minner.formats.registry import FORMATS, Format
from minner.tagger import Tagger

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")


def table(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A line per entity; the entity comes last, so that no column has to be cut."""
    width = max(map(len, ("LABEL", *ner.entity_labels)))
    yield f" TEXT  {'LABEL':<{width}}   START     END  SCORE  ENTITY\n"
    for number, found in enumerate(ner.stream(texts), start=1):
        for entity in found:
            yield (
                f"{number:>5}  {entity.label:<{width}}  {entity.start:>6}  {entity.end:>6}  "
                f"{entity.score:.3f}  {_on_one_line(entity.text)}\n"
            )


def _on_one_line(text: str) -> str:
    """One space for any white space; control characters, which a terminal obeys, as escapes."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", " ".join(text.split()))


FORMATS["table"] = Format(table, summary="a line per entity, for people")
