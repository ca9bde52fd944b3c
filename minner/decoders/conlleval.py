"""The default: the most probable tag of each word, joined by the rule of conlleval."""

from __future__ import annotations

from minner.decoding.decoder import Decoder

DECODERS = {"conlleval": Decoder()}
