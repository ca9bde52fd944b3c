"""The interfaces of other projects, on minner's engine, for those who come from them."""

from minner.compat.huggingface import AggregationStrategy, TokenClassificationPipeline, pipeline

__all__ = ["AggregationStrategy", "TokenClassificationPipeline", "pipeline"]
