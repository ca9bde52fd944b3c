"""JSON as every command writes it."""

from __future__ import annotations

import json
from typing import Any

from minner.errors import MinnerError

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
