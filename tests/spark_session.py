"""A Spark of this machine for tests, and a look at its Python workers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import minner

OLDEST_JAVA = 17


@contextmanager
def start_spark(master: str, **settings: Any) -> Iterator[Any]:
    """A session, stopped afterwards; skips the test where Spark cannot run, and says why."""
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    _need_java()
    with pytest.MonkeyPatch.context() as patch:
        # Workers run this Python, and find what the tests find.
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", str(Path(minner.__file__).parents[1]), prepend=os.pathsep)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        builder = sql.SparkSession.builder.master(master)
        for key, value in {
            "spark.ui.enabled": False,
            "spark.ui.showConsoleProgress": False,
            "spark.log.level": "OFF",
            **{f"spark.{key.replace('_', '.')}": value for key, value in settings.items()},
        }.items():
            builder = builder.config(key, value)
        session = builder.getOrCreate()
        try:
            yield session
        finally:
            session.stop()


def _need_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(Path(home, "bin", "java") if home else "java")
    if java is None:
        pytest.skip("there is no Java, which Spark needs")
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        pytest.skip(f"Spark needs Java {OLDEST_JAVA} or newer, not: {said.splitlines()[:1]}")


def engines() -> set[int]:
    """The process ids of those Python workers below this process that have loaded an engine."""
    return {
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if b"pyspark.daemon" in _read(process / "cmdline")
        and re.search(rb"/weights-[\w-]+\.bin", _read(process / "maps"))
        and os.getpid() in _ancestors(process)
    }


def _ancestors(process: Path) -> Iterator[int]:
    while (parent := re.search(rb"PPid:\t(\d+)", _read(process / "status"))) and int(parent[1]):
        yield int(parent[1])
        process = process.with_name(parent[1].decode())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it is gone, or another user's
        return b""
