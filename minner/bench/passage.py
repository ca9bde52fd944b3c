"""Texts to measure tokenising and decoding on."""

from __future__ import annotations

from bisect import bisect_right
from itertools import cycle, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minner.tagger import Tagger

PASSAGE = """
The river rose again on Tuesday, and by noon the mayor of Regensburg, Petra Lindqvist, had closed
both bridges. "We have seen worse," she told reporters outside the town hall, "but not in June."
Engineers from Hydrotec AG and a team of the Technical University of Munich measured 6.4 metres at
the old gauge, which is 1.2 more than in 2013. Trains between Nuremberg and Vienna were late or did
not run; Deutsche Bahn said that it hoped to open the line on Friday. In Passau, where three rivers
meet, volunteers filled 40,000 sandbags. Among them was Samuel Okafor, an exchange student from
Lagos, who had arrived a week before: "My mother saw it on the BBC and asked whether I still had a
bed." The European Commission promised help, and the Czech and Austrian fire brigades sent pumps.
"""
"""An invented piece of news, with people, places, companies, numbers and quotations."""


def text_of(tagger: Tagger, tokens: int) -> str:
    """As much of PASSAGE, over and over, as makes at most so many tokens, but at least a word."""
    words = list(islice(cycle(PASSAGE.split()), tokens))

    def first(count: int) -> str:
        return " ".join(words[:count])

    fitting = bisect_right(
        range(1, tokens + 1), tokens, key=lambda count: len(tagger.encode(first(count)))
    )
    return first(max(fitting, 1))
