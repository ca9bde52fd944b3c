"""Spark NLP's annotations, for programs that read those."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

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
            yield json.dumps(columns, ensure_ascii=False) + "\n"
