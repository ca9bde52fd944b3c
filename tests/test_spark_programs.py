"""Programs written for Spark NLP: its setters, its checks, its LightPipeline and its Finisher."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minner import MinnerError
from minner.sparknlp import LightPipeline
from minner.sparknlp.cleanup import CLEANUP_MODES, clean_up
from minner.tagger import Tagger
from spark_session import start_spark

pytest.importorskip("pyspark", reason="PySpark is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import SQLTransformer

from minner.spark import (
    DistilBertForTokenClassification,
    DocumentAssembler,
    Finisher,
    NerConverter,
    SentenceDetector,
    Tokenizer,
)

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

TEXTS = ["John Smith works for Acme-Corp in London.", "", None, "\n 😀 Mary in New Paris"]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with start_spark("local[1]") as session:
        yield session


def stages(model: Path) -> list[Any]:
    """The stages of the model card's program."""
    return [
        DocumentAssembler().setInputCol("text").setOutputCol("document"),
        Tokenizer().setInputCols("document").setOutputCol("token"),
        DistilBertForTokenClassification.loadSavedModel(str(model), None)
        .setInputCols("token", "document")
        .setOutputCol("ner"),
        NerConverter().setInputCols(["document", "token", "ner"]).setOutputCol("entities"),
    ]


def frame(spark: Any, texts: list[Any] = TEXTS) -> Any:
    return spark.createDataFrame([(text,) for text in texts], "text string")


# ---- LightPipeline(pipeline_model) --------------------------------------------------------------


def test_a_fitted_pipeline(spark: Any, tiny: Tagger, tiny_path: Path) -> None:
    model = Pipeline(stages=stages(tiny_path)).fit(frame(spark))
    light = LightPipeline(model)
    assert light.fullAnnotate(TEXTS) == LightPipeline(tiny).fullAnnotate(TEXTS)
    assert light.annotate(TEXTS[0]) == LightPipeline(tiny).annotate(TEXTS[0])
    assert light.transform(frame(spark)).columns == ["text", "document", "token", "ner", "entities"]
    nested = Pipeline(stages=[model]).fit(frame(spark))
    assert LightPipeline(nested, False).annotate(TEXTS) == light.annotate(TEXTS)
    assert pickle.loads(pickle.dumps(light)).annotate(TEXTS) == light.annotate(TEXTS)


def test_settings_of_its_stages(spark: Any, tiny: Tagger, tiny_path: Path) -> None:
    assembler, tokenizer, classifier, converter = stages(tiny_path)
    assembler.setCleanupMode("shrink").setOutputCol("doc")
    tokenizer.setInputCols("doc").setWordRule("minner")
    classifier.setInputCols("doc", "token")
    converter.setInputCols("doc", "token", "ner").setLazyAnnotator(True)
    finisher = Finisher().setInputCols("token", "ner")
    parts = [assembler, tokenizer, classifier, converter, finisher]
    (row,) = LightPipeline(Pipeline(stages=parts).fit(frame(spark))).fullAnnotate(TEXTS[3])
    document = tiny.document("😀 Mary in New Paris")
    assert list(row) == ["token", "ner"]
    assert [item.result for item in row["token"]] == ["😀", "Mary", "in", "New", "Paris"]
    assert [item.result for item in row["ner"]] == document.tags


def test_annotations_have_attributes(tiny: Tagger) -> None:
    (row,) = LightPipeline(tiny).fullAnnotate("John in London")
    for items in row.values():
        for item in items:
            assert (item.begin, item.end, item.result) == (
                item["begin"],
                item["end"],
                item["result"],
            )
            assert item.annotator_type == item["annotatorType"]
            assert item.metadata is item["metadata"]
            assert item.embeddings == []


