"""Race from a column of texts to a column of entities: Spark against minner alone.

The same texts go through `ner.pipe` and through minner's Spark NLP mode in one process, and through
`minner.spark` under `local[N]` and on one or two executors that are processes of their own. All
have the embedded model, unless `--checkpoint` names another. Spark's data frame of texts lies in
memory, cut into 8 partitions a core; its results are made whole and thrown away (`noop`). Entities
are compared before anything is timed. Before each run an untimed one of SAMPLE texts loads the
engines again, because Spark ends Python workers that had nothing to do for a minute.

Besides the time of the clock stands that of the cores, of all processes of a racer (Linux only):
what a row costs, and the figure that other work on the machine disturbs least.

The texts are the first `--sentences` of the files in CoNLL format that `--data` names.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, describe
from benchmarks.options import count_rounds, shared_options
from benchmarks.report import Table, finish, progress, spread
from benchmarks.worker import Worker
from minner.bench.timing import ratios
from minner.scoring.conll import read_conll

CONLL = ROOT.parent / "shared" / "data" / "conll2003"
DATA = [CONLL / "eng.train", CONLL / "eng.testa", CONLL / "eng.testb"]

SAMPLE = 500
"""Texts, spread over all, whose entities are compared, which also loads the engines."""

Found = list[list[tuple[str, str]]]
"""Of each text, the text and the label of each entity."""


class InProcess:
    """minner without Spark: `ner.pipe`, or the Spark NLP mode."""

    def __init__(
        self, texts: Sequence[str], model: str | None, threads: int, as_spark_nlp: bool
    ) -> None:
        """Load the model."""
        import minner
        from minner.sparknlp import LightPipeline

        self._texts = texts
        self._ner = minner.load(model, threads=threads)
        self._light = LightPipeline(self._ner) if as_spark_nlp else None

    def entities(self) -> Found:
        """The entities of the sample."""
        texts = self._texts[:: _step(self._texts)]
        if self._light is None:
            return [[(item.text, item.label) for item in row] for row in self._ner.pipe(texts)]
        return [
            [(item["result"], item["metadata"]["entity"]) for item in row["entities"]]
            for row in self._light.fullAnnotate(texts)
        ]

    def run(self) -> None:
        """All texts, as a stream."""
        if self._light is None:
            for _ in self._ner.pipe(self._texts):
                pass
        else:
            for start in range(0, len(self._texts), SAMPLE):
                self._light.fullAnnotate(self._texts[start : start + SAMPLE])


class OnSpark:
    """`minner.spark.entities`, or the model card's pipeline, in a Spark of its own."""

    def __init__(
        self, texts: Sequence[str], model: str | None, master: str, cores: int, as_spark_nlp: bool
    ) -> None:
        """Start Spark, and put the texts into its memory."""
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        settings = {"ui.enabled": False, "ui.showConsoleProgress": False, "log.level": "OFF"}
        builder = SparkSession.builder.master(master)
        for name, value in settings.items():
            builder = builder.config(f"spark.{name}", value)
        spark = builder.getOrCreate()
        rows = spark.sparkContext.parallelize(list(enumerate(texts)), 8 * cores)
        frame = spark.createDataFrame(rows, "id int, text string").cache()
        frame.count()
        self._all = self._transform(frame, model, as_spark_nlp)
        self._sample = self._transform(
            frame.filter(frame.id % _step(texts) == 0), model, as_spark_nlp
        )

    def _transform(self, frame: Any, model: str | None, as_spark_nlp: bool) -> Any:
        from pyspark.ml import PipelineModel

        from minner.spark import (
            DistilBertForTokenClassification,
            DocumentAssembler,
            NerConverter,
            Tokenizer,
            entities,
        )

        if not as_spark_nlp:
            return entities(frame, "text", model=model)
        classifier = DistilBertForTokenClassification.pretrained(model).setOutputCol("ner")
        converter = NerConverter().setInputCols("document", "token", "ner")
        stages = [
            DocumentAssembler().setInputCol("text"),
            Tokenizer().setInputCols("document").setOutputCol("token"),
            classifier.setInputCols("document", "token"),
            converter.setOutputCol("entities"),
        ]
        return PipelineModel(stages).transform(frame)

    def entities(self) -> Found:
        """The entities of the sample."""
        names = self._sample.schema["entities"].dataType.elementType.names
        text, label = ("text", "label") if "label" in names else ("result", "metadata.entity")
        rows = self._sample.selectExpr(
            "id", f"entities.{text}", f"transform(entities, e -> e.{label})"
        )
        return [
            list(zip(texts, labels, strict=True)) for _, texts, labels in rows.sort("id").collect()
        ]

    def run(self) -> None:
        """All texts, to the last column."""
        self._all.write.format("noop").mode("overwrite").save()


