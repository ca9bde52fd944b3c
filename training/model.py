"""The network while it is trained, and how it is stored.

During training the word table is a sum that lets rare forms learn from frequent ones:

    row of "Berlin" = its row at the start         (fixed)
                    + change of "berlin"           (shared by berlin, Berlin and BERLIN)
                    + change of "Berlin"           (its own)
                    + change of the capitalised    (shared by all capitalised wordpieces)

All changes start at zero. Adding them up afterwards gives an ordinary table. A data set may have a
bias on the labels for its habits; it is dropped when the model is stored, so that the habits of
CoNLL, which has none, stay.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import torch
from data import LABEL_ID, LABELS
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForTokenClassification, PretrainedConfig
from vocabulary import case_of

WORDS = "embeddings.word_embeddings.weight"


class WordTable(nn.Module):
    """The cased word table as a sum of fixed rows and learned changes."""

    def __init__(self, start: Tensor, wordpieces: list[str], sparse: bool) -> None:
        """Set all changes to zero.

        Args:
            start: a row for each wordpiece.
            wordpieces: the wordpieces.
            sparse: whether gradients hold the used rows only: faster on a CPU.
        """
        super().__init__()
        self.sparse = sparse
        self.register_buffer("start", start.clone())
        self.register_buffer("row", torch.arange(len(wordpieces)))
        _, group = np.unique([wordpiece.lower() for wordpiece in wordpieces], return_inverse=True)
        self.register_buffer("group", torch.from_numpy(group))
        self.register_buffer("case", torch.tensor([case_of(wordpiece) for wordpiece in wordpieces]))
        width = start.shape[1]
        self.own = nn.Embedding(len(wordpieces), width)
        self.shared = nn.Embedding(int(group.max()) + 1, width)
        self.shift = nn.Embedding(3, width)
        for table in (self.own, self.shared, self.shift):
            nn.init.zeros_(table.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Look up the rows of the ids."""
        rows = self.start[ids]
        for change, row_of in self.changes():
            rows = rows + functional.embedding(row_of[ids], change.weight, sparse=self.sparse)
        return rows

    def changes(self) -> list[tuple[nn.Embedding, Tensor]]:
        """List the three tables of changes, each with the row that a wordpiece has in it."""
        return [(self.own, self.row), (self.shared, self.group), (self.shift, self.case)]

    def folded(self) -> Tensor:
        """Return the whole table, all changes added."""
        with torch.no_grad():
            return self(self.row)


class Tagger(nn.Module):
    """A token classifier with a `WordTable` and biases for data sets.

    A step is computed by a copy in bfloat16, which takes half the time; the parameters themselves
    stay float32, so that small changes add up.
    """

    def __init__(
        self,
        config: PretrainedConfig,
        tensors: dict[str, Tensor],
        table: WordTable,
        has_habits: list[bool],
    ) -> None:
        """Start from a checkpoint's tensors; the classifier is fresh where they hold none.

        Args:
            config: the checkpoint's config.
            tensors: its tensors, with or without classifier, the word table aside.
            table: the word table.
            has_habits: for each data set whether it has a bias.
        """
        super().__init__()
        self.table = table
        # Without dropout in the attention, torch has a fused kernel for it. The network's own table
        # is not used.
        changes = {"vocab_size": 2, "attention_dropout": 0.0, "attention_probs_dropout_prob": 0.0}
        small = type(config).from_dict({**config.to_dict(), **changes})
        self.network = AutoModelForTokenClassification.from_config(small, dtype=torch.float32)
        own_table = self.network.get_input_embeddings().weight
        missing, unexpected = self.network.load_state_dict(tensors, strict=False)
        fresh = {self.words(), "classifier.weight", "classifier.bias"}
        if unexpected or set(missing) - fresh:
            raise ValueError(f"not such a checkpoint: {missing} missing, {unexpected} unknown")
        own_table.requires_grad_(False)
        self.quick = [copy.deepcopy(self.network).bfloat16()]  # in a list: not part of the state
        self.bias = nn.Embedding(len(has_habits), len(LABELS))
        nn.init.zeros_(self.bias.weight)
        self.register_buffer("has_habits", torch.tensor(has_habits).float().unsqueeze(-1))

    def to(self, device: str) -> Tagger:
        """Move everything to a device."""
        self.quick[0].to(device)
        return super().to(device)

    def words(self) -> str:
        """Return the name of the word table's tensor in a checkpoint."""
        return f"{self.network.base_model_prefix}.{WORDS}"

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the logits of every wordpiece, by the quick copy, without the sets' habits."""
        words = self.table(ids).bfloat16()
        return self.quick[0](inputs_embeds=words, attention_mask=mask).logits.float()

    def habits(self, sets: Tensor) -> Tensor:
        """Return what the data sets of the wordpieces add to the logits."""
        return functional.embedding(sets, self.bias.weight * self.has_habits)

    def take_gradient(self) -> None:
        """Move the gradients of the quick copy to the parameters."""
        for exact, quick in self.pairs():
            exact.grad = quick.grad.float()
            quick.grad = None

    def refresh(self) -> None:
        """Round the parameters into the quick copy."""
        with torch.no_grad():
            exact, quick = zip(*self.pairs(), strict=True)
            torch._foreach_copy_(quick, exact)

    def pairs(self) -> list[tuple[Tensor, Tensor]]:
        """List the parameters that learn, each with its bfloat16 copy."""
        both = zip(self.network.parameters(), self.quick[0].parameters(), strict=True)
        return [(exact, quick) for exact, quick in both if exact.requires_grad]


