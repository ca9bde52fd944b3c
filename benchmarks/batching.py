"""Where does a batch begin to pay? The map of `minner bench --map`, kept and drawn.

Tokens a second over the sequences of a batch and their length. A call is bound by latency as long
as another sequence costs less than the first, and by throughput once it has nearly the best rate of
its length: from there, larger batches bring nothing.
"""

from __future__ import annotations

import sys

from benchmarks.machine import describe
from benchmarks.model import find_model
from benchmarks.options import shared_options
from benchmarks.report import Table, finish
from minner.bench.batching import ENOUGH, Rates, grid, map_rows, rates
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS


def main() -> None:
    """Measure the map that the command line asks for."""
    parser = shared_options(__doc__, rounds=1, minutes=1, output="batching.json")
    parser.add_argument("--precision", choices=OPERAND_LAYOUTS, default="float32")
    options = parser.parse_args()
    import minner
    from minner.bench.measure import Bench
    from minner.bench.report import summary

    machine, model = describe(), find_model(options)
    tagger = minner.load(model.checkpoint, precision=options.precision, threads=options.threads)
    shapes = grid(tagger.config.max_position_embeddings)
    bench = Bench({options.threads: tagger}, shapes, options.precision, with_stages=False)
    for _ in bench.run(60 * options.minutes):
        print(".", end="", file=sys.stderr, flush=True)
    found = summary(bench, options.model, machine)["logits"]
    table = map_table(rates(found), f"{options.model}, {options.precision}, {options.threads}")
    finish("batching", vars(options), machine, [table], {"logits": found}, options.output)


def map_table(found: Rates, setup: str) -> Table:
    """The map as a table."""
    header, *rows = map_rows(found)
    title = (
        f"Thousands of tokens a second, {setup} threads, by tokens of a sequence and sequences of "
        f"a batch; * from {ENOUGH:.0%} of the best rate of a length on"
    )
    return Table(title, header, rows)


if __name__ == "__main__":
    main()
