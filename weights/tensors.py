"""One safetensors file -> its tensors, memory-mapped and converted to float32 on demand; and back.

The reader is our own because the `safetensors` package cannot give bfloat16 to NumPy, and because a
file from a stranger deserves one precise sentence for each fault it can have; those are found in
`minner.weights.header`.

An array that is mapped, not copied, reads the file for as long as it lives: replace a checkpoint
by renaming a new file over it, never by writing into it.
"""

import json
import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.errors import MinnerError
from minner.weights.files import open_regular, reason, refuse_lfs_pointer
from minner.weights.header import read_header
from minner.weights.numbers import from_bfloat16, from_float8, from_int8

_STORED_AS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8", "I8": "i1", "F8_E4M3": "u1"}
"""dtype in the header -> the NumPy type its bytes are mapped as; all others are refused."""

Written = tuple[str, NDArray[Any]]
"""What is to be written of a tensor: its dtype and its values."""


class StoredTensor(NamedTuple):
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
            MinnerError: the dtype is not F32, F16, BF16, F64, F8_E4M3, or I8 with scales; NumPy
                has no arrays of the shape; or a value is not finite.
        """
        if self.dtype not in _STORED_AS or (self.dtype == "I8" and self.scale is None):
            raise MinnerError(
                f"{self.path}: tensor {self.name!r} is {self.dtype}; minner reads F32, F16, BF16, "
                f"F64, F8_E4M3, and I8 with a scale for each row beside it: use the original, "
                f"unquantised checkpoint"
            )
        stored = self._as_array()
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

    def _as_array(self) -> NDArray[Any]:
        """The values as they are stored.

        Shapes that the format allows and NumPy does not have more than 64 dimensions (32 before
        NumPy 2), or are empty and otherwise too large.
        """
        try:
            return np.ndarray(self.shape, _STORED_AS[self.dtype], self.data)
        except ValueError as error:
            raise MinnerError(
                f"{self.path}: tensor {self.name!r} has a shape that NumPy does not have: {error}"
            ) from error

    def blocks(self, rows: int) -> Iterator[NDArray[np.float32]]:
        """The values of a matrix, some rows at a time: what `to_float32` would return at once.

        Raises:
            MinnerError: as `to_float32`.
        """
        for first in range(0, self.shape[0], rows):
            try:
                yield self._rows(first, first + rows).to_float32()
            except MinnerError:
                self.to_float32()  # counts the faults of all rows
                raise

    def _rows(self, first: int, end: int) -> "StoredTensor":
        size = len(self.data) // self.shape[0]
        scale = None if self.scale is None else self.scale._rows(first, end)
        data = self.data[first * size : end * size]
        shape = (len(data) // size, *self.shape[1:])
        return self._replace(shape=shape, data=data, scale=scale)

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
    return {
        name: StoredTensor(path, name, dtype, shape, begin, content[begin:end])
        for name, dtype, shape, begin, end in read_header(path, content)
    }


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
