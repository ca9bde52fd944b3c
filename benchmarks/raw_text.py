"""What the rule of words and of line breaks costs in F1, on text as people write it.

A corpus in CoNLL format has its words cut already. Here they are joined to text again, and minner
cuts them by its own rule; an entity counts where its characters and its label are those of the
corpus. The text comes in four forms: words joined by spaces; as it was before somebody cut it;
and that, with some sentences to a paragraph, in lines of at most 72 characters, where a line break
is white space or ends an entity.

    python -m benchmarks.raw_text CORPUS...
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence

import minner
from minner.conll import Sentence, read_conll
from minner.decoding.chunks import conlleval_chunks

Found = set[tuple[int, int, str]]
"""Start, end and label of entities."""

COLUMNS = 72
SENTENCES = 4
"""In a paragraph."""

_NO_SPACE_BEFORE = {*".,;:!?)]}%'", "''", "...", "'s", "'S", "n't", "'ll", "'re", "'ve", "'d", "'m"}
_NO_SPACE_AFTER = {*"([{$£#", "``"}
_ENDS_PARAGRAPH = "\u2029"


def main() -> None:
    """Print a line for each corpus and form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="+", help="a file in CoNLL format")
    parser.add_argument("--decoder", default="conlleval")
    options = parser.parse_args()
    ner = minner.load(decoder=options.decoder)
    for path in options.corpus:
        print(path)
        sentences = list(read_conll(path))
        for name, texts in forms(sentences).items():
            print(f"  {name:<48} {f1(ner, texts):6.2f}")


def forms(sentences: Sequence[Sentence]) -> dict[str, list[tuple[str, Found]]]:
    """The texts of a corpus and their entities, by form."""
    paragraphs = [
        Sentence(
            [word for sentence in group for word in sentence.words],
            [tag for sentence in group for tag in sentence.tags],
        )
        for group in (sentences[i : i + SENTENCES] for i in range(0, len(sentences), SENTENCES))
    ]
    written = [as_written(paragraph) for paragraph in paragraphs]
    return {
        "a sentence, words joined by spaces": [joined(sentence) for sentence in sentences],
        "a sentence, as written": [as_written(sentence) for sentence in sentences],
        "a paragraph, as written": written,
        "in lines, a break is white space": [(wrapped(text, "\n"), gold) for text, gold in written],
        "in lines, a break ends an entity": [
            (wrapped(text, _ENDS_PARAGRAPH), gold) for text, gold in written
        ],
    }


def joined(sentence: Sentence) -> tuple[str, Found]:
    """The words joined by spaces."""
    return _placed(sentence, [" "] * len(sentence.words))


def as_written(sentence: Sentence) -> tuple[str, Found]:
    """The words with the spaces that English has between them."""
    spaces, before, inside_quotes = [], "(", False
    for word in sentence.words:
        tight = word in _NO_SPACE_BEFORE or before in _NO_SPACE_AFTER
        if word == '"':
            tight |= inside_quotes
            inside_quotes = not inside_quotes
            before = word if not inside_quotes else "("
        else:
            before = word
        spaces.append("" if tight else " ")
    return _placed(sentence, spaces)


def wrapped(text: str, line_end: str) -> str:
    """The text with some spaces replaced, so that no line has more than COLUMNS characters."""
    lines = textwrap.wrap(text, COLUMNS, break_long_words=False, break_on_hyphens=False)
    return line_end.join(lines)


def _placed(sentence: Sentence, spaces: Sequence[str]) -> tuple[str, Found]:
    text, spans = "", []
    for word, space in zip(sentence.words, spaces, strict=True):
        text += space if text else ""
        spans.append((len(text), len(text) + len(word)))
        text += word
    chunks = conlleval_chunks(sentence.tags)
    return text, {(spans[first][0], spans[last][1], label) for label, first, last in chunks}


def f1(ner: minner.tagger.Tagger, texts: Sequence[tuple[str, Found]]) -> float:
    """Micro F1 in percent over exact entities."""
    found = wanted = right = 0
    for entities, (_, gold) in zip(ner.pipe(text for text, _ in texts), texts, strict=True):
        ours = {(one.start, one.end, one.label) for one in entities}
        found, wanted, right = found + len(ours), wanted + len(gold), right + len(ours & gold)
    return 200 * right / (found + wanted)


if __name__ == "__main__":
    main()
