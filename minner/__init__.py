"""Named entity recognition with hand-written CPU kernels: text in, entities out.

Example::

    import minner

    ner = minner.load()
    ner("My name is John Smith.")
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

_HERE = os.path.dirname(__file__)
if not os.path.isdir(os.path.join(_HERE, "kernels")):
    # A checkout, where kernels/ and weights/ stand beside this folder instead of in it.
    __path__.append(os.path.dirname(_HERE))

from minner.entity import Entity
from minner.weights.errors import MinnerError, MinnerWarning

if TYPE_CHECKING:
    from minner.tagger import Tagger

__all__ = ["Entity", "MinnerError", "MinnerWarning", "load"]
__version__ = "0.1.0"


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    precision: str = "float32",
    threads: int | None = None,
    lowercase: bool | None = None,
) -> Tagger:
    """Load a DistilBERT token classifier.

    Args:
        model: a directory in Hugging Face layout, or a Hugging Face repo id; the embedded model
            where it is None.
        precision: of weights and products; `float32` is the one there is so far.
        threads: how many cores to use, at least 1; so far every call runs on its caller's thread.
        lowercase: overrides what the checkpoint's files say about lowercasing text.

    Raises:
        MinnerError: the model cannot be found, read or run; the message says what to do.
    """
    # Imported here: `import minner` alone takes milliseconds.
    tagger: type[Tagger] = import_module("minner.tagger").Tagger
    return tagger(model, precision=precision, threads=threads, lowercase=lowercase)
