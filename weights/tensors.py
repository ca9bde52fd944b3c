"""One safetensors file -> its tensors, memory-mapped and converted to float32 on demand; and back.

The format (https://github.com/huggingface/safetensors, section Format): eight bytes, little
endian, hold the length N of the header; N bytes of UTF-8 JSON map each tensor's name to its dtype,
shape and data_offsets [begin, end); the rest is the data, which the offsets must tile without
holes or overlaps. The reader is our own because the `safetensors` package cannot give bfloat16 to
NumPy, and because a file from a stranger deserves one precise sentence for each fault it can have.
It takes what that package takes (0.8), but for names that appear twice in the header, which the
format forbids and the package lets pass, and headers of more than 8 MiB; and it lets a tensor pass
whose dtype it has never heard of, as long as nobody needs it.

An array that is mapped, not copied, reads the file for as long as it lives: replace a checkpoint
by renaming a new file over it, never by writing into it.
"""

import json
import math
import mmap
import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from minner.errors import MinnerError
from minner.weights.files import LARGEST, open_regular, parse_json, reason, refuse_lfs_pointer
from minner.weights.numbers import from_bfloat16, from_float8, from_int8

_STORED_AS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8", "I8": "i1", "F8_E4M3": "u1"}
"""dtype in the header -> the NumPy type its bytes are mapped as; all others are refused."""

_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
"""dtype in the header -> bits of a value, for all that the format knows (safetensors 0.8)."""

Written = tuple[str, NDArray[Any]]
"""What is to be written of a tensor: its dtype and its values."""

