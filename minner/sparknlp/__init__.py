"""Spark NLP's pipeline on minner's engine: its tokens, tags, chunks and metadata, without Spark.

Example::

    from minner.sparknlp import LightPipeline

    LightPipeline().annotate("My name is John!")["ner"]

This is an entry of its own, and no option of `minner.load`, because what comes out is of another
kind: annotations with inclusive ends, counted in UTF-16 units, instead of entities. The model below
is the same `Tagger`.

Each stage holds settings only and turns annotations into annotations, so that it can be used
alone: `Tokenizer`, `TokenClassifier`, `NerConverter`. The rules are those of Spark NLP's own
sources; where minner differs, the docstring of the stage says so.
"""

from minner.sparknlp.annotations import Annotation, document
from minner.sparknlp.classifier import TokenClassifier
from minner.sparknlp.converter import NerConverter
from minner.sparknlp.pipeline import LightPipeline
from minner.sparknlp.tokenizer import Tokenizer

__all__ = [
    "Annotation",
    "LightPipeline",
    "NerConverter",
    "TokenClassifier",
    "Tokenizer",
    "document",
]
