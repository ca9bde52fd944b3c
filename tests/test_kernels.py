"""Every kernel against its float64 reference kernel, in every precision, over awkward sizes."""

import numpy as np
import pytest

import lone_kernels as lone
import reference_kernels
from lone_kernels import accumulator, alone, nans, normal, padded_rows
from minner import reference
from minner.errors import MinnerError
from minner.kernels.precision import PRECISIONS, attention_precision
from minner.kernels.runtime.buffers import ProductInput
from minner.kernels.runtime.layout import padded
from minner.kernels.vector.target import CACHE_LINE, MC, MR, NR, ROW_BLOCK
from minner.weights.pack import WIDEST

UNIT = 2.0**-24
"""The error of one rounding to float32, relative to the result."""

HALF_BFLOAT = 2.0**-8
"""The same of bfloat16, which has 8 significant bits."""

every_precision = pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)


# ---- dwords -------------------------------------------------------------------------------------


@every_precision
@pytest.mark.parametrize("rows", [1, MR, 2 * CACHE_LINE + 3])
def test_what_a_reference_kernel_writes_as_x_it_reads_again(precision, rows):
    least = precision.lowest if precision.layout.quantised else -127
    values = np.random.default_rng(0).integers(least, least + 255, (rows, 96))  # 8 bits hold them
    x = lone.empty_x(precision.layout, rows, 96).rows
    reference_kernels.blocked(precision)(x, values.astype(float))
    np.testing.assert_array_equal(reference_kernels.read_x(precision, x)[:, :96], values)


@every_precision
def test_a_weight_is_read_as_it_was_packed(precision):
    weight = lone.int8_weights(precision.layout, 70, 97).astype(np.float32)
    layer = lone.layer_of(precision.layout, weight, np.zeros(70, np.float32))
    unpacked = reference_kernels.unpack_weight(precision.layout, layer.weight)
    np.testing.assert_array_equal(unpacked[:70, :97], weight)
    assert not unpacked[70:].any()
    assert not unpacked[:, 97:].any()


# ---- products -----------------------------------------------------------------------------------

ROW_COUNTS = [1, 2, 3, MR - 1, MR, MR + 1, CACHE_LINE + 1, ROW_BLOCK, 37, MC + 1]
SIZES = [(1, 1), (7, NR - 1), (37, NR), (97, 70), (1100, 97)]


def product_bound(precision, x, layer, added):
    """How far the sums of float32 can be off: a rounding for each dword, and the last few.

    Both read the same dwords, so bfloat16 has no error of its own. Sums of int8 are exact; only
    their product with the scales is rounded.
    """
    values = reference_kernels.read_input(precision, x)
    weight = reference_kernels.unpack_weight(precision.layout, layer.weight)
    size = np.abs(values) @ np.abs(weight).T
    roundings = values.shape[1] + 4
    if precision.layout.quantised:
        size *= x.scale[: len(size), None] * layer.scale.astype(float)
        roundings = 8
    return roundings * UNIT * (size + np.abs(layer.bias) + np.abs(added))


@every_precision
@pytest.mark.parametrize("rows", ROW_COUNTS)
@pytest.mark.parametrize(("depth", "width"), SIZES)
def test_a_product_and_residual_equals_its_reference_kernel(precision, rows, depth, width):
    x = lone.x_of(precision, normal(0, rows, depth))
    layer = lone.layer_of(precision.layout, normal(1, width, depth), normal(2, width))
    added = padded_rows(normal(3, rows, width))
    fast, slow = nans(2, rows, padded(width))
    lone.linear_residual(precision.name)(alone(), x, layer, added, accumulator(), fast)
    reference_kernels.linear_kernel(precision, residual=True)(None, x, layer, added, None, slow)
    assert (np.abs(fast - slow) <= product_bound(precision, x, layer, added) + 1e-37).all()
    assert not fast[:, width:].any(), "padding must stay 0"

    in_place = added.copy()  # as the forward pass has it
    lone.linear_residual(precision.name)(alone(), x, layer, in_place, accumulator(), in_place)
    np.testing.assert_array_equal(in_place, fast)


