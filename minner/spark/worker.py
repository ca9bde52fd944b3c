"""What runs in Spark's Python workers: functions over batches of columns, and one engine for all.

Spark starts a Python worker by a fork of its daemon and keeps it for later tasks; a task has one
for each stage. So an engine is loaded once in a worker's life, and workers of one machine share
the weights, which are mapped from a file of the cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import Column, functions
from pyspark.sql.types import DataType

import minner
from minner.tagger import Tagger

Function = Callable[..., pa.Array]
"""From the values of some rows, an Arrow array for each input column, to those of one column."""


@cache
def load(model: str | None, threads: int) -> Tagger:
    """The engine of this process; errors are those of `minner.load`."""
    return minner.load(model, threads=threads)


def task_tagger(model: str | os.PathLike[str] | None, threads: int | None) -> Tagger:
    """The engine for the running task.

    Args:
        model: as in `minner.load`.
        threads: of the engine; where it is None, as many as the task has cores by Spark's own
            count (`spark.task.cpus`, 1 by default). All tasks of an executor together then have
            as many threads as it has cores. On the driver, where no task runs, it is 1.
    """
    if threads is None:
        task = TaskContext.get()
        threads = 1 if task is None else task.cpus()
    return load(None if model is None else os.fspath(model), threads)


def arrow_column(
    name: str, prepare: Callable[[], Function], rows: int, result: DataType
) -> Callable[..., Column]:
    """A function of columns that Spark runs in its Python workers.

    Spark is told that it is not deterministic, though it is: else `filter(size("entities") > 0)`
    would run the model twice, first to filter, and again for the column.

    Args:
        name: what Spark's plans call it.
        prepare: called in the worker, once a task; gives what is called with the columns.
        rows: given to it at once, and back to Spark: what it makes of a batch of Arrow (10,000 rows
            by default) would fill the memory where texts are long.
        result: type of the column.
    """

    def run(batches: Iterator[tuple[pa.Array, ...]]) -> Iterator[pa.Array]:
        function = prepare()
        for batch in batches:
            columns = batch if isinstance(batch, tuple) else (batch,)  # of one column: itself
            for start in range(0, len(columns[0]), rows):
                yield function(*(column.slice(start, rows) for column in columns))

    run.__name__ = name
    # PySpark's stubs lack it. How to call `run` it reads from the annotations.
    arrow_udf = vars(functions)["arrow_udf"]
    column: Callable[..., Column] = arrow_udf(run, result).asNondeterministic()
    return column
