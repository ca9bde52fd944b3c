"""What programs ask a pipeline's `model` and `tokenizer` for, by the names of transformers."""

from __future__ import annotations

import operator
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend
from tokenizers import decoders
from tokenizers.models import WordPiece

from minner.errors import MinnerError
from minner.options import list_of_strings
from minner.tagger import Tagger
from minner.text.wordpieces import without_surrogates
from minner.weights.config import corrected_json
from minner.weights.files import read_json_object, reason
from minner.weights.hub import MODEL_FILES, TOKENIZER_FILES
from minner.weights.tokenizer_settings import read_tokenizer_settings


class ModelConfig:
    """The keys of config.json as attributes, in agreement with the tensors.

    Attributes:
        id2label: class index -> label. A label that config.json has as a number stays a number.
        label2id: label -> class index.
        num_labels: C.
        name_or_path: what the model was loaded from.
    """

    id2label: dict[int, Any]
    label2id: dict[Any, int]
    num_labels: int
    name_or_path: str

    def __init__(self, tagger: Tagger, name_or_path: str) -> None:
        """Read the config.json of a loaded model."""
        raw = read_json_object(tagger.directory / "config.json")
        stated = raw.get("id2label") or {}
        numbers = {str(name): name for name in stated.values() if isinstance(name, int)}
        self.id2label = {i: numbers.get(name, name) for i, name in enumerate(tagger.labels)}
        self.label2id = {name: index for index, name in self.id2label.items()}
        self.num_labels, self.name_or_path = len(self.id2label), name_or_path
        keys = tagger.config.architecture.keys.values()
        self._aliases = {key.alias: key.name for key in keys}
        self._json = corrected_json(raw, tagger.config) | {
            "id2label": self.id2label,
            "label2id": self.label2id,
        }

    def __getattr__(self, name: str) -> Any:
        """Any other key of config.json."""
        if name.startswith("_") or self._aliases.get(name, name) not in self._json:
            raise AttributeError(f"config.json has no {name!r}")
        return self._json[self._aliases.get(name, name)]

    def to_dict(self) -> dict[str, Any]:
        """All keys and values."""
        return dict(self._json)


