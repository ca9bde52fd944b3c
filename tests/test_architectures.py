"""Every family of checkpoints: logits against transformers, stored and live, and names.

`tests/golden/families.npz` holds what transformers computed (float32, eager) and
`make_families.py` beside it how.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

import minner
from checkpoints import edit_json, safetensors_bytes, write_checkpoint, write_safetensors
from command_line import Capture, run
from families import FAMILIES, MODULES, SHAPES, write_family
from minner import reference
from minner.engine import Engine
from minner.errors import MinnerError, MinnerWarning
from minner.weights.architectures import ARCHITECTURES
from minner.weights.architectures.refused import REASONS
from minner.weights.checkpoint import Checkpoint, read_checkpoint
from minner.weights.config import read_config
from saved_by_transformers import save_random
from test_parity import assert_close, transformers_logits

GOLDEN = Path(__file__).parent / "golden" / "families.npz"
LENGTHS = (3, 1, 7, 16, 24)

Logits = list[NDArray[np.float32]]


def sequences(vocabulary: int) -> list[NDArray[np.int32]]:
    """Random ids from 5 on, after those of padding, which RoBERTa's positions leave out."""
    random = np.random.default_rng(0)
    return [random.integers(5, vocabulary, n).astype(np.int32) for n in LENGTHS]


def both(checkpoint: Checkpoint, ids: list[NDArray[np.int32]]) -> tuple[Logits, Logits]:
    """The logits of the kernels and of the reference."""
    model, config = reference.nested(checkpoint.tensors), checkpoint.config
    settings = (config.n_heads, config.activation, config.layer_norm_eps)
    return Engine(checkpoint).logits(ids), [
        reference.token_logits(one, model, *settings) for one in ids
    ]


