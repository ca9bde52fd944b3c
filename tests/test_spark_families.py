"""The annotators of Spark NLP for other families than DistilBERT, on Spark."""

from __future__ import annotations

from pathlib import Path

import pytest

import minner
from minner.sparknlp import LightPipeline
from spark_session import start_spark
from test_subword_tokenizers import written

pytest.importorskip("pyspark", reason="PySpark is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from pyspark.ml import Pipeline, PipelineModel

from minner import spark as stages

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

NAMES = {"BertFor": "roberta", "RoBertaFor": "roberta", "XlmRoBertaFor": "xlm-roberta"}


def test_a_pipeline_of_each(tmp_path: Path) -> None:
    """It gives what the LightPipeline gives, is saved under its own name, and loads any model."""
    texts = ["The first entity.", "AL-AIN is a town"]
    with start_spark("local[1]") as spark:
        frame = spark.createDataFrame([(text,) for text in texts], "text string")
        for name, family in {**NAMES, "CamemBertFor": "camembert"}.items():
            model = tmp_path / name / "model"
            written(model, family)
            kind = getattr(stages, f"{name}TokenClassification")
            classifier = kind.pretrained(model).setInputCols("token", "document")
            pipeline = Pipeline(
                stages=[
                    stages.DocumentAssembler().setInputCol("text").setOutputCol("document"),
                    stages.Tokenizer().setInputCols("document").setOutputCol("token"),
                    classifier.setOutputCol("ner"),
                ]
            ).fit(frame)
            pipeline.save(str(tmp_path / name / "pipeline"))
            loaded = PipelineModel.load(str(tmp_path / name / "pipeline"))
            assert type(loaded.stages[2]) is kind
            rows = loaded.transform(frame).select("ner.result").collect()
            ours = LightPipeline(minner.load(model)).annotate(texts)
            assert [row["result"] for row in rows] == [row["ner"] for row in ours]
