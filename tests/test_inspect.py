"""minner inspect: what it says of sound, odd, broken and foreign checkpoints."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints import (
    VOCABULARY,
    edit_json,
    random_tensors,
    write_checkpoint,
    write_json,
    write_safetensors,
    write_tokenizer,
)
from minner import cli
from minner.errors import MinnerError
from minner.inspection.cost import parameters, weight_bytes
from minner.inspection.examine import examine
from minner.inspection.text import table
from minner.kernels.model import attention_flops, product_flops
from minner.kernels.vector.target import PADDING
from minner.weights.checkpoint import read_checkpoint
from minner.weights.config import Config
from minner.weights.pack import pack
from minner.weights.tokenizer import read_tokenizer

SHAPE = (len(VOCABULARY), 64, 32, 37, 2, 9)
BASE = Config(
    "distilbert", 30522, 512, 0, 6, 12, 768, 3072, "gelu", 1e-12, tuple("OABCDEFGH"), False, None
)
"""DistilBERT-base uncased with nine labels."""

Change = Callable[[dict[str, Any]], object]


def rewritten(directory: Path, change: Change) -> Path:
    """Write the default checkpoint with its tensors changed in place."""
    write_checkpoint(directory)
    tensors = random_tensors(0, SHAPE)
    change(tensors)
    write_safetensors(directory / "model.safetensors", tensors)
    return directory


# ---- a sound checkpoint -------------------------------------------------------------------------


def test_a_sound_checkpoint(tmp_path: Path) -> None:
    found = examine(write_checkpoint(tmp_path))
    assert (found.errors, found.warnings) == ([], [])
    model, labels, length, weights = (
        found.sections[name] for name in ("model", "labels", "length", "weights")
    )
    assert model == {
        "model_type": "distilbert",
        "architectures": ["DistilBertForTokenClassification"],
        "n_layers": 2,
        "n_heads": 4,
        "dim": 32,
        "hidden_dim": 37,
        "activation": "gelu",
        "vocab_size": len(VOCABULARY),
        "head_width": 8,
    }
    assert (labels["scheme"], labels["types"]) == ("IOB2", ["PER", "ORG", "LOC", "MISC"])
    assert length == {"positions": 64, "model_max_length": 64, "wordpieces": 64}
    assert weights["dtypes"] == {"F32": 38}
    assert weights["parameters"] == found.sections["cost"]["parameters"]["total"]
    assert weights["missing"] == weights["unknown"] == weights["other_heads"] == []
    assert weights["files"] == {
        "model.safetensors": (tmp_path / "model.safetensors").stat().st_size
    }


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F64"])
def test_stored_types(tmp_path: Path, dtype: str) -> None:
    found = examine(write_checkpoint(tmp_path, dtype=dtype))
    assert found.sections["weights"]["dtypes"] == {dtype: 38}


def test_the_embedded_model(embedded: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", "--format", "json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert (numbers["runs"], numbers["errors"], numbers["warnings"]) == (True, [], [])
    assert numbers["case"]["lowercase"] is False
    assert numbers["cost"]["parameters"]["total"] == 29_279_625


# ---- labels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "scheme", "types", "expected"),
    [
        ("O B-PER I-PER", "IOB2", "PER", []),
        ("O B-PER I-PER B-LOC", "IOB2", "PER LOC", ["the type LOC has no label I-"]),
        ("O I-PER B-LOC I-LOC", "IOB1", "PER LOC", []),
        ("O B-PER I-PER E-PER S-PER", "IOBES", "PER", []),
        ("O B-PER I-PER L-PER", "BILOU", "PER", ["the type PER has no label U-"]),
        ("O I-PER I-LOC", "IO", "PER LOC", []),
        ("O B-PER M-PER E-PER", None, "PER", ["the prefixes are of no scheme out of IO, "]),
        ("O PER LOC", "bare", "PER LOC", ["no label starts with B- or I-"]),
        ("O LABEL_1", "bare", "LABEL_1", ["labels like LABEL_0", "no label starts with"]),
        ("B-PER I-PER", "IOB2", "PER", ["no label is O"]),
        ("O B-PER I-PER X", "IOB2", "PER", ["labels without a prefix are never", ": X"]),
    ],
)
def test_labels(
    tmp_path: Path, labels: str, scheme: str | None, types: str, expected: list[str]
) -> None:
    names = labels.split()
    id2label = {str(i): name for i, name in enumerate(names)}
    write_checkpoint(tmp_path, n_labels=len(names), id2label=id2label, label2id=None)
    found = examine(tmp_path)
    assert found.errors == []
    assert found.sections["labels"] == {"scheme": scheme, "types": types.split(), "labels": names}
    for part in expected:
        assert any(part in text for text in found.warnings)
    assert bool(expected) == bool(found.warnings)


# ---- case ---------------------------------------------------------------------------------------

LOWER = tuple(
    wordpiece for wordpiece in VOCABULARY if wordpiece == wordpiece.lower() or wordpiece[0] == "["
)


@pytest.mark.parametrize(
    ("file", "stated", "vocabulary", "lowercase", "reason", "expected"),
    [
        (False, False, VOCABULARY, False, "do_lower_case", []),
        (True, True, LOWER, True, "do_lower_case", []),
        (True, False, VOCABULARY, False, "do_lower_case", ["says do_lower_case false, but"]),
        (False, True, VOCABULARY, True, "do_lower_case", ["tokenizer.json keeps case", "32.0%"]),
        (False, None, VOCABULARY, False, "tokenizer.json", ["transformers 5 would have"]),
        (True, None, VOCABULARY, True, "tokenizer.json", ["text is lowercased, by tokenizer.json"]),
        (False, False, LOWER, False, "do_lower_case", ["not lowercased", "0.0%"]),
    ],
)
def test_case(
    tmp_path: Path,
    file: bool,
    stated: bool | None,
    vocabulary: tuple[str, ...],
    lowercase: bool,
    reason: str,
    expected: list[str],
) -> None:
    write_checkpoint(tmp_path, vocab=vocabulary, lowercase=file)
    edit_json(tmp_path / "tokenizer_config.json", lambda keys: keys.update(do_lower_case=stated))
    found = examine(tmp_path)
    case = found.sections["case"]
    assert (case["lowercase"], case["tokenizer_config.json"]) == (lowercase, stated)
    assert case["tokenizer.json"] == file
    assert reason in case["reason"]
    for part in expected:
        assert any(part in text for text in found.warnings)
    assert bool(expected) == bool(found.warnings)


def test_case_by_the_vocabulary_alone(tmp_path: Path) -> None:
    write_checkpoint(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY))
    case = examine(tmp_path).sections["case"]
    assert (case["lowercase"], case["transformers"]) == (False, True)
    assert (case["tokenizer_config.json"], case["tokenizer.json"]) == (None, None)
    assert "evidence" in case["reason"]


# ---- lengths ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "wordpieces", "warned"), [(32, 32, True), (64, 64, False), (1e30, 64, False)]
)
def test_longest_input(tmp_path: Path, stated: float, wordpieces: int, warned: bool) -> None:
    write_checkpoint(tmp_path)
    edit_json(tmp_path / "tokenizer_config.json", lambda k: k.update(model_max_length=stated))
    found = examine(tmp_path)
    assert found.sections["length"]["wordpieces"] == wordpieces
    assert any("limits the model" in text for text in found.warnings) == warned


# ---- tensors ------------------------------------------------------------------------------------


def test_tensors_that_are_not_needed(tmp_path: Path) -> None:
    extra = {
        "vocab_projector.bias": np.zeros(3),
        "qa_outputs.weight": np.zeros((2, 2)),
        "extra.0.x": np.zeros(1),
        "extra.1.x": np.zeros(1),
    }
    found = examine(rewritten(tmp_path, lambda tensors: tensors.update(extra)))
    assert found.errors == []
    weights = found.sections["weights"]
    assert weights["other_heads"] == ["qa_outputs.weight", "vocab_projector.bias"]
    assert weights["unknown"] == ["extra.0.x", "extra.1.x"]
    assert weights["tensors"] == 42
    assert "unknown                 extra.*.x (2)\n" in table(found)


def test_weights_that_were_never_trained(tmp_path: Path) -> None:
    def zero(tensors: dict[str, Any]) -> None:
        tensors["classifier.bias"][:] = 0
        tensors["distilbert.transformer.layer.1.ffn.lin2.weight"][:] = 0

    found = examine(rewritten(tmp_path, zero))
    assert found.errors == []
    assert len(found.warnings) == 2
    assert "classifier.bias is all zeros" in found.warnings[0]
    assert found.warnings[1] == "all zeros: transformer.layer.*.ffn.lin2.weight"


def test_every_broken_tensor_is_found(tmp_path: Path) -> None:
    def spoil(tensors: dict[str, Any]) -> None:
        for layer in range(2):
            del tensors[f"distilbert.transformer.layer.{layer}.ffn.lin1.bias"]
        tensors["distilbert.transformer.layer.1.ffn.lin2.bias"][3] = np.nan
        tensors["distilbert.embeddings.LayerNorm.bias"] = np.zeros(5)

    found = examine(rewritten(tmp_path, spoil))
    assert found.sections["weights"]["missing"] == [
        "transformer.layer.0.ffn.lin1.bias",
        "transformer.layer.1.ffn.lin1.bias",
    ]
    assert len(found.errors) == 3
    for error, part in zip(
        found.errors, ("the weights lack", "has shape [5]", "not finite"), strict=True
    ):
        assert part in error


def test_a_model_without_a_classifier(tmp_path: Path) -> None:
    def behead(tensors: dict[str, Any]) -> None:
        del tensors["classifier.weight"], tensors["classifier.bias"]

    found = examine(rewritten(tmp_path, behead))
    assert "not a token classifier" in found.errors[0]
    assert found.sections["weights"]["missing"] == ["classifier.bias", "classifier.weight"]


# ---- checkpoints that minner cannot run ---------------------------------------------------------


def albert(directory: Path) -> None:
    write_json(
        directory / "config.json",
        {
            "model_type": "albert",
            "architectures": ["AlbertForTokenClassification"],
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 99,
            "id2label": {"0": "O", "1": "B-PER", "2": "I-PER"},
        },
    )
    names = [f"albert.encoder.layer.{i}.output.dense.bias" for i in range(2)]
    tensors = {name: np.zeros(32) for name in names}
    write_safetensors(directory / "model.safetensors", tensors, "BF16")
    write_tokenizer(directory, max_length=99, lowercase=False)


def test_a_foreign_checkpoint(tmp_path: Path) -> None:
    albert(tmp_path)
    found = examine(tmp_path)
    [error] = found.errors
    assert "model_type 'albert'" in error
    model = found.sections["model"]
    assert (model["n_layers"], model["n_heads"], model["dim"], model["hidden_dim"]) == (
        2,
        4,
        32,
        64,
    )
    assert found.sections["labels"]["types"] == ["PER"]
    assert found.sections["length"]["positions"] == 99
    assert found.sections["case"]["lowercase"] is False
    assert found.sections["weights"]["dtypes"] == {"BF16": 2}
    assert "albert.encoder.layer.*.output.dense.bias (2)" in table(found)


def junk(directory: Path) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        (directory / name).write_bytes(b"[1")


@pytest.mark.parametrize(
    ("make", "n_errors"),
    [(lambda _: None, 3), (junk, 3), (albert, 1)],
    ids=["empty", "junk", "albert"],
)
def test_the_command_fails_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Change, n_errors: int
) -> None:
    make(tmp_path)  # type: ignore[arg-type]
    assert cli.main(["inspect", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out.count("\n  error ") == n_errors
    assert "verdict" not in out
    assert err.startswith("minner: error: ")
    assert err.count("\n") == 1
    assert cli.main(["inspect", str(tmp_path), "--format", "json"]) == 1
    numbers = json.loads(capsys.readouterr().out)
    assert not numbers["runs"]
    assert len(numbers["errors"]) == n_errors


def test_the_command_without_a_directory(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", "/no/such/model"]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", "minner: error: there is no directory '/no/such/model'\n")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 99) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
CONFIG_KEYS = [
    "model_type",
    "architectures",
    "n_layers",
    "num_hidden_layers",
    "n_heads",
    "dim",
    "hidden_dim",
    "activation",
    "vocab_size",
    "max_position_embeddings",
    "id2label",
    "label2id",
    "tokenizer_class",
    "sinusoidal_pos_embds",
]
TOKENIZER_KEYS = [
    "do_lower_case",
    "strip_accents",
    "model_max_length",
    "tokenizer_class",
    "cls_token",
    "added_tokens_decoder",
]


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("patient"))


def first_error(directory: Path) -> str | None:
    """Return what loading the model raises, short of the kernels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            checkpoint = read_checkpoint(directory)
            read_tokenizer(directory, checkpoint.config)
        except MinnerError as error:
            return str(error)
    return None


