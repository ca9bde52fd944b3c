"""Fit the polynomials of `kernels/elementary.py` and print their coefficients and errors.

Least squares on Chebyshev nodes, reweighted by the error (Lawson's method), comes as close to
the minimax polynomial as float32 can tell. Run: `python docs/fit_polynomials.py`.
"""

from collections.abc import Callable
from math import erf, log

import numpy as np
from numpy.polynomial import Polynomial, chebyshev
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

PHI_END = 4.14
"""Where PHI_SHORT takes the normal distribution to be 1."""


def fit(function: Function, low: float, high: float, degree: int, weight: Function) -> Floats:
    """Coefficients, highest power first, that minimise `max |weight * (p - function)|`."""
    nodes = np.cos(np.pi * (np.arange(4000) + 0.5) / 4000)
    x = (high - low) / 2 * nodes + (high + low) / 2
    target, scale, emphasis = function(x), weight(x), np.ones_like(x)
    for _ in range(60):
        series = chebyshev.chebfit(nodes, target, degree, w=np.sqrt(emphasis) * scale)
        error = np.abs(chebyshev.chebval(nodes, series) - target) * scale
        emphasis *= error / error.max() + 1e-3
        emphasis /= emphasis.sum()
    to_nodes = Polynomial([-(high + low) / (high - low), 2 / (high - low)])
    print(f"  largest weighted error {error.max():.1e}")
    return Polynomial(chebyshev.cheb2poly(series))(to_nodes).coef[::-1]


def ones(x: Floats) -> Floats:
    """No weighting: the absolute error counts."""
    return np.ones_like(x)


def phi_to_one(u: Floats) -> Floats:
    """`(Phi(x) - 1/2) / x`, u = x * x; 1 at the end."""
    phi = (1 + np.vectorize(erf)(np.sqrt(u / 2))) / 2
    return (np.where(u > 0.999 * PHI_END**2, 1.0, phi) - 0.5) / np.sqrt(u)


def in_gelu(u: Floats) -> Floats:
    """The error of x * x * p(u), u = x * x, counts; at the end 14 times."""
    return u * np.where(u > 0.999 * PHI_END**2, 14.0, 1.0) + 1e-6


def show(name: str, coefficients: Floats) -> None:
    """Print a table that can be pasted into `kernels/elementary.py`."""
    print(name, "=", tuple(float(f"{value:.9g}") for value in coefficients))


if __name__ == "__main__":
    erfs = np.vectorize(erf)
    half = log(2) / 2
    show("EXP", fit(np.exp, -half, half, 6, lambda x: np.exp(-x)))
    show("EXP_SHORT", fit(np.exp, -half, half, 3, lambda x: np.exp(-x)))
    show("ERF_NEAR", fit(lambda u: erfs(np.sqrt(u)) / np.sqrt(u), 1e-12, 1.0, 6, ones))
    show("PHI_SHORT", fit(phi_to_one, 1e-9, PHI_END**2, 7, in_gelu))
    show("ERF_FAR", fit(lambda t: erfs(t + 2.5), -1.5, 1.5, 13, ones))
