"""NerConverter's rule: from one tag per word to labelled runs of words."""

from __future__ import annotations

from collections.abc import Sequence

from minner.decoding.chunks import Chunk
from minner.decoding.decoder import Decoder


def ner_converter_chunks(tags: Sequence[str], *, has_schema: bool = True) -> list[Chunk]:
    """Find the chunks of one sentence by the rule of Spark NLP's NerConverter.

    Any tag but `O` opens a chunk where none is open; only `B-` and `O` close one. So a stray `I-`
    opens a chunk, as in `conlleval_chunks`, but an `I-` of another type continues the open one, and
    the chunk keeps the type of its first word: `B-PER I-LOC` is one `PER`.

    The type is what follows the first two characters, whatever these are: `PER` reads as `R`, and a
    tag of one character opens nothing.

    Args:
        tags: a tag per word.
        has_schema: where False (`nerHasNoSchema` in Spark NLP), the tag is the type. Neighbours of
            different types are joined even so.
    """
    chunks: list[Chunk] = []
    label: str | None = None
    first = 0
    for word, tag in enumerate(tags):
        if label is not None and (tag == "O" or tag.startswith("B-")):
            chunks.append(Chunk(label, first, word - 1))
            label = None
        if label is None and tag != "O" and (len(tag) >= 2 or not has_schema):
            label, first = tag[2:] if has_schema else tag, word
    if label is not None:
        chunks.append(Chunk(label, first, len(tags) - 1))
    return chunks


DECODERS = {"sparknlp": Decoder(ner_converter_chunks)}
