"""ELECTRA's discriminator: BERT, where embeddings are as wide as the layers."""

from collections.abc import Mapping
from typing import Any

from minner.weights.architectures.architecture import Architecture, bert_keys

_KEYS = bert_keys(dim=256, hidden_dim=1024, n_heads=4)
_NARROW = 128
"""Default of `embedding_size` in Hugging Face's `ElectraConfig`."""


def _refuse_narrow_embeddings(raw: Mapping[str, Any]) -> str | None:
    width = raw.get("hidden_size", _KEYS["dim"].default)
    narrow = raw.get("embedding_size", _NARROW)
    if narrow == width:
        return None
    return f"its embeddings are {narrow} wide and projected to {width}, as in ELECTRA-small"


ELECTRA = Architecture(
    model_type="electra",
    token_classifier="ElectraForTokenClassification",
    prefix="electra",
    keys=_KEYS,
    other_heads=(
        "discriminator_predictions",
        "generator_predictions",
        "generator_lm_head",
        "qa_outputs",
    ),
    refuse=_refuse_narrow_embeddings,
)
