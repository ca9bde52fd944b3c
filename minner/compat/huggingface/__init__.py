"""Hugging Face transformers' token classification pipeline: its results without its code."""

from minner.compat.huggingface.token_classification import TokenClassificationPipeline, pipeline

__all__ = ["TokenClassificationPipeline", "pipeline"]
