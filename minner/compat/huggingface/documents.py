"""From a text, or from words, to wordpieces with their places in the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.compat.huggingface.aggregation import (
    WORD_SCORES,
    AggregationStrategy,
    Floats,
    Wordpiece,
)
from minner.errors import MinnerError, warn
from minner.text.wordpieces import without_surrogates
from minner.weights.tokenizer import Vocabulary

Span = tuple[int, int]


class Document(NamedTuple):
    """A text in wordpieces, without special tokens.

    Attributes:
        text: the text; of a list of words, the words with the delimiter between them.
        ids: of all wordpieces, however many the model takes at once.
        offsets: start and end of each wordpiece in the text, or in its word where there are words.
        word_ids: the word of each wordpiece; None where there are no words.
        word_places: start and end of each word in the text; None where there are no words.
    """

    text: str
    ids: list[int]
    offsets: list[Span]
    word_ids: list[int] | None = None
    word_places: list[Span] | None = None

    def start(self, wordpiece: int) -> int:
        """Where a wordpiece begins in the text."""
        start = self.offsets[wordpiece][0]
        if self.word_ids is None or self.word_places is None:
            return start
        return start + self.word_places[self.word_ids[wordpiece]][0]


def read(item: Any, delimiter: str | None, vocabulary: Vocabulary) -> Document:
    """Cut a text into wordpieces, or words where there is a delimiter.

    Raises:
        MinnerError: it is no text, or no list of words.
    """
    if delimiter is None:
        if isinstance(item, str):
            return _read_text(item, vocabulary)
        if isinstance(item, Mapping):
            raise MinnerError(
                "a text must be a string, not a row of a table; pass one of its columns, such as "
                "KeyDataset(dataset, 'text')"
            )
        raise MinnerError(
            f"a text must be a string, not {type(item).__name__}; for words, pass "
            f"is_split_into_words=True"
        )
    if isinstance(item, list | tuple) and all(isinstance(word, str) for word in item):
        return _read_words(item, delimiter, vocabulary)
    raise MinnerError("with is_split_into_words, a text must be a list of strings")


def _read_text(text: str, vocabulary: Vocabulary) -> Document:
    """Cut a text into wordpieces. The tokenizer finds the words: every punctuation mark is one."""
    encoding = vocabulary.encode_text(without_surrogates(text))
    return Document(text, encoding.ids, encoding.offsets)


def _read_words(words: Sequence[str], delimiter: str, vocabulary: Vocabulary) -> Document:
    """Cut words into wordpieces, placed in the text where `delimiter` stands between the words."""
    encoding: Any = vocabulary.encode_words(
        [without_surrogates(word) for word in words], as_in_text=False
    )
    starts = accumulate((len(word) + len(delimiter) for word in words), initial=0)
    places = [(start, start + len(word)) for start, word in zip(starts, words, strict=False)]
    text = delimiter.join(words)
    return Document(text, encoding.ids, encoding.offsets, encoding.word_ids, places)


def window_slices(document: Document, size: int, stride: int | None) -> list[slice]:
    """Which wordpieces each window of a document holds.

    Args:
        document: the document.
        size: most wordpieces of a window.
        stride: how many neighbouring windows share; where it is None, there is one window, and a
            MinnerWarning tells what is not in it.
    """
    count = len(document.ids)
    if stride is None:
        if count > size:
            warn(
                f"a text has {count} wordpieces but the model takes {size}, so that nothing "
                f"from character {document.start(size)} on was read; pass stride, such as "
                f"stride={size // 4}, to read all of it"
            )
        return [slice(0, size)]
    starts = range(0, max(count - stride, 1), size - stride)
    return [slice(start, start + size) for start in starts]


class Array(np.ndarray[Any, np.dtype[Any]]):
    """An array where transformers has a tensor; `numpy()` is there for code that expects one."""

    def numpy(self) -> NDArray[Any]:
        """The array itself."""
        return self.view(np.ndarray)


def as_batch(row: Any) -> Array:
    """A batch of one row: `[n, ...]` -> `[1, n, ...]`."""
    return np.asarray(row)[None].view(Array)


def window_inputs(document: Document, window: slice, cls_id: int, sep_id: int) -> dict[str, Any]:
    """What transformers' `preprocess` yields for one window, special tokens included."""
    ids = [cls_id, *document.ids[window], sep_id]
    special = [1, *[0] * (len(ids) - 2), 1]
    inputs: dict[str, Any] = {
        "input_ids": as_batch(ids),
        "attention_mask": as_batch([1] * len(ids)),
        "special_tokens_mask": as_batch(special),
        "offset_mapping": as_batch([(0, 0), *document.offsets[window], (0, 0)]),
        "sentence": document.text if window.start == 0 else None,
    }
    if document.word_ids is not None:
        inputs["word_ids"] = [None, *document.word_ids[window], None]
        inputs["word_to_chars_map"] = document.word_places
    return inputs


