"""read_checkpoint: the layouts, names and disagreements met in the wild, and every fault."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from checkpoints import (
    VOCABULARY,
    edit_json,
    encode,
    labels_of,
    random_tensors,
    safetensors_bytes,
    write_checkpoint,
    write_json,
    write_safetensors,
)
from minner.errors import MinnerError, MinnerWarning
from minner.kernels.model import tensor_shapes
from minner.weights.architectures.distilbert import DISTILBERT
from minner.weights.checkpoint import Checkpoint, read_checkpoint, sinusoidal_positions
from minner.weights.names import canonical_name, layer_count

Arrays = dict[str, NDArray[Any]]

SHAPE = (len(VOCABULARY), 64, 32, 37, 2, 9)
"""V, positions, D, F, L, C of `write_checkpoint` without arguments."""

WORDS = "distilbert.embeddings.word_embeddings.weight"
POSITIONS = "distilbert.embeddings.position_embeddings.weight"
LIN1 = "distilbert.transformer.layer.0.ffn.lin1.weight"


def rewrite(directory: Path, change: Callable[[Arrays], object]) -> Path:
    """Write the default checkpoint with its tensors changed in place by `change`."""
    write_checkpoint(directory)
    tensors: Arrays = dict(random_tensors(0, SHAPE))
    change(tensors)
    write_safetensors(directory / "model.safetensors", tensors)
    return directory


def renamed(directory: Path, rename: Callable[[str], str]) -> Path:
    """Write the default checkpoint with every tensor under another name."""

    def change(tensors: Arrays) -> None:
        for name in list(tensors):
            tensors[rename(name)] = tensors.pop(name)

    return rewrite(directory, change)


def assert_default_tensors(checkpoint: Checkpoint) -> None:
    """Check that names, values and types are those of the default checkpoint."""
    expected = {
        name.removeprefix("distilbert."): values
        for name, values in random_tensors(0, SHAPE).items()
    }
    assert checkpoint.tensors.keys() == expected.keys()
    for name, values in expected.items():
        read = checkpoint.tensors[name]
        assert not read.flags.writeable
        np.testing.assert_array_equal(read, values, strict=True)


def test_the_plain_layout(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(str(write_checkpoint(tmp_path)))
    assert checkpoint.directory == tmp_path
    assert checkpoint.config.labels == tuple(labels_of(9))
    assert_default_tensors(checkpoint)
    shapes = {name: array.shape for name, array in checkpoint.tensors.items()}
    assert shapes == tensor_shapes(checkpoint.config.shape)


def test_the_tensors_cannot_be_changed(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path))
    with pytest.raises(TypeError):
        checkpoint.tensors["classifier.bias"] = np.zeros(9, np.float32)  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        checkpoint.tensors["classifier.bias"][0] = 1


@pytest.mark.parametrize(("dtype", "bits"), [("F16", 10), ("BF16", 7), ("F64", 23)])
def test_other_float_types_become_float32(tmp_path: Path, dtype: str, bits: int) -> None:
    single = read_checkpoint(write_checkpoint(tmp_path / "single"))
    other = read_checkpoint(write_checkpoint(tmp_path / "other", dtype=dtype))
    for name, values in single.tensors.items():
        assert other.tensors[name].dtype == np.float32
        np.testing.assert_allclose(other.tensors[name], values, rtol=2.0**-bits, atol=1e-6)


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.removeprefix("distilbert."),
        lambda name: f"module.{name}",
        lambda name: f"model.{name}",
        lambda name: f"_orig_mod.{name}",
        lambda name: f"_orig_mod.module.{name}",
        lambda name: f"distilbert.{name}",
    ],
)
def test_prefixes(tmp_path: Path, rename: Callable[[str], str]) -> None:
    assert_default_tensors(read_checkpoint(renamed(tmp_path, rename)))


@pytest.mark.parametrize("norm", ["embeddings.LayerNorm.", "_layer_norm.", "norm."])
def test_gamma_and_beta(tmp_path: Path, norm: str) -> None:
    def rename(name: str) -> str:
        if norm.lower() not in name.lower():
            return name
        return name.replace("weight", "gamma").replace("bias", "beta")

    assert_default_tensors(read_checkpoint(renamed(tmp_path, rename)))


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("distilbert.embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"),
        ("distilbert.embeddings.LayerNorm.beta", "embeddings.LayerNorm.bias"),
        ("module.classifier.weight", "classifier.weight"),
        ("classifier.gamma", "classifier.gamma"),
        ("embeddings.LayerNorm.gamma.x", "embeddings.LayerNorm.gamma.x"),
        ("mymodel.classifier.bias", "mymodel.classifier.bias"),
        ("transformer.layer.1.model.x", "transformer.layer.1.model.x"),
    ],
)
def test_canonical_names(name: str, canonical: str) -> None:
    assert canonical_name(name, DISTILBERT) == canonical


def test_layers_are_counted_by_number() -> None:
    assert layer_count(f"transformer.layer.{i}.ffn.lin1.bias" for i in (10, 2, 9)) == 11
    assert layer_count(["classifier.bias", "transformer.layer.x.bias"]) == 0
    assert layer_count(["transformer.layer.123456789.bias"]) == 0


@pytest.mark.parametrize(
    "name",
    [
        "vocab_transform.weight",
        "vocab_layer_norm.bias",
        "vocab_projector.bias",
        "qa_outputs.weight",
        "distilbert.embeddings.position_ids",
    ],
)
def test_tensors_of_other_heads_are_ignored(tmp_path: Path, name: str) -> None:
    write_checkpoint(tmp_path)
    stored = {
        key: ("F32", values.shape, encode(values, "F32"))
        for key, values in random_tensors(0, SHAPE).items()
    }
    stored[name] = ("I64", (1, 64), encode(np.arange(64), "I64"))
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes(stored))
    assert_default_tensors(read_checkpoint(tmp_path))


def test_a_classifier_of_whole_texts_is_pointed_out(tmp_path: Path) -> None:
    rewrite(tmp_path, lambda tensors: tensors.update({"pre_classifier.bias": np.zeros(32)}))
    with pytest.warns(MinnerWarning, match="has pre_classifier tensors"):
        assert_default_tensors(read_checkpoint(tmp_path))


def test_unknown_tensors_are_listed_in_one_warning(tmp_path: Path) -> None:
    extra = {f"extra.{i}": np.zeros(1) for i in range(5)}
    rewrite(tmp_path, lambda tensors: tensors.update(extra))
    with pytest.warns(MinnerWarning) as caught:
        assert_default_tensors(read_checkpoint(tmp_path))
    [warning] = caught
    assert "'extra.0', 'extra.1', 'extra.2' and 2 more" in str(warning.message)


def test_missing_positions_are_computed_if_they_are_sinusoidal(tmp_path: Path) -> None:
    rewrite(tmp_path, lambda tensors: tensors.pop(POSITIONS))
    with pytest.raises(MinnerError, match=r"weights lack 'embeddings.position_embeddings.weight'"):
        read_checkpoint(tmp_path)
    edit_json(tmp_path / "config.json", lambda keys: keys.update(sinusoidal_pos_embds=True))
    read = read_checkpoint(tmp_path).tensors["embeddings.position_embeddings.weight"]
    np.testing.assert_array_equal(read, sinusoidal_positions(64, 32), strict=True)
    assert not read.flags.writeable


def test_stored_positions_are_used_even_if_sinusoidal(tmp_path: Path) -> None:
    assert_default_tensors(read_checkpoint(write_checkpoint(tmp_path, sinusoidal_pos_embds=True)))


@pytest.mark.parametrize("dim", [1, 2, 7, 32])
def test_sinusoidal_positions(dim: int) -> None:
    table = sinusoidal_positions(5, dim)
    assert table.dtype == np.float32
    for p in range(5):
        for j in range(dim):
            angle = p / 10000 ** (2 * (j // 2) / dim)
            assert table[p, j] == pytest.approx(np.cos(angle) if j % 2 else np.sin(angle), abs=1e-7)


@pytest.mark.parametrize(
    ("key", "claim", "change"),
    [
        ("vocab_size", 99, f"vocab_size 99 -> {len(VOCABULARY)}"),
        ("max_position_embeddings", 512, "max_position_embeddings 512 -> 64"),
        ("n_layers", 6, "n_layers 6 -> 2"),
        ("n_layers", 1, "n_layers 1 -> 2"),
        ("dim", 768, "dim 768 -> 32"),
        ("hidden_dim", 3072, "hidden_dim 3072 -> 37"),
    ],
)
def test_tensors_are_trusted_over_config(tmp_path: Path, key: str, claim: int, change: str) -> None:
    write_checkpoint(tmp_path)
    edit_json(tmp_path / "config.json", lambda keys: keys.update({key: claim}))
    with pytest.warns(MinnerWarning, match=f"config.json or its defaults .* trusted: {change}$"):
        assert_default_tensors(read_checkpoint(tmp_path))


def test_one_warning_lists_every_disagreement(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, vocab_size=1124, max_position_embeddings=512)
    with pytest.warns(MinnerWarning, match="vocab_size 1124 -> .*, max_position") as caught:
        read_checkpoint(tmp_path)
    assert len(caught) == 1


def test_labels_follow_the_rows_of_the_classifier(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, n_labels=3, id2label=None, label2id=None)
    assert read_checkpoint(tmp_path).config.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    edit_json(tmp_path / "config.json", lambda keys: keys.update(id2label={"0": "O"}))
    with pytest.warns(MinnerWarning, match="1 labels but the classifier has 3 rows"):
        assert read_checkpoint(tmp_path).config.labels == ("O", "LABEL_1", "LABEL_2")


def test_heads_must_divide_the_width(tmp_path: Path) -> None:
    with pytest.raises(MinnerError, match=r"config.json: n_heads 5 does not divide dim 32"):
        read_checkpoint(write_checkpoint(tmp_path, n_heads=5))


def test_a_model_without_classifier(tmp_path: Path) -> None:
    def change(tensors: Arrays) -> None:
        del tensors["classifier.weight"], tensors["classifier.bias"]

    with pytest.raises(MinnerError, match="no classifier tensors, so it is not a token classifier"):
        read_checkpoint(rewrite(tmp_path, change))


@pytest.mark.parametrize("name", sorted(random_tensors(0, SHAPE)))
def test_every_missing_tensor_is_named(tmp_path: Path, name: str) -> None:
    rewrite(tmp_path, lambda tensors: tensors.pop(name))
    with pytest.raises(MinnerError, match=f"weights lack '{name.removeprefix('distilbert.')}'; "):
        read_checkpoint(tmp_path)


def test_many_missing_tensors_are_counted(tmp_path: Path) -> None:
    def change(tensors: Arrays) -> None:
        for name in [name for name in tensors if "layer.0" in name]:
            del tensors[name]

    with pytest.raises(MinnerError, match=r"weights lack '.*', '.*', '.*' and 13 more; download"):
        read_checkpoint(rewrite(tmp_path, change))


def one_row_more(values: NDArray[Any]) -> NDArray[Any]:
    """Return `values` with its first row once more at the end."""
    return np.concatenate([values, values[:1]])


def one_axis_more(values: NDArray[Any]) -> NDArray[Any]:
    """Return `values` as the only item of an array."""
    return values[None]


def no_rows(values: NDArray[Any]) -> NDArray[Any]:
    """Return `values` without its rows."""
    return values[:0]


@pytest.mark.parametrize("change", [one_row_more, one_axis_more, no_rows])
@pytest.mark.parametrize("name", sorted(random_tensors(0, SHAPE)))
def test_every_shape_is_compared(
    tmp_path: Path, name: str, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    if change is one_row_more and name in (WORDS, POSITIONS):
        return  # another vocabulary or length, which nothing else contradicts
    rewrite(tmp_path, lambda tensors: tensors.update({name: change(tensors[name])}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinnerWarning)  # some are believed, others then contradict
        with pytest.raises(MinnerError, match=r"model.safetensors: tensor '.*' has shape .* where"):
            read_checkpoint(tmp_path)


def test_two_tensors_of_one_name(tmp_path: Path) -> None:
    rewrite(tmp_path, lambda tensors: tensors.update({"module.classifier.bias": np.zeros(9)}))
    match = "model.safetensors: 'classifier.bias' and 'module.classifier.bias' are both classifier"
    with pytest.raises(MinnerError, match=match):
        read_checkpoint(tmp_path)


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    stored: dict[str, tuple[str, Any, bytes]] = {
        name: ("I8", values.shape, b"\0" * values.size)
        for name, values in random_tensors(0, SHAPE).items()
    }
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes(stored))
    with pytest.raises(MinnerError, match=r"word_embeddings.weight' is I8; .* unquantised"):
        read_checkpoint(tmp_path)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    def change(tensors: Arrays) -> None:
        tensors[LIN1][3, :2] = np.nan, np.inf

    with pytest.raises(MinnerError, match=f"model.safetensors: tensor '{LIN1}' has 2 values of"):
        read_checkpoint(rewrite(tmp_path, change))


def test_something_that_is_no_directory(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", write_checkpoint(tmp_path) / "config.json", "a\0b"):
        with pytest.raises(MinnerError, match="is not a directory holding a checkpoint"):
            read_checkpoint(path)


def shard(directory: Path) -> Path:
    """Turn the default checkpoint into two shards and an index; return the index."""
    write_checkpoint(directory)
    (directory / "model.safetensors").unlink()
    tensors = random_tensors(0, SHAPE)
    weight_map: dict[str, str] = {}
    for i, part in enumerate((list(tensors)[:10], list(tensors)[10:])):
        file_name = f"model-0000{i + 1}-of-00002.safetensors"
        write_safetensors(directory / file_name, {name: tensors[name] for name in part})
        weight_map |= dict.fromkeys(part, file_name)
    index = directory / "model.safetensors.index.json"
    write_json(index, {"metadata": {"total_size": 1}, "weight_map": weight_map})
    return index


def test_shards(tmp_path: Path) -> None:
    shard(tmp_path)
    assert_default_tensors(read_checkpoint(tmp_path))


def test_a_missing_or_broken_shard(tmp_path: Path) -> None:
    index = shard(tmp_path)
    second = tmp_path / "model-00002-of-00002.safetensors"
    content = second.read_bytes()
    second.write_bytes(content[:-1])
    with pytest.raises(MinnerError, match=f"{index.name} lists a shard .*{second.name}.*truncated"):
        read_checkpoint(tmp_path)
    second.unlink()
    with pytest.raises(MinnerError, match=f"{index.name} lists a shard .*{second.name}: No such"):
        read_checkpoint(tmp_path)


def test_a_tensor_that_is_not_in_its_shard(tmp_path: Path) -> None:
    index = shard(tmp_path)
    edit_json(index, lambda keys: keys["weight_map"].update(x="model-00001-of-00002.safetensors"))
    with pytest.raises(MinnerError, match=f"{index.name}: 'x' is not in model-00001-of-00002"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("file_name", ["../model.safetensors", "/etc/passwd", "a/b", 3, None, []])
def test_shards_lie_beside_their_index(tmp_path: Path, file_name: Any) -> None:
    index = shard(tmp_path)
    edit_json(index, lambda keys: keys["weight_map"].update(x=file_name))
    with pytest.raises(MinnerError, match=f"{index.name}: .* is no name of a file beside it"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("weight_map", [None, {}, [], "model.safetensors"])
def test_an_index_without_weight_map(tmp_path: Path, weight_map: Any) -> None:
    index = shard(tmp_path)
    write_json(index, {"weight_map": weight_map})
    with pytest.raises(MinnerError, match=f"{index.name}: weight_map must be an object"):
        read_checkpoint(tmp_path)


def test_variants(tmp_path: Path) -> None:
    single = write_checkpoint(tmp_path / "single")
    plain = single / "model.safetensors"
    plain.rename(single / "model.fp16.safetensors")
    assert_default_tensors(read_checkpoint(single))
    (single / "model.bf16.safetensors").write_bytes(b"")
    with pytest.raises(MinnerError, match=r"variants \(model.bf16.saf.*, model.fp16.saf.*\); keep"):
        read_checkpoint(single)
    write_safetensors(plain, random_tensors(0, SHAPE))
    assert_default_tensors(read_checkpoint(single))
    index = shard(tmp_path / "sharded")
    index.rename(index.with_name("model.safetensors.index.fp16.json"))
    assert_default_tensors(read_checkpoint(index.parent))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("pytorch_model.bin", "a pickle can run any code .* never loads one; convert them with"),
        ("tf_model.h5", r"transformers 4, torch and tensorflow: .*from_pretrained\(path, from_tf="),
        ("flax_model.msgpack", r"transformers 4, torch and flax: .*\(path, from_flax=True\)"),
        ("onnx/model.onnx", "an ONNX file is an export: take the checkpoint that it was made from"),
    ],
)
def test_weights_of_other_formats(tmp_path: Path, name: str, remedy: str) -> None:
    (write_checkpoint(tmp_path) / "model.safetensors").unlink()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"weights")
    (tmp_path / "training_args.bin").write_bytes(b"no weights")
    match = f"weights only as {Path(name).name}, and minner reads safetensors; .*{remedy}"
    with pytest.raises(MinnerError, match=match):
        read_checkpoint(tmp_path)


def test_no_weights_at_all(tmp_path: Path) -> None:
    (write_checkpoint(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(MinnerError, match=r"has no weights: neither model.safetensors nor model"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu", "silu"])
def test_transformers_loads_the_same_tensors(tmp_path: Path, activation: str) -> None:
    """What `write_checkpoint` writes is a checkpoint for Hugging Face as well."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    write_checkpoint(tmp_path, activation=activation)
    model = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path)
    theirs = {name.removeprefix("distilbert."): t for name, t in model.state_dict().items()}
    ours = read_checkpoint(tmp_path)
    assert ours.tensors.keys() == theirs.keys()
    for name, tensor in theirs.items():
        np.testing.assert_array_equal(ours.tensors[name], tensor.numpy())
    assert ours.config.labels == tuple(model.config.id2label.values())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_corrupted_files_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = write_checkpoint(
        tmp_path_factory.mktemp("corrupted"), vocab=VOCABULARY[:9], dim=4, hidden_dim=3, n_layers=1
    )
    path = directory / data.draw(st.sampled_from(["model.safetensors", "config.json"]))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(content[: data.draw(st.none() | st.integers(0, len(content)))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinnerWarning)
        try:
            checkpoint = read_checkpoint(directory)
        except MinnerError as error:
            assert str(directory) in str(error)
        else:
            assert all(np.isfinite(array).all() for array in checkpoint.tensors.values())
