"""Stages of Spark NLP that programs name and minner does not have: one sentence says what to do."""

from __future__ import annotations

from minner.errors import MinnerError


class SentenceDetector:
    """Not here: Spark NLP's rules for sentences are a program of their own."""

    def __init__(self, *_: object, **__: object) -> None:
        """Raise a MinnerError that says what to do instead."""
        raise MinnerError(
            "minner.spark has no SentenceDetector; leave it out and give the tokenizer the column "
            "of documents: with setWordRule('minner') texts of any length are read"
        )
