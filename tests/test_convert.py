"""`minner convert`: what is written is what the packer makes of the original."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

import minner
from checkpoints import (
    edit_json,
    encode,
    random_tensors,
    safetensors_bytes,
    write_checkpoint,
)
from command_line import Capture, assert_fails, run
from families import FAMILIES, write_family
from minner.errors import MinnerError
from minner.inspection.examine import examine
from minner.weights import convert as converter
from minner.weights.checkpoint import open_checkpoint, read_checkpoint
from minner.weights.convert import convert
from minner.weights.hub import find_checkpoint
from minner.weights.numbers import (
    SMALLEST_WEIGHT,
    from_bfloat16,
    from_int8,
    scaled_to_bfloat16,
    score_factor,
    to_bfloat16,
    to_int8,
)
from minner.weights.pack import pack
from test_parity import transformers_logits
from test_weights_checkpoint import SHAPE, shard

Arrays = dict[str, np.ndarray[Any, Any]]
WORDS = "embeddings.word_embeddings.weight"
LIN1 = "transformer.layer.0.ffn.lin1.weight"


def dtypes(directory: Path) -> dict[str, str]:
    return {name: tensor.dtype for name, tensor in open_checkpoint(directory).stored.items()}


def assert_same_bits(one: Path, other: Path, precision: str) -> None:
    """Packed, both are the same in a precision."""
    first, second = (pack(read_checkpoint(directory), precision) for directory in (one, other))
    assert (first.shape, first.activation) == (second.shape, second.activation)
    for a, b in ((first.word_embeddings, second.word_embeddings), (first.memory, second.memory)):
        np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


# ---- numbers ------------------------------------------------------------------------------------


def test_int8_of_what_int8_stands_for_is_the_same() -> None:
    random = np.random.default_rng(0)
    weight = random.normal(size=(4096, 16)) * 10.0 ** random.uniform(-28, 36, (4096, 1))
    weight[7], weight[8] = 0, SMALLEST_WEIGHT / 2
    weight = weight.astype(np.float32)
    steps, scales = to_int8(weight)
    again, scales_again = to_int8(from_int8(steps, scales))
    np.testing.assert_array_equal(again, steps)
    np.testing.assert_array_equal(scales_again, scales)
    sound = np.delete(np.arange(4096), [7, 8])
    assert (np.abs(steps[sound]).max(axis=1) == 127).all()
    assert not steps[[7, 8]].any()
    assert not scales[[7, 8]].any()
    error = np.abs(from_int8(steps, scales).astype(float) - weight)
    assert (error <= 0.501 * scales.astype(float)[:, None] + SMALLEST_WEIGHT).all()


# ---- what is written ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16", "F64"])
@pytest.mark.parametrize("n_heads", [1, 4])
def test_int8_has_the_integers_of_the_original(tmp_path: Path, dtype: str, n_heads: int) -> None:
    """Heads of width 37 and 9 are padded, and the scores' factor changes the bits of q."""
    sizes = {"dim": 36 + (n_heads == 1), "n_heads": n_heads}
    source = write_checkpoint(tmp_path / "source", dtype=dtype, **sizes)
    convert(source, tmp_path / "int8", "int8", "same")
    assert_same_bits(source, tmp_path / "int8", "int8")


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16", "F64"])
@pytest.mark.parametrize(("dim", "n_heads"), [(64, 4), (64, 2), (36, 4), (37, 1), (64, 8)])
def test_bfloat16_is_that_of_the_original(
    tmp_path: Path, dim: int, n_heads: int, dtype: str
) -> None:
    """1/sqrt(d) is no power of two for d = 32, 9, 37 and 8: q would be rounded twice."""
    source = write_checkpoint(tmp_path / "source", dim=dim, n_heads=n_heads, dtype=dtype)
    convert(source, tmp_path / "once", "bfloat16", "same")
    assert_same_bits(source, tmp_path / "once", "bfloat16")
    convert(tmp_path / "once", tmp_path / "twice", "bfloat16", "same")
    assert_same_bits(source, tmp_path / "twice", "bfloat16")
    stored = dtypes(tmp_path / "once")["transformer.layer.0.attention.q_lin.weight"]
    assert stored == ("BF16" if dtype == "BF16" or dim // n_heads == 16 else "F32")


def test_bfloat16_of_the_embedded_model(embedded: object, tmp_path: Path) -> None:
    source = find_checkpoint(None)
    convert(source, tmp_path / "bfloat16", "bfloat16", "same")
    assert_same_bits(source, tmp_path / "bfloat16", "bfloat16")


@pytest.mark.parametrize("width", [1, 2, 3, 8, 9, 32, 37, 64, 80, 128])
def test_every_bfloat16_of_q_has_a_float32(width: int) -> None:
    factor = score_factor(width)
    halves = np.arange(1 << 16, dtype=np.uint16)
    products = from_bfloat16(halves)
    weights = products[np.abs(products) < 2.0**120] / factor
    again = scaled_to_bfloat16(weights, factor)
    np.testing.assert_array_equal(to_bfloat16(again * factor), to_bfloat16(weights * factor))


def test_the_logits_are_the_same_to_the_bit(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "source", dtype="F16")
    convert(source, tmp_path / "int8", "int8")
    ids = [np.arange(1, 40, dtype=np.int32), np.array([5, 4, 3], dtype=np.int32)]
    one, other = (
        minner.load(path, precision="int8", threads=1).logits(ids)
        for path in (source, tmp_path / "int8")
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_float32_has_the_values_of_int8(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "source")
    convert(source, tmp_path / "int8", "int8")
    before, after = read_checkpoint(source).tensors, read_checkpoint(tmp_path / "int8").tensors
    assert before.keys() == after.keys()
    for name, values in before.items():
        if name.startswith("transformer.") and values.ndim == 2:
            steps, scales = to_int8(values)
            np.testing.assert_array_equal(after[name], from_int8(steps, scales))
        elif name.startswith("embeddings.") and values.ndim == 2:
            np.testing.assert_array_equal(after[name], values.astype(np.float16))
        else:
            np.testing.assert_array_equal(after[name], values)


@pytest.mark.parametrize(
    ("stored", "embeddings", "expected"),
    [
        *(("F32", *pair) for pair in (("float16", "F16"), ("same", "F32"), ("int8", "I8"))),
        *(("F64", *pair) for pair in (("float16", "F16"), ("same", "F32"), ("int8", "I8"))),
        *(("BF16", *pair) for pair in (("float16", "BF16"), ("same", "BF16"), ("int8", "I8"))),
        *((stored, "float8", "F8_E4M3") for stored in ("F32", "BF16")),
    ],
)
@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_how_each_tensor_is_stored(
    tmp_path: Path, stored: str, embeddings: str, expected: str, precision: str
) -> None:
    source = write_checkpoint(
        tmp_path / "source", dim=64, dtype=stored
    )  # 1/sqrt(16) rounds nothing
    convert(source, tmp_path / "out", precision, embeddings)
    for name, tensor in open_checkpoint(tmp_path / "out").stored.items():
        dtype = "F32"
        if len(tensor.shape) == 2 and not name.startswith("classifier."):
            dtype = {"bfloat16": "BF16", "int8": "I8"}[precision]
            dtype = expected if name.startswith("embeddings.") else dtype
        assert tensor.dtype == dtype, name
        assert [part.dtype for part in tensor.parts[1:]] == ["F32"] * (dtype == "I8")
        assert all(part.shape == (tensor.shape[0], 1) for part in tensor.parts[1:])


@pytest.mark.parametrize("embeddings", ["float16", "float8"])
def test_embeddings_beyond_the_range_stay(tmp_path: Path, embeddings: str) -> None:
    tensors = random_tensors(0, SHAPE)
    tensors[f"distilbert.{WORDS}"][3, 3] = 1e5
    source = write_checkpoint(tmp_path / "source")
    stored = {name: ("F32", v.shape, encode(v, "F32")) for name, v in tensors.items()}
    (source / "model.safetensors").write_bytes(safetensors_bytes(stored))
    convert(source, tmp_path / "out", "int8", embeddings)
    assert dtypes(tmp_path / "out")[WORDS] == "F32"


def test_others_can_read_the_file(tmp_path: Path) -> None:
    convert(write_checkpoint(tmp_path / "source"), tmp_path / "out", "int8")
    theirs = load_file(tmp_path / "out" / "model.safetensors")
    steps, scales = (theirs[f"distilbert.{LIN1}{part}"] for part in ("", "_scale"))
    np.testing.assert_array_equal(steps * scales, read_checkpoint(tmp_path / "out").tensors[LIN1])
    assert theirs[f"distilbert.{WORDS}"].dtype == np.float16


def test_sizes(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "source", dim=256, hidden_dim=1024, n_layers=4)
    whole = (source / "model.safetensors").stat().st_size
    for precision, embeddings, part in (("bfloat16", "float16", 0.5), ("int8", "int8", 0.25)):
        convert(source, tmp_path / precision, precision, embeddings)
        size = (tmp_path / precision / "model.safetensors").stat().st_size
        assert part < size / whole < part + 0.02


@pytest.mark.parametrize("embeddings", ["int8", "float8"])
def test_converting_again_changes_nothing(tmp_path: Path, embeddings: str) -> None:
    convert(write_checkpoint(tmp_path / "source"), tmp_path / "once", "int8", embeddings)
    convert(tmp_path / "once", tmp_path / "twice", "int8", "same")
    for file in (tmp_path / "once").iterdir():
        assert (tmp_path / "twice" / file.name).read_bytes() == file.read_bytes()


# ---- other architectures ----------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_keeps_its_names_and_bits(tmp_path: Path, family: str) -> None:
    source = write_family(tmp_path / "source", family)
    names = load_file(source / "model.safetensors").keys()
    for precision in ("int8", "bfloat16"):
        convert(source, tmp_path / precision, precision, "same")
        assert_same_bits(source, tmp_path / precision, precision)
        written = load_file_names(tmp_path / precision / "model.safetensors")
        assert {name.removesuffix("_scale") for name in written} == names
        assert open_checkpoint(tmp_path / precision).config == open_checkpoint(source).config


@pytest.mark.parametrize("family", FAMILIES)
def test_int8_embeddings_of_every_family_are_close(tmp_path: Path, family: str) -> None:
    source = write_family(tmp_path / "source", family)
    convert(source, tmp_path / "out", "int8", "int8")
    stored = dtypes(tmp_path / "out")
    assert {stored[name] for name in stored if "_embeddings." in name} == {"I8"}
    for name, values in read_checkpoint(tmp_path / "out").tensors.items():
        np.testing.assert_allclose(values, read_checkpoint(source).tensors[name], atol=0.03)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_loads_what_is_written(tmp_path: Path, family: str) -> None:
    pytest.importorskip("torch")
    convert(write_family(tmp_path / "source", family), tmp_path / "out", "bfloat16")
    ids = [np.arange(5, 25, dtype=np.int32)]
    [theirs] = transformers_logits(tmp_path / "out", ids)
    [ours] = minner.load(tmp_path / "out", threads=1).logits(ids)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


def load_file_names(path: Path) -> set[str]:
    """The names in a file; the library gives no bfloat16 to NumPy."""
    with safe_open(path, "np") as file:
        return set(file.keys())


# ---- the files beside the weights ---------------------------------------------------------------


def test_config_says_what_it_is(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "source", torch_dtype="float16", dropout=0.1)

    def alias(raw: dict[str, Any]) -> None:
        raw["hidden_size"] = raw.pop("dim")

    edit_json(source / "config.json", alias)
    convert(source, tmp_path / "int8", "int8")
    config = json.loads((tmp_path / "int8" / "config.json").read_text())
    assert {"torch_dtype", "hidden_size"}.isdisjoint(config)
    assert (config["dtype"], config["dropout"], config["dim"]) == ("float32", 0.1, 32)
    mark = config["quantization_config"]
    assert (mark["quant_method"], mark["format"]) == ("compressed-tensors", "int-quantized")
    assert [group["targets"] for group in mark["config_groups"].values()] == [["Linear"]]
    assert mark["ignore"] == ["classifier"]
    convert(tmp_path / "int8", tmp_path / "bfloat16", "bfloat16")
    config = json.loads((tmp_path / "bfloat16" / "config.json").read_text())
    assert "quantization_config" not in config


def test_config_is_corrected_by_the_tensors(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "source", n_layers=3, id2label={"0": "O", "1": "B-PER"})
    edit_json(source / "config.json", lambda raw: raw.update(n_layers=6, vocab_size=5))
    with pytest.warns(minner.MinnerWarning):
        convert(source, tmp_path / "out", "int8")
        before = open_checkpoint(source).config
    assert open_checkpoint(tmp_path / "out").config == before  # and warns of nothing


def test_files_that_go_along(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "source")
    kept = ["README.md", "MODEL_CARD.md", "LICENSE", "NOTICE.txt", "vocab.txt"]
    kept += ["vocab.json", "merges.txt", "sentencepiece.bpe.model"]
    for name in (*kept, "optimizer.pt", "model.onnx", "training_args.bin"):
        (source / name).write_text(name)
    (source / "checkpoint-5").mkdir()
    convert(source, tmp_path / "out", "int8")
    copied = {*kept, "tokenizer.json", "tokenizer_config.json"}
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written == {*copied, "config.json", "model.safetensors"}
    for name in copied:
        assert (tmp_path / "out" / name).read_bytes() == (source / name).read_bytes()


def test_shards_become_one_file(tmp_path: Path) -> None:
    shard(tmp_path / "source")
    convert(tmp_path / "source", tmp_path / "out", "int8", "same")
    assert not list((tmp_path / "out").glob("*index*"))
    assert_same_bits(tmp_path / "source", tmp_path / "out", "int8")


def test_the_doctor_finds_nothing(tmp_path: Path) -> None:
    convert(write_checkpoint(tmp_path / "source"), tmp_path / "out", "int8", "int8")
    found = examine(tmp_path / "out")
    assert (found.errors, found.warnings) == ([], [])
    weights = found.sections["weights"]
    assert weights["dtypes"] == {"F32": 38, "I8": 14}
    assert (weights["missing"], weights["other_heads"], weights["unknown"]) == ([], [], [])


# ---- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "match"),
    [
        ("full", "full exists and is not empty; choose a new directory"),
        ("full/file", "file is a file; choose a new directory"),
        ("missing/out", "there is no directory .*missing to make out in"),
    ],
)
def test_where_it_cannot_be_written(tmp_path: Path, target: str, match: str) -> None:
    source = write_checkpoint(tmp_path / "source")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    with pytest.raises(MinnerError, match=match):
        convert(source, tmp_path / target, "int8")
    assert (tmp_path / "full" / "file").read_text() == "mine"


def test_an_empty_directory_will_do(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    convert(write_checkpoint(tmp_path / "source"), tmp_path / "out", "int8")
    assert open_checkpoint(tmp_path / "out")


@pytest.mark.parametrize("fault", ["no tokenizer", "not finite", "disk"])
def test_nothing_is_left_of_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    source = write_checkpoint(tmp_path / "source")
    if fault == "no tokenizer":
        (source / "tokenizer.json").unlink()
    elif fault == "not finite":
        content = bytearray((source / "model.safetensors").read_bytes())
        content[-4:] = np.float32(np.nan).tobytes()
        (source / "model.safetensors").write_bytes(content)
    else:

        def write(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(converter, "write_safetensors", write)
    match = {"disk": "cannot write .*out: No space left on device"}.get(fault, fault)
    with pytest.raises(MinnerError, match=match):
        convert(source, tmp_path / "out", "int8")
    assert [entry.name for entry in tmp_path.iterdir()] == ["source"]


def foreign(directory: Path, change: Callable[[Arrays], object]) -> Path:
    """A checkpoint whose LIN1 somebody else has quantised; other arrays are written as float32."""
    write_checkpoint(directory)
    tensors: Arrays = dict(random_tensors(0, SHAPE))
    name = f"distilbert.{LIN1}"
    tensors[name], tensors[f"{name}_scale"] = to_int8(tensors[name])
    change(tensors)
    stored = {}
    for key, values in tensors.items():
        dtype = "I8" if values.dtype == np.int8 else "F32"
        data = values.tobytes() if dtype == "I8" else encode(values, "F32")
        stored[key] = (dtype, values.shape, data)
    (directory / "model.safetensors").write_bytes(safetensors_bytes(stored))
    return directory


def test_scales_in_one_dimension_are_read(tmp_path: Path) -> None:
    values = read_checkpoint(foreign(tmp_path, lambda _: None)).tensors[LIN1]
    expected = from_int8(*to_int8(random_tensors(0, SHAPE)[f"distilbert.{LIN1}"]))
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("_scale", None, "lin1.weight' is I8; .* a scale for each row .*: use the original"),
        ("_scale", np.ones(1), r"is I8 \[37, 32\] with scales \[1\]; .* use the original"),
        (
            "_scale",
            np.ones((37, 4)),
            r"is I8 \[37, 32\] with scales \[37, 4\]; .* use the original",
        ),
        ("_scale", np.full(37, np.nan), "lin1.weight_scale' has 37 values of 37 that are not"),
        ("_scale", np.full(37, 3e38), "lin1.weight' has .* values of 1184 that are not finite"),
        ("_zero_point", np.ones(37), "lin1.weight' is I8 with zero points; .* use the original"),
    ],
)
def test_other_ways_to_quantise_are_refused(
    tmp_path: Path, key: str, value: Any, match: str
) -> None:
    def change(tensors: Arrays) -> None:
        if value is None:
            del tensors[f"distilbert.{LIN1}{key}"]
        else:
            tensors[f"distilbert.{LIN1}{key}"] = value

    with pytest.raises(MinnerError, match=match):
        read_checkpoint(foreign(tmp_path, change))


# ---- transformers -------------------------------------------------------------------------------


def test_transformers_is_not_misled(tmp_path: Path) -> None:
    """It runs the model by way of compressed-tensors, and says so where that is not installed."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    convert(write_checkpoint(tmp_path / "source"), tmp_path / "out", "int8", "int8")

    def load() -> Any:
        config = transformers.CompressedTensorsConfig(dequantize=True)
        return transformers.AutoModelForTokenClassification.from_pretrained(
            tmp_path / "out", quantization_config=config
        )

    try:
        import compressed_tensors  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match="compressed-tensors"):
            load()
        return
    ids = np.arange(1, 40, dtype=np.int32)
    with torch.no_grad(), pytest.warns(UserWarning):
        theirs = load().eval()(torch.tensor(ids[None].astype(np.int64))).logits[0].numpy()
    ours = minner.load(tmp_path / "out", threads=1).logits([ids])[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


# ---- the command --------------------------------------------------------------------------------


def test_the_command(capsys: Capture, tmp_path: Path) -> None:
    source, target = write_checkpoint(tmp_path / "source"), tmp_path / "out"
    status, out, err = run(capsys, "convert", source, target, "--precision", "int8")
    assert (status, out) == (0, "")
    assert err == (
        f"minner: {target} has 0.0 MB of weights, the original 0.1 MB; run it with "
        "--precision int8\n"
    )
    status, out, _ = run(capsys, "tag", "--model", target, "--precision", "int8", "My name")
    assert status == 0
    assert_fails(run(capsys, "convert", source, target, "--precision", "int8"), "is not empty")


@pytest.mark.parametrize("arguments", [(), ("--precision", "float32"), ("--precision", "int4")])
def test_wrong_usage(capsys: Capture, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    status, _, err = run(capsys, "convert", tmp_path, tmp_path / "out", *arguments)
    assert status == 2
    assert err.startswith("usage: minner convert")
