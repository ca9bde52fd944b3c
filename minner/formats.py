"""What `minner tag` writes: a table, JSON lines or CoNLL columns, all as a stream."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import tee

from minner.tagger import Tagger
from minner.words import split_words

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")


def table(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A line per entity; the entity comes last, so that no column has to be cut."""
    width = max(len("LABEL"), *(len(label) - 2 for label in ner.labels))
    yield f" TEXT  {'LABEL':<{width}}   START     END  SCORE  ENTITY\n"
    for number, found in enumerate(ner.pipe(texts), start=1):
        for entity in found:
            yield (
                f"{number:>5}  {entity.label:<{width}}  {entity.start:>6}  {entity.end:>6}  "
                f"{entity.score:.3f}  {_on_one_line(entity.text)}\n"
            )


def jsonl(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A JSON object per text: the text, and its entities with code point offsets."""
    texts, ours = tee(texts)
    for text, found in zip(ours, ner.pipe(texts), strict=True):
        record = {"text": text, "entities": [asdict(entity) for entity in found]}
        yield json.dumps(record, ensure_ascii=False) + "\n"


def conll(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A line per word, `word tag`, and an empty line after each text."""
    sentences, ours = tee([text[start:end] for start, end in split_words(text)] for text in texts)
    for words, tags in zip(ours, ner.pipe_tags(sentences), strict=True):
        yield "".join(f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True)) + "\n"


def _on_one_line(text: str) -> str:
    """One space for any white space; control characters, which a terminal obeys, as escapes."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", " ".join(text.split()))


FORMATS: dict[str, Callable[[Tagger, Iterable[str]], Iterator[str]]] = {
    "table": table,
    "jsonl": jsonl,
    "conll": conll,
}
"""Formats by the name that `--format` takes."""
