"""id2label -> one label per class index."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minner.errors import MinnerError, warn
from minner.weights.files import first_few

_MOST_CLASSES = 1 << 16
"""A class index beyond this is a fault in the file: it bounds what a bad key can make us build."""


def read_labels(path: Path, raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels by class index, up to the highest index that id2label in `raw` names.

    Keys are read as numbers, since files order them as text ("1", "10", "2"); values that are
    numbers become text. Where `label2id` disagrees, id2label wins with a warning. A class that
    id2label leaves out is named by label2id, with a warning, or else by Hugging Face's `LABEL_i`.
    Empty where neither names any.

    Raises:
        MinnerError: id2label is no object, or has a key or a value that cannot be meant.
    """
    by_index = _by_index(path, raw.get("id2label"))
    label2id = raw.get("label2id")
    _compare_label2id(path, by_index, label2id)
    named = _named_by_label2id(label2id)
    count = max(by_index or named, default=-1) + 1
    filled = named.keys() & (set(range(count)) - by_index.keys())
    if filled:
        names = first_few([f"{i} is {named[i]!r}" for i in sorted(filled)])
        warn(f"{path}: id2label leaves out classes that label2id names, which is believed: {names}")
        by_index |= {i: named[i] for i in filled}
    unnamed = [f"LABEL_{i}" for i in range(count) if i not in by_index]
    if unnamed:
        warn(
            f"{path}: id2label leaves out classes, which are now {first_few(unnamed)} and of no "
            f"entity type; write the names used in training there"
        )
    return tuple(by_index.get(i, f"LABEL_{i}") for i in range(count))


def fit_labels(path: Path, labels: tuple[str, ...], n_classes: int) -> tuple[str, ...]:
    """Return exactly `n_classes` labels, C rows of the classifier being what is trusted."""
    if labels and len(labels) != n_classes:
        warn(
            f"{path}: id2label has {len(labels)} labels but the classifier has {n_classes} rows; "
            f"the rows are trusted"
        )
    fitted = labels[:n_classes] + tuple(f"LABEL_{i}" for i in range(len(labels), n_classes))
    repeated = [label for label, count in Counter(fitted).items() if count > 1]
    if repeated:
        warn(f"{path}: id2label gives more than one class the label {repeated[0]!r}")
    return fitted


def _by_index(path: Path, id2label: object) -> dict[int, str]:
    if not isinstance(id2label, dict | None):
        raise MinnerError(f"{path}: id2label must be an object of labels by class index")
    by_index: dict[int, str] = {}
    for key, label in (id2label or {}).items():
        index = _class_index(path, key)
        if index in by_index:
            raise MinnerError(f"{path}: id2label names class {index} twice")
        if not isinstance(label, str | int) or isinstance(label, bool):
            raise MinnerError(f"{path}: id2label[{key!r}] must be a text, not {label!r}")
        by_index[index] = str(label)
    return by_index


def _class_index(path: Path, key: str) -> int:
    if not (key.isascii() and key.isdigit() and len(key) < 9 and int(key) < _MOST_CLASSES):
        raise MinnerError(f"{path}: id2label key {key!r} is no class index below {_MOST_CLASSES}")
    return int(key)


def _compare_label2id(path: Path, by_index: Mapping[int, str], label2id: object) -> None:
    if not isinstance(label2id, dict):
        return
    for index, label in by_index.items():
        claim = label2id.get(label)
        # Of several classes with one label, label2id can name only one: any of them will do.
        if claim != index and not (isinstance(claim, int) and by_index.get(claim) == label):
            warn(f"{path}: label2id disagrees with id2label about {label!r}; id2label is used")
            return


def _named_by_label2id(label2id: object) -> dict[int, str]:
    """Return the label of each class that label2id names once, and not by Hugging Face's `LABEL_i`.

    A class index beyond what id2label may have is no name of anything.
    """
    claims = label2id.items() if isinstance(label2id, dict) else ()
    named: dict[int, str] = {}
    repeated: set[int] = set()
    for label, index in claims:
        if type(index) is int and 0 <= index < _MOST_CLASSES and label != f"LABEL_{index}":
            repeated |= {index} & named.keys()
            named[index] = label
    return {index: label for index, label in named.items() if index not in repeated}
