"""The files of a tokenizer -> Vocabulary, ready to encode."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Encoding, Tokenizer
from tokenizers.models import Unigram, WordPiece
from tokenizers.processors import TemplateProcessing

from minner.errors import MinnerError, warn
from minner.weights.case import BROKEN, settle_case, settle_case_of_bert
from minner.weights.casing import is_rebuilt
from minner.weights.config import Config
from minner.weights.leading_space import has_leading_space, with_leading_space
from minner.weights.library import refusing_faults
from minner.weights.plain_words import CutPlain, plain_cutter
from minner.weights.rebuilt import other_words_remark, rebuilding_remark
from minner.weights.tokenizer_files import build_tokenizer
from minner.weights.tokenizer_settings import TokenizerSettings, read_tokenizer_settings


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer and what its user must know about it.

    Attributes:
        path: tokenizer.json, vocab.txt or vocab.json.
        rows: of the word embeddings, V; no id reaches it.
        tokenizer: pads and truncates nothing; never to be changed, which is not thread-safe.
        word_tokenizer: the same for words that are given one by one, where those need another:
            one that puts a space before them, without which they would be parts of words.
        cut_plain: see `plain_cutter`.
        max_length: most wordpieces the model takes at once, special tokens included; at least 3.
        cls_id: id of the special token before a text.
        sep_id: id of the special token after it.
        unk_id: id of the wordpiece for what cannot be cut; None where there is none.
        lowercase: whether texts are lowercased.
        lowercase_reason: how that was decided, in words.
        remarks: where transformers would read another text: what a user is warned of.
    """

    path: Path
    rows: int
    tokenizer: Tokenizer
    max_length: int
    cls_id: int
    sep_id: int
    unk_id: int | None
    lowercase: bool
    lowercase_reason: str
    cut_plain: CutPlain
    word_tokenizer: Tokenizer | None = None
    remarks: tuple[str, ...] = ()

    def plain_words(self, words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """The ids of those words that are plain, as by `encode_text` but sooner; raises as that."""
        found = self.cut_plain(words)
        self._check_ids([index for ids in found.values() for index in ids])
        return found

    def encode_text(self, text: str) -> Encoding:
        """Cut a text into wordpieces, without special tokens.

        Raises:
            MinnerError: the tokenizer breaks down over it, or gives an id that the model lacks.
        """
        with refusing_faults(self.path, "cannot cut the text", text[:60]):
            encoding = self.tokenizer.encode(text, add_special_tokens=False)
        self._check_ids(encoding.ids)
        return encoding

    def encode_words(self, words: Sequence[str], *, as_in_text: bool = True) -> Encoding:
        """Cut words into wordpieces, without special tokens; the `word_ids` never decrease.

        Args:
            words: the words.
            as_in_text: whether to cut them as if a space stood before each of them, which a
                byte-level BPE tokenizer does not do by itself.

        Raises:
            MinnerError: as `encode_text`, or wordpieces are in another order than the words.
        """
        tokenizer = self.word_tokenizer if as_in_text else None
        if tokenizer is None:
            tokenizer = self.tokenizer
        with refusing_faults(self.path, "cannot cut the words", words[:9]):
            encoding = tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
        self._check_ids(encoding.ids)
        numbers: Any = encoding.word_ids
        if numbers != sorted(numbers):
            raise MinnerError(
                f"{self.path} puts the wordpieces of a text in another order than its words"
            )
        return encoding

    def cut(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """The ids of each word, cut as in a text; there may be none.

        Raises:
            MinnerError: as `encode_words`.
        """
        known = self.plain_words(words)
        rest = [word for word in words if word not in known]
        if rest:
            encoding = self.encode_words(rest)
            numbers: Any = encoding.word_ids
            ids: list[list[int]] = [[] for _ in rest]
            for number, index in zip(numbers, encoding.ids, strict=True):
                ids[number].append(index)
            known.update(zip(rest, map(tuple, ids), strict=True))
        return [known[word] for word in words]

    def _check_ids(self, ids: Sequence[int]) -> None:
        highest = max(ids, default=0)  # not in NumPy, where an id of 2^31 would be negative
        if highest >= self.rows:
            raise MinnerError(
                f"{self.path}: the tokenizer gave id {highest} but the embeddings have {self.rows} "
                f"rows; tokenizer and weights are not of the same model"
            )


def read_tokenizer(directory: Path, config: Config, lowercase: bool | None = None) -> Vocabulary:
    """Return the tokenizer of the checkpoint in `directory`.

    Args:
        directory: holds the files of a tokenizer; see `build_tokenizer`.
        config: of the same checkpoint, its sizes corrected by the tensors.
        lowercase: overrides what the files say about it.

    Raises:
        MinnerError: there is no tokenizer, it is broken, it does not put one special token at
            either end, or it has ids that the embeddings lack.
    """
    settings = read_tokenizer_settings(directory)
    vocabulary = prepare(*build_tokenizer(directory, settings), settings, config, lowercase)
    for remark in vocabulary.remarks:
        warn(remark)
    return vocabulary


def prepare(
    path: Path,
    tokenizer: Tokenizer,
    settings: TokenizerSettings,
    config: Config,
    lowercase: bool | None,
) -> Vocabulary:
    """Make a tokenizer do what the files beside it and the caller want.

    Args:
        path: the file that it is from.
        tokenizer: what `build_tokenizer` gives.
        settings: what the files beside it state.
        config: as for `read_tokenizer`.
        lowercase: as for `read_tokenizer`.

    Raises:
        MinnerError: as `read_tokenizer`.
    """
    with refusing_faults(path, BROKEN):
        is_wordpiece = isinstance(tokenizer.model, WordPiece)
        settle = settle_case_of_bert if is_wordpiece else settle_case
        lowercases, why, *remarks = settle(path, tokenizer, settings, config, lowercase)
        special = settings.special_tokens(tokenizer.token_to_id)
        _add_tokens(path, tokenizer, settings, special)
        tokenizer.encode_special_tokens = settings.split_special is True
        _check_unknown(path, tokenizer)
        ends = _special_ids(path, tokenizer, special)
        _check_size(path, tokenizer, {*settings.added, *ends}, config)
        if not is_wordpiece and lowercase is None:
            remarks.append(other_words_remark(path, tokenizer, settings, config))
        elif is_wordpiece and is_rebuilt(settings, config.tokenizer_class):
            by_bert = special["cls_token"], special["sep_token"]
            remarks.append(
                rebuilding_remark(path, tokenizer, dict(zip(by_bert, ends, strict=True)))
            )
        needs_space = has_leading_space(tokenizer) is False
        return Vocabulary(
            path=path,
            rows=config.vocab_size,
            tokenizer=tokenizer,
            max_length=_max_length(path, settings, config),
            cls_id=ends[0],
            sep_id=ends[1],
            unk_id=tokenizer.token_to_id(special["unk_token"]),
            lowercase=lowercases,
            lowercase_reason=why,
            word_tokenizer=with_leading_space(tokenizer, True) if needs_space else None,
            cut_plain=plain_cutter(tokenizer),
            remarks=tuple(filter(None, remarks)),
        )


def _add_tokens(
    path: Path, tokenizer: Tokenizer, settings: TokenizerSettings, special: Mapping[str, str]
) -> None:
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
    for content in special.values():
        if tokenizer.token_to_id(content) not in {None, *tokenizer.get_added_tokens_decoder()}:
            _add_token(tokenizer, AddedToken(content, normalized=False, special=True))


def _add_token(tokenizer: Tokenizer, token: AddedToken) -> None:
    add = tokenizer.add_special_tokens if token.special else tokenizer.add_tokens
    add([token])


def _check_unknown(path: Path, tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer that would break down over what it cannot cut.

    BPE may do without a wordpiece for that: it has one for every byte, or leaves out what it lacks.
    """
    model = tokenizer.model
    if isinstance(model, Unigram):
        with refusing_faults(path, "lacks a wordpiece for what it cannot cut"):
            model.tokenize("\U0010ffff")
    elif model.unk_token is not None and model.token_to_id(model.unk_token) is None:
        raise MinnerError(f"{path} lacks the wordpiece {model.unk_token!r} for words it cannot cut")


def _special_ids(path: Path, tokenizer: Tokenizer, special: Mapping[str, str]) -> tuple[int, int]:
    """Return the ids that the tokenizer puts before and after a text.

    A tokenizer without a template gets BERT's. The ids are seen at work, since a template may
    hold other ids than the vocabulary.
    """
    template = tokenizer.post_processor or _template(path, tokenizer, special)
    tokenizer.post_processor = None
    wordpieces = tokenizer.encode("a a").ids
    tokenizer.post_processor = template
    with refusing_faults(path, "has a template that does not work"):
        ends, around = tokenizer.encode("").ids, tokenizer.encode("a a").ids
    if len(ends) != 2 or around != [ends[0], *wordpieces, ends[1]]:
        raise MinnerError(
            f"{path}: the template must put one special token before a text and one after it, and "
            f"leave the text as it is"
        )
    return ends[0], ends[1]


def _template(path: Path, tokenizer: Tokenizer, special: Mapping[str, str]) -> TemplateProcessing:
    cls, sep = special["cls_token"], special["sep_token"]
    ids = {token: tokenizer.token_to_id(token) for token in (cls, sep)}
    for token, index in ids.items():
        if index is None:
            raise MinnerError(f"{path} lacks the special token {token!r}")
    return TemplateProcessing(single=[cls, "$A", sep], special_tokens=list(ids.items()))


def _check_size(path: Path, tokenizer: Tokenizer, ids: set[int], config: Config) -> None:
    """Refuse a vocabulary of more wordpieces than the embeddings have rows, or such ids.

    Whether a vocabulary with gaps has an id beyond them shows when that wordpiece is met: looking
    at all of them would take a third of the time that the tokenizer takes to load.
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
