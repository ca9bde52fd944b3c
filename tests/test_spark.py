"""minner.spark under `local[2]`, where Spark tries a task four times."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minner
from minner import MinnerError
from minner.scoring.conll import read_conll
from minner.sparknlp import LightPipeline
from minner.tagger import Tagger
from spark_session import engines, start_spark

pytest.importorskip("pyspark", reason="PySpark is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import functions as F
from pyspark.sql.types import MapType, StringType

from minner.spark import (
    DistilBertForTokenClassification,
    DocumentAssembler,
    NerConverter,
    Tokenizer,
    entities,
)
from minner.spark.schema import ANNOTATIONS
from minner.spark.worker import task_tagger

TEXTS = [
    "My name is John Smith.",
    None,
    "",
    "John Smith works for Acme-Corp in London, and (Mary) for Johnson & Co. in São Paris.",
    " \n ",
    "\u0301 😀 John in 😀 Paris\0",
    "John Smith in London " * 40,
]
COLUMNS = ("document", "token", "ner", "entities")


# PySpark leaves sockets of its own to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with start_spark("local[2,4]", sql_execution_arrow_maxRecordsPerBatch=100) as session:
        yield session


def frame(spark: Any, texts: list[Any], partitions: int = 2) -> Any:
    rows = spark.sparkContext.parallelize(list(enumerate(texts)), partitions)
    return spark.createDataFrame(rows, "id int, text string")


def stages(model: str | None = None) -> list[Any]:
    """The stages of the model card's program."""
    return [
        DocumentAssembler().setInputCol("text").setOutputCol("document"),
        Tokenizer().setInputCols(["document"]).setOutputCol("token"),
        DistilBertForTokenClassification.pretrained(model)
        .setInputCols(["token", "document"])
        .setOutputCol("ner")
        .setCaseSensitive(True),
        NerConverter().setInputCols(["document", "token", "ner"]).setOutputCol("entities"),
    ]


def run(spark: Any, texts: list[Any], parts: list[Any]) -> Any:
    data = frame(spark, texts)
    return Pipeline(stages=parts).fit(data).transform(data)


def annotations(result: Any) -> list[dict[str, Any]]:
    """A data frame's annotations as the in-process mode has them, in the order of the ids."""
    return [
        {column: [item.asDict() for item in row[column]] for column in COLUMNS}
        for row in result.sort("id").collect()
    ]


def in_process(pipeline: LightPipeline, texts: list[Any]) -> list[dict[str, Any]]:
    """The same, from the in-process mode; a data frame's documents have the number 0."""
    rows: list[dict[str, Any]] = list(pipeline.fullAnnotate(texts))
    for row in rows:
        row["document"][0]["metadata"]["sentence"] = "0"
        for column in COLUMNS:
            row[column] = [{**item, "embeddings": []} for item in row[column]]
    return rows


# ---- the program --------------------------------------------------------------------------------