@every_precision
@pytest.mark.parametrize("rows", [1, MR + 1, MC + 1])
def test_a_product_with_gelu_equals_its_reference_kernel(precision, rows):
    x = lone.x_of(precision, normal(0, rows, 64))
    layer = lone.layer_of(precision.layout, normal(1, 70, 64) / 4, normal(2, 70))
    fast, slow = (lone.empty_product_input(precision, rows, 70) for _ in range(2))
    lone.linear_gelu(precision.name)(alone(), x, layer, accumulator(), fast)
    slow_kernel = reference_kernels.linear_kernel(
        precision, reference.ACTIVATIONS["gelu"], output=reference_kernels.product_input(precision)
    )
    slow_kernel(None, x, layer, None, slow)
    actual, expected = (lone.read_product_input(precision, out)[:, :70] for out in (fast, slow))
    # Where x is float32 what follows is not rounded, and GELU is exact.
    rounded = precision.layout.x_per_dword > 1
    per_dword = (
        precision.layout.unquantised_per_dword
        if precision.layout.quantised
        else precision.layout.x_per_dword
    )
    relative = 2 * HALF_BFLOAT if per_dword == 2 else 4 * UNIT
    tolerance = 8e-5 if rounded else 4e-6
    np.testing.assert_allclose(actual, expected, rtol=relative, atol=tolerance)


@every_precision
@pytest.mark.parametrize("rows", [1, 37])
def test_queries_keys_and_values_equal_their_reference_kernel(precision, rows):
    inner = attention_precision(precision)
    x = lone.x_of(precision, normal(0, rows, 64))
    layer = lone.layer_of(precision.layout, normal(1, 192, 64), normal(2, 192))
    fast, slow = (lone.empty_qkv(inner, 2, rows, 32) for _ in range(2))
    lone.linear_layer(precision.name)(alone(), x, layer, accumulator(), fast)
    slow_kernel = reference_kernels.linear_kernel(
        precision, output=reference_kernels.in_heads(inner), outputs=3
    )
    slow_kernel(None, x, layer, None, slow)
    relative = 2 * HALF_BFLOAT if inner.layout.x_per_dword == 2 else 0
    actual, expected = reference_kernels.unpack(inner, fast), reference_kernels.unpack(inner, slow)
    np.testing.assert_allclose(actual, expected, rtol=relative, atol=3e-5)


def test_int8_sums_are_exact_to_the_last_bit():
    """The sums of int8 are whole numbers, scales are multiplied in float32, and so is the result.

    The largest sums there can be, 3072 times 127 * 127, are beyond the 24 bits of float32.
    """
    precision, depth, width, rows = PRECISIONS["int8"], 3072, 70, 19
    random, most = np.random.default_rng(0), precision.steps // 2
    weight_integers = lone.int8_weights(precision.layout, width, depth)
    integers = random.integers(-most, most + 1, (rows, depth))
    integers[0], integers[1] = most, -most
    integers[:, :2] = -most, most  # so that each scale is the one chosen
    scale = np.exp2(random.integers(-9, 0, rows)).astype(np.float32)
    weight_scale = np.exp2(random.integers(-9, 0, width)).astype(np.float32)
    x = lone.x_of(precision, integers.astype(np.float32) * scale[:, None])
    weight = weight_integers.astype(np.float32) * weight_scale[:, None]
    layer = lone.layer_of(precision.layout, weight, np.zeros(width, np.float32))

    np.testing.assert_array_equal(reference_kernels.read_input(precision, x)[:, :depth], integers)
    sums = (integers @ weight_integers.T).astype(np.float32)
    scales = x.scale[:rows, None] * layer.scale[:width]  # a product of float32, rounded once
    expected = (sums.astype(float) * scales.astype(float)).astype(np.float32)
    out, nothing = nans(rows, padded(width)), np.zeros((rows, padded(width)), np.float32)
    lone.linear_residual("int8")(alone(), x, layer, nothing, accumulator(), out)
    np.testing.assert_array_equal(out[:, :width], expected)


