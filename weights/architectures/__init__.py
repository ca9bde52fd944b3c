"""The families of checkpoints: each is one file that says how it differs from the others.

To add one, write its file and name it in ARCHITECTURES.

    architecture  what there is to say about a family
    bert, distilbert, electra, roberta
    refused       families that are another model, and why
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minner.errors import MinnerError
from minner.weights.architectures.architecture import Architecture
from minner.weights.architectures.bert import BERT
from minner.weights.architectures.distilbert import DISTILBERT
from minner.weights.architectures.electra import ELECTRA
from minner.weights.architectures.roberta import CAMEMBERT, ROBERTA, XLM_ROBERTA

ARCHITECTURES = {
    architecture.model_type: architecture
    for architecture in (BERT, CAMEMBERT, DISTILBERT, ELECTRA, ROBERTA, XLM_ROBERTA)
}
"""model_type in config.json -> its architecture."""


def architecture_of(path: Path, raw: Mapping[str, Any]) -> Architecture:
    """Return the architecture of a checkpoint.

    Without `model_type`, as in very old files, the class that `architectures` names decides, and
    then the keys that only DistilBERT has.

    Args:
        path: of its config.json, for error messages.
        raw: the object in it.

    Raises:
        MinnerError: it is a model that minner does not run; the text says why.
    """
    architecture = _named(path, raw)
    reason = _reason(raw) or architecture.refuse(raw)
    if reason:
        raise MinnerError(f"{path}: minner cannot run this {architecture.model_type}: {reason}")
    return architecture


def _named(path: Path, raw: Mapping[str, Any]) -> Architecture:
    model_type = raw.get("model_type")
    if isinstance(model_type, str) and model_type in ARCHITECTURES:
        return ARCHITECTURES[model_type]
    if model_type is None:
        classes = raw.get("architectures")
        for architecture in ARCHITECTURES.values():
            if isinstance(classes, list) and architecture.token_classifier in classes:
                return architecture
        if raw.keys() & {"n_layers", "n_heads", "dim", "hidden_dim"}:
            return DISTILBERT
    from minner.weights.architectures.refused import REASONS

    claim = "has no model_type" if model_type is None else f"has model_type {model_type!r}"
    if isinstance(model_type, str) and model_type in REASONS:
        claim += f", which minner cannot run: {REASONS[model_type]}"
    known = ", ".join(ARCHITECTURES)
    raise MinnerError(f"{path} {claim}; minner runs token classifiers of {known}")


def _reason(raw: Mapping[str, Any]) -> str | None:
    """What no family may have."""
    kind = raw.get("position_embedding_type")
    if kind not in (None, "absolute"):
        return f"its attention depends on relative positions (position_embedding_type {kind!r})"
    if raw.get("is_decoder") or raw.get("add_cross_attention"):
        return "it is a decoder, in which a token sees only those before it"
    classes = raw.get("architectures")
    if isinstance(classes, list) and any("crf" in str(name).lower() for name in classes):
        return "its tags are chosen by a CRF, and minner's head is one linear layer"
    return None
