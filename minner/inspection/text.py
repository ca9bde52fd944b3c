"""An examination as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minner.inspection.examine import Examination
from minner.inspection.tensors import collapse

Rows = Iterator[tuple[str, str]]

_UNKNOWN = "?"
_WIDTH = 24


def table(examination: Examination) -> str:
    """Format an examination: facts by section, then every finding as a line."""
    sections = examination.sections
    blocks = {
        "MODEL": _model(sections["model"], sections["length"]),
        "LABELS": _labels(sections["labels"]),
        "CASE": _case(sections["case"]),
        "WEIGHTS": _weights(sections["weights"]),
        "COST": _cost(sections["cost"]),
        "FINDINGS": _findings(examination),
    }
    return f"{examination.directory}\n" + "".join(
        f"\n{heading}\n"
        + "".join(f"  {name:<{_WIDTH}}{_printable(value)}\n" for name, value in rows)
        for heading, block in blocks.items()
        if (rows := list(block))
    )


def _model(model: Mapping[str, Any], length: Mapping[str, Any]) -> Rows:
    architectures = model["architectures"]
    names = ", ".join(map(str, architectures)) if isinstance(architectures, list) else _UNKNOWN
    yield "architecture", f"{names} (model_type {_or_unknown(model['model_type'])})"
    width = model["head_width"]
    yield "layers", _number(model["n_layers"])
    yield "heads", _number(model["n_heads"]) + (f" of width {width}" if width else "")
    yield "width", f"{_number(model['dim'])}, feed-forward {_number(model['hidden_dim'])}"
    yield "activation", _or_unknown(model["activation"])
    yield "word embeddings", _number(model["vocab_size"])
    yield "positions", _number(length["positions"])
    stated = length["model_max_length"]
    limit = f"model_max_length {stated:g}" if stated is not None else "no model_max_length"
    if length["wordpieces"]:
        taken = f"{length['wordpieces']} wordpieces, {length['wordpieces'] - 2} of them of text"
        yield "longest input", f"{taken} ({limit}); longer texts go through in windows"


def _labels(labels: Mapping[str, Any]) -> Rows:
    yield "scheme", _or_unknown(labels["scheme"])
    yield "entity types", " ".join(labels["types"]) or "none"
    yield "labels", " ".join(labels["labels"]) or "none"


def _case(case: Mapping[str, Any]) -> Rows:
    if not case:
        yield "decision", _UNKNOWN
        return
    yield "decision", f"{_cased(case['lowercase'])}, by {case['reason']}"
    yield "accents", "stripped" if case["strip_accents"] else "kept"
    for file in ("tokenizer_config.json", "tokenizer.json"):
        yield file, "says nothing" if case[file] is None else _cased(case[file])
    yield (
        "wordpieces",
        f"{_number(case['wordpieces'])}, {case['capitals']:.1%} of them with capitals",
    )
    theirs = case["transformers"]
    yield "transformers 5", "could not load it" if theirs is None else _cased(theirs)


def _weights(weights: Mapping[str, Any]) -> Rows:
    for name, size in sorted(weights["files"].items()):
        yield name, _bytes(size)
    stored = ", ".join(f"{n} {dtype}" for dtype, n in weights["dtypes"].items())
    yield "tensors", f"{weights['tensors']}" + (f": {stored}" if stored else "")
    yield "values stored", _number(weights["parameters"])
    yield from _listed("missing", weights["missing"])
    yield from _listed("ignored, of other heads", weights["other_heads"])
    yield from _listed("unknown", weights["unknown"])


def _cost(cost: Mapping[str, Any]) -> Rows:
    if not cost:
        return
    parts = dict(cost["parameters"])
    total = parts.pop("total")
    split = ", ".join(f"{name} {_number(n)}" for name, n in parts.items())
    yield "parameters", f"{_number(total)}: {split}"
    for precision, size in cost["bytes"].items():
        yield f"weights in {precision}", _bytes(size)
    for length, flops in cost["flops_per_token"]["by_length"].items():
        yield f"{length} wordpieces at once", f"{flops / 1e6:.2f} MFLOP a wordpiece"


def _findings(examination: Examination) -> Rows:
    yield from (("error", text) for text in examination.errors)
    yield from (("warning", text) for text in examination.warnings)
    if not examination.errors:
        yield "verdict", "minner can run this model"


def _listed(heading: str, names: Iterable[str]) -> Rows:
    for name in collapse(names):
        yield heading, name
        heading = ""


def _cased(lowercase: bool) -> str:
    return "uncased (text is lowercased)" if lowercase else "cased"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else _or_unknown(value)


def _or_unknown(value: object) -> str:
    return _UNKNOWN if value is None else str(value)


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"


def _printable(text: str) -> str:
    """Escape what a terminal would obey; the files of strangers name labels and tensors."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
