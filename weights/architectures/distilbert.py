"""DistilBERT: the names of this project are its own."""

from minner.weights.architectures.architecture import LAYERS, Architecture, Key

DISTILBERT = Architecture(
    model_type="distilbert",
    token_classifier="DistilBertForTokenClassification",
    prefix="distilbert",
    keys={
        "vocab_size": Key("vocab_size", 30522),
        "max_position_embeddings": Key("max_position_embeddings", 512),
        "n_layers": Key("n_layers", 6, "num_hidden_layers"),
        "n_heads": Key("n_heads", 12, "num_attention_heads"),
        "dim": Key("dim", 768, "hidden_size"),
        "hidden_dim": Key("hidden_dim", 3072),
        "activation": Key("activation", "gelu"),
    },  # no layer_norm_eps: its code fixes 1e-12
    layers=LAYERS,
    modules={},
    other_heads=(
        "vocab_transform",
        "vocab_layer_norm",
        "vocab_projector",
        "pre_classifier",
        "qa_outputs",
    ),
    token_types=False,
)
