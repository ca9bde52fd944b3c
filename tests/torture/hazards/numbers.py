"""Weights at the edges of float32, in every precision."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minner
from checkpoints import VOCABULARY, random_tensors, write_checkpoint, write_safetensors
from minner import reference
from minner.weights.checkpoint import read_checkpoint

PROVOKED = (
    "tensors scaled by 1e-40 to 1e38, rows and columns of zeros, single outliers, subnormals, all "
    "values equal; logits finite and the same bits in a batch, float32 as near to float64 as NumPy"
)
QUICK, LONG = 60, 6000
SECONDS = 20.0  # where logits are not finite, the reference looks for the layer

ROOM = 100.0
"""Times as far from the reference in float64 as NumPy is in float32, beside 1e-4 of the largest."""


BEYOND = 1e40
"""A number that float32 cannot be near to: its largest is 3.4e38."""


def prepare(workshop: Path) -> Path:
    """Load a model in each precision, so that no trial pays for compiling the kernels."""
    folder = write_checkpoint(workshop / "sound")
    for precision in ("float32", "bfloat16", "int8"):
        minner.load(folder, precision=precision, threads=1)
    return workshop


def trial(random: Random, workshop: Path) -> None:
    """A model of random shape with some tensors spoilt, loaded in one precision and run."""
    heads = random.choice((1, 2, 4))
    shape = {
        "dim": heads * random.choice((1, 3, 8, 16)),
        "hidden_dim": random.choice((1, 7, 16, 37)),
        "n_layers": random.choice((1, 2)),
        "n_labels": random.choice((1, 3, 9)),
    }
    folder = write_checkpoint(workshop / "model", n_heads=heads, max_positions=32, **shape)
    size = (
        len(VOCABULARY),
        32,
        *(shape[key] for key in ("dim", "hidden_dim", "n_layers", "n_labels")),
    )
    tensors = random_tensors(random.randrange(1 << 30), size)  # type: ignore[arg-type]
    for name in random.sample(sorted(tensors), k=random.randint(1, 3)):
        _spoil(random, tensors[name])
    weights = folder / "model.safetensors"
    write_safetensors(weights, tensors)
    os.utime(weights, (time.time() + 86400,) * 2)  # not kept in the cache
    precision = random.choice(("float32", "float32", "bfloat16", "int8"))
    ner = minner.load(folder, precision=precision, threads=1)
    ids = np.array([random.randrange(len(VOCABULARY)) for _ in range(random.randint(1, 32))])
    logits = ner.logits([ids])[0]
    assert np.isfinite(logits).all()
    np.testing.assert_array_equal(ner.logits([ids[::-1], ids, ids[:1]])[1], logits)
    if precision == "float32":
        _compare(folder, ids, logits)


def _spoil(random: Random, values: NDArray[np.float32]) -> None:
    """Change values in place, all of them finite."""
    kind = random.randrange(7)
    with np.errstate(all="ignore"):
        if kind == 0:
            values *= np.float32(10.0 ** random.uniform(-40, 38))
        elif kind == 1:
            values[random.randrange(len(values))] = 0
        elif kind == 2:
            values[..., random.randrange(values.shape[-1])] = 0
        elif kind == 3:
            values.flat[random.randrange(values.size)] = random.choice(
                (-1, 1)
            ) * 10 ** random.uniform(0, 38)
        elif kind == 4:
            values[:] = values * np.float32(1e-38) * np.float32(random.choice((1e-3, 1e-6)))
        elif kind == 5:
            values[:] = random.choice((0.0, -0.0, 1.0, -3.0))
        else:
            values[:] = np.sign(values) * np.float32(10 ** random.uniform(0, 4))
    np.nan_to_num(values, copy=False)


def _refuse_overflow(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """What is far beyond float32 cannot have become finite logits, but where an activation is 0."""
    assert name.endswith(".lin1") or not (np.abs(values) > BEYOND).any(), f"{name} was hidden"
    return values


def _compare(folder: Path, ids: NDArray[Any], logits: NDArray[np.float32]) -> None:
    """Compare with NumPy, as near as NumPy's own float32 and float64 are to each other."""
    checkpoint = read_checkpoint(folder)
    config = checkpoint.config
    with np.errstate(all="ignore"):
        single, double = (
            reference.token_logits(
                ids,
                reference.nested({n: v.astype(kind) for n, v in checkpoint.tensors.items()}),
                config.n_heads,
                config.activation,
                record=_refuse_overflow,
            )
            for kind in (np.float32, np.float64)
        )
        error = np.abs(single - double).max()
        largest = np.abs(double).max()
    if not (np.isfinite(error) and np.isfinite(largest)):
        return  # the reference is at its end as well
    allowed = ROOM * error + 1e-4 * max(1.0, largest)
    assert np.abs(logits - double).max() <= allowed, (np.abs(logits - double).max(), error, largest)
