"""Model types that are not the model minner runs, and why."""

_RELATIVE = "its attention depends on relative positions"
_ROTARY = "it turns queries and keys by their positions (RoPE)"
_DECODER = "it is a decoder, in which a token sees only those before it"
_PRE_NORM = "its layers normalise before attention and feed-forward, not after"
_SPARSE = "its attention leaves out tokens that are far away"
_SHARED = "its layers share one set of weights, and its embeddings are factorised"
_XLM = "its embeddings and layers are those of XLM"
_LAYOUT = "it needs the place of each word on a page"

REASONS = {
    "albert": _SHARED,
    "big_bird": _SPARSE,
    "bloom": _DECODER,
    "canine": "it reads characters, and shortens the sequence",
    "convbert": "part of its attention is a convolution",
    "deberta": _RELATIVE,
    "deberta-v2": _RELATIVE,
    "ernie": "it adds task types to the embeddings",
    "esm": _PRE_NORM,
    "eurobert": _ROTARY,
    "flaubert": _XLM,
    "fnet": "it has no attention",
    "funnel": "its layers shorten the sequence",
    "gemma": _DECODER,
    "gemma2": _DECODER,
    "gemma3_text": _DECODER,
    "gpt2": _DECODER,
    "gpt_neo": _DECODER,
    "gpt_neox": _DECODER,
    "ibert": "its arithmetic is in integers of its own",
    "layoutlm": _LAYOUT,
    "layoutlmv2": _LAYOUT,
    "layoutlmv3": _LAYOUT,
    "lilt": _LAYOUT,
    "llama": _DECODER,
    "longformer": _SPARSE,
    "luke": "it has embeddings and attention for entities beside those for words",
    "megatron-bert": _PRE_NORM,
    "mistral": _DECODER,
    "mobilebert": "its layers have bottlenecks, and norms without statistics",
    "modernbert": _ROTARY,
    "mpnet": _RELATIVE,
    "mt5": _RELATIVE,
    "nezha": _RELATIVE,
    "nomic_bert": _ROTARY,
    "nystromformer": "it approximates attention",
    "opt": _DECODER,
    "phi": _DECODER,
    "phi3": _DECODER,
    "qwen2": _DECODER,
    "qwen3": _DECODER,
    "rembert": "its embeddings are narrower than its layers, and projected",
    "roberta-prelayernorm": _PRE_NORM,
    "roformer": _ROTARY,
    "squeezebert": "its products are grouped convolutions",
    "t5": _RELATIVE,
    "umt5": _RELATIVE,
    "xlm": _XLM,
    "xlm-roberta-xl": _PRE_NORM,
    "xlnet": _RELATIVE,
    "xmod": "its layers have an adapter for each language",
    "yoso": "it approximates attention",
}
"""model_type -> why it is refused, to follow the words "minner cannot run it: "."""
