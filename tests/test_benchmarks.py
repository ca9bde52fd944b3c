"""The benchmarks where they decide something: who may race, who wins, what counts as right.

No peer is needed: engines are stood in for by functions.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from minner.bench.shapes import BatchShape
from minner.kernels.model import stage_names
from minner.kernels.vector.target import NR
from minner.scoring.conll import Sentence
from minner.tagger import Tagger

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # last: an installed minner stays the one that is tested

from benchmarks import batching, flatness, habits, plan, race, race_tables, usage  # noqa: E402
from benchmarks.engines import ENTRIES, Entry, find_entry  # noqa: E402
from benchmarks.model import EXPORTS, random_ids  # noqa: E402
from benchmarks.options import count_rounds, shared_options  # noqa: E402
from benchmarks.report import Table  # noqa: E402
from benchmarks.usage import Usage, check_parity, memory_mib, watched_burst  # noqa: E402
from benchmarks.worker import Worker, WorkerError  # noqa: E402

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")

# ---- what a process takes -----------------------------------------------------------------------


def compute(seconds: float, done: threading.Barrier, end: threading.Event) -> None:
    """Keep a core busy for so long, then wait."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    done.wait()
    end.wait()


@LINUX
def test_busy_threads_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "BUSY", 0.01)  # the machine may have much else to do
    done, end = threading.Barrier(4), threading.Event()

    def compute_in_threads() -> None:
        for seconds in (0.2, 0.2, 0.0):
            threading.Thread(target=compute, args=(seconds, done, end)).start()
        done.wait()

    found = watched_burst(compute_in_threads, seconds=0, least=1, warm_ups=0)
    end.set()
    assert len(found.seconds) == 1
    assert found.threads in (2, 3), "two computed; the main thread may have"
    assert found.cores > 0


@LINUX
def test_a_thread_that_sleeps_does_not_count() -> None:
    found = watched_burst(time.sleep, 0.1, seconds=0, least=1, warm_ups=0)
    assert found.threads == 0
    assert found.cores < 0.5


@LINUX
def test_memory_grows_with_what_is_kept() -> None:
    before = memory_mib()
    kept = np.ones(64 << 20, dtype=np.uint8)
    after = memory_mib()
    assert after["resident"] - before["resident"] > 60
    assert after["peak"] >= after["resident"] >= len(kept) / 2**20


def test_without_proc_there_are_no_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PROCESS", "MACHINE"):
        monkeypatch.setattr(usage, name, tmp_path / "nothing")
    assert usage.thread_seconds() == {}
    assert all(np.isnan(size) for size in memory_mib().values())
    assert watched_burst(sum, [1], seconds=0, least=1, warm_ups=0).threads == 0


@pytest.mark.parametrize(
    ("cores", "threads"), [(2.2, 2), (1.9, 4)], ids=["too many cores", "four threads on two cores"]
)
def test_an_engine_on_more_threads_ends_the_race(cores: float, threads: int) -> None:
    check_parity("within", Usage([0.1], 2.0, 2), 2)
    check_parity("with a caller that computes, too", Usage([0.1], 2.0, 3), 2)
    with pytest.raises(SystemExit, match=f"x computed on {threads} threads"):
        check_parity("x", Usage([0.1], cores, threads), 2)


# ---- workers ------------------------------------------------------------------------------------


class Echo:
    """A worker for tests: gives back, or fails."""

    def run(self, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"no {value}\nat all")
        return value

    def has_children(self) -> int | None:
        """Start a process and wait for it."""
        child = multiprocessing.get_context("spawn").Process(target=int)
        child.start()
        child.join()
        return child.exitcode


def test_a_worker_answers_and_says_why_it_failed() -> None:
    worker = Worker(Echo)
    assert worker.call("run", 5) == 5
    assert len(worker.watch("run", 1, seconds=0, least=2, warm_ups=0).seconds) == 2
    assert list(worker.memory()) == ["resident", "peak"]
    with pytest.raises(WorkerError, match="Traceback") as caught:
        worker.call("run", "luck")
    assert caught.value.reason == "ValueError: no luck"
    worker.close()


def test_a_worker_may_have_processes_of_its_own() -> None:
    worker = Worker(Echo, parent=True)
    assert worker.call("has_children") == 0
    worker.close()


