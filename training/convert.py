"""Turn a BERT checkpoint into the DistilBERT layout, exactly.

DistilBERT is BERT without token types and without the pooler. In BERT every ordinary text has token
type 0, so row 0 of the token-type table is a constant that may be added to every position row; what
is left is a renaming.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import BertModel, DistilBertConfig, DistilBertModel

RENAMED = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


def convert(bert: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the tensors of a BERT encoder and fold token type 0 into the positions."""
    token_type = bert["embeddings.token_type_embeddings.weight"][0]
    positions = bert["embeddings.position_embeddings.weight"] + token_type
    distil = {
        "embeddings.word_embeddings.weight": bert["embeddings.word_embeddings.weight"],
        "embeddings.position_embeddings.weight": positions,
        "embeddings.LayerNorm.weight": bert["embeddings.LayerNorm.weight"],
        "embeddings.LayerNorm.bias": bert["embeddings.LayerNorm.bias"],
    }
    for name, tensor in bert.items():
        if name.startswith("encoder.layer."):
            _, _, layer, rest = name.split(".", 3)
            part, kind = rest.rsplit(".", 1)
            distil[f"transformer.layer.{layer}.{RENAMED[part]}.{kind}"] = tensor
    return distil


def distil_config(bert_config: dict[str, int], **changes: object) -> DistilBertConfig:
    """Describe the converted model."""
    return DistilBertConfig(
        dim=bert_config["hidden_size"],
        n_heads=bert_config["num_attention_heads"],
        n_layers=bert_config["num_hidden_layers"],
        hidden_dim=bert_config["intermediate_size"],
        max_position_embeddings=bert_config["max_position_embeddings"],
        **{"vocab_size": bert_config["vocab_size"], **changes},
    )


def largest_difference(folder: Path) -> float:
    """Run both models on the same ids; return the largest difference of their hidden states."""
    bert = BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    config = distil_config(bert.config.to_dict())
    config._attn_implementation = "eager"
    distil = DistilBertModel(config).eval()
    distil.load_state_dict(convert(load_file(folder / "model.safetensors")))
    ids = torch.randint(1000, 30000, (4, 100), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        difference = bert(ids).last_hidden_state - distil(ids).last_hidden_state
    return difference.abs().max().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="check that the conversion is exact")
    parser.add_argument("base", type=Path, help="folder of the BERT checkpoint")
    print(f"largest difference: {largest_difference(parser.parse_args().base):.2e}")
