"""minner.spark with executors that are processes of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minner.tagger import Tagger
from spark_session import start_spark

pytest.importorskip("pyspark", reason="PySpark is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from minner.spark.worker import task_tagger
from minner.sparknlp import LightPipeline
from test_spark import TEXTS, annotations, in_process, run, stages

# PySpark leaves sockets of its own to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two executors of two cores, and two cores for a task."""
    with start_spark("local-cluster[2,2,512]", task_cpus=2, executor_memory="512m") as session:
        yield session


def test_executors(cluster: Any, tiny: Tagger, tiny_path: Path) -> None:
    parts = stages(str(tiny_path))
    parts[2].setThreads(1)  # two executors share the cores of the test machine
    assert annotations(run(cluster, TEXTS, parts)) == in_process(LightPipeline(tiny), TEXTS)


def test_threads_are_the_cores_of_a_task(cluster: Any, tiny_path: Path) -> None:
    model = str(tiny_path)

    def look(_: int) -> tuple[str, int]:
        return os.environ["SPARK_EXECUTOR_DIRS"], task_tagger(
            model, None
        )._reader.engine._team.workers

    seen = cluster.sparkContext.parallelize(range(8), 8).map(look).collect()
    assert {threads for _, threads in seen} == {2}
    assert len({executor for executor, _ in seen}) == 2