# ---- logits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_stored_logits(family: str, shape: str, tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_family(tmp_path, family, **SHAPES[shape]))
    with np.load(GOLDEN) as stored:
        expected = np.split(stored[f"{family}: {shape}"], np.cumsum(LENGTHS)[:-1])
    for logits in both(checkpoint, sequences(checkpoint.config.vocab_size)):
        assert_close(logits, expected, 1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_bits_alone_in_batches_and_on_any_threads(family: str, tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_family(tmp_path, family))
    ids = sequences(checkpoint.config.vocab_size)
    expected = [array for one in ids for array in Engine(checkpoint, 1).logits([one])]
    for threads in (1, 2, 3):
        for ours, theirs in zip(Engine(checkpoint, threads).logits(ids), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("precision", "tolerance"), [("bfloat16", 0.15), ("int8", 0.3)])
def test_every_precision_honours_epsilon(precision: str, tolerance: float, tmp_path: Path) -> None:
    """Of embeddings of a hundredth, 0.03 leaves little; 1e-12 would make them as large as ever."""
    write_family(tmp_path, "bert", layer_norm_eps=0.03)
    path = tmp_path / "model.safetensors"
    write_safetensors(
        path,
        {
            name: values / np.float32(100) if "_embeddings" in name else values
            for name, values in load_file(path).items()
        },
    )
    checkpoint = read_checkpoint(tmp_path)
    ids = sequences(checkpoint.config.vocab_size)
    expected = Engine(checkpoint).logits(ids)
    found = Engine(checkpoint, precision=precision).logits(ids)
    edit_json(tmp_path / "config.json", lambda raw: raw.update(layer_norm_eps=1e-12))
    others = Engine(read_checkpoint(tmp_path)).logits(ids)
    for ours, theirs, other in zip(found, expected, others, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
        assert np.abs(other - theirs).max() > 3 * tolerance


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("family", ["distilbert", *FAMILIES])
def test_live_logits_of_what_transformers_writes(family: str, shape: str, tmp_path: Path) -> None:
    checkpoint = read_checkpoint(save_random(tmp_path, family, **SHAPES[shape]))
    ids = sequences(checkpoint.config.vocab_size)
    expected = transformers_logits(tmp_path, ids)
    for logits in both(checkpoint, ids):
        assert_close(logits, expected, 1e-4)


# ---- names and keys ----------------------------------------------------------------------------


@pytest.mark.parametrize("family", [*FAMILIES, "distilbert"])
def test_missing_keys_take_the_defaults_of_hugging_face(family: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoConfig.for_model(family)
    wide = {"embedding_size": 256} if family == "electra" else {}
    (tmp_path / "config.json").write_text("{}")
    edit_json(tmp_path / "config.json", lambda raw: raw.update(model_type=family, **wide))
    ours = read_config(tmp_path)
    first = 0 if ours.first_position == 0 else theirs.pad_token_id + 1
    assert ours.vocab_size == theirs.vocab_size
    assert ours.max_position_embeddings == theirs.max_position_embeddings - first
    assert (ours.n_layers, ours.n_heads) == (theirs.num_hidden_layers, theirs.num_attention_heads)
    assert ours.dim == theirs.hidden_size
    if family != "distilbert":
        assert ours.hidden_dim == theirs.intermediate_size
        assert ours.layer_norm_eps == theirs.layer_norm_eps
        assert theirs.hidden_act == "gelu"


@pytest.mark.parametrize("family", ARCHITECTURES)
def test_names_of_a_family_lead_back(family: str) -> None:
    architecture = ARCHITECTURES[family]
    for ours, _ in MODULES[1:]:
        name = f"transformer.layer.10.{ours}.weight"
        assert architecture.canonical_name(architecture.bare_name(name)) == name
    assert architecture.full_name("classifier.bias") == "classifier.bias"


def change_names(directory: Path, change: Any) -> None:
    path = directory / "model.safetensors"
    write_safetensors(path, {change(name): values for name, values in load_file(path).items()})


def by_tensorflow(name: str) -> str:
    norm = "LayerNorm."
    return name.replace(norm + "weight", norm + "gamma").replace(norm + "bias", norm + "beta")


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name.removeprefix("bert."),
        lambda name: f"module.{name}",
        lambda name: f"model._orig_mod.{name}",
        by_tensorflow,
    ],
    ids=["no prefix", "DataParallel", "compiled", "TensorFlow"],
)
def test_names_old_and_new(change: Any, tmp_path: Path) -> None:
    expected = read_checkpoint(write_family(tmp_path / "a", "bert")).tensors
    change_names(write_family(tmp_path / "b", "bert"), change)
    found = read_checkpoint(tmp_path / "b").tensors
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name])


@pytest.mark.parametrize(
    ("family", "extra"),
    [
        ("bert", "bert.pooler.dense.weight"),
        ("bert", "cls.predictions.transform.dense.weight"),
        ("bert", "bert.embeddings.position_ids"),
        ("roberta", "lm_head.dense.weight"),
        ("xlm-roberta", "roberta.pooler.dense.bias"),
        ("camembert", "roberta.embeddings.token_type_ids"),
        ("electra", "discriminator_predictions.dense.weight"),
    ],
)
def test_what_is_not_used_is_ignored(family: str, extra: str, tmp_path: Path) -> None:
    path = write_family(tmp_path, family) / "model.safetensors"
    write_safetensors(path, {**load_file(path), extra: np.zeros((3, 3), np.float32)})
    with warnings.catch_warnings():
        warnings.simplefilter("error", MinnerWarning)
        read_checkpoint(tmp_path)


def test_positions_begin_after_those_of_padding(tmp_path: Path) -> None:
    config = read_checkpoint(write_family(tmp_path, "roberta", max_positions=24)).config
    assert (config.first_position, config.max_position_embeddings) == (2, 24)
    edit_json(tmp_path / "config.json", lambda raw: raw.update(pad_token_id=3))
    config = read_checkpoint(tmp_path).config
    assert (config.first_position, config.max_position_embeddings) == (4, 22)
    for wrong in (-1, 1.5, "1", 25):
        edit_json(tmp_path / "config.json", lambda raw, wrong=wrong: raw.update(pad_token_id=wrong))
        with pytest.raises(MinnerError, match="pad_token_id"):
            read_checkpoint(tmp_path)


