"""Small random changes that keep the tags: case, sentence ends, quotes, bullets, other names."""

from __future__ import annotations

import random
from dataclasses import dataclass

from data import Sentence, sure_names
from invented import Inventor

ENDS = ("!", "?", "...", "…", "!!", "!!!", "?!", ";", ":")
QUOTES = (('"', '"'), ("“", "”"), ("'", "'"), ("‘", "’"), ("«", "»"), ("(", ")"))
BULLETS = ("-", "*", "•", "–", "1.", "2)", ">")
NO_NAME: tuple[str, ...] = ("O",)
SHORT_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "as",
        "at",
        "but",
        "by",
        "for",
        "from",
        "in",
        "of",
        "on",
        "or",
        "the",
        "to",
        "with",
    ]
)


@dataclass(frozen=True)
class Rates:
    """How often each change is made."""

    upper: float = 0.1
    lower: float = 0.1
    title: float = 0.03
    no_end: float = 0.06
    new_end: float = 0.05
    quotes: float = 0.03
    bullet: float = 0.02
    curly: float = 0.3
    name: float = 0.1


def as_title(word: str) -> str:
    """Write a word as in a headline."""
    return word if word in SHORT_WORDS else word[:1].upper() + word[1:]


def other_case(words: list[str], rates: Rates, rng: random.Random) -> list[str]:
    """Upper-case, lower-case or headline-case a sentence now and then."""
    draw = rng.random()
    for rate, change in (
        (rates.upper, str.upper),
        (rates.lower, str.lower),
        (rates.title, as_title),
    ):
        if draw < rate:
            return [change(word) for word in words]
        draw -= rate
    return words


def varied(sentence: Sentence, rates: Rates, inventor: Inventor, rng: random.Random) -> Sentence:
    """Return the sentence with some changes, or a copy of it."""
    words, allowed = list(sentence.words), list(sentence.options)
    for start, end, kind in reversed(sure_names(sentence)):
        if rng.random() < rates.name and (other := inventor.another(kind, words[start:end], rng)):
            words[start:end] = other
            allowed[start:end] = [(f"B-{kind}",), *[(f"I-{kind}",)] * (len(other) - 1)]
    words = other_case(words, rates, rng)
    if any("'" in word for word in words) and rng.random() < rates.curly:
        words = [word.replace("'", "’") for word in words]
    if len(words) > 2 and words[-1] in (".", "!", "?"):
        draw = rng.random()
        if draw < rates.no_end:
            words, allowed = words[:-1], allowed[:-1]
        elif draw < rates.no_end + rates.new_end:
            words[-1] = rng.choice(ENDS)
    elif rng.random() < rates.new_end:
        words, allowed = [*words, rng.choice(ENDS)], [*allowed, NO_NAME]
    if rng.random() < rates.quotes:
        left, right = rng.choice(QUOTES)
        words, allowed = [left, *words, right], [NO_NAME, *allowed, NO_NAME]
    if rng.random() < rates.bullet:
        words, allowed = [rng.choice(BULLETS), *words], [NO_NAME, *allowed]
    return Sentence(words, [], allowed, sentence.set_id)