def cpu_seconds(root: int | None) -> float:
    """Time on cores of a process and all below it, those included that have ended."""
    parents, ticks = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        process = int(stat.parent.name)
        parents[process] = int(fields[1])
        ticks[process] = sum(map(int, fields[11:15]))  # its own, and of children that have ended
    below = {root}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(ticks[process] for process in below) / os.sysconf("SC_CLK_TCK")


def _step(texts: Sequence[str]) -> int:
    return max(len(texts) // SAMPLE, 1)


def main() -> None:
    """Run the race that the command line asks for."""
    parser = shared_options(__doc__, rounds=3, minutes=20, output="spark.json")
    parser.add_argument("--data", type=Path, nargs="+", default=DATA, help="files in CoNLL format")
    parser.add_argument("--sentences", type=int, default=20_000, help="of the data, as texts")
    parser.add_argument(
        "--executors", type=int, nargs="*", default=[1, 2], help="numbers of executors to race"
    )
    options = parser.parse_args()
    machine, threads = describe(), options.threads
    model = None if options.checkpoint is None else str(options.checkpoint)
    sentences = chain.from_iterable(map(read_conll, options.data))
    texts = [" ".join(sentence.words) for sentence in islice(sentences, options.sentences)]

    base = f"ner.pipe, {threads} threads"
    racers = start(base, texts, model, threads, options.executors)

    seconds: dict[str, list[float]] = {name: [] for name in racers}
    cpu: dict[str, list[float]] = {name: [] for name in racers}
    for number in count_rounds(options):
        for name in sorted(racers, reverse=number % 2 == 1):
            racers[name].call("entities")
            before = cpu_seconds(racers[name].pid)
            seconds[name] += racers[name].burst("run", seconds=0, least=1, warm_ups=0)
            cpu[name].append(cpu_seconds(racers[name].pid) - before)
            progress(
                f"{name}: {len(texts) / seconds[name][-1]:.0f} rows/s, "
                f"{1000 * cpu[name][-1] / len(texts):.2f} ms of a core a row"
            )
    for worker in racers.values():
        worker.close()
    table = speed_table(seconds, cpu, len(texts), base)
    settings = {**vars(options), "data": [path.name for path in options.data]}
    measurements = {"seconds": seconds, "cpu_seconds": cpu}
    finish("spark", settings, machine, [table], measurements, options.output)


def start(
    base: str, texts: Sequence[str], model: str | None, threads: int, executors: Sequence[int]
) -> dict[str, Worker]:
    """Start the racers, by name, and compare their entities."""
    spark_nlp = f"Spark NLP mode in process, {threads} threads"
    local = f"local[{threads}]"
    setups: dict[str, tuple[Any, ...]] = {
        base: (InProcess, texts, model, threads, False),
        f"entities, {local}": (OnSpark, texts, model, local, threads, False),
        spark_nlp: (InProcess, texts, model, threads, True),
        f"pipeline, {local}": (OnSpark, texts, model, local, threads, True),
    }
    for count in executors:
        name = f"entities, executors of one core: {count}"
        setups[name] = (OnSpark, texts, model, f"local-cluster[{count},1,1024]", count, False)
    racers: dict[str, Worker] = {}
    for name, setup in setups.items():
        racers[name] = Worker(*setup)
        expected = racers[spark_nlp if name.startswith("pipeline") else base]
        if name != spark_nlp and racers[name].call("entities") != expected.call("entities"):
            raise SystemExit(f"{name}: the entities are not those of minner alone")
        progress(f"ready: {name}")
    return racers


def speed_table(
    seconds: dict[str, list[float]], cpu: dict[str, list[float]], count: int, base: str
) -> Table:
    """Rows a second, the share of the rate of `base` in the same round, and what a row costs."""
    rows = [
        [
            name,
            f"{count / statistics.median(values):.0f}",
            spread(ratios(seconds[base], values)),
            f"{1000 * statistics.median(cpu[name]) / count:.2f}",
        ]
        for name, values in seconds.items()
    ]
    title = (
        f"Texts to entities, {count} sentences, {len(seconds[base])} rounds: median, in brackets "
        f"the 10th and 90th percentile"
    )
    return Table(title, ["", "rows/s", f"of the rate of {base}", "ms of a core a row"], rows)


if __name__ == "__main__":
    main()