@given(
    st.dictionaries(st.sampled_from(CONFIG_KEYS), JSON, max_size=3),
    st.dictionaries(st.sampled_from(TOKENIZER_KEYS), JSON, max_size=2),
)
def test_any_configuration_is_examined(
    patient: Path, config: dict[str, Any], tokenizer: dict[str, Any]
) -> None:
    """Whatever the files say there is a report, and the verdict is that of loading the model."""
    sound = {}
    for name, keys in (("config.json", config), ("tokenizer_config.json", tokenizer)):
        sound[name] = (patient / name).read_text()
        edit_json(patient / name, lambda raw, keys=keys: raw.update(keys))
    try:
        found = examine(patient)
        json.dumps(found.numbers())
        lines = table(found).splitlines()
        assert sum(line.startswith("  error ") for line in lines) == len(found.errors)
        assert first_error(patient) == (found.errors[0] if found.errors else None)
    finally:
        for name, text in sound.items():
            (patient / name).write_text(text)


# ---- cost ---------------------------------------------------------------------------------------


def test_parameters_are_those_of_the_arrays(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path))
    counted = sum(array.size for array in checkpoint.tensors.values())
    assert parameters(checkpoint.config)["total"] == counted
    assert weight_bytes(checkpoint.config)["float32"] == 4 * counted


