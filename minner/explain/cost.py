"""What a text costs: time and floating-point operations of every stage."""

from __future__ import annotations

import statistics
from typing import Any

from minner.bench.machine import describe
from minner.explain.subject import Subject
from minner.kernels.model import HEAD, LAYER, Kind, Shape, attention_flops, sizes_of

REPEATS = 5
"""Passes of which the median is told, after one to warm up."""


def cost(subject: Subject) -> dict[str, Any]:
    """Run the window a few times; `stages` with `seconds` and `flops`, `threads` and `machine`."""
    engine, machine = subject.engine, describe(())
    with engine.record() as passes:
        for _ in range(REPEATS + 1):
            engine.logits([subject.ids])
    timed = [one.seconds() for one in passes[1:]]
    flops = stage_flops(subject.checkpoint.config.shape, len(subject.ids))
    stages = [
        {
            "name": name,
            "seconds": statistics.median(one[name] for one in timed),
            "flops": flops.get(name, 0),
        }
        for name in timed[0]
    ]
    return {"stages": stages, "threads": engine.threads, "machine": machine["cpu"]}


def stage_flops(shape: Shape, tokens: int) -> dict[str, int]:
    """Floating-point operations of each product and of attention, over all layers."""
    sizes = sizes_of(shape)._asdict()
    products = {
        step.name: 2 * times * tokens * len(step.modules) * sizes[step.rows] * sizes[step.columns]
        for steps, times in ((LAYER, shape.layers), (HEAD, 1))
        for step in steps
        if step.kind is Kind.LINEAR
    }
    return {**products, "attention": tokens * attention_flops(shape, tokens)}
