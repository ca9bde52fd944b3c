"""Small checkpoints in Hugging Face's layout, written by the tests themselves.

The weights are random but tame: logits are of order one and attention is neither uniform nor a
single spike, so that an error anywhere shows in the logits.
"""

import json
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

VOCABULARY = (
    *SPECIAL_TOKENS,
    *(chr(code) for code in range(33, 127)),
    *(f"##{letter}" for letter in string.ascii_letters + string.digits),
    *("My", "name", "is", "John", "Smith", "and", "in", "works", "for", "the", "of", "Acme"),
    *("London", "Paris", "##ton", "##son", "##ing", "##ed", "##ville", "##corp"),
)
"""Cased; any printable ASCII text can be cut into these wordpieces without [UNK]."""


def labels_of(n_labels: int) -> list[str]:
    """Return O, B-PER, I-PER, B-ORG...: n labels in IOB2, with types T4, T5... after CoNLL's."""
    types = ["PER", "ORG", "LOC", "MISC", *(f"T{i}" for i in range(4, n_labels))]
    return ["O", *(f"{prefix}-{name}" for name in types for prefix in "BI")][:n_labels]


def write_checkpoint(
    directory: Path,
    *,
    seed: int = 0,
    dim: int = 32,
    n_heads: int = 4,
    n_layers: int = 2,
    hidden_dim: int = 37,
    n_labels: int = 9,
    vocab: Sequence[str] = VOCABULARY,
    max_positions: int = 64,
    activation: str = "gelu",
    dtype: str = "F32",
    lowercase: bool = False,
    **config_overrides: object,
) -> Path:
    """Write a random token classifier that transformers can load too; return `directory`.

    Args:
        directory: created if need be.
        seed: of the weights.
        dim: D; with `n_heads`, `n_layers`, `hidden_dim`, `n_labels` the shape of the model.
        n_heads: H.
        n_layers: L.
        hidden_dim: F.
        n_labels: C.
        vocab: the wordpieces by id, `SPECIAL_TOKENS` among them; V is their number.
        max_positions: rows of the position embeddings.
        activation: a name that config.json may have.
        dtype: how the tensors are stored: F32, F16, BF16 or F64.
        lowercase: whether the tokenizer lowercases.
        config_overrides: keys of config.json to add or to replace, whether or not they still fit.
    """
    directory.mkdir(parents=True, exist_ok=True)
    labels = labels_of(n_labels)
    config = {
        "architectures": ["DistilBertForTokenClassification"],
        "model_type": "distilbert",
        "vocab_size": len(vocab),
        "max_position_embeddings": max_positions,
        "sinusoidal_pos_embds": False,
        "n_layers": n_layers,
        "n_heads": n_heads,
        "dim": dim,
        "hidden_dim": hidden_dim,
        "activation": activation,
        "id2label": {str(i): label for i, label in enumerate(labels)},
        "label2id": {label: i for i, label in enumerate(labels)},
        **config_overrides,
    }
    write_json(directory / "config.json", config)
    tensors = random_tensors(seed, (len(vocab), max_positions, dim, hidden_dim, n_layers, n_labels))
    write_safetensors(directory / "model.safetensors", tensors, dtype)
    write_tokenizer(directory, vocab, max_length=max_positions, lowercase=lowercase)
    return directory


def random_tensors(
    seed: int, shape: tuple[int, int, int, int, int, int]
) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a token classifier under Hugging Face's names.

    Args:
        seed: of the random generator.
        shape: V, positions, D, F, L, C.
    """
    V, P, D, F, L, C = shape
    random = np.random.default_rng(seed)
    tensors: dict[str, NDArray[np.float32]] = {}

    def normal(name: str, size: tuple[int, ...], deviation: float, mean: float = 0.0) -> None:
        tensors[name] = random.normal(mean, deviation, size).astype(np.float32)

    def linear(name: str, n_out: int, n_in: int) -> None:
        normal(f"{name}.weight", (n_out, n_in), n_in**-0.5)
        normal(f"{name}.bias", (n_out,), 0.1)

    def norm(name: str) -> None:
        normal(f"{name}.weight", (D,), 0.1, mean=1.0)
        normal(f"{name}.bias", (D,), 0.1)

    normal("distilbert.embeddings.word_embeddings.weight", (V, D), 1.0)
    normal("distilbert.embeddings.position_embeddings.weight", (P, D), 0.5)
    norm("distilbert.embeddings.LayerNorm")
    for i in range(L):
        layer = f"distilbert.transformer.layer.{i}"
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            linear(f"{layer}.attention.{name}", D, D)
        norm(f"{layer}.sa_layer_norm")
        linear(f"{layer}.ffn.lin1", F, D)
        linear(f"{layer}.ffn.lin2", D, F)
        norm(f"{layer}.output_layer_norm")
    linear("classifier", C, D)
    return tensors


def write_tokenizer(
    directory: Path, vocab: Sequence[str] = VOCABULARY, *, max_length: int, lowercase: bool
) -> None:
    """Write tokenizer.json and a tokenizer_config.json that agrees with it."""
    ids = {wordpiece: i for i, wordpiece in enumerate(vocab)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token in SPECIAL_TOKENS]
    )
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {
        "tokenizer_class": "DistilBertTokenizer",
        "do_lower_case": lowercase,
        "model_max_length": max_length,
    }
    write_json(directory / "tokenizer_config.json", settings)


def write_safetensors(path: Path, tensors: Mapping[str, NDArray[Any]], dtype: str = "F32") -> None:
    """Write `tensors` as `dtype`; by hand, because NumPy has no bfloat16 to give the library."""
    stored = {
        name: (dtype, values.shape, encode(values, dtype)) for name, values in tensors.items()
    }
    path.write_bytes(safetensors_bytes(stored))


def encode(values: NDArray[Any], dtype: str) -> bytes:
    """Return `values` in the bytes of a safetensors dtype; BF16 by cutting float32 short."""
    if dtype == "BF16":
        return (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8"}[dtype]).tobytes()


def safetensors_bytes(tensors: Mapping[str, tuple[str, Sequence[int], bytes]]) -> bytes:
    """Return a safetensors file of name -> (dtype, shape, data)."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    begin = 0
    for name, (dtype, shape, data) in tensors.items():
        offsets = [begin, begin + len(data)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        begin += len(data)
    return with_header(header, b"".join(data for _, _, data in tensors.values()))


def with_header(header: object, data: bytes) -> bytes:
    """Return a safetensors file of a header, right or wrong, and the data after it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON."""
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` alter, in place, the JSON object that `path` holds."""
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    write_json(path, value)
