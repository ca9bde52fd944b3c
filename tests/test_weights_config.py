"""config.json: every variant seen in the wild, every value that cannot be meant."""

from pathlib import Path
from typing import Any

import pytest

from checkpoints import write_json
from minner.errors import MinnerError, MinnerWarning
from minner.weights.config import Config, read_config
from minner.weights.files import LARGEST
from minner.weights.labels import fit_labels

SMALL = {
    "model_type": "distilbert",
    "vocab_size": 99,
    "max_position_embeddings": 20,
    "n_layers": 5,
    "n_heads": 4,
    "dim": 32,
    "hidden_dim": 37,
}


def config_of(directory: Path, **keys: Any) -> Config:
    """Return what is read from SMALL with `keys` on top; a key given as ... is left out."""
    merged = {key: value for key, value in {**SMALL, **keys}.items() if value is not ...}
    write_json(directory / "config.json", merged)
    return read_config(directory)


def test_every_field(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        activation="relu",
        id2label={"0": "O", "1": "B-PER"},
        sinusoidal_pos_embds=True,
        tokenizer_class="BertTokenizer",
    )
    assert config == Config(
        model_type="distilbert",
        first_position=0,
        vocab_size=99,
        max_position_embeddings=20,
        n_layers=5,
        n_heads=4,
        dim=32,
        hidden_dim=37,
        activation="relu",
        layer_norm_eps=1e-12,
        labels=("O", "B-PER"),
        sinusoidal_pos_embds=True,
        tokenizer_class="BertTokenizer",
    )


def test_missing_keys_take_the_defaults_of_hugging_face(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"model_type": "distilbert"})
    config = read_config(tmp_path)
    assert (config.vocab_size, config.max_position_embeddings) == (30522, 512)
    assert (config.n_layers, config.n_heads, config.dim, config.hidden_dim) == (6, 12, 768, 3072)
    assert config.activation == "gelu"
    assert config.labels == ()
    assert not config.sinusoidal_pos_embds


def test_defaults_are_those_of_the_installed_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.DistilBertConfig()
    write_json(tmp_path / "config.json", {"model_type": "distilbert"})
    ours = read_config(tmp_path)
    for key in ("vocab_size", "max_position_embeddings", "n_layers", "n_heads", "dim"):
        assert getattr(ours, key) == getattr(theirs, key)
    assert ours.hidden_dim == theirs.hidden_dim
    assert ours.activation == theirs.activation


@pytest.mark.parametrize(
    ("alias", "key"),
    [("hidden_size", "dim"), ("num_attention_heads", "n_heads"), ("num_hidden_layers", "n_layers")],
)
def test_aliases(tmp_path: Path, alias: str, key: str) -> None:
    assert getattr(config_of(tmp_path, **{key: ..., alias: 8}), key) == 8
    assert getattr(config_of(tmp_path, **{key: 8, alias: 8}), key) == 8
    with pytest.warns(MinnerWarning, match=f"{key} is {SMALL[key]} but its alias {alias} is 2"):
        assert getattr(config_of(tmp_path, **{alias: 2}), key) == 2


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("gelu", "gelu"),
        ("gelu_python", "gelu"),
        ("gelu_fast", "gelu_tanh"),
        ("gelu_new", "gelu_tanh"),
        ("gelu_pytorch_tanh", "gelu_tanh"),
        ("relu", "relu"),
        ("silu", "silu"),
        ("swish", "silu"),
    ],
)
def test_activations(tmp_path: Path, name: str, function: str) -> None:
    assert config_of(tmp_path, activation=name, hidden_act="tanh").activation == function


@pytest.mark.parametrize("name", ["mish", "quick_gelu", "tanh", "", None, 3, ["gelu"]])
def test_other_activations_are_refused_by_name(tmp_path: Path, name: Any) -> None:
    with pytest.raises(
        MinnerError, match=r"config.json: activation .* these are: gelu, "
    ) as caught:
        config_of(tmp_path, activation=name)
    assert repr(name) in str(caught.value)


