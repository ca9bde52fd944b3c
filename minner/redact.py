"""Redaction: placeholders in the place of entities, and the way back.

Every replacement is kept with its place, so that `restore` gives the original text, even where two
entities share a placeholder, or the text had one in it before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import TypeVar

from minner.entity import Entity
from minner.errors import MinnerError
from minner.options import wanted_labels

_Item = TypeVar("_Item")

LABEL = "[{label}]"
NUMBERED = "[{label}-{number}]"

_FIELDS = ("label", "number")


@dataclass(frozen=True, slots=True)
class Replacement:
    """A placeholder in a redacted text, and what it stands for.

    Attributes:
        start: where the placeholder begins in the redacted text, in code points.
        placeholder: what stands there.
        original: what stood there.
    """

    start: int
    placeholder: str
    original: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A redacted text, and the replacements in it from left to right: the map back."""

    text: str
    mapping: tuple[Replacement, ...]


class Redactor:
    """Redacts one text after another; an entity keeps its number in all of them."""

    def __init__(
        self,
        template: str = LABEL,
        *,
        mask: str | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        """Choose what is replaced, and by what.

        Args:
            template: of a placeholder. `{label}` becomes the entity's label, and `{number}` its
                number among those of its label: 1, 2, ... by first appearance, the same for the
                same text. `{{` is a brace.
            mask: one character; placeholders are as many of it as the entity has code points, and
                the template is not used.
            labels: of the entities to replace; all where it is None.

        Raises:
            MinnerError: the template has another field, the mask is not one character, or the
                labels are not a list of strings or an empty one.
        """
        if mask is not None and (not isinstance(mask, str) or len(mask) != 1):
            raise MinnerError(f"a mask must be one character, not {mask!r}")
        self._parts = _parse(template)
        self._mask = mask
        self._labels = wanted_labels(labels)
        self._numbers: dict[str, dict[str, int]] = {}
        self._last: dict[str, int] = {}

    def __call__(self, text: str, entities: Iterable[Entity]) -> Redacted:
        """Replace the entities of one text.

        Raises:
            MinnerError: entities overlap, are not of this text, or have a label that differs from
                a wanted one by its case alone.
        """
        parts: list[str] = []
        mapping = []
        for before, replacement in self.pieces(text, _in_order(text, entities)):
            parts.append(before)
            if replacement:
                parts.append(replacement.placeholder)
                mapping.append(replacement)
        return Redacted("".join(parts), tuple(mapping))

    def pieces(
        self, text: str, entities: Iterable[Entity]
    ) -> Iterator[tuple[str, Replacement | None]]:
        """Redact one text piece by piece: a long text with its map need not be held as a whole.

        Args:
            text: the text.
            entities: its entities from left to right, as a tagger gives them.

        Yields:
            What stays of the text, and the replacement that follows it; None follows the last.

        Raises:
            MinnerError: as a call, at the entity in question.
        """
        at = length = 0
        has = cache(text.__contains__)
        for entity in entities:
            if not at <= entity.start <= entity.end or text[entity.start : entity.end] != (
                entity.text
            ):
                raise MinnerError(
                    f"the entity {entity.text!r} at {entity.start} to {entity.end} is not of this "
                    f"text, or overlaps another"
                )
            if not self._wants(entity.label):
                continue
            placeholder = self._placeholder(entity, has)
            length += entity.start - at
            yield text[at : entity.start], Replacement(length, placeholder, entity.text)
            length += len(placeholder)
            at = entity.end
        yield text[at:], None

    def _wants(self, label: str) -> bool:
        if self._labels is None or label in self._labels:
            return True
        for wanted in self._labels:  # a name that was meant must not stay in silence
            if wanted.casefold() == label.casefold():
                raise MinnerError(f"there is no label {wanted!r} here: write {label!r}")
        return False

    def _placeholder(self, entity: Entity, has: Callable[[str], bool]) -> str:
        if self._mask is not None:
            return self._mask * len(entity.text)
        if all(field != "number" for _, field in self._parts):
            return self._filled(entity.label, 0)
        numbers = self._numbers.setdefault(entity.label, {})
        number = numbers.get(entity.text, 0)
        # A placeholder that the text already has would stand for two things. Most texts have not
        # even the part before the number, which is looked for once.
        begin = self._filled(entity.label, 0).partition("0")[0]
        while not number or (has(begin) and has(self._filled(entity.label, number))):
            number = self._last[entity.label] = self._last.get(entity.label, 0) + 1
        numbers[entity.text] = number
        return self._filled(entity.label, number)

    def _filled(self, label: str, number: int) -> str:
        values = {"label": label, "number": str(number), None: ""}
        return "".join(literal + values[field] for literal, field in self._parts)


def redact(
    text: str,
    entities: Iterable[Entity],
    template: str = LABEL,
    *,
    mask: str | None = None,
    labels: Iterable[str] | None = None,
) -> Redacted:
    """Replace the entities of one text; arguments and errors are those of `Redactor`."""
    return Redactor(template, mask=mask, labels=labels)(text, entities)


def restore(text: str, mapping: Sequence[Replacement]) -> str:
    """Put everything back in a redacted text.

    Args:
        text: the text of a `Redacted`.
        mapping: its map.

    Raises:
        MinnerError: a placeholder is not at its place; see `restore_edited`.
    """
    parts = []
    at = 0
    for replacement in _replacements(text, mapping):
        start, placeholder, original = (
            replacement.start,
            replacement.placeholder,
            replacement.original,
        )
        if start < at or not text.startswith(placeholder, start):
            raise MinnerError(
                f"{placeholder!r} is not at {start}: the text was changed after it was redacted, "
                f"or the map is of another text"
            )
        parts += [text[at:start], original]
        at = start + len(placeholder)
    return "".join([*parts, text[at:]])


def restore_edited(text: str, mapping: Iterable[Replacement]) -> str:
    """Put the originals in wherever their placeholders stand, such as in an answer to the text.

    Raises:
        MinnerError: a placeholder stands for two originals: redact with `NUMBERED`.
    """
    originals: dict[str, str] = {}
    for replacement in _replacements(text, mapping):
        placeholder, original = replacement.placeholder, replacement.original
        if not placeholder or originals.setdefault(placeholder, original) != original:
            raise MinnerError(
                f"{placeholder!r} does not say which entity it stands for; redact with numbers"
            )
    if not originals:
        return text
    # The longest first: one template can make P1 and P10.
    longest_first = sorted(originals, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return pattern.sub(lambda match: originals[match[0]], text)


def _in_order(text: object, entities: object) -> list[Entity]:
    """Entities from left to right, once all is what it should be."""
    return sorted(
        _each(text, entities, Entity, "entities, as a tagger gives them"),
        key=lambda entity: (entity.start, entity.end),
    )


def _replacements(text: object, mapping: object) -> list[Replacement]:
    return _each(text, mapping, Replacement, "replacements, as `Redacted.mapping` has them")


def _each(text: object, items: object, kind: type[_Item], wanted: str) -> list[_Item]:
    if not isinstance(text, str):
        raise MinnerError(f"a text must be a string, not {type(text).__name__}")
    if not isinstance(items, Iterable):
        raise MinnerError(f"expected a list of {wanted}, not {type(items).__name__}")
    found = []
    for item in items:
        if not isinstance(item, kind):
            raise MinnerError(f"expected a list of {wanted}, not of {type(item).__name__}")
        found.append(item)
    return found


def _parse(template: str) -> list[tuple[str, str | None]]:
    """A template as literals, each with the field that follows it, or None."""
    known = " and ".join(f"{{{field}}}" for field in _FIELDS)
    problem = f"the template {template!r} is not one: use {known}, and {{{{ for a brace"
    parts: list[tuple[str, str | None]] = []
    if not isinstance(template, str):
        raise MinnerError(problem)
    try:
        for literal, field, spec, conversion in Formatter().parse(template):
            if field is not None and (field not in _FIELDS or spec or conversion):
                raise MinnerError(problem)
            parts.append((literal, field))
    except ValueError as error:  # an unmatched brace
        raise MinnerError(problem) from error
    return parts
