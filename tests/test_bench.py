"""`minner bench`: what it counts, what it measures on, and what it prints; never how fast it is."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minner
from command_line import Capture, assert_fails, run
from minner.bench import machine, probes
from minner.bench.batching import BATCHES, grid, map_rows, rates, throughput_bound_from
from minner.bench.measure import Bench, random_ids, text_stages
from minner.bench.passage import PASSAGE, text_of
from minner.bench.report import PRODUCTS
from minner.bench.shapes import BatchShape, parse_counts, parse_shapes
from minner.bench.timing import burst, ratios, spread
from minner.bench.work import forward_flops, matrix_weights, weight_bytes
from minner.commands.bench import sweep
from minner.kernels.precision import PRECISIONS, float32
from minner.kernels.vector.target import AMX_TILE, LANES
from minner.tagger import Tagger
from minner.weights.checkpoint import read_checkpoint

STAGES = ["tokenise", "embed", "qkv", "attention", "out_lin", "norms", "lin1", "lin2"]
STAGES += ["classifier", "decode"]

# ---- shapes and thread counts -------------------------------------------------------------------


def test_shapes_are_read_and_written() -> None:
    shapes = parse_shapes("1x16,8x128,1x16")
    assert shapes == (BatchShape(1, 16), BatchShape(8, 128))
    assert [str(shape) for shape in shapes] == ["1x16", "8x128"]
    assert parse_counts("4,1,2,1") == (1, 2, 4)


@pytest.mark.parametrize("text", ["", "16", "1x", "x16", "1x16x2", "0x16", "1x0", "-1x4", "1x16,"])
def test_what_is_no_shape(text: str) -> None:
    with pytest.raises(ValueError):
        parse_shapes(text)


@pytest.mark.parametrize("text", ["", "0", "1,", "two", "1.5", "-2"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(ValueError):
        parse_counts(text)


@pytest.mark.parametrize(
    ("cores", "counts"),
    [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (4, (1, 2, 4)), (12, (1, 2, 4, 8, 12))],
)
def test_the_sweep(cores: int, counts: tuple[int, ...]) -> None:
    assert sweep(cores) == counts


# ---- what is counted ----------------------------------------------------------------------------


def test_work_is_counted_from_the_matrices(tiny_path: Path) -> None:
    checkpoint = read_checkpoint(tiny_path)
    config, tensors = checkpoint.config, checkpoint.tensors
    matrices = [
        tensor.size
        for name, tensor in tensors.items()
        if tensor.ndim == 2 and "embeddings" not in name
    ]
    assert len(matrices) == 6 * config.n_layers + 1
    assert matrix_weights(config) == sum(matrices)
    assert weight_bytes(config) == 4 * sum(matrices)
    head = tensors["classifier.weight"].size
    layers = sum(matrices) - head
    assert weight_bytes(config, "bfloat16") == 2 * layers + 4 * head
    assert weight_bytes(config, "int8") == layers + 4 * head
    for tokens in (1, 7):
        products = 2 * tokens * sum(matrices)
        head_width = config.dim // config.n_heads
        one_head = 2 * (2 * tokens * tokens * head_width)  # scores, context
        attention = config.n_layers * config.n_heads * one_head
        assert forward_flops(config, tokens) == products + attention


def test_burst() -> None:
    calls: list[int] = []
    assert len(burst(calls.append, 1, seconds=0, least=4, warm_ups=2)) == 4
    assert calls == [1] * 6
    times = burst(sum, [1, 2], seconds=0.01, least=1, warm_ups=0)
    assert len(times) > 1
    assert all(seconds >= 0 for seconds in times)


def test_spread_and_ratios() -> None:
    values = spread([float(n) for n in range(101)])
    assert values == (50.0, 10.0, 90.0)
    assert values.text(1) == "50.0 (10.0 to 90.0)"
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    with pytest.raises(ValueError):
        ratios([1.0], [1.0, 2.0])


# ---- the map ------------------------------------------------------------------------------------


def test_the_grid_has_all_lengths_that_fit() -> None:
    shapes = grid(32)
    assert shapes[: len(BATCHES)] == tuple(BatchShape(batch, 8) for batch in BATCHES)
    assert {shape.tokens for shape in shapes} == {8, 16, 32}
    assert {shape.tokens for shape in grid(5)} == {5}, "a model with hardly any positions"


@pytest.mark.parametrize(
    ("speeds", "first"),
    [
        ((50, 89, 90, 100), 4),
        ((90, 100, 91, 80), 1),
        ((10, 20, 40, 100), 8),
    ],
)
def test_throughput_begins_where_the_rate_is_near_the_best(
    speeds: tuple[float, ...], first: int
) -> None:
    assert throughput_bound_from(dict(zip((1, 2, 4, 8), speeds, strict=True))) == first


def test_the_rows_of_a_map() -> None:
    sizes = ((2, 16, 1, 99e3), (4, 8, 2, 2e3), (1, 8, 2, 1e3), (2, 16, 2, 3e3))
    keys = ("batch", "tokens", "threads", "tokens_per_s")
    found = rates([dict(zip(keys, entry, strict=True)) for entry in sizes])
    assert found == {8: {1: 1e3, 4: 2e3}, 16: {2: 3e3}}, "on the most threads only"
    assert map_rows(found) == [
        ["TOKENS", "x1", "x2", "x4", "BOUND BY THROUGHPUT FROM"],
        ["8", "1.0 ", "", "2.0*", "4 x 8 = 32 tokens"],
        ["16", "", "3.0*", "", "2 x 16 = 32 tokens"],
    ]


def test_the_command_draws_the_map(capsys: Capture, tiny_path: Path) -> None:
    arguments = ("bench", "--model", tiny_path, *QUICK, "--threads", "2", "--map")
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    assert "\nMap, 2 threads: thousands of tokens a second" in out
    assert "Text to entities" not in out
    assert all(line == line.rstrip() and len(line) < 130 for line in out.splitlines())
    status, out, _ = run(capsys, *arguments, "--format", "json")
    found = json.loads(out)
    assert (status, found["stages"]) == (0, [])
    assert len(found["logits"]) == len(BATCHES) * 3
    status, _, err = run(capsys, *arguments, "--shapes", "1x4")
    assert status == 2
    assert "not allowed with" in err


# ---- the machine --------------------------------------------------------------------------------


def test_the_machine_is_described() -> None:
    found = machine.describe()
    assert list(found) == [
        *("cpu", "target", "lanes", "cores", "flags", "caches", "memory_gib", "virtual"),
        *("system", "kernel", "python", "packages", "date", "load_average"),
    ]
    assert json.loads(json.dumps(found)) == found
    assert found["cpu"]
    assert found["cores"] >= 1
    assert found["lanes"] == LANES
    assert found["memory_gib"] > 0
    assert found["packages"]["numpy"] == np.__version__
    assert machine.describe(["numpy", "no-such-package"])["packages"] == {"numpy": np.__version__}


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_probes_give_positive_numbers(threads: int) -> None:
    arithmetic, memory = probes.Arithmetic(3), probes.Memory(1 << 20, 3)
    assert arithmetic.flops == probes.FLOPS
    assert memory.size == 1 << 20
    for function, arguments in ((arithmetic.run, (threads,)), (memory.run, (threads, 2))):
        (seconds,) = burst(function, *arguments, seconds=0, least=1, warm_ups=0)
        assert 0 < seconds < 60


def test_the_read_probe_reads_every_number(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[tuple[int, int]] = []
    read = probes._run_read

    def spy(numbers: Any, start: int, stop: int, out: Any) -> None:
        read(numbers, start, stop, out)
        assert out.sum() == stop - start
        parts.append((start, stop))

    monkeypatch.setattr(probes, "_run_read", spy)
    memory = probes.Memory(4 * 10 * probes.CHUNK, 3)
    memory.run(3)
    starts, stops = zip(*sorted(parts), strict=True)
    assert (starts[0], stops[-1] * 4) == (0, memory.size)
    assert starts[1:] == stops[:-1]
    assert probes.Memory(1, 1).size == 4 * probes.CHUNK, "a tiny model reads a chunk at least"


def test_multiply_adds_are_computed() -> None:
    """The peak would be a fiction if the compiler left some of them out."""
    sums = np.arange(probes.SUMS * LANES, dtype=np.float32)
    numbers = np.concatenate([sums, np.full(LANES, 0.5, dtype=np.float32)])
    probes._vector_loop(float32)(3, numbers)  # each sum is its own x
    np.testing.assert_array_equal(numbers[: len(sums)], sums * np.float32(1.5**3))


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_the_peak_of_other_precisions(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    """Every sum grows by the same in every round, in whichever registers it is."""
    for name in ("ROUNDS", "AMX_ROUNDS"):
        monkeypatch.setattr(probes, name, 5)
    seen: list[tuple[int, Any]] = []
    arithmetic = probes.Arithmetic(2, precision)
    loop = arithmetic._loop

    def spy(rounds: int, numbers: Any) -> None:
        loop(rounds, numbers)
        assert not numbers.any(), "sums of nothing"
        # Bytes of 1, or bfloat16 of 1: as sums, x and weights.
        one = numbers.view(np.int8 if precision == "int8" else np.uint16)
        one[:] = 1 if precision == "int8" else 0x3F80
        before = numbers.copy()
        loop(rounds, numbers)
        seen.append((rounds, np.count_nonzero(numbers != before)))

    monkeypatch.setattr(arithmetic, "_loop", spy)
    arithmetic.run(2)
    in_amx = PRECISIONS[precision].layout.amx
    sums = 4 * AMX_TILE * AMX_TILE if in_amx else probes.SUMS * LANES
    assert seen == [(5, sums)] * 2
    dwords = sums * (AMX_TILE if in_amx else PRECISIONS[precision].dwords_per_dot)
    per_round = 2 * dwords * PRECISIONS[precision].layout.weights_per_dword
    assert arithmetic.flops == 5 * per_round
    assert arithmetic.what.startswith(precision)


# ---- what is run --------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [1, 3, 4, 16, 30, 200])
def test_a_text_of_so_many_tokens(tiny: Tagger, tokens: int) -> None:
    text = text_of(tiny, tokens)
    words = text.split()
    assert words == list(islice(PASSAGE.split() * 9, len(words)))
    assert words
    assert len(words) == 1 or len(tiny.encode(text)) <= tokens


def test_ids_are_of_the_vocabulary_and_always_the_same() -> None:
    ids = random_ids(BatchShape(3, 200), 7)
    assert [row.shape for row in ids] == [(200,)] * 3
    assert set(np.concatenate(ids).tolist()) == set(range(7))
    np.testing.assert_array_equal(ids, random_ids(BatchShape(3, 200), 7))


@pytest.mark.parametrize("texts", [1, 70])
def test_stages_of_a_call(tiny: Tagger, texts: int) -> None:
    stages = text_stages(tiny, ["John Smith works in London."] * texts)
    assert list(stages) == STAGES
    assert all(seconds > 0 for seconds in stages.values())


def test_encode_gives_what_trace_and_logits_take(tiny: Tagger) -> None:
    text = "John Smith works."
    ids = tiny.encode(text)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids, tiny.trace(text)["ids"])
    assert tiny.logits([ids])[0].shape == (len(ids), len(tiny.labels))
    assert len(tiny.encode("")) == 2
    with pytest.raises(minner.MinnerError):
        tiny.encode(5)  # type: ignore[arg-type]


def test_a_round_measures_everything_once(tiny: Tagger) -> None:
    shapes = (BatchShape(1, 4), BatchShape(2, 9))
    bench = Bench({2: tiny, 1: tiny}, shapes)
    bursts = sum(1 for _ in bench.run(1e-9))
    assert (bench.rounds, bursts) == (1, 6)
    assert bench.threads == [1, 2]
    assert list(bench.series) == [(shape, n) for shape in shapes for n in (1, 2)]
    for series in bench.series.values():
        assert [len(rounds) for rounds in (series.calls, series.peak, series.read)] == [1, 1, 1]
        assert series.calls[0]
        assert min(*series.calls[0], *series.peak, *series.read) > 0
    assert list(bench.stages) == list(shapes)


# ---- the command --------------------------------------------------------------------------------

QUICK = ("--seconds", "0.01")


def test_json_has_the_documented_keys(capsys: Capture, tiny_path: Path) -> None:
    arguments = ("--shapes", "1x4,3x16", "--threads", "2,1", "--format", "json")
    status, out, err = run(capsys, "bench", "--model", tiny_path, *QUICK, *arguments)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert list(found) == [*("minner", "model", "peak_of", "machine", "rounds", "logits", "stages")]
    assert found["minner"] == minner.__version__
    assert found["model"] == {
        **{"name": str(tiny_path), "precision": "float32", "n_layers": 2, "n_heads": 4, "dim": 32},
        **{"hidden_dim": 37, "max_position_embeddings": 32, "labels": 9},
        "vocab_size": found["model"]["vocab_size"],
        "matrix_weights": 2 * (4 * 32 * 32 + 2 * 32 * 37) + 32 * 9,
        "matrix_bytes": 4 * found["model"]["matrix_weights"],
    }
    assert found["rounds"] == 1
    sizes = [(entry["batch"], entry["tokens"], entry["threads"]) for entry in found["logits"]]
    assert sizes == [(1, 4, 1), (1, 4, 2), (3, 16, 1), (3, 16, 2)]
    for entry in found["logits"]:
        assert list(entry) == [
            *("batch", "tokens", "threads", "calls", "p50_ms", "p90_ms", "p99_ms"),
            *("tokens_per_s", "gflop_per_s", "gflop", "peak_gflop_per_s", "read_gb_per_s"),
            *("peak_share", "read_share", "speedup"),
        ]
        assert 0 < entry["p50_ms"] <= entry["p90_ms"] <= entry["p99_ms"]
        seconds = entry["p50_ms"] / 1e3
        assert entry["tokens_per_s"] * seconds == pytest.approx(entry["batch"] * entry["tokens"])
        assert entry["gflop_per_s"] * seconds == pytest.approx(entry["gflop"])
        for share in ("peak_share", "read_share", "speedup"):
            assert list(entry[share]) == ["median", "p10", "p90"]
            assert 0 < entry[share]["p10"] <= entry[share]["median"] <= entry[share]["p90"]
        if entry["threads"] == 1:
            assert set(entry["speedup"].values()) == {1.0}
        # One round: the medians belong together.
        rate = entry["peak_share"]["median"] * entry["peak_gflop_per_s"]
        assert rate == pytest.approx(entry["gflop_per_s"])
        read = entry["read_share"]["median"] * seconds * entry["read_gb_per_s"] * 1e9
        assert read == pytest.approx(found["model"]["matrix_bytes"])
    assert [(entry["batch"], entry["tokens"]) for entry in found["stages"]] == [(1, 4), (3, 16)]
    for entry in found["stages"]:
        assert list(entry) == ["batch", "tokens", "threads", "calls", "p50_ms", "stages_ms"]
        assert entry["threads"] == 2
        assert list(entry["stages_ms"]) == STAGES
        assert min(entry["stages_ms"].values()) > 0


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_other_precisions(capsys: Capture, tiny_path: Path, precision: str) -> None:
    arguments = ("--shapes", "1x4", "--threads", "1", "--precision", precision)
    status, out, err = run(capsys, "bench", "--model", tiny_path, *QUICK, *arguments)
    assert (status, err) == (0, "")
    assert out.startswith(f"{tiny_path}, {precision}: ")
    assert f"\npeak: {precision} on " in out


def test_tables(capsys: Capture, tiny_path: Path) -> None:
    arguments = ("--shapes", "1x4,3x16", "--threads", "1,2")
    status, out, err = run(capsys, "bench", "--model", tiny_path, *QUICK, *arguments)
    assert (status, err) == (0, "")
    for title in ("Ids to logits, 2 threads", "By threads", "Text to entities, 2 threads"):
        assert f"\n{title}" in out
    first_words = [line.split()[0] for line in out.splitlines() if line]
    assert first_words.count("1x4") == first_words.count("3x16") == 2
    assert [word for word in first_words if word in (*STAGES, "products")] == [
        *("tokenise", "embed", "products", *PRODUCTS, "attention", "norms", "decode")
    ]
    assert all(line == line.rstrip() and len(line) < 130 for line in out.splitlines())


def test_one_thread_count_needs_no_table_of_threads(capsys: Capture, tiny_path: Path) -> None:
    arguments = ("--shapes", "1x4", "--threads", "1")
    status, out, _ = run(capsys, "bench", "--model", tiny_path, *QUICK, *arguments)
    assert status == 0
    assert "Ids to logits, 1 thread\n" in out
    assert "By threads" not in out


def test_usual_shapes_are_those_that_fit(capsys: Capture, tiny_path: Path) -> None:
    arguments = ("--model", tiny_path, *QUICK, "--threads", "1")
    status, out, _ = run(capsys, "bench", *arguments, "--format", "json")
    assert status == 0
    assert [(e["batch"], e["tokens"]) for e in json.loads(out)["logits"]] == [(1, 16)]
    assert_fails(
        run(capsys, "bench", *arguments, "--shapes", "1x16,2x33"),
        "33 tokens do not fit: the model has 32 positions",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--shapes", "16"),
        ("--shapes", "1x0"),
        ("--threads", "0"),
        ("--threads", "many"),
        ("--seconds", "0"),
        ("--seconds", "soon"),
        ("--seconds", "inf"),
        ("--seconds", "nan"),
        ("--format", "card"),
    ],
)
def test_wrong_usage(capsys: Capture, arguments: tuple[str, ...]) -> None:
    status, out, err = run(capsys, "bench", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: minner bench")


def test_no_other_command_pays_for_it() -> None:
    line = (
        "import sys; import minner.cli; "
        "sys.exit('numba' in sys.modules or 'minner.bench.measure' in sys.modules)"
    )
    root = Path(minner.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", line], cwd=root).returncode == 0
