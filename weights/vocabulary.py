"""vocab.txt, or vocab.json and merges.txt -> a tokenizers.Tokenizer as BERT's and RoBERTa's are."""

from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as Decoder
from tokenizers.models import BPE, WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel
from tokenizers.processors import RobertaProcessing

from minner.errors import MinnerError
from minner.weights.files import LARGEST_TOKENIZER, read_json_object, read_text
from minner.weights.library import refusing_faults
from minner.weights.tokenizer_settings import TokenizerSettings

MOST_WORDPIECES = 1 << 20
"""Wordpieces of a vocabulary; that of LaBSE, with 109 languages, has half as many."""


def tokenizer_from_vocabulary(path: Path, settings: TokenizerSettings) -> Tokenizer:
    """Return the WordPiece tokenizer of the vocabulary file `path`, without a normalizer.

    Added tokens join the vocabulary under the ids stated for them, so that ids may have holes.

    Raises:
        MinnerError: the file cannot be read, or an added token has the id of another wordpiece.
    """
    vocabulary = read_vocabulary(path)
    wordpieces = {index: wordpiece for wordpiece, index in vocabulary.items()}
    for index, token in settings.added.items():
        if wordpieces.get(index, token.content) != token.content:
            raise MinnerError(
                f"{path}: id {index} is {wordpieces[index]!r}, but the added tokens say that it is "
                f"{token.content!r}"
            )
        vocabulary[token.content] = index
    unknown = settings.special_tokens(vocabulary.get)["unk_token"]
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=unknown))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def tokenizer_from_merges(path: Path, merges: Path, settings: TokenizerSettings) -> Tokenizer:
    """Return the byte-level BPE tokenizer of vocab.json, `path`, and merges.txt.

    Raises:
        MinnerError: a file cannot be read, or they are of no such tokenizer.
    """
    vocabulary = read_json_object(path)
    if not all(type(index) is int for index in vocabulary.values()):
        raise MinnerError(f"{path} must give every wordpiece a number")
    pairs = [_pair(line) for line in read_text(merges, LARGEST_TOKENIZER).splitlines() if line]
    with refusing_faults(path, f"and {merges.name} are no byte-level BPE tokenizer"):
        tokenizer = Tokenizer(BPE(vocabulary, [pair for pair in pairs if pair[0] != "#version:"]))
    space = settings.prefix_space is True
    tokenizer.pre_tokenizer, tokenizer.decoder = ByteLevel(add_prefix_space=space), Decoder()
    special = settings.special_tokens(vocabulary.get)
    for text in (special["cls_token"], special["sep_token"]):
        if text not in vocabulary:
            raise MinnerError(f"{path} lacks the special token {text!r}")
    sep, cls = ((text := special[role], vocabulary[text]) for role in ("sep_token", "cls_token"))
    tokenizer.post_processor = RobertaProcessing(
        sep, cls, trim_offsets=True, add_prefix_space=space
    )
    return tokenizer


def _pair(line: str) -> tuple[str, str]:
    first, _, second = line.partition(" ")
    return first, second


def read_vocabulary(path: Path) -> dict[str, int]:
    """Return wordpiece -> id, the id being the line number from 0.

    Lines end in LF or CRLF, or in CR where there is no LF at all. Blank lines and wordpieces of odd
    characters (among them CR, and U+2028, at which `str.splitlines` would split) count, or all ids
    after them would shift; blank lines at the end shift nothing, and are no wordpieces.
    """
    text = read_text(path, LARGEST_TOKENIZER)
    end = "\n" if "\n" in text else "\r"
    if text.count(end) > MOST_WORDPIECES:
        raise MinnerError(f"{path} has more than {MOST_WORDPIECES} lines, as no vocabulary has")
    lines = text.rstrip("\r\n").split(end)
    return {line.removesuffix("\r"): index for index, line in enumerate(lines)}
