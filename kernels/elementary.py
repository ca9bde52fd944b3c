"""`exp` and `erf`, each a few lines of polynomial.

Scalar `libm` calls would cost more than all matrix products together: a GELU layer of
DistilBERT-base evaluates `erf` 3,072 times per token, its six layers 18,432. Coefficients come from
`docs/fit_polynomials.py`; `tests/test_activations.py` holds every function to its error bound.
"""

from __future__ import annotations

from minner.kernels.vector.instructions import (
    absolute,
    bits,
    copysign,
    fma,
    maximum,
    minimum,
    polynomial,
    select,
    vector,
)
from minner.kernels.vector.values import FLOATS, INTS, Value

LOG2_E = 1.4426950408889634
# ln 2 in two parts: the first has so few bits that its product with a small integer is exact.
LN2 = 0.6931471805599453
LN2_HIGH = 0.693359375
LN2_LOW = -2.1219444400546906e-4

# exp(r) on |r| <= ln(2) / 2, relative error 2e-9.
EXP = (
    0.00138368419,
    0.00837481578,
    0.0416682256,
    0.166664202,
    0.499999921,
    1.00000004,
    1.0,
)

# The same, relative error 1e-4.
EXP_SHORT = (
    0.165668287,
    0.504963257,
    1.0001642,
    0.999928074,
)

# erf(x) / x as a polynomial in x*x on |x| <= 1, error 1e-9.
ERF_NEAR = (
    7.88911959e-05,
    -0.00080208413,
    0.00518953534,
    -0.0268544446,
    0.112836002,
    -0.376126271,
    1.12837917,
)

# erf(x) as a polynomial in x - 2.5 on 1 <= x <= 4, error 3e-8. At ERF_ONE it is 1 in float32.
ERF_FAR = (
    3.14298767e-07,
    -8.74854137e-06,
    1.91061192e-05,
    5.96777388e-05,
    -0.000274398137,
    0.000291331363,
    0.000565454204,
    -0.00282297486,
    0.00610577395,
    -0.00861319047,
    0.00835270518,
    -0.005446991,
    0.00217810973,
    0.999593077,
)

ERF_ONE = 3.92

# (Phi(x) - 1/2) / x as a polynomial in x*x up to PHI_END, where Phi is 1 within 1e-6; in GELU the
# error is 7e-5.
PHI_SHORT = (
    -9.55566843e-10,
    8.2926842e-08,
    -3.13021972e-06,
    6.81370872e-05,
    -0.000959820354,
    0.00933383553,
    -0.065592845,
    0.398504822,
)

PHI_END = 4.14

MAGIC = 1.5 * 2.0**23
"""Adding it to a float32 of at most 2**21 leaves the nearest whole number in the lowest bits."""


def exp(x: Value) -> Value:
    """`e**x` within 2 ulp on [-87, 88]; arguments outside are clamped to that range."""
    return exp_below(minimum(vector(88.0), x))  # NaN stays NaN


def exp_below(x: Value) -> Value:
    """`exp` for arguments of at most 88; those of a softmax are at most 0.

    Cody and Waite's reduction: x = n ln 2 + r with |r| <= ln(2) / 2. A polynomial gives `exp(r)`,
    and adding n to its exponent bits multiplies it by 2**n.
    """
    x = maximum(vector(-87.0), x)  # for NaN, maximum returns its second argument
    shifted = fma(x, LOG2_E, MAGIC)
    n = shifted - MAGIC
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    return bits(bits(polynomial(r, EXP), INTS) + (bits(shifted, INTS) << 23), FLOATS)


def exp_short(x: Value) -> Value:
    """`exp_below` for results that are rounded to 8 bits anyway: relative error below 2e-4."""
    x = maximum(vector(-87.0), x)  # for NaN, maximum returns its second argument
    shifted = fma(x, LOG2_E, MAGIC)
    r = fma(shifted - MAGIC, -LN2, x)
    return bits(bits(polynomial(r, EXP_SHORT), INTS) + (bits(shifted, INTS) << 23), FLOATS)


def erf(x: Value) -> Value:
    """The error function, absolute error below 2e-7: one polynomial up to 1, another beyond."""
    size = minimum(absolute(x), ERF_ONE)
    near = polynomial(size * size, ERF_NEAR) * size
    far = polynomial(size - 2.5, ERF_FAR)
    return copysign(select(size < 1.0, near, far), x)


def phi_short(x: Value) -> Value:
    """The normal distribution function, for a `gelu` whose results are rounded to 8 bits anyway."""
    near = minimum(maximum(x, -PHI_END), PHI_END)
    return fma(near, polynomial(near * near, PHI_SHORT), 0.5)
