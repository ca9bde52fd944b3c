"""Give a tokenizer the case that its files and the caller want; `casing.py` decides which."""

from pathlib import Path

from tokenizers import Tokenizer, normalizers

from minner.errors import MinnerError
from minner.weights.casing import Casing, casing_by_transformers, casing_of, decide_casing
from minner.weights.config import Config
from minner.weights.library import refusing_faults
from minner.weights.rebuilt import casing_remark
from minner.weights.tokenizer_settings import TokenizerSettings

BROKEN = "has a part that does not work"
"""What is the matter with a tokenizer that breaks down."""


def settle_case_of_bert(
    path: Path,
    tokenizer: Tokenizer,
    settings: TokenizerSettings,
    config: Config,
    lowercase: bool | None,
) -> tuple[bool, str, str | None]:
    """Give a WordPiece tokenizer the case that is wanted; return it, why, and a remark."""
    from_file = casing_of_file(path, tokenizer)
    casing, why = decide_casing(settings, from_file, tokenizer.get_vocab, lowercase)
    if casing != from_file:
        tokenizer.normalizer = casing.normalizer()
    if lowercase is not None:
        return casing.lowercase, why, None
    theirs = casing_by_transformers(settings, config.tokenizer_class, from_file)
    return casing.lowercase, why, casing_remark(path, casing, why, theirs)


def settle_case(
    path: Path, tokenizer: Tokenizer, _: object, __: object, lowercase: bool | None
) -> tuple[bool, str, str | None]:
    """Do the same for BPE and Unigram, whose files know no `do_lower_case`."""
    from_file = casing_of(tokenizer.normalizer).lowercase
    if lowercase is None:
        return from_file, path.name, None
    if from_file and not lowercase:
        raise MinnerError(f"{path} has a normalizer that lowercases; to keep case, take it out")
    if lowercase and not from_file:
        theirs = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
        tokenizer.normalizer = normalizers.Sequence([*theirs, normalizers.Lowercase()])
    return lowercase, "the lowercase argument", None


def casing_of_file(path: Path, tokenizer: Tokenizer) -> Casing | None:
    """Return what the file does to case, None for vocab.txt, which says nothing of it.

    Raises:
        MinnerError: its normalizer breaks down.
    """
    if path.suffix != ".json":
        return None
    with refusing_faults(path, BROKEN):
        return casing_of(tokenizer.normalizer)
