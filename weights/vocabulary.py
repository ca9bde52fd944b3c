"""vocab.txt -> a tokenizers.Tokenizer, built the way BERT's are."""

from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

from minner.errors import MinnerError
from minner.weights.files import read_text
from minner.weights.tokenizer_settings import TokenizerSettings

LARGEST_TOKENIZER = 18_000_000
"""Bytes of tokenizer.json or vocab.txt. That of XLM-R, with 250,000 pieces, takes 17.1 million when
it is indented; in memory it can be thirty times as much."""

MOST_PIECES = 1 << 20
"""Pieces of a vocabulary; that of LaBSE, with 109 languages, has half as many."""


def tokenizer_from_vocabulary(path: Path, settings: TokenizerSettings) -> Tokenizer:
    """Return the WordPiece tokenizer of the vocabulary file `path`, without a normalizer.

    Added tokens join the vocabulary under the ids stated for them, so that ids may have holes.

    Raises:
        MinnerError: the file cannot be read, or an added token has the id of another piece.
    """
    vocabulary = read_vocabulary(path)
    pieces = {index: piece for piece, index in vocabulary.items()}
    for index, token in settings.added.items():
        if pieces.get(index, token.content) != token.content:
            raise MinnerError(
                f"{path}: id {index} is {pieces[index]!r}, but the added tokens say that it is "
                f"{token.content!r}"
            )
        vocabulary[token.content] = index
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=settings.special["unk_token"]))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def read_vocabulary(path: Path) -> dict[str, int]:
    """Return piece -> id, the id being the line number from 0.

    Lines end in LF or CRLF, or in CR where there is no LF at all. Blank lines and pieces of odd
    characters (among them CR, and U+2028, at which `str.splitlines` would split) count, or all ids
    after them would shift; blank lines at the end shift nothing, and are no pieces.
    """
    text = read_text(path, LARGEST_TOKENIZER)
    end = "\n" if "\n" in text else "\r"
    if text.count(end) > MOST_PIECES:
        raise MinnerError(f"{path} has more than {MOST_PIECES} lines, as no vocabulary has")
    lines = text.rstrip("\r\n").split(end)
    return {line.removesuffix("\r"): index for index, line in enumerate(lines)}
