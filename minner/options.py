"""The options of `minner.load` that need no model: what is read of a text, and what comes out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from minner.decoders import DECODERS
from minner.decoding.strategies import STRATEGIES
from minner.errors import MinnerError
from minner.text.offsets import UNITS

ON_LONG = ("window", "error", "truncate")

_CHOICES: dict[str, Collection[str]] = {
    "decoder": DECODERS,
    "word_strategy": STRATEGIES,
    "on_long": ON_LONG,
    "offsets": UNITS,
}
"""Option -> its values, for the options that are a choice."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of `minner.load`, which says what they mean, checked as far as no model is needed.

    Raises:
        MinnerError: a value is none that the option has.
    """

    decoder: str = "conlleval"
    word_strategy: str = "first"
    labels: Iterable[str] | None = None
    ignore_labels: Iterable[str] = ()
    label_map: Mapping[str, str] | None = None
    min_score: float = 0.0
    on_long: str = "window"
    offsets: str = "codepoints"
    inclusive_ends: bool = False

    def __post_init__(self) -> None:
        """Check every option, and bring those that hold labels to one form."""
        for name, values in _CHOICES.items():
            _check_choice(name, getattr(self, name), values)
        if not isinstance(self.inclusive_ends, bool):
            raise MinnerError(f"inclusive_ends must be True or False, not {self.inclusive_ends!r}")
        if not isinstance(self.min_score, int | float) or not 0 <= self.min_score <= 1:
            raise MinnerError(f"min_score must be a number from 0 to 1, not {self.min_score!r}")
        object.__setattr__(self, "labels", wanted_labels(self.labels))
        # `O` is never an entity; Hugging Face's users are used to ignoring it all the same.
        ignored = label_set("ignore_labels", self.ignore_labels) - {"O"}
        object.__setattr__(self, "ignore_labels", ignored)
        object.__setattr__(self, "label_map", _checked_map(self.label_map) or None)


OPTION_NAMES = tuple(field.name for field in fields(Options))

LOADING = ("tokenizer", "precision", "threads", "lowercase")
"""The other options of `minner.load`: they are part of a loaded model, and stay as they are."""


def refuse_unknown(names: Iterable[str], known: Collection[str], what: str = "option") -> None:
    """Refuse the first of `names` that is not among `known`, and say which name is the nearest.

    Raises:
        MinnerError: there is such a name.
    """
    for name in names:
        if name in known:
            continue
        if name in LOADING and known is OPTION_NAMES:
            raise MinnerError(f"{name} cannot change in a loaded model; pass it to minner.load")
        raise unknown(name, known, what)


def unknown(name: object, known: Collection[str], what: str) -> MinnerError:
    """The error for a name that is not among `known`: it says which is the nearest, or all."""
    from difflib import get_close_matches  # here: needed for a mistake only

    nearest = get_close_matches(str(name), known, n=1)
    advice = f"did you mean {nearest[0]!r}?" if nearest else f"choose from: {', '.join(known)}"
    return MinnerError(f"there is no {what} {name!r}; {advice}")


def _check_choice(name: str, value: Any, values: Collection[str]) -> None:
    if not isinstance(value, str) or value not in values:
        raise MinnerError(f"{name} {value!r} is not available; choose from: {', '.join(values)}")


def label_set(name: str, labels: Any) -> frozenset[str]:
    """Return a list of labels as a set.

    Raises:
        MinnerError: it is no list of strings; a single string would be a list of its letters.
    """
    as_list, each = f"{name} must be a list of labels such as ['PER']", f"{name} must hold labels"
    return frozenset(list_of_strings(labels, f"{as_list}, not", f"{each} such as 'PER', not"))


def list_of_strings(given: Any, no_list: str, no_string: str) -> list[str]:
    """Return what is given as a list of strings; a single string is none.

    Args:
        given: anything.
        no_list: how the error begins that refuses what is no list; what was given follows.
        no_string: how the error begins that refuses what it holds; that follows.

    Raises:
        MinnerError: it is no list, or holds something else.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise MinnerError(f"{no_list} {given!r}")
    strings = list(given)
    for one in strings:
        if not isinstance(one, str):
            raise MinnerError(f"{no_string} {one!r}")
    return strings


def wanted_labels(labels: Any) -> frozenset[str] | None:
    """Return the labels to find or to replace as a set; None, which is all of them, stays None.

    Raises:
        MinnerError: it is no list of strings, or an empty one, with which nothing would be found.
    """
    if labels is None:
        return None
    found = label_set("labels", labels)
    if not found:
        raise MinnerError("labels names no label; name one, or leave it out for all labels")
    return found


def _checked_map(label_map: Any) -> dict[str, str]:
    if label_map is None:
        return {}
    if not isinstance(label_map, Mapping) or not all(
        isinstance(label, str) for pair in label_map.items() for label in pair
    ):
        raise MinnerError(
            f"label_map must map labels to labels, as {{'PERSON': 'PER'}}, not {label_map!r}"
        )
    return dict(label_map)
