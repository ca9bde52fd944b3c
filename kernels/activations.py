"""Activations: a formula each, and the names that config.json has for it.

A formula is written on `Value`s and runs while a kernel is compiled. It imports what it needs when
it runs, because `minner.weights` reads the names in this file: a process whose kernels are compiled
does that, and never imports llvmlite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from minner.kernels.vector.values import Value

Formula: TypeAlias = "Callable[[Value], Value]"

SQRT_HALF = 0.7071067811865476


def gelu(x: Value) -> Value:
    """`x * Phi(x)` with the exact normal distribution, as BERT and DistilBERT have it."""
    from minner.kernels.elementary import erf

    return x * 0.5 * (1.0 + erf(x * SQRT_HALF))


def gelu_short(x: Value) -> Value:
    """`gelu` for results that are rounded to 8 bits anyway, in half the time.

    The error is below 8e-5 up to |x| = 40, and below 2e-6 |x| beyond.
    """
    from minner.kernels.elementary import phi_short

    return x * phi_short(x)


def gelu_tanh(x: Value) -> Value:
    """GELU's tanh form: `0.5 (1 + tanh(u))` is the logistic function of 2u."""
    from minner.kernels.elementary import exp

    u = 0.7978845608028654 * (x + 0.044715 * (x * x * x))
    return x / (1.0 + exp(u * -2.0))


def silu(x: Value) -> Value:
    """`x` times its logistic function, also called swish."""
    from minner.kernels.elementary import exp

    return x / (1.0 + exp(x * -1.0))


def relu(x: Value) -> Value:
    """`max(x, 0)`; NaN stays NaN."""
    from minner.kernels.vector.instructions import maximum, vector

    return maximum(vector(0.0), x)


def identity(x: Value) -> Value:
    """No activation: a plain linear layer."""
    return x


class Activation(NamedTuple):
    """An activation of the feed-forward part.

    Attributes:
        formula: what it computes.
        names: those that config.json may have for it.
        short: a cheaper formula for results that are rounded to 8 bits anyway, if there is one.
    """

    formula: Formula
    names: tuple[str, ...]
    short: Formula | None = None


ACTIVATIONS = {
    "gelu": Activation(gelu, ("gelu", "gelu_python"), gelu_short),
    "gelu_tanh": Activation(gelu_tanh, ("gelu_fast", "gelu_new", "gelu_pytorch_tanh")),
    "relu": Activation(relu, ("relu",)),
    "silu": Activation(silu, ("silu", "swish")),
}
"""Activations by name; `minner.reference.ACTIVATIONS` has the same in NumPy."""


def formula_of(name: str, rounded: bool) -> Formula:
    """The formula of an activation; the short one where results are rounded to 8 bits anyway."""
    activation = ACTIVATIONS[name]
    return activation.short if rounded and activation.short else activation.formula
