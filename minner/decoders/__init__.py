"""Decoders: the rules by which the probabilities of words become chunks.

They agree on well-formed tags and differ on what a model should not write, but does: an ``I-``
after ``O``, or after another label. Every module of this folder has some, by name, in its own
`DECODERS`; a new module needs no mention elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module

from minner.decoders import conlleval
from minner.decoding.decoder import Decoder


class _Decoders(Mapping[str, Decoder]):
    """All of them; the modules beside that of the default are looked for when one is asked for."""

    @cached_property
    def _all(self) -> dict[str, Decoder]:
        from pkgutil import iter_modules

        found: dict[str, Decoder] = {}
        for module in iter_modules(__path__):
            found |= import_module(f"{__name__}.{module.name}").DECODERS
        return found

    def __getitem__(self, name: str) -> Decoder:
        return conlleval.DECODERS.get(name) or self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


DECODERS: Mapping[str, Decoder] = _Decoders()
"""Decoders by the name that `minner.load` takes."""
