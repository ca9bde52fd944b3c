"""The files of a tokenizer -> a tokenizers.Tokenizer that does what they say."""

from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram, WordPiece

from minner.errors import MinnerError
from minner.weights.files import LARGEST_TOKENIZER, read_bytes
from minner.weights.growth import refuse_growth
from minner.weights.leading_space import has_leading_space, with_leading_space
from minner.weights.library import refusing_faults
from minner.weights.tokenizer_settings import TokenizerSettings
from minner.weights.vocabulary import tokenizer_from_merges, tokenizer_from_vocabulary

_SENTENCEPIECE = ("sentencepiece.bpe.model", "spiece.model", "sentencepiece.model", "spm.model")


def build_tokenizer(directory: Path, settings: TokenizerSettings) -> tuple[Path, Tokenizer]:
    """Return the file that was used and its tokenizer, which neither pads nor truncates.

    That is tokenizer.json, or else vocab.txt (BERT), or else vocab.json with merges.txt (RoBERTa).
    Its normalizer is the file's own, none without tokenizer.json: the casing is not decided yet.

    Raises:
        MinnerError: there is no tokenizer, or it cannot be read or is of another kind.
    """
    path = directory / "tokenizer.json"
    if path.exists():
        return path, tokenizer_from_json(path, read_bytes(path, LARGEST_TOKENIZER), settings)
    path = directory / "vocab.txt"
    if path.exists():
        return path, tokenizer_from_vocabulary(path, settings)
    path = directory / "vocab.json"
    if path.exists() and (directory / "merges.txt").exists():
        return path, tokenizer_from_merges(path, directory / "merges.txt", settings)
    for name in _SENTENCEPIECE:
        if (directory / name).exists():
            raise MinnerError(
                f"{directory} has its tokenizer in {name} alone, which minner does not read; make "
                f'a tokenizer.json of it: python -c "import sys, transformers; '
                f"transformers.AutoTokenizer.from_pretrained(sys.argv[1]).save_pretrained("
                f'sys.argv[1])" {directory} (needs transformers, sentencepiece and protobuf)'
            )
    raise MinnerError(f"{directory} has no tokenizer: no tokenizer.json and no vocab.txt")


def tokenizer_from_json(path: Path, content: bytes, settings: TokenizerSettings) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json, as `build_tokenizer` does.

    Raises:
        MinnerError: it cannot be read, or is of another kind.
    """
    with refusing_faults(path, "is not a tokenizer that can be read"):
        tokenizer = Tokenizer.from_buffer(content)  # 3 ms less than from a string
    model = tokenizer.model
    if not isinstance(model, WordPiece | BPE | Unigram):
        raise MinnerError(
            f"{path} holds a {type(model).__name__} tokenizer; minner runs WordPiece, BPE and "
            f"Unigram"
        )
    refuse_growth(path, tokenizer)
    if isinstance(model, BPE):
        model.dropout = None  # random wordpieces, for training
    tokenizer.no_padding()
    tokenizer.no_truncation()
    wanted = settings.prefix_space
    if wanted is None or has_leading_space(tokenizer) in (None, wanted):
        return tokenizer
    return with_leading_space(tokenizer, wanted)