def partial_loss(logits: Tensor, allowed: Tensor) -> Tensor:
    """Return for each wordpiece minus the log of the probability of all labels that it may have.

    Args:
        logits: (sequences, wordpieces, labels).
        allowed: (sequences, wordpieces), bit ``k`` set where label ``k`` is possible; 0 gives
            loss 0.
    """
    bit = 1 << torch.arange(logits.shape[-1], device=logits.device)
    possible = (allowed.unsqueeze(-1) & bit) != 0
    kept = logits.masked_fill(~possible & (allowed != 0).unsqueeze(-1), -1e4)
    return logits.logsumexp(-1) - kept.logsumexp(-1)


def plain_tensors(tagger: Tagger) -> dict[str, Tensor]:
    """Return the tensors of the ordinary checkpoint, in float32; the sets' biases are dropped."""
    tensors = {name: tensor.clone() for name, tensor in tagger.network.state_dict().items()}
    tensors[tagger.words()] = tagger.table.folded()
    return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}


def soft_loss(logits: Tensor, soft: Tensor) -> Tensor:
    """Return for each wordpiece the cross entropy between the teachers' probabilities and ours."""
    return -(soft * logits.log_softmax(-1)).sum(-1)


def stored_config(config: PretrainedConfig, rows: int) -> dict[str, object]:
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
        # Stored in fewer bits to save space, meant to be computed in single precision.
        "dtype": "float32",
        "id2label": {str(row): label for row, label in enumerate(LABELS)},
        "label2id": LABEL_ID,
    }


def store(tensors: dict[str, Tensor], config: PretrainedConfig, folder: Path) -> None:
    """Write ``model.safetensors`` and ``config.json``, which transformers loads as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = {name: in_few_bits(name, tensor) for name, tensor in tensors.items()}
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    text = json.dumps(stored_config(config, len(tensors[f"distilbert.{WORDS}"])), indent=2)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def in_few_bits(name: str, tensor: Tensor) -> Tensor:
    """Round a tensor to what it is stored in.

    float8 for the embeddings, two thirds of all weights, and for the attention's keys, so that the
    folder stays below 40 MB; float32 for the classifier, float16 for all others.
    """
    if name.startswith("classifier."):
        return tensor.float().contiguous()
    small = tensor.dim() == 2 and ("embeddings" in name or name.endswith("k_lin.weight"))
    dtype = torch.float8_e4m3fn if small else torch.float16
    if not tensor.isfinite().all() or tensor.abs().max() > torch.finfo(dtype).max:
        raise ValueError(f"{name} has values that {dtype} cannot hold")
    return tensor.to(dtype).contiguous()