def test_the_card_s_program(
    spark: Any, embedded: Tagger, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands in the documentation, with what it prints."""
    page = (Path(__file__).parents[1] / "docs" / "spark.md").read_text(encoding="utf-8")
    found = re.search(r"## The program\n.*?```python\n(.*?)```\n\n```\n(.*?)```", page, re.DOTALL)
    assert found
    program, printed = found.groups()
    names: dict[str, Any] = {}
    exec(program, names)
    assert capsys.readouterr().out.strip() == printed.strip()
    result = names["result"]
    (row,) = result.collect()
    assert [item.result for item in row.token] == ["My", "name", "is", "John", "!"]
    assert [item.result for item in row.ner][:4] == ["O", "O", "O", "B-PER"]
    assert set(row.ner[3].metadata) == {"sentence", "word", *embedded.labels}
    (entity,) = row.entities
    assert entity.annotatorType == "chunk"
    assert entity.metadata["entity"] == "PER"
    assert set(entity.metadata) == {"entity", "sentence", "chunk", "confidence"}
    assert entity.result.startswith("John")
    for name in COLUMNS:
        assert result.schema[name].dataType.simpleString() == ANNOTATIONS.simpleString()
    kinds = [result.schema[name].metadata["annotatorType"] for name in COLUMNS]
    assert kinds == ["document", "token", "named_entity", "chunk"]


def test_the_model_runs_once(spark: Any, tiny_path: Path) -> None:
    """Whatever is done with its columns."""
    result = run(spark, TEXTS, stages(str(tiny_path)))
    plan = result.filter(F.size("entities") > 0)._jdf.queryExecution().executedPlan().toString()
    assert plan.count("[DistilBertForTokenClassification(") == 1
    result = entities(frame(spark, TEXTS), "text", model=str(tiny_path))
    plan = result.filter(F.size("entities") > 0)._jdf.queryExecution().executedPlan().toString()
    assert plan.count("[entities(") == 1


@pytest.mark.parametrize("rows_at_once", [1, 3, 64])
def test_rows_equal_the_in_process_mode(
    spark: Any, tiny: Tagger, tiny_path: Path, rows_at_once: int
) -> None:
    parts = stages(str(tiny_path))
    parts[2].setBatchSize(rows_at_once)
    texts = TEXTS * 3
    assert annotations(run(spark, texts, parts)) == in_process(LightPipeline(tiny), texts)


def test_conll2003_equals_the_in_process_mode(spark: Any, embedded: Tagger, shared: Path) -> None:
    sentences = read_conll(shared / "conll2003" / "eng.testb")
    texts = [" ".join(sentence.words) for sentence in sentences]
    assert annotations(run(spark, texts, stages())) == in_process(LightPipeline(embedded), texts)


def test_settings_reach_the_workers(spark: Any, tiny: Tagger, tiny_path: Path) -> None:
    from minner import sparknlp

    assembler, tokenizer, classifier, converter = stages(str(tiny_path))
    tokenizer.setSplitPattern("-").setExceptions(["New Paris"]).setMinLength(2)
    classifier.setMaxSentenceLength(9).setCaseSensitive(False)
    converter.setWhiteList(["PER", "ORG"]).setPreservePosition(False)
    expected = LightPipeline(
        tiny,
        case_sensitive=False,
        max_sentence_length=9,
        tokenizer=sparknlp.Tokenizer(split_pattern="-", exceptions=["New Paris"], min_length=2),
        converter=sparknlp.NerConverter(white_list=["PER", "ORG"], preserve_position=False),
    )
    texts = [*TEXTS, "Mary-John works in New Paris"]
    parts = [assembler, tokenizer, classifier, converter]
    assert annotations(run(spark, texts, parts)) == in_process(expected, texts)


def test_bytes_that_are_no_utf8(spark: Any, tiny_path: Path) -> None:
    bad = spark.sql("select cast(x'4a6f686eff20496e' as string) as text")
    text = "John\ufffd In"
    row = Pipeline(stages=stages(str(tiny_path))).fit(bad).transform(bad).first()
    assert [(item.result, item.end) for item in row.document] == [(text, len(text) - 1)]
    assert entities(bad, "text", model=str(tiny_path)).first().entities is not None


# ---- minner's own word rule ---------------------------------------------------------------------


def test_one_parameter_gives_minner_s_words(spark: Any, embedded: Tagger) -> None:
    texts = ["Kofi Annan of the U.N. 😀 saw AL-AIN, São Paulo and Geneva's lake. " * 30, "", "AT&T"]
    parts = stages()
    parts[1].setWordRule("minner")
    rows = annotations(run(spark, texts, parts))
    for text, row in zip(texts, rows, strict=True):
        document = embedded.document(text)
        assert [item["result"] for item in row["token"]] == [text[a:b] for a, b in document.words]
        assert [item["result"] for item in row["ner"]] == document.tags
        for item, tag, score in zip(row["ner"], document.tags, document.scores, strict=True):
            assert float(item["metadata"][tag]) == pytest.approx(score, rel=1e-6)
        assert [item["result"] for item in row["entities"]] == [e.text for e in document.entities]


def test_a_classifier_may_read_spark_nlp_s_tokens_whole(spark: Any, embedded: Tagger) -> None:
    parts = stages()
    parts[2].setWordRule("minner")
    (row,) = annotations(run(spark, ["He left AL-AIN (UAE) for São Paulo."], parts))
    words = [item["result"] for item in row["token"]]
    assert words[2] == "AL-AIN"
    assert [item["result"] for item in row["ner"]] == embedded.tag(words)


def test_word_rules_are_checked(spark: Any) -> None:
    with pytest.raises(
        MinnerError, match="'other' is not available; choose from: sparknlp, minner"
    ):
        Tokenizer().setWordRule("other")
    parts = stages()
    parts[1].setWordRule("minner").setMinLength(2)
    with pytest.raises(MinnerError, match="minLength has no meaning for minner's own word rule"):
        run(spark, TEXTS, parts)


# ---- a column of entities -----------------------------------------------------------------------


def test_entities(spark: Any, tiny: Tagger, tiny_path: Path) -> None:
    found = entities(frame(spark, TEXTS), "text", model=str(tiny_path)).sort("id").collect()
    for text, row in zip(TEXTS, found, strict=True):
        assert row.text == text
        if text is None:
            assert row.entities is None
        else:
            assert [minner.Entity(*entity) for entity in row.entities] == tiny(text)


def test_entities_with_options(spark: Any, tiny: Tagger, tiny_path: Path) -> None:
    data = frame(spark, TEXTS[:1]).withColumnRenamed("text", "a.`b`")
    options = {"decoder": "viterbi", "labels": ["PER", "LOC"], "min_score": 0.15}
    (row,) = entities(data, "a.`b`", "found", model=str(tiny_path), threads=2, **options).collect()
    expected = tiny.with_options(**options)(TEXTS[0])
    assert [minner.Entity(*entity) for entity in row.found] == expected


# ---- saving -------------------------------------------------------------------------------------


def test_stages_and_pipelines_are_saved(spark: Any, tiny_path: Path, tmp_path: Path) -> None:
    parts = stages(str(tiny_path))
    parts[1].setContextChars([".", ","]).setWordRule("sparknlp")
    parts[2].setBatchSize(5).setMaxSentenceLength(20)
    parts[3].setWhiteList(["PER"])
    for number, stage in enumerate(parts):
        stage.save(str(tmp_path / f"stage-{number}"))
        again = type(stage).load(str(tmp_path / f"stage-{number}"))
        assert again.uid == stage.uid
        assert values(again) == values(stage)
    data = frame(spark, TEXTS)
    pipeline = Pipeline(stages=parts)
    pipeline.save(str(tmp_path / "pipeline"))
    assert [values(s) for s in Pipeline.load(str(tmp_path / "pipeline")).getStages()] == [
        values(s) for s in parts
    ]
    model = pipeline.fit(data)
    model.write().overwrite().save(str(tmp_path / "model"))
    again = PipelineModel.load(str(tmp_path / "model"))
    assert annotations(again.transform(data)) == annotations(model.transform(data))


def values(stage: Any) -> dict[str, Any]:
    return {param.name: value for param, value in stage.extractParamMap().items()}


def test_annotations_survive_a_file(spark: Any, tiny_path: Path, tmp_path: Path) -> None:
    parts = stages(str(tiny_path))
    whole = run(spark, TEXTS, parts)
    path = str(tmp_path / "tokens.parquet")
    run(spark, TEXTS, parts[:2]).write.parquet(path)
    rest = Pipeline(stages=parts[2:])
    tokens = spark.read.parquet(path)
    assert annotations(rest.fit(tokens).transform(tokens)) == annotations(whole)


def test_parameters_have_spark_nlp_s_names(spark: Any) -> None:
    classifier = DistilBertForTokenClassification().setInputCols("token", "document")
    assert classifier.getInputCols() == ["token", "document"]
    assert classifier.setBatchSize(8).getBatchSize() == 8
    assert classifier.getMaxSentenceLength() is None
    assert classifier.setMaxSentenceLength(128).getMaxSentenceLength() == 128
    assert classifier.setCaseSensitive(False).getCaseSensitive() is False
    converter = NerConverter().setWhiteList(["PER"]).setPreservePosition(False)
    assert (converter.getWhiteList(), converter.getPreservePosition()) == (["PER"], False)
    explained = classifier.explainParams()
    assert "batchSize: rows that go to the model at once" in explained
    assert "(default: 128, current: 8)" in explained


# ---- what is wrong is said on the driver --------------------------------------------------------


def test_wrong_columns(spark: Any, tiny_path: Path) -> None:
    assembler, tokenizer, classifier, converter = stages(str(tiny_path))
    data = frame(spark, TEXTS)

    def refused(stage: Any, data: Any) -> str:
        with pytest.raises(MinnerError) as caught:
            stage.transform(data)
        return str(caught.value)

    assert refused(DocumentAssembler(), data) == (
        "DocumentAssembler: name the column of texts with setInputCol"
    )
    assert refused(DocumentAssembler().setInputCol("txt"), data) == (
        "DocumentAssembler: there is no column 'txt' in the data frame, which has: id, text"
    )
    assert refused(DocumentAssembler().setInputCol("id"), data) == (
        "DocumentAssembler: the column 'id' must hold strings, not int"
    )
    assert refused(Tokenizer(), data) == "Tokenizer: name its input columns with setInputCols"
    assert refused(Tokenizer().setInputCols(["text"]), data).startswith(
        "Tokenizer: the column 'text' holds no annotations but string;"
    )
    documents = assembler.transform(data)
    assert refused(classifier.copy().setInputCols(["document", "document"]), documents) == (
        "DistilBertForTokenClassification: no input column holds annotations of the type token; "
        "setInputCols has named: document (document)"
    )
    tokens = tokenizer.transform(documents)
    columns = ["document", "token", "token"]
    assert refused(converter.copy().setInputCols(columns), tokens) == (
        "NerConverter: no input column holds annotations of the type named_entity; "
        "setInputCols has named: document (document), token (token)"
    )
    with pytest.raises(MinnerError, match="entities: the column 'id' must hold strings, not int"):
        entities(data, "id")


def test_wrong_settings(spark: Any, tiny_path: Path) -> None:
    def refused(number: int, set_up: Any) -> str:
        parts = stages(str(tiny_path))
        with pytest.raises(MinnerError) as caught:
            set_up(parts[number])
            run(spark, TEXTS, parts)
        return str(caught.value)

    assert "from 1 to 32, not 512" in refused(2, lambda stage: stage.setMaxSentenceLength(512))
    assert "at least 1 is needed, not 0" in refused(2, lambda stage: stage.setBatchSize(0))
    assert "at least 1 is needed, not -1" in refused(2, lambda stage: stage.setThreads(-1))
    assert "no directory './none'" in refused(2, lambda stage: stage.setModel("./none"))
    assert "is no regular expression" in refused(1, lambda stage: stage.setExceptions(["("]))
    with pytest.raises(MinnerError, match=r"no directory '\./none'"):
        DistilBertForTokenClassification.pretrained("./none", "en")
    with pytest.raises(MinnerError, match="decoder 'x' is not available"):
        entities(frame(spark, TEXTS), "text", decoder="x")


# ---- workers ------------------------------------------------------------------------------------


def test_a_worker_loads_one_engine_with_a_thread_for_each_core_of_a_task(
    spark: Any, tiny_path: Path
) -> None:
    model = str(tiny_path)

    def look(_: int) -> tuple[int, int, int]:
        engine = task_tagger(model, None)._reader.engine
        return os.getpid(), id(engine), engine._team.workers

    seen = [
        item
        for _ in range(2)
        for item in spark.sparkContext.parallelize(range(8), 8).map(look).collect()
    ]
    processes = {process for process, _, _ in seen}
    assert len(processes) <= 8  # for 16 tasks: workers are kept
    assert len({(process, engine) for process, engine, _ in seen}) == len(processes)
    assert {threads for _, _, threads in seen} == {1}


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="finds workers by Linux's /proc")
def test_a_killed_worker_costs_no_row(spark: Any, embedded: Tagger) -> None:
    texts = [f"Kofi Annan flew to Geneva for the {number}th time." for number in range(2000)]
    data = frame(spark, texts, partitions=8)
    killed: list[int] = []

    def kill_one() -> None:
        tracker = spark.sparkContext.statusTracker()
        while not killed:
            running = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
            found = engines()
            if found and any(stage.numCompletedTasks >= 2 for stage in running if stage):
                killed.append(found.pop())
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one, daemon=True)  # it may find none to kill
    result = Pipeline(stages=stages()).fit(data).transform(data).select("id", "entities.result")
    killer.start()
    rows = result.collect()
    assert killed, "the job was over before a worker could be killed"
    killer.join()
    assert sorted(row.id for row in rows) == list(range(2000))
    assert all(row.result == ["Kofi Annan", "Geneva"] for row in rows)


def test_fields_of_annotations() -> None:
    """What Spark NLP's own stages read."""
    fields = {field.name: field for field in ANNOTATIONS.elementType.fields}
    assert list(fields) == ["annotatorType", "begin", "end", "result", "metadata", "embeddings"]
    assert fields["metadata"].dataType == MapType(StringType(), StringType())
    assert not fields["begin"].nullable
