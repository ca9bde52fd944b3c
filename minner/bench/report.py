"""What `minner bench` found: one JSON-ready dictionary, and the tables made from it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

import minner
from minner.bench.batching import ENOUGH, map_rows, rates
from minner.bench.measure import Bench, Series
from minner.bench.shapes import BatchShape
from minner.bench.timing import Spread, ratios, spread
from minner.bench.work import forward_flops, matrix_weights, weight_bytes
from minner.kernels.model import PRODUCTS

# ---- the dictionary -----------------------------------------------------------------------------


def summary(bench: Bench, name: str, machine: Any) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Args:
        bench: the measurements.
        name: of the model.
        machine: what `machine.describe` said before the first measurement.

    Returns:
        - `minner`: the version.
        - `model`: `name`, `precision`, its sizes, `matrix_weights` and their `matrix_bytes`.
        - `peak_of`: the instructions that the peak is measured with.
        - `machine`: see `machine.describe`.
        - `rounds`: how many there were.
        - `logits`: random ids to logits, an entry for each shape and thread count: `batch`,
          `tokens`, `threads`, `calls`, `p50_ms`, `p90_ms`, `p99_ms`, `tokens_per_s` and
          `gflop_per_s` at the median, `gflop` of one call (see `work.forward_flops`),
          `peak_gflop_per_s` and `read_gb_per_s` of the same threads, and three spreads over the
          rounds, each as `median`, `p10`, `p90`: `peak_share`, of the peak that is used;
          `read_share`, the time of reading the matrices once over the time of a call; and
          `speedup` over the least threads.
        - `stages`: text to entities on the most threads, an entry for each shape: `batch`,
          `tokens` (at most, of each text), `threads`, `calls`, `p50_ms` of a call, and
          `stages_ms`, the median of each stage. None for a map.
    """
    config = bench.config
    sizes = ("n_layers", "n_heads", "dim", "hidden_dim", "vocab_size", "max_position_embeddings")
    return {
        "minner": minner.__version__,
        "model": {
            "name": name,
            "precision": bench.precision,
            **{size: getattr(config, size) for size in sizes},
            "labels": len(config.labels),
            "matrix_weights": matrix_weights(config),
            "matrix_bytes": weight_bytes(config, bench.precision),
        },
        "peak_of": bench.peak_of,
        "machine": machine,
        "rounds": bench.rounds,
        "logits": [_logits_entry(shape, threads, bench) for shape, threads in bench.series],
        "stages": [
            _stages_entry(shape, bench.threads[-1], calls) for shape, calls in bench.stages.items()
        ],
    }


def _logits_entry(shape: BatchShape, threads: int, bench: Bench) -> dict[str, Any]:
    every, config = bench.series, bench.config
    series = every[shape, threads]
    calls = [call for burst in series.calls for call in burst]
    p50, p90, p99 = np.percentile(calls, [50, 90, 99]).tolist()
    flops = shape.batch * forward_flops(config, shape.tokens)
    medians = _medians(series)
    least = min(n for _, n in every)
    rates = [flops / seconds for seconds in medians]
    reads = [weight_bytes(config, bench.precision) / rate for rate in series.read]  # seconds
    return {
        **shape._asdict(),
        "threads": threads,
        "calls": len(calls),
        "p50_ms": 1e3 * p50,
        "p90_ms": 1e3 * p90,
        "p99_ms": 1e3 * p99,
        "tokens_per_s": shape.batch * shape.tokens / p50,
        "gflop_per_s": flops / p50 / 1e9,
        "gflop": flops / 1e9,
        "peak_gflop_per_s": statistics.median(series.peak) / 1e9,
        "read_gb_per_s": statistics.median(series.read) / 1e9,
        "peak_share": spread(ratios(rates, series.peak))._asdict(),
        "read_share": spread(ratios(reads, medians))._asdict(),
        "speedup": spread(ratios(_medians(every[shape, least]), medians))._asdict(),
    }


def _medians(series: Series) -> list[float]:
    """Median seconds of a call, for each round."""
    return [statistics.median(burst) for burst in series.calls]


def _stages_entry(
    shape: BatchShape, threads: int, calls: Sequence[dict[str, float]]
) -> dict[str, Any]:
    return {
        **shape._asdict(),
        "threads": threads,
        "calls": len(calls),
        "p50_ms": 1e3 * statistics.median(sum(call.values()) for call in calls),
        "stages_ms": {
            stage: 1e3 * statistics.median(call[stage] for call in calls) for stage in calls[0]
        },
    }


# ---- the tables ---------------------------------------------------------------------------------


def tables(found: dict[str, Any]) -> str:
    """The summary as text for a person."""
    most = max(entry["threads"] for entry in found["logits"])
    parts = [_head(found), _logits_table(found["logits"], most)]
    if len({entry["threads"] for entry in found["logits"]}) > 1:
        parts.append(_threads_table(found["logits"]))
    if found["stages"]:
        parts += [_stages_table(found["stages"]), NOTES]
    else:
        parts += [_map_table(found["logits"]), NOTES, MAP_NOTES]
    return "\n\n".join(parts)