def test_what_a_light_pipeline_refuses(spark: Any, tiny: Tagger, tiny_path: Path) -> None:
    parts = stages(tiny_path)
    with pytest.raises(MinnerError, match=r"from pipeline.fit\(data\), not from a Pipeline"):
        LightPipeline(Pipeline(stages=parts))
    query = SQLTransformer(statement="SELECT * FROM __THIS__")
    model = PipelineModel([*parts, query])
    with pytest.raises(MinnerError, match="cannot run SQLTransformer, which is no stage of minner"):
        LightPipeline(model)
    with pytest.raises(MinnerError, match="first stage of a LightPipeline must be a DocumentAss"):
        LightPipeline(PipelineModel(parts[1:]))
    with pytest.raises(MinnerError, match="has its settings in its stages"):
        LightPipeline(PipelineModel(parts), max_sentence_length=8)
    with pytest.raises(MinnerError, match="a text or a list of texts, not dict"):
        LightPipeline(tiny).fullAnnotate({"key": "value"})
    with pytest.raises(MinnerError, match="transform needs a pipeline of minner"):
        LightPipeline(tiny).transform(None)


# ---- models -------------------------------------------------------------------------------------


def test_the_name_of_a_spark_nlp_model() -> None:
    name = "distilbert_base_token_classifier_conll03"
    message = (
        f"^'{name}' looks like a model of Spark NLP's, .*; leave the name out for minner's own"
    )
    with pytest.raises(MinnerError, match=message):
        DistilBertForTokenClassification.pretrained(name, "en", remote_loc="s3://models")
    with pytest.raises(MinnerError, match=message):
        LightPipeline(name)
    assert DistilBertForTokenClassification.pretrained(lang="en", engine="onnx").getModel() is None


def test_a_saved_model(spark: Any, tiny: Tagger, tiny_path: Path, tmp_path: Path) -> None:
    load = DistilBertForTokenClassification.loadSavedModel
    assert load(str(tiny_path), spark).getClasses() == list(tiny.labels)
    assert load(f"file://{tiny_path}", spark).getModel() == str(tiny_path)
    with pytest.raises(MinnerError, match=r"has no config\.json: give the directory that save_pre"):
        load(tmp_path, spark)


# ---- setters ------------------------------------------------------------------------------------


def test_setters_that_add(spark: Any, tmp_path: Path) -> None:
    exceptions = tmp_path / "exceptions.txt"
    exceptions.write_text("New Paris\n", encoding="utf-8")
    tokenizer = Tokenizer().setInputCols("document").setOutputCol("token")
    tokenizer.addInfixPattern("(x)").addInfixPattern(r"(\p{L}+)(')(\p{L}+)")
    tokenizer.addException("U S").addContextChars("#").addSplitChars("-").addSplitChars(r"\.")
    tokenizer.setExceptionsPath(str(exceptions), read_as="TEXT", options={"format": "text"})
    assert tokenizer.getInfixPatterns() == [r"(\p{L}+)(')(\p{L}+)", "(x)"]
    assert tokenizer.getExceptions() == ["U S"]
    assert tokenizer.getContextChars()[-2:] == ["'", "#"]
    assert tokenizer.getSplitChars() == ["-", r"\."]
    assembler = DocumentAssembler().setParams(inputCol="text", outputCol="document")
    data = frame(spark, ["l'Étoile# in New Paris, U S x-y"])
    rows = tokenizer.fit(data).transform(assembler.transform(data)).collect()
    assert [item.result for item in rows[0].token] == [
        "l", "'", "Étoile", "#", "in", "New Paris,", "U S", "x-y",
    ]  # fmt: skip
    tokenizer.setExceptionsPath("/no/such/file")
    with pytest.raises(MinnerError, match="the exceptions of '/no/such/file' cannot be read"):
        tokenizer.transform(assembler.transform(data))


@pytest.mark.parametrize(
    ("set_up", "message"),
    [
        # Spark NLP's DistilBertForTokenClassification.scala requires 1 to 512 in its setter.
        (
            lambda: DistilBertForTokenClassification().setMaxSentenceLength(5000),
            "maxSentenceLength must be from 1 to 512, not 5000",
        ),
        # Spark NLP's python/sparknlp/common/annotator_properties.py counts in setInputCols.
        (
            lambda: DistilBertForTokenClassification().setInputCols(["document"]),
            "DistilBertForTokenClassification.setInputCols needs a column for each of document, "
            "token, but was given 1: document",
        ),
        (lambda: Tokenizer().setInputCols("document", "token"), "needs a column for each of docum"),
        (lambda: Tokenizer().setContextChars(["ab"]), "single characters are needed, not 'ab'"),
        (lambda: Tokenizer().addSplitChars("ab"), "single characters are needed, not 'ab'"),
        (lambda: Tokenizer().setMinLength(-1), "a number of at least 0 is needed, not -1"),
        (
            lambda: DocumentAssembler().setCleanupMode("all"),
            "the cleanup mode 'all' is not available; choose from: disabled, inplace, ",
        ),
        (lambda: DocumentAssembler().setParams(input="x"), "DocumentAssembler has no 'input'"),
        (SentenceDetector, "minner.spark has no SentenceDetector; leave it out"),
    ],
)
def test_checks_when_something_is_set(spark: Any, set_up: Any, message: str) -> None:
    with pytest.raises(MinnerError, match=re.escape(message)):
        set_up()


