"""Sentences made up from templates: what people write around names.

Names come from the lists in ``lists/``, one list for each kind; no list holds a private person.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from data import Document, Sentence, sure_names
from sets import INVENTED, allow

from minner.text.words import split_words

LISTS = Path(__file__).parent / "lists"
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
STREETS = ["Street", "Road", "Lane", "Avenue", "Drive", "Close", "Square", "Court", "Hill", "Way"]
ENDINGS = ("com", "org", "net", "example", "io", "co.uk", "de")
KINDS = {
    "first": "PER",
    "last": "PER",
    "full": "PER",
    "odd": "PER",
    "place": "LOC",
    "street": "LOC",
    "org": "ORG",
    "brand": "ORG",
    "band": "ORG",
    "people": "MISC",
    "language": "MISC",
    "work": "MISC",
    "event": "MISC",
}


def read_list(name: str, separator: str | None = ";") -> list[str]:
    """Read a list of names, parted by semicolons (None: white space) and line ends."""
    text = (LISTS / name).read_text(encoding="utf-8")
    if separator is None:
        return text.split()
    return [item.strip() for line in text.splitlines() for item in line.split(separator) if item]


class Inventor:
    """Makes sentences from templates and lists of names."""

    def __init__(self) -> None:
        """Read the lists."""
        lines = read_list("templates.txt", "\n")
        self.templates = [line for line in lines if not line.startswith("#")]
        self.given, self.family = read_list("given.txt", None), read_list("family.txt", None)
        self.lists = {
            "place": read_list("places.txt"),
            "people": read_list("peoples.txt"),
            "language": read_list("languages.txt"),
            "event": read_list("events.txt"),
            "odd": read_list("names_that_are_words.txt", None),
            "brand": read_list("brands.txt"),
            "band": read_list("bands.txt"),
        }
        self.works = read_list("works.txt")
        self.things, self.words = read_list("things.txt", None), read_list("tag_words.txt", None)
        self.abbreviations = read_list("abbreviations.txt", None)
        self.common = read_list("words_that_are_names.txt", None)
        self.organisations = read_list("organisations.txt")
        self.firm_words = read_list("words_of_firms.txt", None)
        self.firm_kinds = read_list("kinds_of_firms.txt")
        self.seen: dict[tuple[str, str], list[tuple[str, ...]]] = {}

    def learn_names(self, documents: list[Document]) -> None:
        """Note the names of tagged text, each once, by type and case."""
        found = {
            (kind, case_of(words := tuple(sentence.words[start:end])), words)
            for document in documents
            for sentence in document
            for start, end, kind in sure_names(sentence)
        }
        for kind, case, words in sorted(found):
            self.seen.setdefault((kind, case), []).append(words)

    def another(self, kind: str, old: list[str], rng: random.Random) -> tuple[str, ...]:
        """Draw another name of the same type and case; nothing where none is known."""
        if kind == "PER" and len(old) == 2 and old[0].istitle() and rng.random() < 0.6:
            return rng.choice(self.given), rng.choice(self.family)
        known = self.seen.get((kind, case_of(old)), [()])
        return rng.choice(known) if kind != "MISC" else ()

    def name(self, slot: str, rng: random.Random) -> str:
        """Draw a name for a slot such as ``full`` or ``place``."""
        if slot == "first":
            return rng.choice(self.given)
        if slot == "last":
            return rng.choice(self.family)
        if slot == "full":
            return self.person(rng)
        if slot == "org":
            return self.organisation(rng)
        if slot == "work":
            return self.work(rng)
        if slot == "street":
            start = rng.choice(self.firm_words if rng.random() < 0.5 else self.family)
            return f"{start} {rng.choice(STREETS)}"
        return rng.choice(self.lists[slot])

    def person(self, rng: random.Random) -> str:
        """Draw a whole name: most have two parts, some an initial or a third."""
        first, last, draw = rng.choice(self.given), rng.choice(self.family), rng.random()
        if draw < 0.06:
            return f"{first} {rng.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
        if draw < 0.1:
            return f"{first[0]}. {last}"
        if draw < 0.16:
            return f"{first} {rng.choice(self.given)} {last}"
        if draw < 0.2:
            return (
                f"{first} {rng.choice(('van', 'de', 'von', 'bin', 'da', 'di', 'van der'))} {last}"
            )
        return f"{first} {last}"

    def organisation(self, rng: random.Random) -> str:
        """Draw a known organisation or make up a firm."""
        if rng.random() < 0.55:
            return rng.choice(self.organisations)
        start = rng.choice(self.firm_words if rng.random() < 0.6 else self.family)
        if rng.random() < 0.25:
            start += rng.choice((" ", " & ", "")) + rng.choice(self.firm_words)
        return f"{start} {rng.choice(self.firm_kinds)}"

    def work(self, rng: random.Random) -> str:
        """Draw a known book, film or song, or make up a title."""
        if rng.random() < 0.6:
            return rng.choice(self.works)
        noun, other = (rng.choice(self.things).title() for _ in range(2))
        mood = rng.choice(self.firm_words)
        titles = (
            f"The {mood} {noun}",
            f"{noun} of {mood}",
            f"The {noun} and the {other}",
            f"{mood} {noun}",
        )
        return rng.choice((*titles, f"A {noun} for {rng.choice(self.given)}", f"My {noun}"))

    def filler(self, slot: str, rng: random.Random) -> str:
        """Draw what stands around names and is none."""
        number = rng.choice((rng.randint(1, 30), rng.randint(31, 2030), rng.randint(10**4, 10**8)))
        clock = f"{rng.randint(0, 23)}:{rng.randint(0, 59):02}"
        hour = (
            f"{rng.randint(1, 12)}{rng.choice((' ', ''))}{rng.choice(('am', 'pm', 'p.m.', 'AM'))}"
        )
        sum_ = rng.choice((f"{number}", f"{number}.{rng.randint(0, 99):02}", f"{number:,}"))
        coin = rng.choice("$€£¥")
        user = f"{rng.choice(self.given)}{rng.choice(('.', '_', ''))}{rng.choice(self.family)}"
        host = rng.choice(self.words) + rng.choice(("", "-")) + rng.choice(self.words)
        site = f"{host}.{rng.choice(ENDINGS)}"
        makers: dict[str, Callable[[], str]] = {
            "day": lambda: rng.choice(DAYS),
            "month": lambda: rng.choice(MONTHS),
            "caps": lambda: rng.choice(self.abbreviations),
            "common": lambda: rng.choice(self.common),
            "thing": lambda: rng.choice(self.things),
            "time": lambda: rng.choice((clock, hour, "noon")),
            "number": lambda: str(number),
            "amount": lambda: rng.choice((f"{coin}{sum_}", f"{sum_} euros", f"{sum_} {coin}")),
            "email": lambda: f"{rng.choice((user, user.lower(), rng.choice(self.words)))}@{site}",
            "url": lambda: (
                rng.choice(("https://", "http://", "www.", "https://www."))
                + site
                + rng.choice(
                    (
                        "",
                        "/",
                        f"/{rng.choice(self.words)}",
                        f"/{number}/{rng.choice(self.words)}.html",
                    )
                )
            ),
            "tag": lambda: f"#{rng.choice((str.lower, str.title))(rng.choice(self.words))}",
        }
        return makers[slot]()

    def fill(self, template: str, rng: random.Random) -> tuple[str, list[tuple[int, int, str]]]:
        """Fill a template's slots; return the text and its names (start, end, type)."""
        text, names = "", []
        parts = template.replace("}", "{").split("{")
        for place, part in enumerate(parts):
            if place % 2 == 0:
                text += part
            elif part in KINDS:
                drawn = self.name(part, rng)
                if part == "place" and drawn.startswith("the "):
                    text, drawn = text + "the ", drawn[4:]
                names.append((len(text), len(text) + len(drawn), KINDS[part]))
                text += drawn
            else:
                text += self.filler(part, rng)
        return text, names

    def sentence(self, rng: random.Random) -> Sentence:
        """Make up one sentence, in words as minner splits them."""
        return tagged(*self.fill(rng.choice(self.templates), rng))


def case_of(words: Sequence[str]) -> str:
    """Tell how a name is written: upper, lower or mixed."""
    text = " ".join(words)
    return "upper" if text.isupper() else "lower" if text.islower() else "mixed"


def tagged(text: str, names: list[tuple[int, int, str]]) -> Sentence:
    """Split a text into minner's words and tag those that lie in a name."""
    sentence = Sentence()
    for start, end in split_words(text):
        inside = [name for name in names if name[0] < end and start < name[1]]
        tag = "O"
        if inside:
            tag = ("B-" if start <= inside[0][0] else "I-") + inside[0][2]
        sentence.words.append(text[start:end])
        sentence.tags.append(tag)
    return allow(sentence, INVENTED)