class Model:
    """The `model` of a pipeline.

    Attributes:
        tagger: the loaded model, as `minner.load` gives it.
        name_or_path: what it was loaded from.
        config: its config.json.
    """

    def __init__(self, tagger: Tagger, name_or_path: str) -> None:
        """Describe a loaded model."""
        self.tagger, self.name_or_path = tagger, name_or_path
        self.config = ModelConfig(tagger, name_or_path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the tagger, which is loaded again, and read its config.json again."""
        return Model, (self.tagger, self.name_or_path)

    def eval(self) -> Model:
        """The model itself: it is always ready to run, and is never trained."""
        return self

    def to(self, *_: Any, **__: Any) -> Model:
        """The model itself: it stays on the CPU."""
        return self

    def save_pretrained(self, directory: str | os.PathLike[str], **_: Any) -> None:
        """Copy config.json and the weights, from which transformers can load them.

        Raises:
            MinnerError: the directory cannot be written.
        """
        patterns = [name for name in MODEL_FILES if name not in TOKENIZER_FILES]
        copy_files(self.tagger.directory, directory, patterns)


class Tokenizer:
    """The `tokenizer` of a pipeline: what programs use most of a fast one of transformers.

    Attributes:
        name_or_path: what it was loaded from.
        backend_tokenizer: the tokenizer of the `tokenizers` library, for everything else.
        model_max_length: tokens that the model takes at once, special ones included.
        is_fast: True.
    """

    is_fast = True

    def __init__(self, tagger: Tagger, name_or_path: str) -> None:
        """Describe the tokenizer of a loaded model."""
        self._tagger, vocabulary = tagger, tagger.vocabulary
        self.name_or_path = name_or_path
        self.model_max_length = vocabulary.max_length
        self.backend_tokenizer: Backend = vocabulary.tokenizer
        self._join = joiner(self.backend_tokenizer)
        settings = read_tokenizer_settings(vocabulary.path.parent)
        for role, text in settings.special_tokens(self.backend_tokenizer.token_to_id).items():
            setattr(self, role, text)  # cls_token, cls_token_id, and so on
            setattr(self, f"{role}_id", self.backend_tokenizer.token_to_id(text))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the tagger, which is loaded again."""
        return Tokenizer, (self._tagger, self.name_or_path)

    def __len__(self) -> int:
        """The size of the vocabulary, added tokens included."""
        return int(self.backend_tokenizer.get_vocab_size())

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary, without tokens that were added to it."""
        return int(self.backend_tokenizer.get_vocab_size(with_added_tokens=False))

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        add_special_tokens: bool = True,
        return_offsets_mapping: bool = False,
    ) -> dict[str, Any]:
        """Cut a text, or each of a list, into tokens; nothing is cut off or filled up.

        Returns:
            `input_ids`, `attention_mask` and, if asked for, `offset_mapping`: a list for a text, a
            list of lists for a list.

        Raises:
            MinnerError: something else was given.
        """
        texts = [text] if isinstance(text, str) else _strings(text, "a text or a list of texts")
        texts = [*map(without_surrogates, texts)]
        found = self.backend_tokenizer.encode_batch(texts, add_special_tokens=add_special_tokens)
        columns: dict[str, Any] = {
            "input_ids": [encoding.ids for encoding in found],
            "attention_mask": [encoding.attention_mask for encoding in found],
        }
        if return_offsets_mapping:
            columns["offset_mapping"] = [encoding.offsets for encoding in found]
        if isinstance(text, str):
            return {name: rows[0] for name, rows in columns.items()}
        return columns

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """The ids of a text's tokens."""
        ids: list[int] = self(text, add_special_tokens=add_special_tokens)["input_ids"]
        return ids

    def tokenize(self, text: str) -> list[str]:
        """A text's tokens, without special ones."""
        ids = self.encode(text, add_special_tokens=False)
        return [str(self.backend_tokenizer.id_to_token(index)) for index in ids]

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        """The token of an id, or of each id of a list.

        Raises:
            MinnerError: an id is no whole number of at least 0.
        """
        if isinstance(ids, Iterable) and not isinstance(ids, str):
            return [self.convert_ids_to_tokens(index) for index in ids]
        try:
            return self.backend_tokenizer.id_to_token(operator.index(ids))
        except (TypeError, OverflowError) as error:
            raise MinnerError(f"expected an id or a list of ids, not {ids!r}") from error

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """The id of a token, or of each token of a list; that of `unk_token` for unknown ones.

        Raises:
            MinnerError: something else was given.
        """
        if not isinstance(tokens, str):
            return [*map(self.convert_tokens_to_ids, _strings(tokens, "a token or a list"))]
        index = self.backend_tokenizer.token_to_id(without_surrogates(tokens))
        return self._tagger.vocabulary.unk_id if index is None else index

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The text that tokens are put together to.

        Raises:
            MinnerError: something else was given.
        """
        return self._join([*map(without_surrogates, _strings(tokens, "a list of tokens"))])

    def get_vocab(self) -> dict[str, int]:
        """Token -> id."""
        vocabulary: dict[str, int] = self.backend_tokenizer.get_vocab()
        return vocabulary

    def save_pretrained(self, directory: str | os.PathLike[str], **_: Any) -> None:
        """Copy the files of the tokenizer.

        Raises:
            MinnerError: the directory cannot be written.
        """
        copy_files(self._tagger.vocabulary.path.parent, directory, TOKENIZER_FILES)


def joiner(tokenizer: Backend) -> Callable[[list[str]], str]:
    """What puts tokens together to a text, as a tokenizer of transformers does."""
    if isinstance(tokenizer.model, WordPiece):
        # What transformers gives every BERT tokenizer, whatever decoder tokenizer.json has.
        return decoders.WordPiece(prefix="##").decode
    return " ".join if tokenizer.decoder is None else tokenizer.decoder.decode


def _strings(given: Any, wanted: str) -> list[str]:
    """A list of strings; MinnerError if it is something else."""
    return list_of_strings(
        given, f"expected {wanted}, not", f"expected {wanted}, not one that holds"
    )


def copy_files(source: Path, target: str | os.PathLike[str], patterns: Iterable[str]) -> None:
    """Copy the files of a directory that fit one of the patterns.

    Raises:
        MinnerError: the target cannot be written.
    """
    if not isinstance(target, str | os.PathLike):
        raise MinnerError(f"expected the name of a directory to save to, not {target!r}")
    try:
        os.makedirs(target, exist_ok=True)
        for path in {path for pattern in patterns for path in source.glob(pattern)}:
            if not os.path.exists(copy := Path(target, path.name)) or not path.samefile(copy):
                shutil.copy(path, copy)
    except OSError as error:
        raise MinnerError(f"cannot save to {os.fspath(target)}: {reason(error)}") from error
