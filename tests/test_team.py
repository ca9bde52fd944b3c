"""The thread team: the same bits from any number of threads, and no trouble from threads.

In the precisions that matter to a thread: those of vector registers and, where there are any, of
matrix registers, which every thread configures for itself.
"""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minner.engine import Engine
from minner.kernels.model import Shape
from minner.kernels.runtime import cores
from minner.kernels.runtime.buffers import buffer_count, buffer_views
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS, attention_name
from minner.weights.checkpoint import read_checkpoint
from minner.weights.packed_model import aligned_empty


@pytest.fixture(scope="module")
def checkpoint(tiny_path):
    return read_checkpoint(tiny_path)


@pytest.fixture(scope="module")
def batch(checkpoint):
    rng = np.random.default_rng(0)
    lengths = [1, 2, 3, 7, 8, 9, 31, 16]
    return [rng.integers(0, checkpoint.config.vocab_size, n).astype(np.int32) for n in lengths]


@pytest.fixture(scope="module", params=["float32", "int8"])
def precision(request):
    return request.param


@pytest.fixture(scope="module")
def expected(checkpoint, batch, precision):
    return Engine(checkpoint, 1, precision).logits(batch)


def assert_same(actual, expected):
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_any_number_of_threads_gives_the_same_bits(checkpoint, batch, precision, expected, threads):
    engine = Engine(checkpoint, threads, precision)
    for _ in range(20):
        assert_same(engine.logits(batch), expected)
    for ids, alone in zip(batch, expected, strict=True):
        assert_same(engine.logits([ids]), [alone])


def test_several_callers_take_turns(checkpoint, batch, precision, expected):
    engine = Engine(checkpoint, 2, precision)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: engine.logits(batch), range(40)):
            assert_same(result, expected)


def test_a_call_after_one_that_got_no_memory(checkpoint, batch, precision, expected, monkeypatch):
    def refuse(_count):
        raise MemoryError

    engine = Engine(checkpoint, 2, precision)
    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr("minner.call_buffers.aligned_empty", refuse)
        engine.logits(batch)
    assert_same(engine.logits(batch), expected)


@pytest.mark.parametrize("tokens", [1, 13, 132])
def test_threads_write_to_pages_of_their_own(precision, tokens):
    shape = Shape(100, 512, 2, 3, 90, 200, 9)
    layouts = OPERAND_LAYOUTS[precision], OPERAND_LAYOUTS[attention_name(precision)]
    memory = aligned_empty(buffer_count(shape, *layouts, tokens, tokens, workers=3))
    pages = []
    for rank in range(3):
        buffers, _ = buffer_views(memory, shape, *layouts, tokens, tokens, rank)
        assert within(memory, *buffers.thread)
        pages.append({at // 4096 for part in buffers.thread for at in addresses(part)})
    shared = buffers.hidden, buffers.qkv, buffers.context, buffers.ffn, buffers.last.rows
    pages.append({at // 4096 for part in shared for at in addresses(part)})
    assert sum(map(len, pages)) == len(set().union(*pages))


def addresses(array):
    return range(array.ctypes.data, array.ctypes.data + array.nbytes, 4)


def within(memory, *parts):
    return all(addresses(part)[i] in addresses(memory) for part in parts for i in (0, -1))


def test_one_thread_needs_no_team(checkpoint, batch):
    before = threading.active_count()
    Engine(checkpoint, threads=1).logits(batch)
    assert threading.active_count() <= before  # helpers of other tests may end meanwhile


def test_helpers_use_no_cpu_when_idle(checkpoint, batch, precision, expected):
    engine = Engine(checkpoint, 3, precision)
    engine.logits(batch)
    time.sleep(0.3)
    began = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - began < 0.05
    assert_same(engine.logits(batch), expected)  # and they wake up again


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_builds_its_own_team(checkpoint, batch, precision, expected):
    engine = Engine(checkpoint, 2, precision)
    engine.logits(batch)
    for _ in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                assert_same(engine.logits(batch), expected)
                status = 0
            finally:
                os._exit(status)
        assert_same(engine.logits(batch), expected)
        assert os.waitpid(child, 0)[1] == 0


def test_a_dropped_engine_leaves_no_thread_and_no_pipe(checkpoint, batch):
    def open_files():
        return len(os.listdir("/proc/self/fd"))

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    Engine(checkpoint, threads=3).logits(batch)
    threads, files = threading.active_count(), open_files()
    for _ in range(5):
        Engine(checkpoint, threads=3).logits(batch)
    deadline = time.monotonic() + 10
    while threading.active_count() > threads - 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= threads
    assert open_files() <= files


def test_more_threads_than_cores_still_finish(checkpoint, batch, precision, expected):
    """As in a container that shows more CPUs than it grants."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("needs sched_setaffinity")
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        engine = Engine(checkpoint, 4, precision)
        for _ in range(5):
            assert_same(engine.logits(batch), expected)
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"cpu.max": "max 100000"}, cores.UNLIMITED),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 0),
        ({"cpu.max": "nonsense"}, cores.UNLIMITED),
        ({"cpu.max": "200000 0"}, cores.UNLIMITED),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, cores.UNLIMITED),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "300000\n"}, cores.UNLIMITED),
        ({}, cores.UNLIMITED),
    ],
)
def test_quota_of_a_container(monkeypatch, tmp_path, files, quota):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    assert cores.cgroup_quota() == quota
    assert cores.available_cores() >= 1