# ---- who may race -------------------------------------------------------------------------------


def test_every_entry_reads_a_form_that_is_made() -> None:
    assert {entry.form for entry in ENTRIES} <= {"checkpoint", *EXPORTS}
    assert len({entry[:2] for entry in ENTRIES}) == len(ENTRIES)
    assert {entry.precision for entry in ENTRIES if entry.name == race_tables.BASE} == {
        entry.precision for entry in ENTRIES
    }


def test_a_peer_that_is_not_installed_is_named() -> None:
    class Absent:
        package = "no_such_engine"

    absent = Entry("absent", "float32", Absent, "checkpoint", "")
    assert absent.missing() == "the package no_such_engine is not installed"
    assert find_entry("minner", "int8").missing() is None


def test_logits_that_are_off_end_the_race() -> None:
    entry = find_entry("minner", "float32")
    right = [np.random.default_rng(0).normal(size=(1, 8, 9)).astype(np.float32)]
    assert race.check_logits(entry, right, right).largest == 0
    for wrong in (right[0] + 0.01, np.full_like(right[0], np.nan)):
        with pytest.raises(SystemExit, match="logits are off"):
            race.check_logits(entry, [wrong], right)


def test_a_round_gives_everyone_a_burst_in_an_order_that_rotates() -> None:
    order = []

    class Stub:
        def __init__(self, name: str) -> None:
            self.name = name

        def watch(self, method: str, ids: Any) -> Usage:
            assert (method, ids.shape) == ("run", (2, 5))
            order.append(self.name)
            return Usage([1.0, 3.0, 2.0], 1.5, 2)

    entries = ENTRIES[:3]
    row = {entry: race_tables.Series() for entry in entries}
    workers: Any = {entry: Stub(str(entry)) for entry in entries}
    for number in range(2):
        race.one_round(workers, BatchShape(2, 5), number, row, 2)
    first, second, third = map(str, entries)
    assert order == [first, second, third, second, third, first]
    assert row[entries[0]].medians == [2.0, 2.0]


def test_a_disturbed_burst_is_repeated() -> None:
    others = iter([0.5, 0.3, 0.0, 0.9, 0.5, 0.7, 0.6])

    class Stub:
        def watch(self, method: str, ids: Any) -> Usage:
            return Usage([1.0], 1.5, 2, next(others))

    entry, shape = ENTRIES[0], BatchShape(1, 4)
    row, workers = {entry: race_tables.Series()}, {entry: Stub()}
    race.one_round(cast("Any", workers), shape, 0, row, 2)
    race.one_round(cast("Any", workers), shape, 0, row, 2)
    assert row[entry].others == [0.0, 0.5], "the first that was quiet; else the least disturbed"


@LINUX
def test_other_processes_are_noticed() -> None:
    before = usage.machine_seconds()
    subprocess.run([sys.executable, "-c", "for _ in range(3_000_000): pass"], check=True)
    assert usage.machine_seconds() > before


def test_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def parsed(*arguments: str) -> tuple[Any, list[Entry]]:
        monkeypatch.setattr(sys, "argv", ["race", *arguments])
        return race.parse()

    options, entries = parsed("--model", "bert", "--precisions", "int8", "--shapes", "1x16")
    assert (options.model, options.shapes) == ("bert", (BatchShape(1, 16),))
    assert {entry.precision for entry in entries} == {"int8"}
    for wrong in (("--model", "gpt"), ("--engines", "nobody"), ("--engines", "float32")):
        with pytest.raises(SystemExit):
            parsed(*wrong)
    assert "neither an engine nor a precision: nobody" in capsys.readouterr().err


def test_rounds_stop_before_one_that_would_take_too_long(capsys: Any) -> None:
    options = shared_options("", rounds=5, minutes=1, output="x.json").parse_args([])
    assert list(count_rounds(options)) == [0, 1, 2, 3, 4]
    options.minutes = 0
    assert list(count_rounds(options)) == [0]


# ---- what a race found --------------------------------------------------------------------------


