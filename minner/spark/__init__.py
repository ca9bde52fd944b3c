"""The model card's program on stock PySpark: four stages, or one function for a column of entities.

Example::

    from minner.spark import (
        DistilBertForTokenClassification, DocumentAssembler, NerConverter, Tokenizer
    )
    from pyspark.ml import Pipeline

The stages have the names, the parameters and the columns of Spark NLP's, and run those of
`minner.sparknlp` in Spark's Python workers: no jar is needed. `docs/spark.md` shows the program.
"""

from importlib import import_module

try:
    import_module("pyarrow")
    _ = import_module("pyspark.sql.functions").arrow_udf
except (ImportError, AttributeError) as error:
    raise ImportError(
        "minner.spark needs PySpark 4.1 or newer and pyarrow: pip install 'minner-ner[spark]'"
    ) from error

from minner.spark.absent import SentenceDetector
from minner.spark.assembler import DocumentAssembler
from minner.spark.classifier import (
    BertForTokenClassification,
    CamemBertForTokenClassification,
    DistilBertForTokenClassification,
    RoBertaForTokenClassification,
    XlmRoBertaForTokenClassification,
)
from minner.spark.converter import NerConverter
from minner.spark.entity_column import entities
from minner.spark.finisher import Finisher
from minner.spark.tokenizer import Tokenizer

__all__ = [
    "BertForTokenClassification",
    "CamemBertForTokenClassification",
    "DistilBertForTokenClassification",
    "DocumentAssembler",
    "Finisher",
    "NerConverter",
    "RoBertaForTokenClassification",
    "SentenceDetector",
    "Tokenizer",
    "XlmRoBertaForTokenClassification",
    "entities",
]

# A saved pipeline names the classes of its stages: by these names, which stay.
for _stage in (
    BertForTokenClassification,
    CamemBertForTokenClassification,
    DistilBertForTokenClassification,
    DocumentAssembler,
    Finisher,
    NerConverter,
    RoBertaForTokenClassification,
    Tokenizer,
    XlmRoBertaForTokenClassification,
):
    _stage.__module__ = __name__
