"""The time stamps of a forward pass: one for each stage, in order, and no result changes."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from checkpoints import write_checkpoint
from minner.engine import TOKENS_PER_CALL, Engine
from minner.kernels.model import stage_names
from minner.kernels.runtime.stage_timings import StageTimings
from minner.kernels.runtime.team_state import FIELD_STRIDE, STAGE, TIMESTAMPS
from minner.weights.checkpoint import read_checkpoint

LAYERS = [1, 2, 5]
THREADS = [1, 2, 3]

PRECISIONS = ["float32", "int8"]

STAGES = ["embed", "qkv", "attention", "out_lin", "norms", "lin1", "lin2", "classifier"]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Engines by layers, threads and precision."""
    checkpoints = {
        layers: read_checkpoint(
            write_checkpoint(tmp_path_factory.mktemp("timings") / "model", n_layers=layers)
        )
        for layers in LAYERS
    }
    return {
        (n, t, p): Engine(checkpoints[n], t, p) for n in LAYERS for t in THREADS for p in PRECISIONS
    }


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 100, n).astype(np.int32) for n in (1, 9, 31, 17)]


def now():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


@pytest.mark.parametrize("layers", [0, 1, 2, 6])
def test_a_stage_for_every_barrier(layers):
    names = stage_names(layers)
    layer = ("qkv", "attention", "out_lin", "norms", "lin1", "lin2", "norms")
    last = (*layer[:2], "attention", *layer[2:]) if layers else ()  # leaves rows out
    assert names == ("embed", *layer * (layers - 1), *last, "classifier")
    quantised = stage_names(layers, quantised=True)
    assert quantised.count("quantise") == 2 * layers
    assert tuple(name for name in quantised if name != "quantise") == names


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_stage_is_noted_once_and_in_order(engines, batch, layers, threads, precision):
    engine = engines[layers, threads, precision]
    for _ in range(5):
        began = now()
        with engine.record() as passes:
            engine.logits(batch)
        ended = now()
        (timings,) = passes
        assert (
            engine._team._helpers.state[STAGE * FIELD_STRIDE]
            == len(timings.stages)
            == len(timings.stamps) - 1
        )
        stamps = timings.nanoseconds()
        assert (timings.stamps[:, 1] < 1_000_000_000).all()
        assert (np.diff(stamps) >= 0).all()
        assert began <= stamps[0] < stamps[-1] <= ended
        seconds = timings.seconds()
        assert [stage for stage in seconds if stage != "quantise"] == STAGES
        assert ("quantise" in seconds) == (precision == "int8")
        np.testing.assert_allclose(sum(seconds.values()), (stamps[-1] - stamps[0]) / 1e9)


def test_nothing_is_written_beyond_the_stages(engines, batch, monkeypatch):
    """The kernels trust the buffer: its size must be the number of barriers in the code."""

    class Roomy(StageTimings):
        def __init__(self, layers, quantised):
            super().__init__(layers, quantised)
            self.stamps = np.zeros((len(self.stages) + 100, 2), dtype=np.int64)

    monkeypatch.setattr("minner.engine.StageTimings", Roomy)
    for engine in engines.values():
        with engine.record() as passes:
            engine.logits(batch)
        (timings,) = passes
        used = len(timings.stages) + 1
        assert timings.stamps[:used, 0].all()
        assert not timings.stamps[used:].any()


def test_seconds_are_summed_over_the_layers():
    timings = StageTimings(2)
    timings.stamps[:] = [divmod(999_999_000 + 1000 * n * n, 1_000_000_000) for n in range(18)]
    assert timings.stamps[-1, 0] == 1
    microseconds = {name: round(1e6 * value) for name, value in timings.seconds().items()}
    duration = [2 * n + 1 for n in range(17)]  # differences of squares
    assert microseconds == {
        "embed": duration[0],
        "qkv": duration[1] + duration[8],
        "attention": duration[2] + duration[9] + duration[10],
        "out_lin": duration[3] + duration[11],
        "norms": duration[4] + duration[7] + duration[12] + duration[15],
        "lin1": duration[5] + duration[13],
        "lin2": duration[6] + duration[14],
        "classifier": duration[16],
    }


@pytest.mark.parametrize("threads", THREADS)
def test_recording_changes_no_bit(engines, batch, threads):
    engine = engines[2, threads, "int8"]
    before = engine.logits(batch)
    with engine.record() as passes:
        during = engine.logits(batch)
    after = engine.logits(batch)
    assert len(passes) == 1
    assert engine._team._helpers.state[TIMESTAMPS * FIELD_STRIDE] == 0
    for expected, *others in zip(before, during, after, strict=True):
        for other in others:
            np.testing.assert_array_equal(other, expected)


def test_a_list_that_takes_several_native_calls(engines):
    engine = engines[2, 2, "float32"]
    sequences = [np.arange(50, dtype=np.int32)] * (2 * TOKENS_PER_CALL // 50)
    with engine.record() as passes:
        engine.logits(sequences)
        engine.logits(sequences[:1])
    assert len(passes) == 2 + 1
    edges = [stamp for timings in passes for stamp in timings.nanoseconds()[[0, -1]]]
    assert edges == sorted(edges)


def test_nothing_to_run(engines):
    engine = engines[1, 1, "float32"]
    with engine.record() as passes:
        assert engine.logits([]) == []
    assert passes == []


def test_recording_ends_with_an_error(engines, batch):
    engine = engines[1, 1, "float32"]
    with pytest.raises(ZeroDivisionError), engine.record() as passes:
        raise ZeroDivisionError
    engine.logits(batch)
    assert passes == []


def test_calls_of_other_threads_are_recorded_too(engines, batch):
    engine = engines[2, 2, "float32"]
    with engine.record() as passes, ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda _: engine.logits(batch), range(12)):
            pass
    assert len(passes) == 12
    assert all((np.diff(timings.nanoseconds()) >= 0).all() for timings in passes)
