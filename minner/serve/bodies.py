"""What stands in the bodies of requests, checked."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from minner.errors import MinnerError
from minner.options import refuse_unknown
from minner.serve.limits import too_large

Fields = Mapping[str, Any]


class Texts(NamedTuple):
    """Texts, and whether they came as a list."""

    texts: Sequence[str]
    are_list: bool


def fields_of(body: bytes) -> dict[str, Any]:
    """The members of a JSON object.

    Raises:
        MinnerError: the body is none.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):  # a UnicodeDecodeError is a ValueError
        fields = None
    if not isinstance(fields, dict):
        raise MinnerError('the body must be a JSON object in UTF-8, such as {"text": "..."}')
    return fields


def check_fields(fields: Fields, known: Collection[str]) -> None:
    """Refuse members that mean nothing here.

    Raises:
        MinnerError: there is one.
    """
    refuse_unknown(fields, known, "field")


def texts_of(fields: Fields, most: int) -> Texts:
    """The `text` or the `texts` of a request.

    Raises:
        MinnerError: there is not exactly one of them, or something else stands in it.
        Refusal: there are more than `most`.
    """
    if ("text" in fields) == ("texts" in fields):
        raise MinnerError("the body must have either text, a string, or texts, a list of strings")
    name = "text" if "text" in fields else "texts"
    return strings_of(name, fields[name], most, single=name == "text", several=name == "texts")


def strings_of(
    name: str, given: Any, most: int, *, single: bool = True, several: bool = True
) -> Texts:
    """A string or a list of strings, as far as either is allowed.

    Raises:
        MinnerError: it is something else.
        Refusal: there are more than `most`.
    """
    if single and isinstance(given, str):
        return Texts([given], False)
    if several and isinstance(given, list) and all(isinstance(text, str) for text in given):
        if len(given) > most:
            raise too_large(
                f"{name} has {len(given)} texts, but a request may have {most} at most; send them "
                f"in several requests"
            )
        return Texts(given, True)
    kinds = [kind for kind, ok in (("a string", single), ("a list of strings", several)) if ok]
    raise MinnerError(f"{name} must be {' or '.join(kinds)}")


def text_of(fields: Fields, most: int) -> str:
    """The `text` of a request that has one only.

    Raises:
        MinnerError: it is no string.
        Refusal: it has more than `most` characters.
    """
    text = fields.get("text")
    if not isinstance(text, str):
        raise MinnerError("the body must have text, a string")
    if len(text) > most:
        raise too_large(
            f"the text has {len(text)} characters, but {most} at most can be explained at once; "
            f"send a part of it"
        )
    return text


def mapping_of(fields: Fields, name: str) -> dict[str, Any]:
    """A member that is an object itself; empty where it is missing or null.

    Raises:
        MinnerError: it is something else.
    """
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MinnerError(f"{name} must be a JSON object")
    return value


def names_of(fields: Fields, name: str) -> list[str]:
    """A member that is a list of strings; empty where it is missing or null.

    Raises:
        MinnerError: it is something else.
    """
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise MinnerError(f"{name} must be a list of strings")
    return value


def key_of(value: Any) -> str:
    """The same string for the same JSON value."""
    return json.dumps(value, sort_keys=True)
