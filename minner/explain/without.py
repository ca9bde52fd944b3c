"""Names for the parts of a model that a run can leave out.

The names are those of the trace: `transformer.layer.3` is a whole layer, which then passes its
input on; `transformer.layer.3.attention` and `transformer.layer.3.ffn` add nothing;
`transformer.layer.3.attention.head.5` writes nothing; and `words.4` is a word of the text that the
model does not see: its wordpieces are replaced by the mask token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from minner.errors import MinnerError

_NAME = re.compile(
    r"(?:words\.(?P<word>\d{1,9})"
    r"|transformer\.layer\.(?P<layer>\d{1,4})"
    r"(?:\.(?P<part>ffn|attention)(?:\.head\.(?P<head>\d{1,4}))?)?)\Z"
)

_HELP = (
    "names are transformer.layer.N, transformer.layer.N.attention, "
    "transformer.layer.N.attention.head.N, transformer.layer.N.ffn and words.N"
)


class Without(NamedTuple):
    """What a run leaves out.

    Attributes:
        layers: numbers of whole layers.
        attentions: numbers of layers whose attention adds nothing.
        feed_forwards: numbers of layers whose feed-forward adds nothing.
        heads: pairs of layer and head.
        words: numbers of words that are hidden.
    """

    layers: frozenset[int] = frozenset()
    attentions: frozenset[int] = frozenset()
    feed_forwards: frozenset[int] = frozenset()
    heads: frozenset[tuple[int, int]] = frozenset()
    words: frozenset[int] = frozenset()


def parse_without(names: Iterable[str], layers: int, heads: int, words: int) -> Without:
    """Read the names of parts, for a model and a text of so many.

    Raises:
        MinnerError: something is no name, or there is no such part.
    """
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, Iterable):
        raise MinnerError(f"expected a list of parts to leave out, not {names!r}; {_HELP}")
    found: tuple[set[int], set[int], set[int], set[tuple[int, int]], set[int]]
    found = set(), set(), set(), set(), set()
    whole, attentions, feed_forwards, silent, hidden = found
    for name in names:
        match = _NAME.match(name) if isinstance(name, str) else None
        if match is None:
            raise MinnerError(f"{name!r} names no part of the model; {_HELP}")
        if match["word"] is not None:
            hidden.add(_number(name, match["word"], words, "words"))
            continue
        layer = _number(name, match["layer"], layers, "layers")
        if match["head"] is not None:
            if match["part"] == "ffn":
                raise MinnerError(f"{name!r} names no part of the model; {_HELP}")
            silent.add((layer, _number(name, match["head"], heads, "heads in a layer")))
        elif match["part"] is None:
            whole.add(layer)
        else:
            (attentions if match["part"] == "attention" else feed_forwards).add(layer)
    return Without(*map(frozenset, found))  # type: ignore[arg-type]


def _number(name: str, digits: str, count: int, what: str) -> int:
    number = int(digits)
    if number >= count:
        raise MinnerError(f"{name!r}: there are {count} {what}, numbered from 0")
    return number
