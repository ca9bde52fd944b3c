"""The explain page: one file, which asks nobody for anything.

The arrays stand in it as one compressed block of bytes. What is only drawn has 8 bits: attention
probabilities as 255ths, states in steps of the largest value of their row.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PARTS = Path(__file__).with_name("page")

_SCRIPTS = (
    *("data", "theme", "state", "words", "heat", "attention", "lens"),
    *("decoding", "mattered", "cost", "main"),
)

_ROWS_OF_BYTES = (
    *("embeddings", "q_lin", "k_lin", "v_lin", "out_lin"),
    *("sa_layer_norm", "activation", "lin2", "output_layer_norm"),
)


def page(explanation: dict[str, Any]) -> str:
    """The page of one explanation, as HTML."""
    block, places = pack(explanation["arrays"])
    facts = {**explanation, "arrays": places}
    contents = {
        "style": part("page.css"),
        "script": "\n".join(part(f"{name}.js") for name in _SCRIPTS),
        "facts": embedded_json(facts),
        "arrays": base64.b64encode(gzip.compress(block, mtime=0)).decode(),
    }
    return fill(part("page.html"), contents)


def pack(arrays: dict[str, NDArray[Any]]) -> tuple[bytes, dict[str, dict[str, Any]]]:
    """Put arrays into one block of bytes.

    Returns:
        The block, and for each name where it lies in it: `start`, `shape`, `type` (`f32`, `u8` or
        `i8`) and `scale`: a number, or `rows` where there is one for each row of the last
        dimension, in the array NAME.scale.
    """
    parts: list[bytes] = []
    places: dict[str, dict[str, Any]] = {}

    def put(name: str, values: NDArray[Any], kind: str, scale: float | str = 1) -> None:
        start = sum(map(len, parts))
        places[name] = {"start": start, "shape": values.shape, "type": kind, "scale": scale}
        parts.append(values.tobytes() + bytes(-values.nbytes % 4))

    for name, values in arrays.items():
        if name in _ROWS_OF_BYTES:
            steps = np.abs(values).max(axis=-1, keepdims=True).astype(np.float32) / 127
            whole = np.rint(values / np.where(steps > 0, steps, 1)).astype(np.int8)
            put(f"{name}.scale", steps, "f32")
            put(name, whole, "i8", "rows")
        elif name == "attention":
            put(name, np.rint(values * 255).astype(np.uint8), "u8", 1 / 255)
        elif values.dtype == np.uint8:
            put(name, values, "u8")
        else:
            put(name, values.astype("<f4"), "f32")
    return b"".join(parts), places


def part(name: str) -> str:
    """A file that pages are put together from."""
    return (_PARTS / name).read_text(encoding="utf-8")


def embedded_json(value: Any) -> str:
    """JSON that can stand in a script element of a page."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


def fill(html: str, contents: Mapping[str, str]) -> str:
    """Put contents in the places of a page that have their names, such as `{{style}}`."""
    for name, content in contents.items():
        html = html.replace("{{" + name + "}}", content)
    return html
