"""Decoders: the rules by which the probabilities of words become chunks.

They agree on well-formed tags and differ on what a model should not write, but does: an ``I-``
after ``O``, or after another label. Every module of this folder has some, by name, in its own
`DECODERS`; a new module needs no mention elsewhere.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from minner.decoding.decoder import Decoder

DECODERS: dict[str, Decoder] = {}
"""Decoders by the name that `minner.load` takes."""

for _module in iter_modules(__path__):
    DECODERS |= import_module(f"{__name__}.{_module.name}").DECODERS
