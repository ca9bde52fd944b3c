"""`minner diff`: where two models, precisions or rules disagree."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import tee
from typing import Any

import minner
from minner.commands.common import PRECISIONS, Commands, add_text_options
from minner.commands.files import check_not_output, read_lines
from minner.commands.output import write
from minner.compare import Comparison, Place, Side
from minner.decoders import DECODERS
from minner.entity import record_of
from minner.errors import MinnerError
from minner.formats.json_text import json_text
from minner.options import Options
from minner.progress import progress
from minner.scoring.conll import read_conll
from minner.scoring.notation import all_tags, prefix_first
from minner.tagger import Tagger

_WEIGHTS: dict[str, Any] = {"model": None, "precision": "float32"}
_RULES: dict[str, Any] = {
    name: getattr(Options(), name) for name in ("decoder", "word_strategy", "on_long", "min_score")
}
_DEFAULTS = _WEIGHTS | _RULES
"""Key of a side -> its value where it is left out."""

Source = tuple[str | Sequence[str], Sequence[str] | None]
"""A text; or the words of one, and their gold tags."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "diff",
        help="show where two models or rules disagree",
        description="Read the same texts in two ways, A and B, and show the places where their "
        "entities differ. A way is a decoder, a precision or a model; or KEY=VALUE,KEY=VALUE with "
        f"the keys {', '.join(_DEFAULTS)}; or `default`, as `minner tag` reads.",
    )
    command.add_argument("a", metavar="A", help="one way to read, such as default")
    command.add_argument(
        "b", metavar="B", help="the other, such as viterbi, or model=PATH,decoder=viterbi"
    )
    source = add_text_options(command)
    source.add_argument(
        "--conll", metavar="FILE", help="read words and gold tags from this CoNLL file"
    )
    command.add_argument(
        "--threads", type=int, metavar="N", help="number of CPU cores to use; default: all"
    )
    command.add_argument(
        "--format", choices=("table", "json"), default="table", help="default: table"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the places where A and B differ, and how many there are."""
    sources = _sources(options)
    sides = _parse("A", options.a), _parse("B", options.b)
    if sides[0] == sides[1]:
        raise MinnerError("A and B are the same; give two that differ, such as: default viterbi")
    a, b = _load(sides, options.threads)
    comparison = Comparison()
    places = _compare(a, b, progress(sources, "texts"), comparison)
    if options.format == "json":
        _write_json(options, places, comparison)
    else:
        _write_table(places, comparison, has_gold=options.conll is not None)


def _sources(options: argparse.Namespace) -> Iterator[Source]:
    if options.conll is not None:
        check_not_output(options.conll)
        sentences = list(read_conll(options.conll))
        gold = [sentence.tags for sentence in sentences]
        words = (sentence.words for sentence in sentences)
        return zip(words, prefix_first(gold, all_tags(gold)), strict=True)
    return ((text, None) for text in options.text or read_lines(options.file))


def _compare(
    a: Tagger, b: Tagger, sources: Iterator[Source], comparison: Comparison
) -> Iterator[tuple[int, Place]]:
    """Every place, with the number of its text, from 1."""
    sources, for_a, for_b = tee(sources, 3)
    of_a, of_b = (
        side.documents(text for text, _ in ours) for side, ours in ((a, for_a), (b, for_b))
    )
    for one, other, (_, gold) in zip(of_a, of_b, sources, strict=True):
        for place in comparison.add(one, other, gold):
            yield comparison.texts, place


# ---- A and B ------------------------------------------------------------------------------------


def _parse(side: str, text: str) -> dict[str, Any]:
    """A value for every key of `_DEFAULTS`, from what was given for a side."""
    found = dict(_DEFAULTS)
    if text == "default":
        return found
    for part in text.split(","):
        key, value = _key_and_value(side, part)
        found[key] = value
    try:
        found["min_score"] = float(found["min_score"])
    except ValueError:
        raise MinnerError(f"{side}: {found['min_score']!r} is no number") from None
    return found


def _key_and_value(side: str, part: str) -> tuple[str, str]:
    """`key=value`; or a value alone that tells what it is of, the last resort being a model."""
    key, equals, value = (setting.strip() for setting in part.partition("="))
    if not equals:
        return _key_of(key), key
    key = key.replace("-", "_")
    if key not in _DEFAULTS:
        raise MinnerError(f"{side}: {part!r} has none of the keys {', '.join(_DEFAULTS)}")
    return key, value


def _key_of(value: str) -> str:
    if value in DECODERS:
        return "decoder"
    return "precision" if value in PRECISIONS else "model"


def _load(sides: Sequence[dict[str, Any]], threads: int | None) -> list[Tagger]:
    """A tagger for each side; two that differ in rules only share the weights."""
    loaded: dict[tuple[Any, ...], Tagger] = {}
    taggers = []
    for side in sides:
        weights = {key: side[key] for key in _WEIGHTS}
        key = tuple(weights.values())
        if key not in loaded:
            loaded[key] = minner.load(**weights, threads=threads)
        taggers.append(loaded[key].with_options(**{name: side[name] for name in _RULES}))
    return taggers


# ---- what is written ----------------------------------------------------------------------------


def _write_table(
    places: Iterator[tuple[int, Place]], comparison: Comparison, has_gold: bool
) -> None:
    write(" TEXT  SIDE   START     END  LABEL  SCORE  ENTITY\n")
    for number, place in places:
        for name, side in (("A", place.a), ("B", place.b)):
            _write_side(number, name, side, place)
        for entity in place.gold or []:
            _write_row(number, "gold", entity.start, entity.end, entity.label, "", entity.text)
    ours = comparison
    write(
        f"\n{ours.texts} text{'s' * (ours.texts != 1)}: A found {ours.a} entities, B {ours.b}, "
        f"{ours.same} of them the same, with scores up to "
        f"{ours.largest_score_difference:.2g} apart\n"
    )
    right = f"; A is right in {ours.a_right}, B in {ours.b_right}" if has_gold else ""
    write(f"places that differ: {ours.places}{right}\n")


def _write_side(number: int, name: str, side: Side, place: Place) -> None:
    """A line per entity; or, where there is none, one with the tags and their mean score."""
    for one in side.entities:
        _write_row(number, name, one.start, one.end, one.label, f"{one.score:.3f}", one.text)
    if not side.entities:
        tagged = " ".join(f"{word}/{tag}" for word, tag in zip(place.words, side.tags, strict=True))
        score = f"{sum(side.scores) / len(side.scores):.3f}"
        _write_row(number, name, place.start, place.end, "-", score, tagged)


def _write_row(
    number: int, name: str, start: int, end: int, label: str, score: str, text: str
) -> None:
    line = " ".join(text.split())
    # What a terminal would obey instead of show.
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
    write(f"{number:>5}  {name:<4}  {start:>6}  {end:>6}  {label:<5}  {score:>5}  {shown}\n")


def _write_json(
    options: argparse.Namespace, places: Iterator[tuple[int, Place]], comparison: Comparison
) -> None:
    found = [
        {
            "text": number,
            "start": place.start,
            "end": place.end,
            "words": place.words,
            "a": _side_record(place.a),
            "b": _side_record(place.b),
            "gold": None if place.gold is None else [*map(record_of, place.gold)],
        }
        for number, place in places
    ]
    counts = asdict(comparison)
    if options.conll is None:
        del counts["a_right"], counts["b_right"]
    record = {"a": options.a, "b": options.b, "counts": counts, "places": found}
    write(json_text(record, indent=2))


def _side_record(side: Side) -> dict[str, Any]:
    return {**side._asdict(), "entities": [*map(record_of, side.entities)]}
