"""The tokenizer of a checkpoint, of which a quick start loads no more than it needs.

Where tokenizer.json holds a WordPiece tokenizer of BERT's kind, the first process keeps in the
cache what later ones need of it to cut words of ASCII (`kept_wordpieces.py`). Those load the
tokenizers library, and the tokenizer into it, when the first other word comes, or after PLAIN_WORDS
words, or at the first batch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from minner.cache import cache_directory, digest_for_name, keep_checked, read_checked
from minner.errors import warn
from minner.weights.config import Config
from minner.weights.files import LARGEST_TOKENIZER, read_bytes
from minner.weights.kept_wordpieces import KeptWordpieces, Rules, packed
from minner.weights.tokenizer_settings import TokenizerSettings, read_tokenizer_settings

if TYPE_CHECKING:
    from minner.weights.tokenizer import Vocabulary
    from minner.weights.wordpiece_table import WordpieceTable

PLAIN_WORDS = 256
"""Words that are cut without the library, which takes a tenth of the time once it is loaded."""

MOST_ADDED = 32
"""Added tokens of a tokenizer whose plain words are kept: each is looked for in every word."""

LONGEST_PART = 200
"""`max_input_chars_per_word` of such a tokenizer, at most; BERT has 100."""

_PROBE = "The U.S. (AL-AIN) qzxvjkqzxvjk x" + 300 * "y" + " 3,5% [e-mail] ~a_b"
"""Words over which the library must agree with what is kept."""

_CODE = (
    *("case", "casing", "encoder", "growth", "kept_wordpieces", "leading_space", "plain_words"),
    *("rebuilt", "tokenizer", "tokenizer_files", "tokenizer_settings", "vocabulary"),
)
"""The modules of this package that decide what is kept."""


class Facts(NamedTuple):
    """What must be known of a tokenizer before it is loaded; the fields are `Vocabulary`'s."""

    max_length: int
    cls_id: int
    sep_id: int
    remarks: tuple[str, ...]


