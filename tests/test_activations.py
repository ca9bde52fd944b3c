"""The vector functions against float64, with the error bounds their docstrings promise."""

import re
import subprocess
import sys
from ast import literal_eval
from math import erf, tanh
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from minner import reference
from minner.kernels import activations, elementary
from minner.kernels.vector.control import loop
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import LANES


def on_arrays(function):
    """Make a staged vector function callable on float32 arrays."""

    @staged
    def kernel(x, out):
        for at in loop(0, x.shape[0], LANES):
            out[at].store(function(x[at].load()))

    @njit
    def run(x, out):
        kernel(x, out)

    def call(values):
        x = np.zeros(-(-len(values) // LANES) * LANES, dtype=np.float32)
        x[: len(values)] = values
        out = np.empty_like(x)
        run(x, out)
        return x[: len(values)].astype(np.float64), out[: len(values)].astype(np.float64)

    return call


exact_erf = np.vectorize(erf)


def grid(low, high):
    return np.linspace(low, high, 100_003)


def test_exp_is_within_2_ulp():
    x, y = on_arrays(elementary.exp)(grid(-87, 88))
    exact = np.exp(x)
    assert np.max(np.abs(y - exact) / np.spacing(exact.astype(np.float32))) < 2


def test_exp_clamps_and_is_1_at_0():
    _, y = on_arrays(elementary.exp)([0.0, -0.0, -1e30, -np.inf])
    np.testing.assert_array_equal(y[:2], 1)
    assert (y[2:] < 1e-37).all()


@pytest.mark.parametrize(
    "function",
    [
        *(elementary.exp, elementary.exp_below, elementary.exp_short),
        *(activations.gelu, activations.gelu_short, activations.gelu_tanh),
        *(activations.silu, activations.relu),
    ],
)
def test_nan_stays_nan(function):
    """Or an overflow would be hidden: a softmax and `max(x, 0)` would make 0 of it."""
    _, y = on_arrays(function)([np.nan, 1.0, -np.nan])
    assert np.isnan(y).tolist() == [True, False, True]


def test_exp_below_is_exp_as_far_as_a_softmax_asks():
    x, y = on_arrays(elementary.exp_below)(grid(-87, 0))
    exact = np.exp(x)
    assert np.max(np.abs(y - exact) / np.spacing(exact.astype(np.float32))) < 2
    assert np.max(y) == 1
    _, y = on_arrays(elementary.exp_below)([0.0, -0.0, -100.0, -3e38, -np.inf])
    np.testing.assert_array_equal(y[:2], 1)
    assert (y[2:] < 2e-38).all()


def test_exp_short_is_within_2e_4():
    x, y = on_arrays(elementary.exp_short)(np.append(grid(-87, 0), [-1e30, -np.inf]))
    np.testing.assert_allclose(y[:-2], np.exp(x[:-2]), rtol=2e-4)
    assert (y[-2:] < 2e-38).all()


def test_erf_is_within_2e_7_and_odd_and_saturates():
    call = on_arrays(elementary.erf)
    x, y = call(grid(-5, 5))
    assert np.max(np.abs(y - exact_erf(x))) < 2e-7
    np.testing.assert_array_equal(y, -call(-x)[1])
    assert np.max(np.abs(y)) <= 1
    np.testing.assert_array_equal(call([np.inf, -np.inf, 1e30, 4.5])[1], [1, -1, 1, 1])


def test_erf_keeps_relative_precision_near_0():
    x, y = on_arrays(elementary.erf)([1e-30, 1e-6, -1e-3, 0.5])
    np.testing.assert_allclose(y, exact_erf(x), rtol=3e-7)


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("gelu", lambda x: x * 0.5 * (1 + exact_erf(x / 2**0.5))),
        (
            "gelu_tanh",
            lambda x: (
                x * 0.5 * (1 + np.vectorize(tanh)((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))
            ),
        ),
        ("silu", lambda x: x / (1 + np.exp(-x))),
        ("relu", lambda x: np.maximum(x, 0)),
    ],
)
def test_activations(name, exact):
    compute = on_arrays(activations.ACTIVATIONS[name].formula)
    x, y = compute(np.append(grid(-12, 12), [50.0, -50.0, 0.0]))
    assert np.max(np.abs(y - exact(x)) / np.maximum(1, np.abs(x))) < 4e-7


def test_the_reference_has_the_same_activations():
    assert reference.ACTIVATIONS.keys() == activations.ACTIVATIONS.keys()
    for name, activation in activations.ACTIVATIONS.items():
        x, y = on_arrays(activation.formula)(grid(-12, 12))
        expected = reference.ACTIVATIONS[name](x.astype(np.float32))
        np.testing.assert_allclose(y, expected, rtol=2e-6, atol=1e-6, err_msg=name)


def test_gelu_short_is_within_8e_5():
    x, y = on_arrays(activations.gelu_short)(np.append(grid(-40, 40), [0.0, -0.0, 1e4, -1e4]))
    error = np.abs(y - x * 0.5 * (1 + exact_erf(x / 2**0.5)))
    assert np.max(error[:-2]) < 8e-5
    assert np.max(error[-2:]) < 2e-6 * 1e4
    assert not y[-4:-2].any()


def test_coefficients_are_those_that_the_program_finds():
    """Nearly: it solves systems of equations, whose last digits differ between machines."""
    program = Path(__file__).parents[1] / "docs" / "fit_polynomials.py"
    run = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    found = dict(re.findall(r"^([A-Z_]+) = (\(.+\))$", run.stdout, re.MULTILINE))
    assert set(found) == {"EXP", "EXP_SHORT", "ERF_NEAR", "PHI_SHORT", "ERF_FAR"}
    for name, coefficients in found.items():
        np.testing.assert_allclose(
            literal_eval(coefficients), getattr(elementary, name), rtol=1e-3, err_msg=name
        )