def test_the_keys_of_distilbert_stand_in_for_model_type(tmp_path: Path) -> None:
    assert config_of(tmp_path, model_type=...).dim == 32
    write_json(tmp_path / "config.json", {"hidden_size": 32})
    with pytest.raises(MinnerError, match="has no model_type"):
        read_config(tmp_path)


@pytest.mark.parametrize("architectures", [["DistilBertForMaskedLM"], ["X"], [], None])
def test_architectures_and_other_keys_do_not_matter(tmp_path: Path, architectures: Any) -> None:
    read = config_of(tmp_path, architectures=architectures, torch_dtype="float16", total_flos=1e18)
    assert read == config_of(tmp_path)


SIZES = ["vocab_size", "max_position_embeddings", "n_layers", "n_heads", "dim", "hidden_dim"]


@pytest.mark.parametrize("key", SIZES)
@pytest.mark.parametrize(
    "value", [0, -1, "12", 12.0, 1.5, float("nan"), float("inf"), True, None, [4], 10**9, 10**30]
)
def test_sizes_no_model_can_have(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(MinnerError, match=f"config.json: {key} must be an integer from 1 to"):
        config_of(tmp_path, **{key: value})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b"[1, 2]", "must hold a JSON object, not a list"),
        (b"3", "must hold a JSON object, not a int"),
        (b'"text"', "must hold a JSON object, not a str"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"dim": ' + b"9" * 5000 + b"}", "is not valid JSON|must be an integer"),
        (b"\xff\xfe{}", "is not UTF-8 text: bad byte at 0"),
        (b"\xef\xbb\xbf{}", "is not valid JSON"),
        (rb'{"id2label": {"0": "B-\ud800"}}', "is not valid JSON: it holds a lone surrogate"),
        (rb'{"a": "\uD83D\uDE00 \uDFFF"}', "is not valid JSON: it holds a lone surrogate"),
        (b" " * (LARGEST + 1), "has 8388609 bytes, and minner reads up to 8388608: such"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(MinnerError, match=rf"config\.json.* {message}"):
        read_config(tmp_path)


def test_a_pair_of_surrogates_is_a_character(tmp_path: Path) -> None:
    assert config_of(tmp_path, id2label={"0": "\U0001f600 \\ud800"}).labels == (
        "\U0001f600 \\ud800",
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MinnerError, match=r"cannot read .*config.json: No such file"):
        read_config(tmp_path)
    with pytest.raises(MinnerError, match=r"cannot read .*config.json: "):
        read_config(Path("a\0b"))
    (tmp_path / "config.json").mkdir()
    with pytest.raises(MinnerError, match=r"cannot read .*config.json: Is a directory"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"sinusoidal_pos_embds": "yes"}, "sinusoidal_pos_embds must be a bool, not 'yes'"),
        ({"tokenizer_class": 3}, "tokenizer_class must be a str, not 3"),
    ],
)
def test_values_of_the_wrong_type(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(MinnerError, match=message):
        config_of(tmp_path, **keys)


MISSING = [f"LABEL_{i}" for i in range(3, 10)]


@pytest.mark.parametrize(
    ("id2label", "labels"),
    [
        ({"0": "O", "1": "PER", "2": "ORG"}, ("O", "PER", "ORG")),
        (
            {str(i): f"L{i}" for i in (10, 2, 0, 1, *range(3, 10))},
            tuple(f"L{i}" for i in range(11)),
        ),
        ({"0": 0, "1": 1}, ("0", "1")),
        ({"00": "O"}, ("O",)),
        ({}, ()),
        (None, ()),
        (..., ()),
    ],
    ids=["plain", "text order", "numbers", "leading zero", "empty", "null", "absent"],
)
def test_labels_by_class_index(tmp_path: Path, id2label: Any, labels: tuple[str, ...]) -> None:
    assert config_of(tmp_path, id2label=id2label, num_labels=3).labels == labels


@pytest.mark.parametrize(
    ("id2label", "message"),
    [
        (["O", "B-PER"], "id2label must be an object"),
        ("O", "id2label must be an object"),
        ({"zero": "O"}, "id2label key 'zero' is no class index"),
        ({"-1": "O"}, "id2label key '-1' is no class index"),
        ({"1.0": "O"}, "id2label key '1.0' is no class index"),
        ({"²": "O"}, "id2label key '²' is no class index"),
        ({"99999": "O"}, "id2label key '99999' is no class index below 65536"),
        ({"9" * 5000: "O"}, "is no class index below 65536"),
        ({"1": "O", "01": "B-PER"}, "id2label names class 1 twice"),
        ({"0": None}, r"id2label\['0'\] must be a text, not None"),
        ({"0": ["O"]}, r"id2label\['0'\] must be a text, not \['O'\]"),
        ({"0": True}, r"id2label\['0'\] must be a text, not True"),
    ],
)
def test_labels_that_cannot_be_meant(tmp_path: Path, id2label: Any, message: str) -> None:
    with pytest.raises(MinnerError, match=message):
        config_of(tmp_path, id2label=id2label)


@pytest.mark.parametrize(
    "label2id", [{"LABEL_0": 0, "LABEL_1": 1}, {"O": 1, "B-PER": 0}, {"O": [0]}, {"O": 0}, {}]
)
def test_label2id_that_disagrees_is_only_a_warning(tmp_path: Path, label2id: Any) -> None:
    with pytest.warns(MinnerWarning, match="label2id disagrees with id2label about '"):
        config = config_of(tmp_path, id2label={"0": "O", "1": "B-PER"}, label2id=label2id)
    assert config.labels == ("O", "B-PER")


def test_label2id_of_repeated_labels_names_any_of_their_classes(tmp_path: Path) -> None:
    config = config_of(tmp_path, id2label={"0": "O", "1": "O"}, label2id={"O": 1})
    assert config.labels == ("O", "O")


def test_label2id_names_what_id2label_leaves_out(tmp_path: Path) -> None:
    label2id = {"O": 0, "B-ORG": 1, "I-ORG": 2, "B-PER": 3}
    with pytest.warns(MinnerWarning, match="label2id names, which is believed: 2 is 'I-ORG'$"):
        config = config_of(
            tmp_path, id2label={"0": "O", "1": "B-ORG", "3": "B-PER"}, label2id=label2id
        )
    assert config.labels == tuple(label2id)
    with pytest.warns(MinnerWarning, match="0 is 'O', 1 is 'B-ORG', 2 is 'I-ORG' and 1 more$"):
        assert config_of(tmp_path, label2id=label2id).labels == tuple(label2id)


@pytest.mark.parametrize(
    "label2id",
    [{"x": 1, "y": 1}, {"x": "1"}, {"x": 1.0}, {"x": True}, {"LABEL_1": 1}, {"x": -1}, []],
)
def test_label2id_that_names_nothing(tmp_path: Path, label2id: Any) -> None:
    if isinstance(label2id, dict):
        label2id |= {"O": 0, "B-PER": 2}
    match = "id2label leaves out classes, which are now LABEL_1 and of no entity type; write"
    with pytest.warns(MinnerWarning, match=match):
        config = config_of(tmp_path, id2label={"2": "B-PER", "0": "O"}, label2id=label2id)
    assert config.labels == ("O", "LABEL_1", "B-PER")


def test_the_classifier_decides_how_many_labels_there_are() -> None:
    path = Path("config.json")
    assert fit_labels(path, (), 3) == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert fit_labels(path, ("O", "PER"), 2) == ("O", "PER")
    with pytest.warns(MinnerWarning, match="id2label has 2 labels but the classifier has 3 rows"):
        assert fit_labels(path, ("O", "PER"), 3) == ("O", "PER", "LABEL_2")
    with pytest.warns(MinnerWarning, match="id2label has 2 labels but the classifier has 1 rows"):
        assert fit_labels(path, ("O", "PER"), 1) == ("O",)
    with pytest.warns(MinnerWarning, match="more than one class the label 'PER'"):
        assert fit_labels(path, ("O", "PER", "PER"), 3) == ("O", "PER", "PER")
