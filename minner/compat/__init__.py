"""The interfaces of other projects, on minner's engine, for those who come from them."""

from minner.compat.huggingface import pipeline

__all__ = ["pipeline"]