def test_where_sizes_disagree_the_tensors_are_trusted(tmp_path: Path) -> None:
    write_family(tmp_path, "roberta")
    edit_json(
        tmp_path / "config.json",
        lambda raw: raw.update(hidden_size=64, max_position_embeddings=514, num_attention_heads=5),
    )
    said = r"trusted: max_position_embeddings 514 -> 26, hidden_size 64 -> 32$"
    with (
        pytest.warns(MinnerWarning, match=said),
        pytest.raises(MinnerError, match=r"num_attention_heads 5 does not divide hidden_size 32$"),
    ):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("wrong", [0, 1, -1e-5, "1e-5", True, None, float("nan")])
def test_an_epsilon_that_is_none(wrong: Any, tmp_path: Path) -> None:
    write_family(tmp_path, "bert")
    edit_json(tmp_path / "config.json", lambda raw: raw.update(layer_norm_eps=wrong))
    with pytest.raises(MinnerError, match="layer_norm_eps must be a number between 0 and 1"):
        read_config(tmp_path)


def test_token_types_must_be_as_wide_as_the_model(tmp_path: Path) -> None:
    path = write_family(tmp_path, "bert") / "model.safetensors"
    name = "bert.embeddings.token_type_embeddings.weight"
    tensors = load_file(path)
    for shape in ((2, 31), (0, 32), (32,)):
        write_safetensors(path, {**tensors, name: np.zeros(shape, np.float32)})
        with pytest.raises(MinnerError, match="token_type_embeddings"):
            read_checkpoint(tmp_path)
    del tensors[name]
    write_safetensors(path, tensors)
    with pytest.raises(MinnerError, match=r"lack 'embeddings.token_type_embeddings.weight'"):
        read_checkpoint(tmp_path)


