"""An Architecture: how one family of checkpoints writes down the model that minner runs.

All families here are the same arithmetic (`minner.kernels.model`). They differ in the names of
tensors, in the keys of config.json and their defaults, in which row of the position table is that
of the first token, and in whether there is a table of token types. An Architecture says just that,
so that nothing after it needs to know the family.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

LAYERS = "transformer.layer"
"""What this project calls the list of layers."""

TOKEN_TYPES = "embeddings.token_type_embeddings.weight"
"""The table of token types: all tokens are of type 0, so its row 0 is added to each of them."""

BERT_MODULES = {
    "attention.q_lin": "attention.self.query",
    "attention.k_lin": "attention.self.key",
    "attention.v_lin": "attention.self.value",
    "attention.out_lin": "attention.output.dense",
    "sa_layer_norm": "attention.output.LayerNorm",
    "ffn.lin1": "intermediate.dense",
    "ffn.lin2": "output.dense",
    "output_layer_norm": "output.LayerNorm",
}
"""This project's modules of a layer -> those of BERT, which most families share."""


class Key(NamedTuple):
    """Where config.json states something, and what holds where it does not."""

    name: str
    default: Any
    alias: str | None = None  # another name, which wins where both are given


def bert_keys(**defaults: Any) -> dict[str, Key]:
    """The keys of BERT's config.json by field of Config, with other defaults where given.

    The defaults are those of Hugging Face's `BertConfig`.
    """
    keys = {
        "vocab_size": Key("vocab_size", 30522),
        "max_position_embeddings": Key("max_position_embeddings", 512),
        "n_layers": Key("num_hidden_layers", 12),
        "n_heads": Key("num_attention_heads", 12),
        "dim": Key("hidden_size", 768),
        "hidden_dim": Key("intermediate_size", 3072),
        "activation": Key("hidden_act", "gelu"),
        "layer_norm_eps": Key("layer_norm_eps", 1e-12),
    }
    return keys | {field: keys[field]._replace(default=value) for field, value in defaults.items()}


@dataclass(frozen=True)
class Architecture:
    """One family of checkpoints.

    Attributes:
        model_type: its name in config.json.
        token_classifier: the class of its token classifiers in transformers.
        prefix: what the names of the encoder's tensors begin with, but for the dot; may be left
            out in a file.
        keys: where config.json states each field of Config.
        layers: the list of layers.
        modules: this project's modules of a layer -> the family's.
        other_heads: modules beside the encoder and the tag head, which are ignored.
        token_types: whether there is a table of token types.
        padding_row: where the first token has the position after that of padding, the row of the
            position table that is for padding: the default of `pad_token_id`. None where the first
            token has row 0.
        refuse: the reason why a config.json of this family is not this model, or None.
    """

    model_type: str
    token_classifier: str
    prefix: str
    keys: Mapping[str, Key]
    layers: str = "encoder.layer"
    modules: Mapping[str, str] = field(default_factory=lambda: BERT_MODULES)
    other_heads: tuple[str, ...] = ("pooler", "cls", "lm_head", "qa_outputs")
    token_types: bool = True
    padding_row: int | None = None
    refuse: Callable[[Mapping[str, Any]], str | None] = lambda raw: None

    def canonical_name(self, name: str) -> str:
        """This project's name of a tensor, whose name has neither prefix nor wrappers."""
        match = self._in_layer.match(name)
        if match is None:
            return name
        module, dot, leaf = match["rest"].rpartition(".")
        ours = self._canonical_modules.get(module, module)
        return f"{LAYERS}.{match['number']}.{ours}{dot}{leaf}"

    def bare_name(self, name: str) -> str:
        """The family's name of a tensor, without prefix: the inverse of `canonical_name`."""
        if not name.startswith(LAYERS + "."):
            return name
        number, _, rest = name.removeprefix(LAYERS + ".").partition(".")
        module, dot, leaf = rest.rpartition(".")
        return f"{self.layers}.{number}.{self.modules.get(module, module)}{dot}{leaf}"

    def full_name(self, name: str) -> str:
        """The family's name of a tensor as transformers writes it."""
        is_head = name.startswith("classifier.")
        return self.bare_name(name) if is_head else f"{self.prefix}.{self.bare_name(name)}"

    @cached_property
    def _in_layer(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.layers) + r"\.(?P<number>[0-9]{1,3})\.(?P<rest>.+)\Z")

    @cached_property
    def _canonical_modules(self) -> dict[str, str]:
        return {theirs: ours for ours, theirs in self.modules.items()}