_LONGEST_HEADER = LARGEST
"""Bytes: 8 MiB, room for 80,000 tensors. In memory JSON takes up to thirty times as much; the
reference implementation takes 100 MB, which would be 3 GB."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredTensor:
    """A tensor as its file describes it; the data are not read before `to_float32`.

    Attributes:
        path: the file it lies in.
        name: its name there.
        dtype: its safetensors dtype, supported or not.
        shape: its shape.
        offset: where its bytes begin in the file.
        data: its bytes, mapped read-only.
        scale: for I8 `[N, K]`, the tensor of N scales that its rows are to be multiplied by, where
            there is one (see `minner.weights.scales`).
    """

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    data: memoryview
    scale: "StoredTensor | None" = None

    @property
    def parts(self) -> "tuple[StoredTensor, ...]":
        """All that is stored of it: itself, and its scales."""
        return (self,) if self.scale is None else (self, self.scale)

    def to_float32(self) -> NDArray[np.float32]:
        """Return the values, read-only; an aligned F32 tensor is mapped, all others are copied.

        Raises:
            MinnerError: the dtype is not F32, F16, BF16, F64, F8_E4M3, or I8 with scales; or a
                value is not finite.
        """
        if self.dtype not in _STORED_AS or (self.dtype == "I8" and self.scale is None):
            raise MinnerError(
                f"{self.path}: tensor {self.name!r} is {self.dtype}; minner reads F32, F16, BF16, "
                f"F64, F8_E4M3, and I8 with a scale for each row beside it: use the original, "
                f"unquantised checkpoint"
            )
        stored: NDArray[Any] = np.ndarray(self.shape, _STORED_AS[self.dtype], self.data)
        if self.scale is not None:
            with np.errstate(over="ignore"):
                values = from_int8(stored, self.scale.to_float32())
        elif self.dtype == "BF16":
            values = from_bfloat16(stored)
        elif self.dtype == "F8_E4M3":
            values = from_float8(stored)
        else:
            with np.errstate(over="ignore", invalid="ignore"):  # reported just below, by name
                values = np.require(stored, np.float32, ["ALIGNED"])
        values.flags.writeable = False
        self._check_finite(values)
        return values

    def _check_finite(self, values: NDArray[np.float32]) -> None:
        # NaN passes through both min and max, so two passes without a temporary find everything.
        if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
            bad = values.size - int(np.isfinite(values).sum())
            raise MinnerError(
                f"{self.path}: tensor {self.name!r} has {bad} values of {values.size} "
                f"that are not finite as float32"
            )


def read_safetensors(path: Path) -> dict[str, StoredTensor]:
    """Return the tensors of `path` by name, after checking everything but their values.

    Raises:
        MinnerError: the file cannot be read, is empty, truncated or a git-lfs pointer, or its
            header is not what the format asks for.
    """
    content = _map(path)
    refuse_lfs_pointer(path, bytes(content[:64]))
    header_end = 8 + _header_length(path, content)
    header = _parse_header(path, bytes(content[8:header_end]))
    data = content[header_end:]
    spans: list[tuple[int, int, str]] = []
    tensors: dict[str, StoredTensor] = {}
    for name, entry in header.items():
        dtype, shape, begin, end = _parse_entry(path, name, entry, len(data))
        spans.append((begin, end, name))
        offset = header_end + begin
        tensors[name] = StoredTensor(path, name, dtype, shape, offset, data[begin:end])
    _check_tiling(path, sorted(spans), len(data))
    return tensors


def _map(path: Path) -> memoryview:
    try:
        with open_regular(path) as file:
            if not os.fstat(file.fileno()).st_size:
                raise MinnerError(f"{path} is empty; download it again")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise MinnerError(f"cannot read {path}: {reason(error)}") from error


def write_safetensors(path: Path, tensors: Mapping[str, Written]) -> None:
    """Write a new file of tensors, each by its name: its safetensors dtype and its values.

    Wider types come first, so that all are aligned. Values of BF16 are uint16, of F8_E4M3 uint8.

    Raises:
        OSError: the file cannot be written.
    """
    arrays = {
        name: (dtype, np.ascontiguousarray(values, _STORED_AS[dtype]))
        for name, (dtype, values) in sorted(tensors.items())
    }
    ordered = sorted(arrays.items(), key=lambda item: -item[1][1].itemsize)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # which transformers asks for
    begin = 0
    for name, (dtype, values) in ordered:
        end = begin + values.nbytes
        header[name] = {"dtype": dtype, "shape": values.shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("xb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, (_, values) in ordered:
            file.write(values.data)


def _header_length(path: Path, content: memoryview) -> int:
    length = int.from_bytes(content[:8], "little")
    if len(content) >= 8 + length and length > _LONGEST_HEADER:
        raise MinnerError(
            f"{path} has a header of {length} bytes, and minner reads up to {_LONGEST_HEADER}; "
            f"no checkpoint of this kind has so many tensors"
        )
    if len(content) < 8 + length:
        raise MinnerError(
            f"{path} is not a safetensors file, or is truncated: its header would be {length} "
            f"bytes long and the file has {len(content)}; download it again"
        )
    return length


def _parse_header(path: Path, text: bytes) -> dict[str, Any]:
    try:
        header = parse_json(
            text.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise MinnerError(f"{path}: the header is not valid JSON: {error}") from error
    if not isinstance(header, dict):
        raise MinnerError(f"{path}: the header is not a JSON object of tensors")
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict | None) or not all(
        isinstance(value, str) for value in (metadata or {}).values()
    ):
        raise MinnerError(f"{path}: __metadata__ in the header must be an object of texts")
    return header


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object, where Python would silently keep the last of two equal names."""
    built = dict(pairs)
    if len(built) < len(pairs):
        [(repeated, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the name {repeated!r} appears twice")
    return built


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads though they are no JSON."""
    raise ValueError(f"{name} is no JSON")


def _parse_entry(
    path: Path, name: str, entry: object, n_bytes: int
) -> tuple[str, tuple[int, ...], int, int]:
    """Return (dtype, shape, begin, end) of one header entry, checked against each other.

    A dtype that the format did not know yet has no known size, and passes: the tensor may never be
    needed.
    """
    fields = entry if isinstance(entry, dict) else {}
    dtype = fields.get("dtype")
    shape = _whole_numbers(fields.get("shape"))
    offsets = _whole_numbers(fields.get("data_offsets"))
    if not isinstance(dtype, str) or shape is None or offsets is None or len(offsets) != 2:
        raise MinnerError(f"{path}: the header entry of tensor {name!r} is malformed")
    begin, end = offsets
    if not begin <= end <= n_bytes:
        raise MinnerError(
            f"{path}: tensor {name!r} lies at bytes {begin} to {end} of {n_bytes}; "
            f"the file is truncated or its header is wrong: download it again"
        )
    if dtype in _BITS:
        needed = math.prod(shape) * _BITS[dtype]
        if needed != 8 * (end - begin) or max(shape, default=0) > sys.maxsize:
            raise MinnerError(
                f"{path}: tensor {name!r} is {dtype} of shape {list(shape)}, "
                f"which the {end - begin} bytes stored for it do not fit"
            )
    return dtype, shape, begin, end


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    """Return a JSON list of non-negative integers as a tuple, and None for anything else."""
    if isinstance(value, list) and all(type(item) is int and item >= 0 for item in value):
        return tuple(value)
    return None


def _check_tiling(path: Path, spans: list[tuple[int, int, str]], n_bytes: int) -> None:
    """Check that `spans`, (begin, end, name) in order, cover the data exactly once."""
    covered = 0
    for begin, end, name in spans:
        if begin < covered:
            raise MinnerError(f"{path}: tensor {name!r} overlaps the tensor before it")
        if begin > covered:
            raise MinnerError(f"{path}: bytes {covered} to {begin}, before {name!r}, are unused")
        covered = end
    if covered != n_bytes:
        raise MinnerError(f"{path}: {n_bytes - covered} bytes after the last tensor are unused")
