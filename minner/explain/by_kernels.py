"""A traced run by the kernels that serve: one stage at a time, and a look at the buffers between.

What a kernel keeps in registers does not stand in a buffer. So what `out_lin` and `lin2` add is the
difference of the state after and before, and `lin1` before its activation is computed again from
its input, in NumPy. Attention's probabilities are read off its result: with the columns of an
identity matrix as values, the context is the probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner import reference
from minner.engine import TOKENS_PER_CALL, Engine
from minner.explain.rows import Blocks, Lines, dwords_of, values_of, written_rows
from minner.explain.without import Without
from minner.kernels.model import stage_names
from minner.kernels.runtime.operand_layout import FLOAT32_LAYOUT
from minner.stages import Stages

Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float32]
Ids = NDArray[np.int32]

PLAIN = Without()


def run_by_kernels(
    engine: Engine, ids: Ids, model: Mapping[str, Any], without: Without = PLAIN
) -> Arrays:
    """Run one sequence of ids, and keep every intermediate under its name.

    Args:
        engine: the model.
        ids: int32 `[T]`, hidden words replaced already.
        model: nested parameters, from `reference.nested`; for `lin1` alone.
        without: the parts to leave out.
    """
    with engine.turn():
        stages = engine.stages([ids])
        run = _Run(stages, [(0, len(ids))], [without])
        run.embed()
        seen: Arrays = {"embeddings": run.hidden()}
        for layer in range(stages.shape.layers):
            parameters = model["transformer"]["layer"][str(layer)]
            _trace_layer(run, layer, parameters, seen)
        seen["classifier"] = run.classify()
    return seen


def _trace_layer(run: _Run, layer: int, parameters: Mapping[str, Any], seen: Arrays) -> None:
    name, without = f"transformer.layer.{layer}", run.withouts[0]
    before, saved = run.hidden(), run.save()
    run.qkv(layer)
    q, k, v = run.read_qkv()
    probabilities = run.probabilities(layer)
    for number, head in without.heads:
        if number == layer:
            probabilities[head] = 0
    run.write_values(v)
    run.attend(layer)
    added = run.project(layer) if layer not in without.attentions else np.zeros_like(before)
    run.norm(layer, 0)
    attended = run.hidden()
    widened = run.widen(layer)
    narrowed = run.narrow(layer) if layer not in without.feed_forwards else np.zeros_like(before)
    run.norm(layer, 1)
    if layer in without.layers:
        run.restore(layer, saved)
    names = ("q_lin", "k_lin", "v_lin", "weights", "out_lin")
    inside = dict(zip(names, (q, k, v, probabilities, added), strict=True))
    seen.update({f"{name}.attention.{key}": array for key, array in inside.items()})
    seen[f"{name}.sa_layer_norm"] = attended
    seen[f"{name}.ffn.lin1"] = reference.linear(attended, **parameters["ffn"]["lin1"])
    seen[f"{name}.ffn.activation"] = widened
    seen[f"{name}.ffn.lin2"] = narrowed
    seen[f"{name}.output_layer_norm"] = run.hidden()


def logits_by_kernels(
    engine: Engine, sequences: Sequence[Ids], withouts: Sequence[Without]
) -> list[Floats]:
    """The logits of several runs, each of which may silence heads of its own; together in batches.

    Args:
        engine: the model.
        sequences: int32 `[T_i]`, hidden words replaced already.
        withouts: what each leaves out, besides words: heads only.
    """
    logits: list[Floats] = []
    first = 0
    while first < len(sequences):
        lengths = np.cumsum([len(ids) for ids in sequences[first:]])
        count = max(1, int(np.searchsorted(lengths, TOKENS_PER_CALL, side="right")))
        last = first + count
        logits += _batch(engine, sequences[first:last], withouts[first:last])
        first = last
    return logits


def _batch(engine: Engine, sequences: Sequence[Ids], withouts: Sequence[Without]) -> list[Floats]:
    if not any(without.heads for without in withouts):
        return engine.logits(sequences)
    bounds = [0, *np.cumsum([len(ids) for ids in sequences]).tolist()]
    with engine.turn():
        stages = engine.stages(sequences)
        run = _Run(stages, list(pairwise(bounds)), withouts)
        run.embed()
        for layer in range(stages.shape.layers):
            run.qkv(layer)
            run.attend(layer)
            run.project(layer)
            run.rest(layer)
        every = run.classify()
    return [every[start:end] for start, end in pairwise(bounds)]


class _Run:
    """The stages of one batch by name, and its buffers as plain arrays."""

    def __init__(
        self, stages: Stages, places: Sequence[tuple[int, int]], withouts: Sequence[Without]
    ) -> None:
        self._stages, self._places, self.withouts = stages, places, withouts
        self._buffers, self._shape = stages.buffers, stages.shape
        self._head = stages.shape.dim // stages.shape.heads
        quantised = stages.layout.quantised
        self._names = stage_names(self._shape.layers, quantised)
        self._per_layer = len(stage_names(2, quantised)) - len(stage_names(1, quantised))

    # ---- stages: numbers in the order of `stage_names`, one after `embed` is the first qkv ------

    def _layer(self, layer: int) -> tuple[int, list[str]]:
        """The number of a layer's first stage, and the names of its stages."""
        start = 1 + layer * self._per_layer
        last = layer + 1 == self._shape.layers
        return start, list(
            self._names[start : len(self._names) - 1 if last else start + self._per_layer]
        )

    def _run(self, layer: int, name: str, occurrence: int = 0) -> None:
        """Run a stage of a layer, with the quantisation of its input before it."""
        start, names = self._layer(layer)
        at = [place for place, found in enumerate(names) if found == name][occurrence]
        quantises = at > 0 and names[at - 1] == "quantise"
        self._stages.run(start + at - quantises, start + at + 1)

    def embed(self) -> None:
        self._stages.run(0, 1)

    def qkv(self, layer: int) -> None:
        self._run(layer, "qkv")

    def attend(self, layer: int) -> None:
        """Attention; the heads that a sequence leaves out write nothing."""
        self._run(layer, "attention")
        silent = [
            (place, [head for number, head in without.heads if number == layer])
            for place, without in zip(self._places, self.withouts, strict=True)
        ]
        if any(heads for _, heads in silent):
            context = self._context().read()
            per_head = context.reshape(len(context), self._shape.heads, -1)
            for (start, end), heads in silent:
                per_head[start:end, heads] = 0
            self._context().write(context)

    def project(self, layer: int) -> Floats:
        """`out_lin`; what it adds to the state."""
        return self._adds(layer, "out_lin")

    def widen(self, layer: int) -> Floats:
        """`lin1` and its activation; what they give, `[T, F]`."""
        self._run(layer, "lin1")
        rows = written_rows(self._buffers.ffn, self._stages.layout)
        return rows.read()[:, : self._shape.hidden_dim]

    def narrow(self, layer: int) -> Floats:
        """`lin2`; what it adds to the state."""
        return self._adds(layer, "lin2")

    def norm(self, layer: int, which: int) -> None:
        """The layer norm after attention, 0, or after the feed-forward, 1."""
        self._run(layer, "norms", which)

    def rest(self, layer: int) -> None:
        """All of a layer after `out_lin`."""
        start, names = self._layer(layer)
        self._stages.run(start + names.index("out_lin") + 1, start + len(names))

    def classify(self) -> Floats:
        count = len(self._names)
        self._stages.run(count - 1, count)
        return self._stages.logits.copy()

    def _adds(self, layer: int, name: str) -> Floats:
        before = self.hidden()
        self._run(layer, name)
        return self.hidden() - before

    # ---- buffers --------------------------------------------------------------------------------

    def hidden(self) -> Floats:
        """The state of every token, `[T, D]`."""
        state: Floats = self._buffers.hidden[:, : self._shape.dim].copy()
        return state

    def save(self) -> list[Floats]:
        """Copies of what a layer reads."""
        return [buffer.copy() for buffer in self._input()]

    def restore(self, layer: int, saved: list[Floats]) -> None:
        """Put what a layer read in the place of what it gave."""
        for buffer, content in zip(self._input(), saved, strict=True):
            buffer[...] = content
        if layer + 1 == self._shape.layers:
            last = FLOAT32_LAYOUT
            Blocks(self._buffers.last.rows, last.mr, last.x_per_dword).write(self._buffers.hidden)

    def _input(self) -> list[Floats]:
        layout, x = self._stages.layout, self._buffers.x
        blocks = Blocks(x.rows, layout.mr, layout.x_per_dword)
        return [self._buffers.hidden, blocks.whole, x.scale, x.zero]

    def _context(self) -> Blocks | Lines:
        return written_rows(self._buffers.context, self._stages.layout)

    def read_qkv(self) -> tuple[Floats, Floats, Floats]:
        """q, k and v, `[T, D]` each; the kernels' q is scaled by `1 / sqrt(d)`."""
        per_dword = self._stages.attention_layout.x_per_dword
        rows = values_of(self._buffers.qkv, per_dword)[:, :, : self._head]
        q, k, v = rows.reshape(3, self._shape.heads, *rows.shape[1:]).swapaxes(1, 2)
        flat = (len(q), -1)
        return (
            q.reshape(flat) * np.float32(self._head**0.5),
            k.reshape(flat),
            v.reshape(flat),
        )

    def write_values(self, v: Floats) -> None:
        """Set v, `[T, D]`."""
        heads = v.reshape(len(v), self._shape.heads, -1).swapaxes(0, 1)
        self._put_values(heads)

    def _put_values(self, heads: Floats) -> None:
        per_dword = self._stages.attention_layout.x_per_dword
        place = self._buffers.qkv[2 * self._shape.heads :]
        padded = np.zeros((*place.shape[:2], place.shape[2] * per_dword), np.float32)
        padded[:, :, : heads.shape[2]] = heads
        place[...] = dwords_of(padded, per_dword)

    def probabilities(self, layer: int) -> Floats:
        """Attention's probabilities, `[H, T, T]`; v is overwritten."""
        heads, count = self._shape.heads, len(self._buffers.hidden)
        identity = np.eye(count, dtype=np.float32)
        columns = []
        for start in range(0, count, self._head):
            part = identity[:, start : start + self._head]
            self._put_values(np.broadcast_to(part, (heads, *part.shape)))
            self._run(layer, "attention")
            context = self._context().read()
            per_head = context.reshape(count, heads, -1)[:, :, : part.shape[1]]
            columns.append(per_head.swapaxes(0, 1))
        return np.concatenate(columns, axis=2)
