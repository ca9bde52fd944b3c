"""The names of Spark NLP's own models, which minner cannot load."""

from __future__ import annotations

import os
import re

from minner.errors import MinnerError

_NAME = re.compile("[a-z0-9]+(_[a-z0-9]+)+")
"""Such as distilbert_base_token_classifier_conll03; names on Hugging Face's hub have hyphens."""


def refuse_model_of_spark_nlp(name: str) -> None:
    """Raise a MinnerError for the name of a model of Spark NLP that is no directory here."""
    if _NAME.fullmatch(name) and not os.path.isdir(name):
        raise MinnerError(
            f"{name!r} looks like a model of Spark NLP's, whose files minner does not read; leave "
            f"the name out for minner's own model, or give a directory in Hugging Face layout, or "
            f"owner/name on its hub"
        )
