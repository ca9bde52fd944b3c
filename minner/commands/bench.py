"""`minner bench`: how fast a model runs on this machine, and how near to its limits."""

from __future__ import annotations

import argparse

import minner
from minner.bench.shapes import SHAPES, BatchShape, parse_counts, parse_shapes
from minner.commands.common import Commands, add_checkpoint_options
from minner.commands.output import write
from minner.errors import MinnerError
from minner.formats.json_text import json_text
from minner.progress import progress

SECONDS = 30.0


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "bench", help="measure speed: percentiles, share of the machine's limits, time by stage"
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument(
        "--shapes",
        type=_shapes,
        metavar="BxT,...",
        help=f"what to measure, as sequences x tokens; default: {','.join(map(str, SHAPES))}",
    )
    what.add_argument(
        "--map",
        action="store_true",
        help="a map of batch sizes and lengths on all cores instead: where throughput begins",
    )
    command.add_argument(
        "--threads",
        type=_counts,
        metavar="N,...",
        help="numbers of CPU cores to use; default: 1, 2, 4, ... and all",
    )
    command.add_argument(
        "--seconds",
        type=_seconds,
        default=SECONDS,
        help=f"how long to measure; at least one round is; default: {SECONDS:.0f}",
    )
    command.add_argument(
        "--format", choices=("table", "json"), default="table", help="default: table"
    )
    add_checkpoint_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure, and write what was found to stdout."""
    # Imported here: Numba, which compiles the probes, is for no other command.
    from minner.bench.batching import grid
    from minner.bench.machine import describe
    from minner.bench.measure import Bench
    from minner.bench.report import summary, tables
    from minner.kernels.runtime.cores import available_cores

    machine, cores = describe(), available_cores()
    taggers = {
        threads: minner.load(options.model, precision=options.precision, threads=threads)
        for threads in options.threads or ((cores,) if options.map else sweep(cores))
    }
    positions = next(iter(taggers.values())).config.max_position_embeddings
    shapes = grid(positions) if options.map else _fitting(options.shapes, positions)
    bench = Bench(taggers, shapes, options.precision, with_stages=not options.map)
    for _ in progress(bench.run(options.seconds), "bursts"):
        pass
    found = summary(bench, options.model or "the embedded model", machine)
    write(json_text(found, indent=1) if options.format == "json" else f"{tables(found)}\n")


def sweep(cores: int) -> tuple[int, ...]:
    """The thread counts to compare: powers of two, and all cores."""
    powers = (1 << i for i in range(cores.bit_length()))
    return (*(count for count in powers if count < cores), cores)


def _fitting(shapes: tuple[BatchShape, ...] | None, positions: int) -> tuple[BatchShape, ...]:
    """The shapes that were asked for, or those of the usual ones that the model has room for."""
    if shapes is None:
        fitting = tuple(shape for shape in SHAPES if shape.tokens <= positions)
        return fitting or (BatchShape(1, positions),)
    longest = max(shape.tokens for shape in shapes)
    if longest > positions:
        raise MinnerError(
            f"{longest} tokens do not fit: the model has {positions} positions; "
            "choose smaller --shapes"
        )
    return shapes


def _shapes(text: str) -> tuple[BatchShape, ...]:
    try:
        return parse_shapes(text)
    except ValueError as error:
        message = f"{text!r} is not a list of batch x tokens such as 1x16,8x128"
        raise argparse.ArgumentTypeError(message) from error


def _counts(text: str) -> tuple[int, ...]:
    try:
        return parse_counts(text)
    except ValueError as error:
        message = f"{text!r} is not a list of thread counts such as 1,2,4"
        raise argparse.ArgumentTypeError(message) from error


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
