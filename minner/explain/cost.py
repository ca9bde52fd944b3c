"""What a text costs: time and floating-point operations of every stage."""

from __future__ import annotations

import statistics
from typing import Any

from minner.bench.machine import describe
from minner.explain.subject import Subject

REPEATS = 5
"""Passes of which the median is told, after one to warm up."""


def cost(subject: Subject) -> dict[str, Any]:
    """Run the window a few times; `stages` with `seconds` and `flops`, `threads` and `machine`."""
    engine, machine = subject.engine, describe(())
    with engine.record() as passes:
        for _ in range(REPEATS + 1):
            engine.logits([subject.ids])
    timed = [one.seconds() for one in passes[1:]]
    flops = stage_flops(subject)
    stages = [
        {
            "name": name,
            "seconds": statistics.median(one[name] for one in timed),
            "flops": flops.get(name, 0),
        }
        for name in timed[0]
    ]
    return {"stages": stages, "threads": engine.threads, "machine": machine["cpu"]}


def stage_flops(subject: Subject) -> dict[str, int]:
    """Floating-point operations of each stage over all layers, two per multiply-add."""
    config, tokens = subject.checkpoint.config, len(subject.ids)
    layers, dim, hidden = config.n_layers, config.dim, config.hidden_dim
    return {
        "qkv": 2 * layers * tokens * 3 * dim * dim,
        "attention": 2 * layers * tokens * 2 * tokens * dim,
        "out_lin": 2 * layers * tokens * dim * dim,
        "lin1": 2 * layers * tokens * dim * hidden,
        "lin2": 2 * layers * tokens * dim * hidden,
        "classifier": 2 * tokens * dim * len(config.labels),
    }