def test_the_cost_of_distilbert_base() -> None:
    """66.4 million parameters; 85 MFLOP a token, and attention's share at full length."""
    assert parameters(BASE) == {
        "embeddings": 23_835_648,
        "transformer": 42_527_232,
        "classifier": 6_921,
        "total": 66_369_801,
    }
    assert product_flops(BASE.shape) == 2 * 6 * (4 * 768**2 + 2 * 768 * 3072) + 2 * 768 * 9
    assert product_flops(BASE.shape) == 84_948_480
    assert attention_flops(BASE.shape, 512) == 2 * 6 * (2 * 768 * 512)
    sizes = weight_bytes(BASE)
    elements, rows = 6 * (4 * 768**2 + 2 * 768 * 3072), 6 * (5 * 768 + 3072)
    assert sizes["float32"] - sizes["bfloat16"] == 2 * elements
    assert sizes["float32"] - sizes["int8"] == 3 * elements - 8 * rows


def test_bytes_are_those_of_the_packed_model(tmp_path: Path) -> None:
    """All sizes are multiples of what rows and panels are filled up to: nothing else is there.

    But for what each norm adds to the variance, which is as wide as a panel.
    """
    whole = write_checkpoint(tmp_path, dim=64, n_heads=2, hidden_dim=128, n_labels=32)
    checkpoint = read_checkpoint(whole)
    epsilons = 4 * PADDING * (1 + 2 * checkpoint.config.n_layers)
    for precision, size in weight_bytes(checkpoint.config).items():
        model = pack(checkpoint, precision)
        assert model.word_embeddings.nbytes + model.memory.nbytes == size + epsilons, precision


# ---- as text ------------------------------------------------------------------------------------


def test_a_terminal_is_not_obeyed(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, architectures=["\x1b[2J\nx"])
    text = table(examine(tmp_path))
    assert "\x1b" not in text
    assert "\\x1b[2J\\nx" in text


def test_no_kernel_is_compiled_or_loaded(tmp_path: Path) -> None:
    """The examination works where Numba and llvmlite cannot even be imported."""
    write_checkpoint(tmp_path)
    code = (
        "import sys; sys.modules.update(numba=None, llvmlite=None); from pathlib import Path;"
        "from minner.inspection.examine import examine; print(examine(Path(sys.argv[1])).errors);"
        "print(sorted(name for name in sys.modules if name.startswith('minner.kernels')))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=root
    )
    # What the model is, and which activations there are: tables, of which no kernel is a part yet.
    described = ["minner.kernels", "minner.kernels.activations", "minner.kernels.model"]
    assert (done.stdout, done.stderr) == (f"[]\n{described}\n", "")