@every_precision
def test_a_row_has_the_same_bits_in_every_tile(precision):
    layer = lone.layer_of(precision.layout, normal(1, NR, 1100), normal(2, NR))
    values, added = normal(0, 2 * MC, 1100), normal(3, 2 * MC, padded(NR))

    def product(first, rows):
        x = lone.x_of(precision, values[first : first + rows])
        out, residual = nans(rows, padded(NR)), added[first : first + rows].copy()
        lone.linear_residual(precision.name)(alone(), x, layer, residual, accumulator(), out)
        return out

    whole = product(0, len(values))
    for rows in ROW_COUNTS:
        for first in (0, 1, 5):
            np.testing.assert_array_equal(product(first, rows), whole[first : first + rows])


# ---- rows of int8 -------------------------------------------------------------------------------


def assert_same_input(precision, actual, expected, columns):
    """That two inputs of a product are the same to the bit, in their first columns."""
    values = (reference_kernels.read_x(precision, x.rows)[:, :columns] for x in (actual, expected))
    np.testing.assert_array_equal(*values)
    np.testing.assert_array_equal(actual.scale, expected.scale)
    np.testing.assert_array_equal(actual.zero.view(np.int32), expected.zero.view(np.int32))


def test_sums_that_could_overflow_are_refused():
    layout = PRECISIONS["int8"].layout
    weight, bias = np.ones((1, WIDEST + 1), np.float32), np.zeros(1, np.float32)
    lone.layer_of(layout, weight[:, 1:], bias)
    with pytest.raises(MinnerError, match=f"{WIDEST + 1} inputs, and int8 can sum up {WIDEST}"):
        lone.layer_of(layout, weight, bias)
    assert WIDEST * 127 * 1022 < 2**31 and PRECISIONS["int8"].steps <= 1022


def test_quantised_rows_equal_their_reference_kernel():
    precision = PRECISIONS["int8"]
    values = normal(0, 9, 96) * np.float32(3)
    values[1] = 0
    values[2, 40] = 1e30  # one huge value: all others are 0 beside it
    values[3] *= np.float32(1e-41)  # denormal, and its scale would be, too
    values[4] *= np.float32(1e-30)
    values[5], values[6] = 2.5, -1  # as large everywhere, and on one side of 0
    values[7] = 0
    values[7, :4] = precision.steps - 4, 0.5, 1.5, -4  # ties; the scale is 1
    unquantised = lone.empty_row_major(precision.unquantised, 9, 96)
    reference_kernels.row_major(precision.unquantised)(unquantised, values)
    fast, slow = (lone.empty_x(precision.layout, 9, 96) for _ in range(2))
    lone.quantise("int8")(alone(), unquantised, fast)
    reference_kernels.quantise_kernel(precision)(None, unquantised, slow)
    assert_same_input(precision, fast, slow, 96)
    integers = reference_kernels.read_input(precision, fast)[:, :96]

    exact = reference_kernels.unpack(precision.unquantised, unquantised)
    scale = fast.scale[:9, None].astype(float)
    error = np.abs(integers * scale - exact)
    assert (error <= scale * 0.5001 + 1e-35).all()
    used = integers.max(axis=1, initial=0) - integers.min(axis=1, initial=0)
    np.testing.assert_array_equal(np.delete(used, [1, 3]), precision.steps)
    assert not integers[[1, 3]].any()
    ties = (0, 2) if precision.lowest % 2 == 0 else (1, 1)  # what is stored is even
    np.testing.assert_array_equal(integers[7, :4], [precision.steps - 4, *ties, -4])