def test_missing_tensors_have_the_names_of_the_family(tmp_path: Path) -> None:
    path = write_family(tmp_path, "bert") / "model.safetensors"
    tensors = load_file(path)
    del tensors["bert.encoder.layer.1.attention.self.query.bias"]
    write_safetensors(path, tensors)
    with pytest.raises(MinnerError, match=r"lack 'encoder.layer.1.attention.self.query.bias'"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("family", [*FAMILIES, "distilbert"])
def test_the_class_stands_in_for_model_type(family: str, tmp_path: Path) -> None:
    write = write_checkpoint if family == "distilbert" else write_family
    write(tmp_path, **({} if family == "distilbert" else {"model_type": family}))
    expected = read_config(tmp_path)
    edit_json(tmp_path / "config.json", lambda raw: raw.pop("model_type"))
    assert read_config(tmp_path) == expected


# ---- quirks of public checkpoints: docs/checkpoints.md names where each was seen -----------------


def test_buffers_of_integers_are_ignored(tmp_path: Path) -> None:
    path = write_family(tmp_path, "bert") / "model.safetensors"
    stored = {
        name: ("F32", values.shape, values.tobytes()) for name, values in load_file(path).items()
    }
    stored["bert.embeddings.position_ids"] = ("I64", (1, 24), np.arange(24).tobytes())
    path.write_bytes(safetensors_bytes(stored))
    with warnings.catch_warnings():
        warnings.simplefilter("error", MinnerWarning)
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("rows", [1, 16])
def test_any_number_of_token_types(rows: int, tmp_path: Path) -> None:
    """BERT for Chinese once had sixteen where config.json said two."""
    expected = read_checkpoint(write_family(tmp_path, "bert")).tensors
    path, name = tmp_path / "model.safetensors", "bert.embeddings.token_type_embeddings.weight"
    tensors = load_file(path)
    others = np.full((rows - 1, tensors[name].shape[1]), np.float32(7))
    write_safetensors(path, {**tensors, name: np.concatenate([tensors[name][:1], others])})
    found = read_checkpoint(tmp_path).tensors
    positions = "embeddings.position_embeddings.weight"
    np.testing.assert_array_equal(found[positions], expected[positions])


def test_eight_labels_in_iob1(tmp_path: Path) -> None:
    labels = ["B-LOC", "B-MISC", "B-ORG", "I-LOC", "I-MISC", "I-ORG", "I-PER", "O"]
    write_family(tmp_path, "electra", n_labels=8)
    edit_json(
        tmp_path / "config.json",
        lambda raw: raw.update(
            id2label={str(i): label for i, label in enumerate(labels)},
            label2id={label: i for i, label in enumerate(labels)},
        ),
    )
    assert minner.load(tmp_path).labels == tuple(labels)


# ---- commands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
def test_every_command_takes_it(family: str, tmp_path: Path, capsys: Capture) -> None:
    model, gold = write_family(tmp_path / "model", family), tmp_path / "gold.conll"
    gold.write_text("John B-PER\nSmith I-PER\nworks O\n")
    for arguments in (
        ("inspect", model),
        ("tag", "--model", model, "John Smith"),
        ("redact", "--model", model, "John Smith"),
        ("eval", gold, "--model", model),
        ("bench", "--model", model, "--shapes", "1x8", "--threads", "1", "--seconds", "0.1"),
    ):
        status, out, _ = run(capsys, *arguments)
        assert (status, bool(out)) == (0, True), arguments


# ---- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model_type", REASONS)
def test_other_models_are_refused_for_a_reason(model_type: str, tmp_path: Path) -> None:
    write_family(tmp_path, "bert")
    edit_json(tmp_path / "config.json", lambda raw: raw.update(model_type=model_type))
    with pytest.raises(MinnerError) as caught:
        read_config(tmp_path)
    assert f"has model_type {model_type!r}, which minner cannot run: {REASONS[model_type]}; " in (
        str(caught.value)
    )


@pytest.mark.parametrize("model_type", ["canine-2", "Bert", 5, ["bert"]])
def test_unknown_models_are_refused(model_type: Any, tmp_path: Path) -> None:
    write_family(tmp_path, "bert")
    edit_json(tmp_path / "config.json", lambda raw: raw.update(model_type=model_type))
    with pytest.raises(MinnerError, match="; minner runs token classifiers of bert, camembert, "):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("family", "settings", "reason"),
    [
        ("bert", {"position_embedding_type": "relative_key"}, "depends on relative positions"),
        ("roberta", {"position_embedding_type": "relative_key_query"}, "relative positions"),
        ("bert", {"is_decoder": True}, "it is a decoder"),
        ("xlm-roberta", {"add_cross_attention": True}, "it is a decoder"),
        ("electra", {"embedding_size": 8}, "its embeddings are 8 wide and projected to 32"),
        ("electra", {"embedding_size": 128}, "as in ELECTRA-small"),
        ("bert", {"architectures": ["BertCRF"]}, "its tags are chosen by a CRF"),
    ],
)
def test_relatives_that_are_another_model(
    family: str, settings: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    write_family(tmp_path, family)
    edit_json(tmp_path / "config.json", lambda raw: raw.update(settings))
    with pytest.raises(MinnerError, match=f"minner cannot run this {family}: .*{reason}"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("crf.transitions", "chooses tags by a CRF"),
        ("crf.start_transitions", "chooses tags by a CRF"),
        ("base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight", "an adapter"),
    ],
)
def test_other_heads_and_adapters_are_refused(extra: str, reason: str, tmp_path: Path) -> None:
    path = write_family(tmp_path, "bert") / "model.safetensors"
    write_safetensors(path, {**load_file(path), extra: np.zeros((3, 3), np.float32)})
    with pytest.raises(MinnerError, match=reason):
        read_checkpoint(tmp_path)


def test_an_adapter_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(MinnerError, match=r"holds an adapter.*merge_and_unload"):
        read_config(tmp_path)


def test_a_classifier_of_whole_texts_is_refused(tmp_path: Path) -> None:
    path = write_family(tmp_path, "roberta")
    change_names(path, lambda name: name.replace("classifier.", "classifier.out_proj."))
    with pytest.raises(MinnerError, match="a classifier of whole texts, not of tokens"):
        read_checkpoint(tmp_path)