def a_race(times: dict[str, Sequence[float]], precision: str = "float32") -> race_tables.Race:
    """One shape in which every burst is of three calls about the given seconds."""
    row = {}
    for name, medians in times.items():
        series = row[find_entry(name, precision)] = race_tables.Series()
        for seconds in medians:
            series.add(Usage([seconds, seconds, 2 * seconds], 1.9, 2))
    return {BatchShape(1, 16): row}


def cells(table: Table, first: str) -> list[str]:
    """The cells of the row that begins so."""
    return next(list(row[1:]) for row in table.rows if row[0] == first)


def test_ratios_are_taken_within_a_round() -> None:
    found = a_race({"minner": [1.0, 10.0], "openvino": [2.0, 20.0], "torch": [3.0, 15.0]})
    table = race_tables.ratio_table(found)
    assert cells(table, "openvino float32") == ["2.00 (2.00 to 2.00)", "2.00"]
    assert cells(table, "torch float32")[0].startswith("2.25 ")
    assert cells(table, "best peer, float32") == ["2.25 torch", "2.25"]


def test_a_race_without_peers_or_without_minner_has_no_ratios() -> None:
    for names in (["minner"], ["openvino", "torch"]):
        found = a_race({name: [1.0] for name in names})
        memory = dict.fromkeys(found[BatchShape(1, 16)], 100.4)
        tables = race_tables.tables(found, memory, "2 threads")
        assert [table.header[0] for table in tables] == ["engine"] * 3


def test_a_precision_without_a_peer_has_no_best_one() -> None:
    found = a_race({"minner": [1.0], "openvino": [2.0]})
    found[BatchShape(1, 16)] |= a_race({"minner": [1.0]}, "int8")[BatchShape(1, 16)]
    names = [row[0] for row in race_tables.ratio_table(found).rows]
    assert names == ["openvino float32", "best peer, float32"]


def test_slowest_calls_cores_and_memory() -> None:
    found = a_race({"minner": [0.001], "torch": [0.002]})
    assert cells(race_tables.tail_table(found), "torch float32") == ["2.00 / 3.96"]
    memory = dict.fromkeys(found[BatchShape(1, 16)], 100.4)
    assert cells(race_tables.usage_table(found, memory), "minner float32") == [
        "1.90",
        "2",
        "0.00",
        "100",
    ]


@pytest.mark.parametrize("name", ["race-zen4", "race-avx2-xeon-amx"])
def test_a_race_is_drawn(tmp_path: Path, name: str) -> None:
    plot = pytest.importorskip("benchmarks.plot", reason="needs matplotlib", exc_type=ImportError)
    results = ROOT / "benchmarks" / "results"
    plot.draw(json.loads((results / f"{name}.json").read_text()), str(tmp_path / "race.svg"))
    assert (tmp_path / "race.svg").read_text(encoding="utf-8").startswith("<?xml")


# ---- batches and threads ------------------------------------------------------------------------


def test_a_map_is_laid_out_and_drawn(tmp_path: Path) -> None:
    entries = [
        {"batch": batch, "tokens": 8, "threads": 2, "tokens_per_s": 1e3 * rate}
        for batch, rate in ((1, 5), (2, 9), (4, 10))
    ]
    table = batching.map_table(batching.rates(entries), "tiny base, float32, 2")
    assert cells(table, "8") == ["5.0 ", "9.0*", "10.0*", "2 x 8 = 16 tokens"]
    plot = pytest.importorskip("benchmarks.plot", reason="needs matplotlib", exc_type=ImportError)
    run = {
        **{"benchmark": "batching", "settings": {"threads": 2}},
        **{"machine": {"cpu": "a", "date": "b"}, "measurements": {"logits": entries}},
    }
    plot.draw(run, str(tmp_path / "map.svg"))
    assert (tmp_path / "map.svg").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("threads", "share"), [(1, 1), (12, 2 / 24), (16, 2 / 24), (24, 1 / 24), (32, 1 / 24)]
)
def test_the_busiest_of_many_threads(threads: int, share: float) -> None:
    assert plan.busiest(24, threads) == pytest.approx(share)


def test_a_plan_counts_shares_barriers_and_reads() -> None:
    stages = [plan.Stage(24.0, 24, 0), plan.Stage(8.0, 8, 30)]
    costs = plan.Costs(barrier=0.5, barriers=2, read=10.0)
    assert plan.planned(stages, costs, 1) == (32.0, 32.0)
    assert plan.planned(stages, costs, 2) == (1 + 12 + 4, 1 + 12 + 4)
    assert plan.planned(stages, costs, 16) == (8 + 2 + 1, 8 + 2 + 3)


