"""The safetensors reader against literal bytes, the format's own library, and broken files."""

import json
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from checkpoints import encode, safetensors_bytes, with_header
from minner.errors import MinnerError
from minner.weights.tensors import read_safetensors

GOLDEN = (
    b"\x78\x00\x00\x00\x00\x00\x00\x00"
    b'{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},'
    b'"b.c":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]}}     '
    b"\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f\xdb\x0f\x49\x40"  # 1, -2, 0.5, pi
    b"\x80\x3f\x00\xc0\x49\x40"  # 1, -2, pi cut to its upper half
)
"""Two tensors in 150 bytes, written by hand from the format's description."""

FLOATS = st.floats(-1e4, 1e4, width=16)


def write(tmp_path: Path, content: bytes) -> Path:
    """Write `content` as a safetensors file."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("shape", "data"), [([1] * 99, b"1234"), ([0] * 99, b""), ([0, 2**40, 2**40], b"")]
)
def test_shapes_that_numpy_does_not_have(shape: list[int], data: bytes, tmp_path: Path) -> None:
    """The format allows them, and nobody may need them; found by the torture."""
    content = with_header(
        {"t": {"dtype": "F32", "shape": shape, "data_offsets": [0, len(data)]}}, data
    )
    tensor = read_safetensors(write(tmp_path, content))["t"]
    with pytest.raises(MinnerError, match="'t' has a shape that NumPy does not have: "):
        tensor.to_float32()


def test_golden_bytes(tmp_path: Path) -> None:
    tensors = read_safetensors(write(tmp_path, GOLDEN))
    assert list(tensors) == ["a", "b.c"]
    assert tensors["a"].shape == (2, 2)
    assert tensors["a"].to_float32().tolist() == [[1.0, -2.0], [0.5, float(np.float32(math.pi))]]
    assert tensors["b.c"].to_float32().tolist() == [1.0, -2.0, 3.140625]


@given(st.lists(FLOATS, min_size=6, max_size=6), st.lists(FLOATS, max_size=5))
def test_what_the_library_writes_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, first: list[float], second: list[float]
) -> None:
    arrays: dict[str, Any] = {
        "single": np.array(first, np.float32).reshape(2, 3),
        "half": np.array(second, np.float16),
        "double": np.array(first, np.float64).reshape(3, 1, 2),
        "scalar": np.array(first[0], np.float32),
        "ids": np.arange(7),
    }
    path = write(tmp_path_factory.mktemp("library"), save(arrays, metadata={"format": "np"}))
    tensors = read_safetensors(path)
    assert tensors.keys() == arrays.keys()
    for name in arrays.keys() - {"ids"}:
        read = tensors[name].to_float32()
        assert read.dtype == np.float32
        assert not read.flags.writeable
        np.testing.assert_array_equal(read, arrays[name].astype(np.float32), strict=True)


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16", "F64"])
def test_every_16_bit_pattern_that_is_finite(tmp_path: Path, dtype: str) -> None:
    patterns = np.arange(1 << 16, dtype=np.uint16)
    halves = patterns.view(np.float16).astype(np.float32)
    if dtype == "BF16":
        halves = (patterns.astype(np.uint32) << 16).view(np.float32)
    finite = halves[np.isfinite(halves)]
    content = safetensors_bytes({"t": (dtype, finite.shape, encode(finite, dtype))})
    read = read_safetensors(write(tmp_path, content))["t"].to_float32()
    np.testing.assert_array_equal(read.view(np.uint32), finite.view(np.uint32))


def test_bfloat16_agrees_with_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("safetensors.torch")
    values = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    library.save_file({"t": values}, tmp_path / "model.safetensors")
    read = read_safetensors(tmp_path / "model.safetensors")["t"].to_float32()
    np.testing.assert_array_equal(read, values.float().numpy())


def test_aligned_float32_is_mapped_and_the_rest_is_copied(tmp_path: Path) -> None:
    four = np.arange(4, dtype=np.float32)
    content = safetensors_bytes(
        {
            "mapped": ("F32", (4,), encode(four, "F32")),
            "odd": ("U8", (3,), b"abc"),
            "copied": ("F32", (4,), encode(four, "F32")),
        }
    )
    tensors = read_safetensors(write(tmp_path, content))
    mapped, copied = tensors["mapped"].to_float32(), tensors["copied"].to_float32()
    assert np.shares_memory(mapped, np.frombuffer(tensors["mapped"].data, np.uint8))
    assert not np.shares_memory(copied, np.frombuffer(tensors["copied"].data, np.uint8))
    for array in (mapped, copied):
        assert array.flags.aligned
        assert not array.flags.writeable
        np.testing.assert_array_equal(array, four)


@pytest.mark.parametrize(
    ("dtype", "count"),
    [("I8", 8), ("U8", 8), ("I64", 1), ("F8_E5M2", 8), ("BOOL", 8), ("F4", 16), ("Q4", 8)],
)
def test_other_dtypes_are_refused_only_when_needed(tmp_path: Path, dtype: str, count: int) -> None:
    content = safetensors_bytes({"t": (dtype, (count,), b"8" * 8)})
    tensors = read_safetensors(write(tmp_path, content))
    with pytest.raises(MinnerError, match=f"tensor 't' is {dtype}; minner reads F32"):
        tensors["t"].to_float32()


@pytest.mark.parametrize(
    ("dtype", "values", "count"),
    [
        ("F32", [1, np.nan, 3], 1),
        ("F32", [np.inf, np.nan, -np.inf], 3),
        ("F16", [np.inf, 2, 3], 1),
        ("BF16", [1, -np.inf, np.nan], 2),
        ("F64", [1e300, 2, -1e300], 2),
    ],
)
def test_values_that_are_not_finite(
    tmp_path: Path, dtype: str, values: list[float], count: int
) -> None:
    content = safetensors_bytes({"x.y": (dtype, (3,), encode(np.array(values), dtype))})
    tensors = read_safetensors(write(tmp_path, content))
    with pytest.raises(MinnerError, match=f"tensor 'x.y' has {count} values of 3 .* not finite"):
        tensors["x.y"].to_float32()


def entry(**changes: object) -> dict[str, object]:
    """Return the header entry of four float32 in the first 16 bytes, with changes."""
    return {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16], **changes}


def pair(begin: int, end: int) -> dict[str, object]:
    """Return a header of `a`, the first 16 bytes, and `b`, the bytes from begin to end."""
    return {"a": entry(), "b": entry(shape=[(end - begin) // 4], data_offsets=[begin, end])}


MALFORMED = "header entry of tensor 'a' is malformed"


@pytest.mark.parametrize(
    ("header", "n_bytes", "message"),
    [
        (b"", 0, "header is not valid JSON"),
        (b'{"a": ', 0, "header is not valid JSON"),
        (b"\xff\xfe", 0, "header is not valid JSON"),
        (b"[" * 100_000, 0, "header is not valid JSON"),
        ([], 0, "header is not a JSON object"),
        (b'{"a": {}, "b": {}, "a": {}}', 0, "the name 'a' appears twice"),
        ({"a": 3}, 0, MALFORMED),
        ({"a": {}}, 0, MALFORMED),
        ({"a": entry(dtype=4)}, 16, MALFORMED),
        ({"a": entry(shape=4)}, 16, MALFORMED),
        ({"a": entry(shape=[2, -2])}, 16, MALFORMED),
        ({"a": entry(shape=[4.0])}, 16, MALFORMED),
        ({"a": entry(shape=[True, 4])}, 16, MALFORMED),
        ({"a": entry(data_offsets=[0])}, 16, MALFORMED),
        ({"a": entry(data_offsets=[-4, 12])}, 16, MALFORMED),
        ({"a": entry(data_offsets=["0", "16"])}, 16, MALFORMED),
        ({"a": entry(data_offsets=[16, 0])}, 16, "'a' lies at bytes 16 to 0 of 16"),
        ({"a": entry()}, 12, "'a' lies at bytes 0 to 16 of 12; the file is truncated"),
        ({"a": entry(data_offsets=[0, 10**30])}, 16, "'a' lies at bytes 0 to 1000"),
        ({"a": entry(shape=[3])}, 16, r"'a' is F32 of shape \[3\], which the 16 bytes"),
        ({"a": entry(dtype="F16")}, 16, r"'a' is F16 of shape \[2, 2\], which the 16 bytes"),
        ({"a": entry(dtype="I64")}, 16, r"'a' is I64 of shape \[2, 2\], which the 16 bytes"),
        ({"a": entry(dtype="F4", shape=[31])}, 16, r"'a' is F4 of shape \[31\], which the 16"),
        ({"a": entry(shape=[2**64, 0], data_offsets=[0, 0])}, 0, "which the 0 bytes"),
        ({"__metadata__": {"format": 1}}, 0, "__metadata__ in the header must be an object of"),
        ({"__metadata__": ["pt"]}, 0, "__metadata__ in the header must be an object of texts"),
        (b'{"__metadata__": {"a": "b", "a": "c"}}', 0, "the name 'a' appears twice"),
        (b'{"a": NaN}', 0, "header is not valid JSON: NaN is no JSON"),
        (b'{"\\ud800": {}}', 0, "header is not valid JSON: it holds a lone surrogate"),
        ({"a": entry(shape=[10**4000, 10**4000])}, 16, "which the 16 bytes"),
        (pair(12, 28), 28, "'b' overlaps"),
        (pair(0, 16), 16, "'b' overlaps"),
        (pair(20, 28), 28, "bytes 16 to 20, before 'b', are unused"),
        ({"b": entry(data_offsets=[4, 20])}, 20, "bytes 0 to 4, before 'b', are unused"),
        (pair(16, 20), 24, "4 bytes after the last tensor are unused"),
        ({}, 4, "4 bytes after the last tensor are unused"),
    ],
)
def test_broken_headers(tmp_path: Path, header: object, n_bytes: int, message: str) -> None:
    path = write(tmp_path, with_header(header, b"\0" * n_bytes))
    with pytest.raises(MinnerError, match=rf"model\.safetensors.*{message}"):
        read_safetensors(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x08\x00", "is truncated: .* the file has 2"),
        (GOLDEN[:60], "is truncated: its header would be 120 bytes long and the file has 60"),
        (GOLDEN[:-1], "'b.c' lies at bytes 16 to 22 of 21; the file is truncated"),
        (b"\xff" * 64, "is not a safetensors file, or is truncated"),
        (b"PK\x03\x04 a pickled pytorch_model.bin", "is not a safetensors file"),
        (b"<!DOCTYPE html><html>", "is not a safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git-lfs pointer.* lfs pull"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(MinnerError, match=rf"model\.safetensors.*{message}"):
        read_safetensors(write(tmp_path, content))


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(MinnerError, match=r"cannot read .*absent.safetensors: No such file"):
        read_safetensors(tmp_path / "absent.safetensors")
    with pytest.raises(MinnerError, match=r"cannot read .*: Is a directory"):
        read_safetensors(tmp_path)


def test_no_tensors_and_no_metadata_are_fine(tmp_path: Path) -> None:
    assert read_safetensors(write(tmp_path, with_header({}, b""))) == {}
    assert read_safetensors(write(tmp_path, with_header({"__metadata__": None}, b""))) == {}


def test_a_tensor_without_values(tmp_path: Path) -> None:
    path = write(tmp_path, safetensors_bytes({"none": ("F32", (0, 3), b"")}))
    assert read_safetensors(path)["none"].to_float32().shape == (0, 3)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_corrupted_bytes_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(GOLDEN)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = write(tmp_path_factory.mktemp("corrupted"), bytes(content))
    try:
        arrays = [tensor.to_float32() for tensor in read_safetensors(path).values()]
    except MinnerError as error:
        assert path.name in str(error)
    else:
        assert all(np.isfinite(array).all() for array in arrays)


def test_a_header_of_many_bytes_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """JSON takes up to thirty times its length in memory."""
    header = b"[" + b"{}," * 3_000_000 + b"{}]"
    tracemalloc.start()
    with pytest.raises(MinnerError, match="has a header of 9000008 bytes, and minner reads up to"):
        read_safetensors(write(tmp_path, with_header(header, b"")))
    assert tracemalloc.get_traced_memory()[1] < 64 << 20  # 35 MB are of this test
    tracemalloc.stop()


ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "BF16", "I64", "I8", "BOOL", "F64", "U16"]),
        "shape": st.lists(st.integers(0, 3) | st.just(2**64), max_size=3),
        "data_offsets": st.lists(st.integers(0, 24), min_size=2, max_size=2).map(sorted),
    },
    optional={"extra": st.none()},
)
METADATA = st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.just(1))


@settings(max_examples=500)
@given(
    st.dictionaries(st.sampled_from(["a", "b", ""]), ENTRIES, max_size=2),
    st.just({}) | st.fixed_dictionaries({"__metadata__": METADATA}),
    st.integers(0, 24),
    st.binary(max_size=2),
)
def test_what_the_library_refuses_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
    entries: dict[str, Any],
    metadata: dict[str, Any],
    n_bytes: int,
    after: bytes,
) -> None:
    """And what it reads is read; but for what the docstring of `header.py` says."""
    header = json.dumps({**entries, **metadata}).encode() + after
    path = write(tmp_path_factory.mktemp("both"), with_header(header, b"\0" * n_bytes))
    try:
        with safe_open(path, "np"):
            theirs = True
    except SafetensorError:
        theirs = False
    try:
        ours = bool(read_safetensors(path) or True)
    except MinnerError:
        ours = False
    assert ours == theirs


def test_the_golden_header_is_as_long_as_it_says() -> None:
    length = int.from_bytes(GOLDEN[:8], "little")
    assert json.loads(GOLDEN[8 : 8 + length]).keys() == {"a", "b.c"}
    assert len(GOLDEN) == 8 + length + 16 + 6
