"""tokenizer.json or vocab.txt, and the files beside them -> WordPieces, ready to encode."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Encoding, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.processors import TemplateProcessing

from minner.errors import MinnerError
from minner.weights.casing import (
    Casing,
    casing_by_transformers,
    casing_of,
    decide_casing,
    is_rebuilt,
)
from minner.weights.config import Config
from minner.weights.files import read_bytes
from minner.weights.growth import refuse_growth
from minner.weights.library import refusing_faults
from minner.weights.rebuilt import warn_of_casing, warn_of_rebuilding
from minner.weights.tokenizer_settings import TokenizerSettings, read_tokenizer_settings
from minner.weights.vocabulary import LARGEST_TOKENIZER, tokenizer_from_vocabulary

_BROKEN = "has a part that does not work"


@dataclass(frozen=True, slots=True)
class WordPieces:
    """A tokenizer and what its user must know about it.

    Attributes:
        path: tokenizer.json or vocab.txt.
        rows: of the word embeddings, V; no id reaches it.
        tokenizer: pads and truncates nothing; never to be changed, which is not thread-safe.
        max_length: most pieces the model takes at once, special tokens included; at least 3.
        cls_id: id of the special token before a text.
        sep_id: id of the special token after it.
        lowercase: whether texts are lowercased.
        lowercase_reason: how that was decided, in words.
    """

    path: Path
    rows: int
    tokenizer: Tokenizer
    max_length: int
    cls_id: int
    sep_id: int
    lowercase: bool
    lowercase_reason: str

    def encode_text(self, text: str) -> Encoding:
        """Cut a text into pieces, without special tokens.

        Raises:
            MinnerError: the tokenizer breaks down over it, or gives an id that the model lacks.
        """
        with refusing_faults(self.path, "cannot cut the text", text[:60]):
            encoding = self.tokenizer.encode(text, add_special_tokens=False)
        self._check_ids(encoding.ids)
        return encoding

    def encode_words(self, words: Sequence[str]) -> Encoding:
        """Cut words into pieces, without special tokens; `word_ids` of the result never decrease.

        Raises:
            MinnerError: as `encode_text`, or pieces are in another order than the words.
        """
        with refusing_faults(self.path, "cannot cut the words", words[:9]):
            encoding = self.tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
        self._check_ids(encoding.ids)
        numbers: Any = encoding.word_ids
        if numbers != sorted(numbers):
            raise MinnerError(
                f"{self.path} puts the pieces of a text in another order than its words"
            )
        return encoding

    def _check_ids(self, ids: Sequence[int]) -> None:
        # Not in NumPy: of an id of 2^31 it would make a negative number.
        highest = max(ids, default=0)
        if highest >= self.rows:
            raise MinnerError(
                f"{self.path}: the tokenizer gave id {highest} but the embeddings have {self.rows} "
                f"rows; tokenizer and weights are not of the same model"
            )


def read_tokenizer(directory: Path, config: Config, lowercase: bool | None = None) -> WordPieces:
    """Return the tokenizer of the checkpoint in `directory`.

    Args:
        directory: holds tokenizer.json or else vocab.txt, and the files beside them.
        config: of the same checkpoint, its sizes corrected by the tensors.
        lowercase: overrides what the files say about it.

    Raises:
        MinnerError: there is no tokenizer, it is broken, it is no WordPiece tokenizer with one
            special token at either end, or it has ids that the embeddings lack.
    """
    settings = read_tokenizer_settings(directory)
    path, tokenizer = build_tokenizer(directory, settings)
    with refusing_faults(path, _BROKEN):
        return _prepare(path, tokenizer, settings, config, lowercase)


def _prepare(
    path: Path,
    tokenizer: Tokenizer,
    settings: TokenizerSettings,
    config: Config,
    lowercase: bool | None,
) -> WordPieces:
    from_file = casing_of_file(path, tokenizer)
    casing, why = decide_casing(settings, from_file, tokenizer.get_vocab, lowercase)
    if casing != from_file:
        tokenizer.normalizer = casing.normalizer()
    theirs = casing_by_transformers(settings, config.tokenizer_class, from_file)
    if lowercase is None:
        warn_of_casing(path, casing, why, theirs)
    _add_tokens(path, tokenizer, settings)
    cls_id, sep_id = _special_ids(path, tokenizer, settings)
    _check_size(path, tokenizer, {*settings.added, cls_id, sep_id}, config)
    if is_rebuilt(settings, config.tokenizer_class):
        by_bert = settings.special["cls_token"], settings.special["sep_token"]
        warn_of_rebuilding(path, tokenizer, dict(zip(by_bert, (cls_id, sep_id), strict=True)))
    max_length = _max_length(path, settings, config)
    return WordPieces(
        path, config.vocab_size, tokenizer, max_length, cls_id, sep_id, casing.lowercase, why
    )


def casing_of_file(path: Path, tokenizer: Tokenizer) -> Casing | None:
    """Return what tokenizer.json does to case, None for vocab.txt, which does nothing.

    Raises:
        MinnerError: its normalizer breaks down.
    """
    if path.suffix != ".json":
        return None
    with refusing_faults(path, _BROKEN):
        return casing_of(tokenizer.normalizer)


def build_tokenizer(directory: Path, settings: TokenizerSettings) -> tuple[Path, Tokenizer]:
    """Return the file that was used and its tokenizer, which neither pads nor truncates.

    Its normalizer is the file's own, none for vocab.txt: the casing is not decided yet.

    Raises:
        MinnerError: there is no tokenizer, or it cannot be read or is not of WordPiece.
    """
    path = directory / "tokenizer.json"
    if path.exists():
        tokenizer = _parse(path)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return path, tokenizer
    path = directory / "vocab.txt"
    if path.exists():
        return path, tokenizer_from_vocabulary(path, settings)
    raise MinnerError(f"{directory} has no tokenizer: no tokenizer.json and no vocab.txt")


def _parse(path: Path) -> Tokenizer:
    content = read_bytes(path, LARGEST_TOKENIZER)
    with refusing_faults(path, "is not a tokenizer that can be read"):
        tokenizer = Tokenizer.from_buffer(content)  # 3 ms less than from a string
    if not isinstance(tokenizer.model, WordPiece):
        kind = type(tokenizer.model).__name__
        raise MinnerError(f"{path} holds a {kind} tokenizer; minner runs WordPiece only")
    refuse_growth(path, tokenizer)
    return tokenizer


def _add_tokens(path: Path, tokenizer: Tokenizer, settings: TokenizerSettings) -> None:
    """Let the added and the special tokens be found in a text before it is cut into words.

    Tokens that tokenizer.json has added already stay as they are. A special token outside the
    vocabulary is not added: it would get an id that the embeddings lack.
    """
    present = tokenizer.get_added_tokens_decoder()
    for index in sorted(settings.added.keys() - present.keys()):
        _add_token(tokenizer, settings.added[index])
    for index, token in settings.added.items():
        if tokenizer.token_to_id(token.content) != index:
            raise MinnerError(
                f"{path}: the added token {token.content!r} has id {index} in the files beside it "
                f"but {tokenizer.token_to_id(token.content)} in the tokenizer"
            )
    for content in settings.special.values():
        if tokenizer.token_to_id(content) not in {None, *tokenizer.get_added_tokens_decoder()}:
            _add_token(tokenizer, AddedToken(content, normalized=False, special=True))


def _add_token(tokenizer: Tokenizer, token: AddedToken) -> None:
    add = tokenizer.add_special_tokens if token.special else tokenizer.add_tokens
    add([token])


def _special_ids(path: Path, tokenizer: Tokenizer, settings: TokenizerSettings) -> tuple[int, int]:
    """Return the ids that the tokenizer puts before and after a text.

    A tokenizer without a template gets BERT's. The ids are seen at work, since a template may
    hold other ids than the vocabulary.
    """
    unknown = tokenizer.model.unk_token
    if tokenizer.model.token_to_id(unknown) is None:
        raise MinnerError(f"{path} lacks the piece {unknown!r} for words it cannot cut")
    template = tokenizer.post_processor or _template(path, tokenizer, settings)
    tokenizer.post_processor = None
    pieces = tokenizer.encode("a a").ids
    tokenizer.post_processor = template
    with refusing_faults(path, "has a template that does not work"):
        ends, around = tokenizer.encode("").ids, tokenizer.encode("a a").ids
    if len(ends) != 2 or around != [ends[0], *pieces, ends[1]]:
        raise MinnerError(
            f"{path}: the template must put one special token before a text and one after it, and "
            f"leave the text as it is"
        )
    return ends[0], ends[1]


def _template(path: Path, tokenizer: Tokenizer, settings: TokenizerSettings) -> TemplateProcessing:
    cls, sep = settings.special["cls_token"], settings.special["sep_token"]
    ids = {token: tokenizer.token_to_id(token) for token in (cls, sep)}
    for token, index in ids.items():
        if index is None:
            raise MinnerError(f"{path} lacks the special token {token!r}")
    return TemplateProcessing(single=[cls, "$A", sep], special_tokens=list(ids.items()))


def _check_size(path: Path, tokenizer: Tokenizer, ids: set[int], config: Config) -> None:
    """Refuse a vocabulary of more pieces than the embeddings have rows, or such ids.

    Whether a vocabulary with gaps has an id beyond them shows when that piece is met: looking at
    all of them would take a third of the time that the tokenizer takes to load.
    """
    if max(ids) >= config.vocab_size or tokenizer.get_vocab_size() > config.vocab_size:
        raise MinnerError(
            f"{path} has ids up to {max(ids.union(tokenizer.get_vocab().values()))} but the "
            f"embeddings have {config.vocab_size} rows; tokenizer and weights are not of the same "
            f"model"
        )


def _max_length(path: Path, settings: TokenizerSettings, config: Config) -> int:
    positions = config.max_position_embeddings
    length = positions if settings.max_length is None else int(min(settings.max_length, positions))
    if length < 3:
        raise MinnerError(f"{path}: {length} positions leave no room between two special tokens")
    return length
