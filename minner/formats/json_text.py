"""JSON as every command writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from minner.errors import MinnerError

ITEMS_AT_ONCE = 4096
"""Items of a list that are written together."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def json_text(record: Any, indent: int | None = None) -> str:
    """Write a value as JSON, with a line end.

    Raises:
        MinnerError: it holds a NaN or an infinity, for which JSON has no word.
    """
    try:
        if indent is None:
            return _ENCODER.encode(record) + "\n"
        return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=indent) + "\n"
    except ValueError as error:
        raise MinnerError(
            "a score is not a finite number, so it cannot be written as JSON; look for what is "
            "wrong with the model by `minner inspect`"
        ) from error


def json_parts(record: Mapping[str, Any], name: str, items: Iterable[Any]) -> Iterator[str]:
    """Write a record that ends with a list as `json_text` would, a long list in several parts.

    Args:
        record: all other members.
        name: of the list.
        items: of the list, which are asked for some at a time.

    Raises:
        MinnerError: as `json_text`.
    """
    items = iter(items)
    text = json_text({**record, name: list(islice(items, ITEMS_AT_ONCE))})
    while some := list(islice(items, ITEMS_AT_ONCE)):
        yield text.removesuffix("]}\n") + ", "
        text = json_text(some).removeprefix("[").removesuffix("\n") + "}\n"
    yield text