class Encoder:
    """What cuts words into wordpieces for a model.

    Attributes:
        quick: compiled code that cuts most words, once there is: the ids of each, or None.
    """

    def __init__(
        self, facts: Facts, load: Callable[[], Vocabulary], plain: KeptWordpieces | None = None
    ) -> None:
        """Take what is known already, and what loads the whole."""
        self.facts = facts
        self._load: Callable[[], Vocabulary] | None = load
        self._plain, self._left = plain, PLAIN_WORDS
        self._vocabulary: Vocabulary | None = None
        self._kept = plain
        self.quick: Callable[[Sequence[str]], list[tuple[int, ...] | None]] | None = None
        self._table: WordpieceTable | None = None

    @property
    def table(self) -> WordpieceTable:
        """The plain wordpieces for compiled code, made at the first use."""
        kept = self._kept  # looked at first, because another thread may take it away last
        if self._table is None:
            from minner.weights.wordpiece_table import wordpiece_table  # here: starts do without

            words = _plain_words(self.vocabulary) if kept is None else None
            if words is not None:
                kept = KeptWordpieces(words)
            self._table = wordpiece_table(kept)
            self._kept = None
        return self._table

    @property
    def vocabulary(self) -> Vocabulary:
        """The whole tokenizer, which is loaded at the first use."""
        load = self._load  # looked at first, because another thread may take it away last
        if self._vocabulary is None:
            assert load is not None
            self._vocabulary = load()
            self._plain = self._load = None  # and with it the content of tokenizer.json
        return self._vocabulary

    def cut(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """The ids of each word; see `Vocabulary.cut`."""
        found = self.plain_words(words) if self.quick else {}
        rest = [word for word in words if word not in found]
        if rest:
            found.update(zip(rest, self._cut(rest), strict=True))
        return [found[word] for word in words]

    def _cut(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        plain = self._plain
        if plain is not None and len(words) <= self._left:
            ids = plain.cut(words)
            if ids is not None:
                self._left -= len(words)
                return ids
        return self.vocabulary.cut(words)

    def plain_words(self, words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """The ids of those words that are plain; see `Vocabulary.plain_words`."""
        if self.quick is None:
            return self.vocabulary.plain_words(words)
        words = [*words]
        cut = zip(words, self.quick(words), strict=True)
        return {word: ids for word, ids in cut if ids is not None}


def open_encoder(directory: Path, config: Config, lowercase: bool | None = None) -> Encoder:
    """Return the tokenizer of the checkpoint in `directory`; warn of what `Vocabulary.remarks` has.

    Arguments and errors are those of `minner.weights.tokenizer.read_tokenizer`.
    """
    path, settings = directory / "tokenizer.json", read_tokenizer_settings(directory)
    if path.exists():
        content = read_bytes(path, LARGEST_TOKENIZER)
        says = _identity(path, content, settings, config, lowercase)
        load = partial(_from_json, path, content, settings, config, lowercase)
        encoder = _kept(path, says, load) or _loaded_and_kept(path, says, load())
    else:
        encoder = _loaded(_from_files(directory, settings, config, lowercase))
    for remark in encoder.facts.remarks:
        warn(remark)
    return encoder


def note_path(path: Path) -> Path:
    """The file of the cache that holds the plain words of a tokenizer.json."""
    return cache_directory() / f"wordpieces-{digest_for_name(os.fsencode(path.absolute()))}.bin"


# ---- the whole ----------------------------------------------------------------------------------


def _from_json(
    path: Path, content: bytes, settings: TokenizerSettings, config: Config, lowercase: bool | None
) -> Vocabulary:
    from minner.weights.tokenizer import prepare
    from minner.weights.tokenizer_files import tokenizer_from_json

    return prepare(path, tokenizer_from_json(path, content, settings), settings, config, lowercase)


def _from_files(
    directory: Path, settings: TokenizerSettings, config: Config, lowercase: bool | None
) -> Vocabulary:
    from minner.weights.tokenizer import prepare
    from minner.weights.tokenizer_files import build_tokenizer

    return prepare(*build_tokenizer(directory, settings), settings, config, lowercase)


def _loaded(vocabulary: Vocabulary, plain: KeptWordpieces | None = None) -> Encoder:
    facts = Facts(*(getattr(vocabulary, name) for name in Facts._fields))
    encoder = Encoder(facts, lambda: vocabulary, plain)
    _ = encoder.vocabulary
    return encoder


# ---- what is kept of it -------------------------------------------------------------------------


def _identity(
    path: Path, content: bytes, settings: TokenizerSettings, config: Config, lowercase: bool | None
) -> str:
    """The line with which the kept words say what they are of, and by which code."""
    digest = hashlib.sha256(content)
    digest.update(repr((settings, config, lowercase)).encode("utf-8", "backslashreplace"))
    for module in _CODE:
        digest.update(Path(__file__).with_name(f"{module}.py").read_bytes())
    kept = {"minner": "plain words", "file": str(path.absolute()), "of": digest.hexdigest()}
    return json.dumps(kept)


def _kept(path: Path, says: str, load: Callable[[], Vocabulary]) -> Encoder | None:
    """The tokenizer as an earlier process has kept it."""
    content = read_checked(note_path(path), says)
    if content is None:
        return None
    line, _, words = content.partition(b"\n")
    *numbers, remarks = json.loads(line)
    return Encoder(Facts._make([*numbers, tuple(remarks)]), load, KeptWordpieces(words))


def _loaded_and_kept(path: Path, says: str, vocabulary: Vocabulary) -> Encoder:
    words = _plain_words(vocabulary)
    encoder = _loaded(vocabulary, None if words is None else KeptWordpieces(words))
    if words is not None:
        keep_checked(note_path(path), says, json.dumps(encoder.facts).encode() + b"\n" + words)
    return encoder


def _plain_words(vocabulary: Vocabulary) -> bytes | None:
    """What `KeptWordpieces` reads; None where it would not do what the tokenizer does."""
    from minner.weights.plain_words import cuts_as_bert

    tokenizer = vocabulary.tokenizer
    model, normalizer = tokenizer.model, tokenizer.normalizer
    if not cuts_as_bert(tokenizer) or model.max_input_chars_per_word > LONGEST_PART:
        return None
    ids = tokenizer.get_vocab(with_added_tokens=False)
    unknown = ids.get(model.unk_token)
    added = [token.content.lower() for token in tokenizer.get_added_tokens_decoder().values()]
    if unknown is None or len(added) > MOST_ADDED or max(ids.values()) >= vocabulary.rows:
        return None
    rules = Rules(
        normalizer.lowercase,
        model.continuing_subword_prefix,
        model.max_input_chars_per_word,
        unknown,
        added,
    )
    words, probe = packed(rules, ids), [word for word in _PROBE.split() if "[" not in word]
    return words if KeptWordpieces(words).cut(probe) == vocabulary.cut(probe) else None
