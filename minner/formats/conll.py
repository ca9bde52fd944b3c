"""CoNLL columns, for scorers and trainers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import tee

from minner.decoders import DECODERS
from minner.formats.registry import FORMATS, OFFSETS, Format
from minner.tagger import Tagger
from minner.text.words import word_spans


def conll(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A line per word, `word tag`, and an empty line after each text."""
    sentences, ours = tee([text[start:end] for start, end in word_spans(text)] for text in texts)
    for words, tags in zip(ours, ner.pipe_tags(sentences), strict=True):
        yield from (f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True))
        yield "\n"


FORMATS["conll"] = Format(
    conll,
    summary="a word and its tag per line",
    refuses=OFFSETS | {"labels", "ignore_labels", "label_map", "min_score"},
    refuses_decoders=[name for name, decoder in DECODERS.items() if not decoder.shows_in_tags],
    reason="holds the tag of every word, not the entities",
)