def gather(
    sentence: str, output: Mapping[str, Any], vocabulary: Vocabulary
) -> tuple[list[Wordpiece], Floats]:
    """The wordpieces of one window, and the logits `[n, C]` of each; special tokens are left out.

    In transformers a wordpiece continues a word if it is not as long as the text that it stands
    for, which is how it knows `##ing`. So does a wordpiece whose length the tokenizer has changed,
    by dropping an accent that is a code point of its own. An unknown wordpiece never does. Where
    the tokenizer does not mark parts of words (RoBERTa's and XLM-R's), a wordpiece continues a word
    if there is no space before it: then punctuation belongs to the word before.

    Args:
        sentence: the text.
        output: of the window, as `TokenClassificationPipeline.postprocess` describes it.
        vocabulary: of the model.
    """
    tokenizer: Any = vocabulary.tokenizer
    marks_parts = marks_parts_of_words(vocabulary)
    text = without_surrogates(sentence)
    seen = np.flatnonzero(np.asarray(output["special_tokens_mask"][0]) == 0)
    offsets, ids = output["offset_mapping"][0], np.asarray(output["input_ids"][0])
    word_ids, places = output.get("word_ids"), output.get("word_to_chars_map")
    wordpieces = []
    for row in seen.tolist():
        start, end = map(int, offsets[row])
        if word_ids is not None and places is not None and word_ids[row] is not None:
            shift = places[word_ids[row]][0]
            start, end = start + shift, end + shift
        here, index = text[start:end], int(ids[row])
        is_unknown = index == vocabulary.unk_id
        word = here if is_unknown else tokenizer.id_to_token(index)
        if marks_parts:
            continues = len(word) != len(here)
        else:
            continues = start > 0 and " " not in text[start - 1 : start + 1]
        wordpieces.append(Wordpiece(word, start, end, continues and not is_unknown))
    return wordpieces, np.asarray(output["logits"][0], dtype=np.float32)[seen]


def marks_parts_of_words(vocabulary: Vocabulary) -> bool:
    """Whether the wordpieces of a vocabulary show which of them begin a word, as `##` does."""
    return bool(getattr(vocabulary.tokenizer.model, "continuing_subword_prefix", None))


def warn_of_words(strategy: AggregationStrategy | None, vocabulary: Vocabulary) -> None:
    """Warn that a strategy for whole words has no words to go by; transformers does, too."""
    if strategy and strategy.value in WORD_SCORES and not marks_parts_of_words(vocabulary):
        warn(
            f"this tokenizer does not mark the parts of words, so aggregation_strategy="
            f"{strategy.value!r} takes what stands between two spaces for a word, punctuation "
            f"included, as transformers does; minner.load() finds words by itself"
        )


# ---- inputs of a call ---------------------------------------------------------------------------

_MAPPING = "a list with the start and the end of every token"


def iterate(inputs: Any) -> Iterator[Any]:
    """The items of a stream, or of an object that has a length and gives items by number.

    Raises:
        MinnerError: it is neither.
    """
    if not isinstance(inputs, bytes | Mapping):
        if isinstance(inputs, Iterable):
            return iter(inputs)
        if hasattr(inputs, "__len__") and hasattr(inputs, "__getitem__"):
            return (inputs[number] for number in range(len(inputs)))
    raise MinnerError(f"expected a text or several, not {type(inputs).__name__}")


def as_mappings(offset_mapping: Any, count: int) -> Iterable[Any]:
    """One offset mapping, or None, for each of `count` texts.

    Raises:
        MinnerError: there are more or fewer, or it is no list.
    """
    if offset_mapping is None:
        return repeat(None)
    if isinstance(offset_mapping, str | Mapping) or not isinstance(offset_mapping, Iterable):
        raise MinnerError(f"offset_mapping must be {_MAPPING}, not {offset_mapping!r}")
    mappings = list(offset_mapping)
    if mappings and isinstance(mappings[0], tuple):
        mappings = [mappings]
    if len(mappings) != count:
        raise MinnerError(f"offset_mapping has {len(mappings)} items for {count} texts")
    return mappings


def checked_mapping(mapping: Sequence[Any], inputs: Mapping[str, Any]) -> Sequence[Any]:
    """The mapping, if it has a place for every token of a window.

    Raises:
        MinnerError: it has fewer, or holds something else.
    """
    for place in mapping if isinstance(mapping, Iterable) else [mapping]:
        if not _is_place(place):
            raise MinnerError(f"offset_mapping must be {_MAPPING}, but it holds {place!r}")
    count = inputs["input_ids"].shape[1]
    if len(mapping) < count:
        raise MinnerError(
            f"offset_mapping has {len(mapping)} places for {count} tokens, special ones included"
        )
    return mapping


def _is_place(place: Any) -> bool:
    return (
        isinstance(place, Sequence | np.ndarray)
        and len(place) == 2
        and all(isinstance(offset, int | np.integer) for offset in place)
    )
