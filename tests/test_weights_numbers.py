"""Weights in fewer bits: how they are rounded, and how far they can be off."""

import numpy as np
import pytest

from minner.weights.numbers import (
    SUM16,
    from_float8,
    to_bfloat16,
    to_float8,
    to_int8,
    with_small_sums,
)


def value_of(bits):
    """What bfloat16 stand for: the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def float_of(bits):
    return np.array([bits], dtype=np.uint32).view(np.float32)


@pytest.mark.parametrize(
    ("bits", "rounded"),
    [
        (0x3F800000, 0x3F80),  # 1 stays
        (0x3F807FFF, 0x3F80),  # just below the middle: down
        (0x3F808001, 0x3F81),  # just above: up
        (0x3F808000, 0x3F80),  # in the middle: to the even one, down
        (0x3F818000, 0x3F82),  # and up
        (0xBF818000, 0xBF82),  # the same below zero
        (0x3FFFFFFF, 0x4000),  # the mantissa overflows into the exponent
        (0x00000000, 0x0000),
        (0x80000000, 0x8000),  # -0
        (0x00018000, 0x0002),  # denormal
        (0x7F7F7FFF, 0x7F7F),  # the largest
    ],
)
def test_bfloat16_is_the_nearest_and_ties_go_to_even(bits, rounded):
    assert to_bfloat16(float_of(bits)) == [rounded]


def test_no_bfloat16_is_nearer():
    values = np.random.default_rng(0).standard_normal(10_000).astype(np.float32)
    bits = to_bfloat16(values)
    error = np.abs(value_of(bits).astype(float) - values)
    for neighbour in (bits + np.uint16(1), bits - np.uint16(1)):
        assert (error <= np.abs(value_of(neighbour).astype(float) - values)).all()


def test_what_bfloat16_can_hold_is_not_changed():
    every = np.arange(0x7F80, dtype=np.uint16)
    np.testing.assert_array_equal(to_bfloat16(value_of(every)), every)


def test_a_view_with_gaps_is_rounded_too():
    values = np.arange(12, dtype=np.float32).reshape(3, 4).T
    np.testing.assert_array_equal(value_of(to_bfloat16(values)), values)


def test_int8_is_within_half_a_step_and_reaches_127():
    weight = np.random.default_rng(0).standard_normal((50, 97)).astype(np.float32)
    weight *= np.logspace(-30, 30, 50, dtype=np.float32)[:, None]
    steps, scales = to_int8(weight)
    assert (steps.dtype, scales.dtype) == (np.int8, np.float32)
    assert (np.abs(steps.astype(int)).max(axis=1) == 127).all()
    error = np.abs(steps * scales[:, None].astype(float) - weight)
    assert (error <= scales[:, None] * 0.502).all()  # scales have 17 bits


def test_int8_of_a_weight_and_its_negative_are_each_others_negatives():
    weight = np.random.default_rng(0).standard_normal((5, 33)).astype(np.float32)
    (steps, scales), (negative, same) = to_int8(weight), to_int8(-weight)
    np.testing.assert_array_equal(steps, -negative)
    np.testing.assert_array_equal(scales, same)


@pytest.mark.parametrize("size", [0.0, -0.0, 1e-45, 1e-40, 5e-31])
def test_int8_of_nothing_is_nothing(size):
    weight = np.full((3, 4), size, dtype=np.float32)
    weight[1] = [1, 2, 3, 4]  # another row is not disturbed
    steps, scales = to_int8(weight)
    assert not steps[[0, 2]].any()
    np.testing.assert_array_equal(steps[1], [32, 64, 95, 127])
    assert not scales[[0, 2]].any()


def test_int8_of_a_single_huge_weight_leaves_the_others_to_it():
    steps, scales = to_int8(np.array([[3e38, 1.0, -3e38]], dtype=np.float32))
    np.testing.assert_array_equal(steps, [[127, 0, -127]])
    assert np.isfinite(scales).all()


def test_int8_without_inputs_has_no_scale():
    steps, scales = to_int8(np.zeros((2, 0), dtype=np.float32))
    assert steps.shape == (2, 0)
    assert not scales.any()


def test_float8_has_the_values_of_its_definition():
    codes = np.array([0x00, 0x01, 0x07, 0x08, 0x38, 0x3C, 0x7E, 0x80, 0xB8, 0xFE], dtype=np.uint8)
    values = [0, 2**-9, 7 * 2**-9, 2**-6, 1, 1.5, 448, -0.0, -1, -448]
    assert from_float8(codes).tolist() == values
    assert np.isnan(from_float8(np.array([0x7F, 0xFF], dtype=np.uint8))).all()


def test_every_finite_float8_comes_back():
    codes = np.delete(np.arange(256, dtype=np.uint8), [0x7F, 0xFF])
    np.testing.assert_array_equal(to_float8(from_float8(codes)), codes)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (1.0625, 1.0),  # in the middle of 1 and 1.125: to the even one, down
        (1.1875, 1.25),  # and up
        (-1.1875, -1.25),
        (1.0626, 1.125),
        (2**-10, 0.0),  # half the smallest
        (3 * 2**-10, 2**-8),
        (600.0, 448.0),  # beyond the largest
    ],
)
def test_float8_is_the_nearest_and_ties_go_to_even(value, rounded):
    codes = to_float8(np.array([[value]], dtype=np.float32))
    assert from_float8(codes).tolist() == [[rounded]]


def test_float8_agrees_with_torch():
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).standard_normal((50, 40)).astype(np.float32)
    theirs = torch.from_numpy(values).to(torch.float8_e4m3fn)
    np.testing.assert_array_equal(to_float8(values), theirs.view(torch.uint8).numpy())
    np.testing.assert_array_equal(from_float8(to_float8(values)), theirs.float().numpy())


# ---- int8 weights whose products are summed up as int16 ------------------------------------------


def groups_of_four(steps):
    """Of each output, the weights whose products are summed up: `[N, K / 4, 4]`."""
    columns = np.arange(steps.shape[1] // 8 * 8).reshape(-1, 8)
    return steps[:, columns[:, [[0, 1, 4, 5], [2, 3, 6, 7]]]].reshape(len(steps), -1, 4)


def largest_sums(steps):
    groups = groups_of_four(steps.astype(int))
    both = np.maximum(groups, 0).sum(axis=2), np.maximum(-groups, 0).sum(axis=2)
    return np.maximum(*both).max(axis=1)


@pytest.mark.parametrize("spread", [0, 1, 3])  # as even as can be; normal; a few large ones
def test_no_sum_of_four_products_leaves_int16(spread):
    random = np.random.default_rng(0)
    weight = np.sign(random.standard_normal((200, 96))) * random.random((200, 96)) ** spread
    steps, scales = to_int8(weight.astype(np.float32))
    smaller, larger_scales = with_small_sums(steps, scales)
    assert (smaller.dtype, larger_scales.dtype) == (np.int8, np.float32)
    assert largest_sums(smaller).max() <= SUM16
    assert 255 * SUM16 < 2**15
    exact = steps * scales[:, None].astype(float)
    error = np.abs(smaller * larger_scales[:, None].astype(float) - exact)
    assert (error <= larger_scales[:, None] * 0.5001).all()
    assert (larger_scales <= scales * largest_sums(steps) / (SUM16 - 2) * 1.0001).all()


def test_outputs_with_small_sums_stay_as_they_are():
    random = np.random.default_rng(0)
    steps = random.integers(-32, 33, (9, 41)).astype(np.int8)  # 41: not a multiple of 8
    steps[:, 40] = 127
    scales = random.random(9).astype(np.float32)
    steps[3, :8] = 127
    smaller, larger_scales = with_small_sums(steps, scales)
    others = np.delete(np.arange(9), 3)
    np.testing.assert_array_equal(smaller[others], steps[others])
    np.testing.assert_array_equal(larger_scales[others], scales[others])
    assert (smaller[3, :8] == 32).all() and larger_scales[3] > 4 * scales[3]


def test_small_sums_of_outputs_without_inputs_or_of_zeros():
    for inputs in (0, 5):
        steps, scales = np.zeros((2, inputs), np.int8), np.zeros(2, np.float32)
        smaller, same = with_small_sums(steps, scales)
        np.testing.assert_array_equal(smaller, steps)
        np.testing.assert_array_equal(same, scales)