@pytest.mark.parametrize("nan", [np.nan, -np.nan], ids=["nan", "-nan"])
def test_a_row_with_a_nan_has_no_scale(nan):
    precision = PRECISIONS["int8"]
    values = normal(0, 4, 96)
    values[0, 40] = values[2, 95] = nan
    assert np.signbit(values[0, 40]) == np.signbit(nan)
    unquantised = lone.empty_row_major(precision.unquantised, 4, 96)
    reference_kernels.row_major(precision.unquantised)(unquantised, values)
    x = lone.empty_x(precision.layout, 4, 96)
    x.scale[:] = 1
    lone.quantise("int8")(alone(), unquantised, x)
    np.testing.assert_array_equal(np.isnan(x.scale[:4]), [True, False, True, False])


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_nothing_is_quantised_where_nothing_has_to_be(name):
    x = lone.empty_x(PRECISIONS[name].layout, 3, 32)
    team = alone()
    lone.quantise(name)(team, nans(3, 32), x)
    assert np.isnan(x.rows).all()
    np.testing.assert_array_equal(team.state, alone().state)  # not even a barrier


# ---- norms --------------------------------------------------------------------------------------


def assert_product_input(precision, hidden, x):
    """That x holds a hidden state as a product reads it, to the bit."""
    expected = lone.empty_x(precision.layout, *hidden.shape)
    reference_kernels.write_product_input(precision, hidden, expected)
    assert_same_input(precision, x, expected, hidden.shape[1])


def both_norms(precision, values, norm, width):
    """The hidden state after a layer norm, fast and slow; and that its x is right."""
    fast, slow = values.copy(), values.copy()
    x = lone.empty_x(precision.layout, *values.shape)
    lone.layer_norm(precision.name)(alone(), fast, norm, width, x)
    assert_product_input(precision, fast, x)
    unused = lone.empty_x(precision.layout, *values.shape)
    reference_kernels.layer_norm_kernel(precision)(None, slow, norm, width, unused)
    return fast, slow


@every_precision
@pytest.mark.parametrize("width", [1, 2, 37, NR, NR + 1, 384])
def test_layer_norm_equals_its_reference_kernel(precision, width):
    values = padded_rows(normal(0, 2 * CACHE_LINE + 1, width) * 3 + 2)
    norm = lone.norm_of(*normal(1, 2, width))
    fast, slow = both_norms(precision, values, norm, width)
    np.testing.assert_allclose(fast, slow, atol=4e-6)
    assert not fast[:, width:].any(), "padding must stay 0"


def test_layer_norm_keeps_its_precision_far_from_zero():
    # A one-pass variance E[x^2] - E[x]^2 would lose every digit here.
    values = padded_rows(normal(0, 3, 100) * 0.01 + 1000)
    norm = lone.norm_of(np.ones(100), np.zeros(100))
    fast, slow = both_norms(PRECISIONS["float32"], values, norm, 100)
    np.testing.assert_allclose(fast, slow, atol=5e-3)


def test_layer_norm_of_a_constant_row_is_its_bias():
    norm = lone.norm_of(*normal(1, 2, 50))
    values = padded_rows(np.full((1, 50), 3.25))
    fast, _ = both_norms(PRECISIONS["float32"], values, norm, 50)
    np.testing.assert_array_equal(fast[0], norm.bias)


@every_precision
@pytest.mark.parametrize("lengths", [[1], [3, 1, 5], [17]])
def test_embed_equals_its_reference_kernel(precision, lengths):
    width, tokens = 40, sum(lengths)
    ids = np.random.default_rng(0).integers(0, 11, tokens).astype(np.int32)
    positions = np.concatenate([np.arange(length) for length in lengths]).astype(np.int32)
    tables = padded_rows(normal(1, 11, width)), padded_rows(normal(2, 17, width))
    norm = lone.norm_of(*normal(3, 2, width))
    fast, slow = nans(2, tokens, padded(width))
    x, unused = (lone.empty_x(precision.layout, tokens, padded(width)) for _ in range(2))
    inputs = ids, positions, *tables, norm, width
    lone.embed(precision.name)(alone(), *inputs, fast, x)
    reference_kernels.embed_kernel(precision)(None, *inputs, slow, unused)
    np.testing.assert_allclose(fast, slow, atol=4e-6)
    assert_product_input(precision, fast, x)


# ---- attention ----------------------------------------------------------------------------------


