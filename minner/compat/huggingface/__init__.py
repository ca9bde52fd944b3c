"""Hugging Face transformers' token classification pipeline: its results without its code."""

from minner.compat.huggingface.aggregation import AggregationStrategy
from minner.compat.huggingface.token_classification import TokenClassificationPipeline, pipeline

__all__ = ["AggregationStrategy", "TokenClassificationPipeline", "pipeline"]