# By the rules of Spark NLP's DocumentAssembler.scala (058b6f18); \\n stands for a written one.
@pytest.mark.parametrize(
    ("mode", "cleaned"),
    [
        ("disabled", " a\n\tb \\n\\tc\u00a0 "),
        ("inplace", " a  b \\n\\tc\u00a0 "),
        ("inplace_full", " a  b   c\u00a0 "),
        ("shrink", "a b \\n\\tc\u00a0"),
        ("SHRINK_FULL ", "a b   c\u00a0"),
        ("each", " a b \\n\\tc\u00a0 "),
        ("each_full", " a b \\tc\u00a0 "),
        ("delete_full", "a\n\tb c\u00a0"),
    ],
)
def test_cleanup_modes(spark: Any, mode: str, cleaned: str) -> None:
    text = " a\n\tb \\n\\tc\u00a0 "
    assembler = DocumentAssembler().setInputCol("text").setCleanupMode(mode)
    assert clean_up(text, assembler.getCleanupMode()) == cleaned
    (document,) = assembler.transform(frame(spark, [text])).first().document
    assert (document.result, document.end) == (cleaned, len(cleaned) - 1)
    assert assembler.getCleanupMode() in CLEANUP_MODES


# ---- Finisher -----------------------------------------------------------------------------------


def finished(spark: Any, finisher: Any) -> Any:
    assembler = DocumentAssembler().setInputCol("text")
    tokenizer = Tokenizer().setInputCols("document").setOutputCol("token")
    parts = [assembler, tokenizer, finisher]
    data = frame(spark, ["Hi, you", ""])
    return Pipeline(stages=parts).fit(data).transform(data)


# By the rules of Spark NLP's Finisher.scala and Annotation.scala (flatten, flattenDetail).
def test_finisher(spark: Any, tmp_path: Path) -> None:
    result = finished(spark, Finisher().setInputCols(["token"]))
    assert result.columns == ["text", "finished_token"]
    assert [row.finished_token for row in result.collect()] == [["Hi", ",", "you"], []]
    finisher = Finisher().setInputCols("token", "document").setOutputCols("words", "texts")
    finisher.setOutputAsArray(False).setCleanAnnotations(False)
    result = finished(spark, finisher)
    assert result.columns == ["text", "document", "token", "words", "texts"]
    assert [(row.words, row.texts) for row in result.collect()] == [
        ("Hi@,@you", "Hi, you"),
        ("", ""),
    ]
    finisher.setIncludeMetadata(True).setAnnotationSplitSymbol("|").setValueSplitSymbol("+")
    finisher.write().overwrite().save(str(tmp_path / "finisher"))
    row = finished(spark, Finisher.load(str(tmp_path / "finisher"))).first()
    assert row.words == "sentence->0+result->Hi|sentence->0+result->,|sentence->0+result->you"
    finisher = Finisher().setInputCols("token").setIncludeMetadata(True)
    row = finished(spark, finisher).first()
    assert [tuple(pair) for pair in row.finished_token_metadata] == [("sentence", "0")] * 3


def test_what_a_finisher_refuses(spark: Any) -> None:
    for finisher, message in [
        (Finisher(), "Finisher: name its input columns with setInputCols"),
        (Finisher().setInputCols("text"), "Finisher: the column 'text' holds no annotations"),
        (Finisher().setInputCols("tokens"), "Finisher: there is no column 'tokens'"),
        (
            Finisher().setInputCols("token", "document").setOutputCols(["words"]),
            "Finisher: 2 input columns need as many output columns, not 1",
        ),
    ]:
        with pytest.raises(MinnerError, match=re.escape(message)):
            finished(spark, finisher)