def test_a_plan_is_measured_and_drawn_up(tiny: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "SECONDS", 0)
    assert plan.barrier_seconds() >= 0
    stages = plan.measure_stages(tiny, "float32", BatchShape(2, 9))
    assert len(stages) == len(set(stage_names(2)))
    assert all(stage.seconds > 0 for stage in stages)
    plans = {"2x9": {n: plan.planned(stages, plan.Costs(0, 1, 1e9), n) for n in plan.THREADS}}
    table = plan.plan_table(plans, {"2x9": 1e-3}, plan.Costs(0, 1, 1e9), "float32")
    assert cells(table, "1")[0].endswith("x 1.0")
    assert "(measured 1.00)" in cells(table, "2")[0]


def test_every_stage_has_items(tiny: Tagger) -> None:
    """Of the model with two layers, D = 32, four heads and F = 37, for 10 sequences of 7 tokens."""
    found = plan.items_of(tiny.config, "float32", BatchShape(10, 7))
    assert list(found) == list(dict.fromkeys(stage_names(2)))
    panels = -(-3 * 32 // NR)
    assert found["qkv"] == (panels, 2 * 4 * 3 * 32 * 32)
    assert found["lin1"] == (-(-37 // NR), 2 * 4 * 32 * 37)
    assert (found["attention"], found["norms"]) == ((40, 0), (18, 0))
    assert plan.items_of(tiny.config, "int8", BatchShape(1, 8))["quantise"] == (2, 0)


# ---- text to entities ---------------------------------------------------------------------------


def test_gold_entities_have_the_characters_of_their_words() -> None:
    words = ("Ana", "Li", "left", "the", "EU", "for", "Bonn", "today")
    tags = ("B-PER", "I-PER", "O", "O", "B-MISC", "O", "B-LOC", "O")
    found = habits.gold_entities(Sentence(words, tags))
    text = " ".join(words)
    assert [(text[start:end], label) for start, end, label in found] == [
        ("Ana Li", "PER"),
        ("Bonn", "LOC"),
    ]


@pytest.mark.parametrize(
    ("found", "percent"),
    [
        ([[(0, 3, "PER")], [(0, 4, "LOC")]], 100.0),
        ([[(0, 3, "PER")], []], 100 * 2 / 3),
        ([[(0, 3, "ORG")], [(0, 4, "LOC"), (5, 6, "LOC")]], 100 * 2 / 5),
        ([[], []], 0.0),
    ],
)
def test_f1_over_the_entities_of_all_texts(found: Any, percent: float) -> None:
    gold: Any = [[(0, 3, "PER")], [(0, 4, "LOC")]]
    assert habits.micro_f1(gold, found) == pytest.approx(percent)


def test_the_table_of_habits() -> None:
    seconds = {"fast": [1.0, 1.0], "slow": [4.0, 8.0]}
    table = habits.habits_table(seconds, {"slow": 90.123, "fast": 89.0}, 100, 2)
    assert cells(table, "slow") == ["19 (14 to 24)", "6.0", "90.1"]
    assert cells(table, "fast") == ["100 (100 to 100)", "1.0", "89.0"]


# ---- memory that stays flat ---------------------------------------------------------------------


def test_memory_is_read_at_every_mark() -> None:
    class Stub:
        def __init__(self) -> None:
            self.calls: list[int] = []

        def call(self, method: str, lengths: Sequence[int]) -> None:
            assert method == "run"
            self.calls.extend(lengths)

        def memory(self) -> dict[str, float]:
            return {"resident": float(len(self.calls)), "peak": 7.0}

    stub: Any = Stub()
    found = flatness.run(stub, [5, 6, 7, 8], (1, 4))
    assert stub.calls == [5, 6, 7, 8]
    assert found == {"1": 1.0, "4": 4.0, "peak": 7.0}
    table = flatness.flatness_table({"a": found}, "tiny")
    assert cells(table, "a") == ["1", "4", "+3", "7"]
    assert random_ids(1, 3).shape == (1, 3)
