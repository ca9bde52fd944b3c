"""The network while it is trained, and how it is stored.

During training the word table is a sum that lets rare forms learn from frequent ones:

    row of "Berlin" = uncased row of "berlin"      (fixed)
                    + change of "berlin"           (shared by berlin, Berlin and BERLIN)
                    + change of "Berlin"           (its own)
                    + change of the capitalised    (shared by all capitalised pieces)

All changes start at zero. Adding them up afterwards gives an ordinary table. Rows that the training
text never uses have no change of their own, so only the used ones are kept as parameters.
"""

import json
from pathlib import Path

import numpy as np
import torch
from data import LABEL_ID, LABELS
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import DistilBertConfig, DistilBertForTokenClassification
from vocabulary import Piece


def numbered(used: Tensor) -> Tensor:
    """Number the used rows 1, 2, ...; all others get 0."""
    return torch.where(used, used.cumsum(0), 0)


class WordTable(nn.Module):
    """The cased word table as a sum of fixed rows and learned changes."""

    def __init__(self, uncased: Tensor, pieces: list[Piece], used_rows: np.ndarray) -> None:
        """Set all changes to zero; ``used_rows`` are the ids that occur in training."""
        super().__init__()
        base = torch.tensor([piece.base for piece in pieces])
        used = torch.zeros(len(pieces), dtype=torch.bool)
        used[torch.from_numpy(used_rows)] = True
        used_base = torch.zeros(len(uncased), dtype=torch.bool)
        used_base[base[used]] = True
        self.register_buffer("start", uncased[base].clone())
        self.register_buffer("case", torch.tensor([piece.case for piece in pieces]))
        self.register_buffer("own_row", numbered(used))
        self.register_buffer("shared_row", numbered(used_base)[base])
        width = uncased.shape[1]
        # Row 0 of a table stands for all that never occur; nothing looks it up, so it stays zero.
        self.own = nn.Embedding(int(used.sum()) + 1, width)
        self.shared = nn.Embedding(int(used_base.sum()) + 1, width)
        self.shift = nn.Embedding(3, width)
        for table in (self.own, self.shared, self.shift):
            nn.init.zeros_(table.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Look up the rows of the ids."""
        rows = self.start[ids]
        for change, row_of in self.changes():
            rows = rows + change.weight[row_of[ids]]
        return rows

    def take_gradient(self, ids: Tensor, gradient: Tensor) -> None:
        """Add the gradient of the looked-up rows to the changes' gradients.

        Autograd would allocate and clear whole tables at every step; this touches used rows only.
        """
        rows = gradient.flatten(0, 1)
        for change, row_of in self.changes():
            if change.weight.grad is None:
                change.weight.grad = torch.zeros_like(change.weight)
            change.weight.grad.index_add_(0, row_of[ids].flatten(), rows)

    def clear_gradient(self, ids: Tensor) -> None:
        """Set the gradients of these ids' rows back to zero."""
        for change, row_of in self.changes():
            change.weight.grad.index_fill_(0, row_of[ids].flatten(), 0.0)

    def changes(self) -> list[tuple[nn.Embedding, Tensor]]:
        """List the three tables of changes, each with the row that a piece has in it."""
        return [(self.own, self.own_row), (self.shared, self.shared_row), (self.shift, self.case)]

    def folded(self) -> Tensor:
        """Return the whole table, all changes added."""
        with torch.no_grad():
            return self(torch.arange(len(self.start)))


class Tagger(nn.Module):
    """A DistilBERT token classifier whose word table is a `WordTable`."""

    def __init__(self, config: DistilBertConfig, encoder: dict[str, Tensor], table: WordTable):
        """Start from the converted encoder and a fresh classifier."""
        super().__init__()
        self.table = table
        small = DistilBertConfig.from_dict({**config.to_dict(), "vocab_size": 1})
        self.network = DistilBertForTokenClassification(small)
        rest = {k: v for k, v in encoder.items() if "word_embeddings" not in k}
        missing, unexpected = self.network.distilbert.load_state_dict(rest, strict=False)
        assert not unexpected and missing == ["embeddings.word_embeddings.weight"]
        self.network.distilbert.embeddings.word_embeddings.weight.requires_grad_(False)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return the logits of every piece, from rows looked up in the table."""
        return self.network(inputs_embeds=words, attention_mask=mask).logits


def plain_tensors(tagger: Tagger) -> dict[str, Tensor]:
    """Return the tensors of the ordinary checkpoint, in float32."""
    tensors = {name: tensor.clone() for name, tensor in tagger.network.state_dict().items()}
    tensors["distilbert.embeddings.word_embeddings.weight"] = tagger.table.folded()
    return tensors


def stored_config(config: DistilBertConfig, rows: int) -> dict[str, object]:
    """Return the content of ``config.json``."""
    return {
        "architectures": ["DistilBertForTokenClassification"],
        "model_type": "distilbert",
        "activation": "gelu",
        "attention_dropout": config.attention_dropout,
        "dim": config.dim,
        "dropout": config.dropout,
        "hidden_dim": config.hidden_dim,
        "initializer_range": 0.02,
        "max_position_embeddings": config.max_position_embeddings,
        "n_heads": config.n_heads,
        "n_layers": config.n_layers,
        "pad_token_id": 0,
        "sinusoidal_pos_embds": False,
        "tie_word_embeddings": True,
        "vocab_size": rows,
        # Stored in half precision to save space, meant to be computed in single precision.
        "dtype": "float32",
        "id2label": {str(row): label for row, label in enumerate(LABELS)},
        "label2id": LABEL_ID,
    }


def store(tensors: dict[str, Tensor], config: DistilBertConfig, folder: Path) -> None:
    """Write ``model.safetensors`` (float16) and ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {}
    for name, tensor in tensors.items():
        assert tensor.isfinite().all() and tensor.abs().max() < 65504, name
        half[name] = tensor.half().contiguous()
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    rows = len(tensors["distilbert.embeddings.word_embeddings.weight"])
    text = json.dumps(stored_config(config, rows), indent=2)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