def both_attentions(precision, qkv, lengths, heads, width):
    """The context of queries, keys and values `[T, 3 H d]`, fast and slow."""
    inner, bounds = attention_precision(precision), np.cumsum([0, *lengths]).astype(np.int32)
    dwords = lone.empty_qkv(inner, heads, len(qkv), width)
    reference_kernels.in_heads(inner)(dwords, qkv)
    fast, slow = (lone.empty_product_input(precision, len(qkv), heads * width) for _ in range(2))
    scratch = lone.thread_scratch(max(lengths), width)
    lone.attention(precision.name)(alone(), dwords, bounds, heads, width, scratch, fast)
    slow_kernel = reference_kernels.attention_kernel(precision)
    slow_kernel(None, dwords, bounds, heads, width, scratch, slow)
    columns = heads * width
    return tuple(lone.read_product_input(precision, out)[:, :columns] for out in (fast, slow))


def attention_error(precision, qkv):
    """What rounding the probabilities and the context to bfloat16 may cost, where that is done."""
    if attention_precision(precision).layout.x_per_dword == 1:
        return 5e-6
    return 3 * HALF_BFLOAT * np.abs(qkv).max() + 5e-6


@every_precision
@pytest.mark.parametrize(
    "lengths", [[1], [2], [NR + 1], [5, 1, MR, 2 * NR], [131, 3], [2 * CACHE_LINE, CACHE_LINE + 1]]
)
@pytest.mark.parametrize(("heads", "width"), [(1, 32), (3, 32), (2, 64)])
def test_attention_equals_its_reference_kernel(precision, lengths, heads, width):
    qkv = normal(0, sum(lengths), 3 * heads * width)
    qkv[:, : heads * width] *= width**-0.5  # as the packer scales q
    fast, slow = both_attentions(precision, qkv, lengths, heads, width)
    np.testing.assert_allclose(fast, slow, rtol=0, atol=attention_error(precision, qkv))


@every_precision
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_attention_survives_extreme_scores(precision, size):
    qkv = np.zeros((3, 3 * 32), dtype=np.float32)
    qkv[:, 0] = 1
    qkv[:, 32] = [size, size * 2, size * 2]
    qkv[:, 64:] = normal(0, 3, 32)
    fast, slow = both_attentions(precision, qkv, [3], 1, 32)
    error = attention_error(precision, qkv[:, 64:])
    np.testing.assert_allclose(fast, slow, rtol=0, atol=error)


@every_precision
def test_a_sequence_has_the_same_context_in_every_batch(precision):
    qkv = normal(0, 40, 3 * 64)
    alone_, _ = both_attentions(precision, qkv[3:36], [33], 2, 32)
    together, _ = both_attentions(precision, qkv, [3, 33, 4], 2, 32)
    np.testing.assert_array_equal(together[3:36], alone_)


@every_precision
@pytest.mark.parametrize("kept", [1, 13, 39, 40])
@pytest.mark.parametrize("width", [32, 160])
def test_rows_kept_equal_their_reference_kernel(precision, kept, width):
    rows = np.sort(np.random.default_rng(0).permutation(40)[:kept]).astype(np.int32)
    fast, slow = (
        (normal(0, 40, width), lone.empty_product_input(precision, 40, 2 * width)) for _ in range(2)
    )
    for _, context in (fast, slow):
        reference_kernels.product_input(precision)(context, normal(1, 40, 2 * width))
    lone.gather_rows(precision.name)(alone(), rows, *fast)
    reference_kernels.gather_rows_kernel(precision)(None, rows, *slow)
    np.testing.assert_array_equal(fast[0][:kept], normal(0, 40, width)[rows])
    np.testing.assert_array_equal(fast[0][:kept], slow[0][:kept])
    actual, expected = (lone.read_product_input(precision, of[1])[:kept] for of in (fast, slow))
    np.testing.assert_array_equal(actual, expected)


def test_operands_reach_to_the_end_of_their_last_block():
    """What `layout.cut_x` reserves: a product reads and writes whole blocks of rows."""
    for precision in PRECISIONS.values():
        x = lone.empty_x(precision.layout, 1, 32)
        assert isinstance(x, ProductInput)
        assert x.rows.base.size % (precision.layout.mr * CACHE_LINE) == 0
