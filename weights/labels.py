"""id2label -> one label per class index."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minner.errors import MinnerError, warn

_MOST_CLASSES = 1 << 16
"""A class index beyond this is a fault in the file: it bounds what a bad key can make us build."""


def read_labels(path: Path, raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels by class index, up to the highest index that id2label in `raw` names.

    Keys are read as numbers, since files order them as text ("1", "10", "2"); values that are
    numbers become text; an index without a label gets Hugging Face's `LABEL_i`. `label2id` is
    only compared: where it disagrees, id2label wins with a warning. Empty without id2label.

    Raises:
        MinnerError: id2label is no object, or has a key or a value that cannot be meant.
    """
    id2label = raw.get("id2label")
    if id2label is None:
        return ()
    if not isinstance(id2label, dict):
        raise MinnerError(f"{path}: id2label must be an object of labels by class index")
    by_index: dict[int, str] = {}
    for key, label in id2label.items():
        index = _class_index(path, key)
        if index in by_index:
            raise MinnerError(f"{path}: id2label names class {index} twice")
        if not isinstance(label, str | int) or isinstance(label, bool):
            raise MinnerError(f"{path}: id2label[{key!r}] must be a text, not {label!r}")
        by_index[index] = str(label)
    _compare_label2id(path, by_index, raw.get("label2id"))
    return tuple(by_index.get(i, f"LABEL_{i}") for i in range(max(by_index, default=-1) + 1))


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
