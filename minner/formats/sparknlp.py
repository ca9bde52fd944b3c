"""Spark NLP's annotations, for programs that read those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from minner.formats.json_text import json_text
from minner.formats.registry import FORMATS, Format
from minner.options import OPTION_NAMES
from minner.streams import batches
from minner.tagger import Tagger


def sparknlp(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A JSON object per text: its annotations by column, as `LightPipeline.fullAnnotate` has them.

    Words, tags and chunks are Spark NLP's too, whatever the options of `ner`.
    """
    from minner.sparknlp import LightPipeline  # here: other formats need none of it

    pipeline = LightPipeline(ner)
    for batch in batches(iter(texts)):
        for columns in pipeline.fullAnnotate(batch):
            yield json_text(columns)


FORMATS["sparknlp"] = Format(
    sparknlp,
    summary="JSON lines of annotations, by the rules of Spark NLP",
    refuses=OPTION_NAMES,
    reason="has rules of its own: those of Spark NLP",
)