NOTES = """\
A shape is sequences x tokens. p50, p90 and p99 are over all calls; a bracket is the 10th to the
90th percentile over the rounds, in which all has its turn after a warm-up.
GFLOP: two operations for each multiply-add of the products, attention's among them; norms,
softmax and activations count as nothing.
Of peak: of what multiply-adds in registers reach on the same threads, measured beside each burst
with the instructions named above. The classifier, and attention in int8, multiply in more bits.
Of read: the time of reading the matrices once, at the speed at which the same threads read as many
bytes again and again, over the time of a call. It is the limit of a short sentence.
Stages: tokenise is all before the native call, and decode all after it; embed includes waking
threads; bias, activation and residual belong to the product they follow."""

MAP_NOTES = f"""\
Map: an asterisk marks batches with {ENOUGH:.0%} of the best rate of their length, and larger ones.
They are bound by throughput: twice the sequences take twice the time. Before them, a call is bound
by latency: another sequence costs less than the first."""


def _head(found: dict[str, Any]) -> str:
    model, machine = found["model"], found["machine"]
    caches = "".join(f", {level} {size}" for level, size in machine["caches"].items())
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return "\n".join(
        [
            f"{model['name']}, {model['precision']}: {model['n_layers']} layers, width "
            f"{model['dim']}, {model['n_heads']} heads, feed-forward {model['hidden_dim']}; "
            f"matrices {model['matrix_bytes'] / 1e6:.0f} MB",
            f"{machine['cpu']} ({machine['target']}{', virtual' if machine['virtual'] else ''}), "
            f"{machine['lanes']} float32 in a register, {machine['cores']} cores{caches}, "
            f"{machine['memory_gib']} GiB",
            f"{machine['system']} {machine['kernel']}, Python {machine['python']}, {packages}",
            f"peak: {found['peak_of']}",
            f"{machine['date']}, load average before {machine['load_average']}, "
            f"rounds {found['rounds']}",
        ]
    )


def _logits_table(entries: Sequence[dict[str, Any]], threads: int) -> str:
    header = ["SHAPE", "CALLS", "P50 ms", "P90 ms", "P99 ms", "TOKENS/s", "GFLOP/s"]
    rows = [
        [
            _shape(entry),
            str(entry["calls"]),
            *(f"{entry[key]:.2f}" for key in ("p50_ms", "p90_ms", "p99_ms")),
            *(f"{entry[key]:.0f}" for key in ("tokens_per_s", "gflop_per_s")),
            _percent(entry["peak_share"]),
            _percent(entry["read_share"]),
        ]
        for entry in entries
        if entry["threads"] == threads
    ]
    title = f"Ids to logits, {_threads(threads)}"
    return f"{title}\n\n{_layout([[*header, '% OF PEAK', '% OF READ'], *rows])}"


def _threads_table(entries: Sequence[dict[str, Any]]) -> str:
    counts = sorted({entry["threads"] for entry in entries})
    rows = [["SHAPE", *(_threads(n).upper() for n in counts)]]
    for shape in dict.fromkeys(map(_shape, entries)):
        row = [shape]
        for entry in entries:
            if _shape(entry) == shape:
                times = f"{entry['p50_ms']:.2f}"
                if entry["threads"] > counts[0]:
                    times += f", x {Spread(**entry['speedup']).text()}"
                row.append(times)
        rows.append(row)
    for label, key in (("peak GFLOP/s", "peak_gflop_per_s"), ("read GB/s", "read_gb_per_s")):
        medians = [
            statistics.median(entry[key] for entry in entries if entry["threads"] == n)
            for n in counts
        ]
        rows.append([label, *(f"{median:.0f}" for median in medians)])
    title = f"By threads: p50 ms of the same, and how often as fast as {_threads(counts[0])}"
    return f"{title}\n\n{_layout(rows)}"


def _map_table(entries: Sequence[dict[str, Any]]) -> str:
    most = max(entry["threads"] for entry in entries)
    title = f"Map, {_threads(most)}: thousands of tokens a second, by tokens and sequences"
    return f"{title}\n\n{_layout(map_rows(rates(entries)))}"


def _stages_table(entries: Sequence[dict[str, Any]]) -> str:
    rows = [["STAGE", *(_shape(entry) for entry in entries)]]

    def add(label: str, stages: Sequence[str]) -> None:
        row = [label]
        for entry in entries:
            times = entry["stages_ms"]
            taken = sum(times[stage] for stage in stages)
            row.append(f"{taken:.2f} {100 * taken / sum(times.values()):3.0f} %")
        rows.append(row)

    add("tokenise", ["tokenise"])
    add("embed", ["embed"])
    add("products", PRODUCTS)
    for stage in PRODUCTS:
        add(f"  {stage}", [stage])
    add("attention", ["attention"])
    add("norms", ["norms"])
    add("decode", ["decode"])
    rows.append(["whole call", *(f"{entry['p50_ms']:.2f}      " for entry in entries)])
    threads = _threads(entries[0]["threads"])
    title = f"Text to entities, {threads}: median ms and share of each stage"
    return f"{title}\n\n{_layout(rows)}"


def _shape(entry: dict[str, Any]) -> str:
    return str(BatchShape(entry["batch"], entry["tokens"]))


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def _percent(share: dict[str, float]) -> str:
    return Spread(*(100 * value for value in Spread(**share))).text(0)


def _layout(rows: Sequence[Sequence[str]]) -> str:
    """Align columns: the first at its left edge, the others at their right."""
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(first), *(cell.rjust(w) for cell, w in zip(row[1:], others, strict=True))]
        ).rstrip()
        for row in rows
    )
