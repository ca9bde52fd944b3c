"""`minner redact`: replace the entities of texts, and put them back."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import zip_longest
from typing import Any, TextIO

from minner.commands.common import (
    Commands,
    add_model_options,
    add_text_options,
    load,
    read_lines,
)
from minner.errors import MinnerError
from minner.formats.tagged import tagged
from minner.progress import progress
from minner.redact import LABEL, NUMBERED, Redactor, Replacement, restore


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("redact", help="replace the entities of texts by placeholders")
    add_text_options(command)
    style = command.add_mutually_exclusive_group()
    style.add_argument(
        "--numbered",
        dest="template",
        action="store_const",
        const=NUMBERED,
        help="[PER-1], [PER-2], ... instead of [PER]; the same name has the same number",
    )
    style.add_argument("--template", help="with {label} and {number}; default: [{label}]")
    style.add_argument("--mask", metavar="CHARACTER", help="as many of it as the name is long")
    style.add_argument("--restore", metavar="MAP", help="undo a redaction: put the names back")
    command.add_argument(
        "--labels", type=_labels, metavar="L,L", help="replace only these, such as PER,ORG"
    )
    command.add_argument("--map", metavar="FILE", help="write what --restore needs, as JSON lines")
    add_model_options(command)
    command.set_defaults(run=run, wrong_usage=command.error)


def _labels(text: str) -> list[str]:
    return [label.strip() for label in text.split(",")]


def run(options: argparse.Namespace) -> None:
    """Write the redacted lines, or the restored ones, to stdout."""
    if options.restore and (options.map or options.labels):
        options.wrong_usage("argument --restore: not allowed with --map or --labels")
    # Lines as they are, so that what is restored is the file there was, to the byte.
    lines: Iterable[str] = read_lines(options.file, as_is=True)
    if options.text:
        lines = [f"{line}\n" for text in options.text for line in text.split("\n")]
    if options.restore:
        _restore(lines, options.restore)
    else:
        _redact(lines, options)


def _redact(lines: Iterable[str], options: argparse.Namespace) -> None:
    redactor = _redactor(options)
    with ExitStack() as stack:
        file = stack.enter_context(_create(options.map)) if options.map else None
        ner = load(options)
        _check_labels(options.labels or (), ner.entity_labels)
        if not options.text and not sys.stdout.isatty():
            lines = progress(lines, "texts")
        for line, found in tagged(ner, lines):
            redacted = redactor(line, found)
            if file:
                record = {"replaced": [asdict(r) for r in redacted.mapping]}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            sys.stdout.write(redacted.text)


def _redactor(options: argparse.Namespace) -> Redactor:
    for text in (options.template, options.mask):
        if text and not {"\r", "\n"}.isdisjoint(text):
            raise MinnerError("a placeholder must not break the line it stands in")
    template = LABEL if options.template is None else options.template
    return Redactor(template, mask=options.mask, labels=options.labels)


def _check_labels(labels: Iterable[str], known: Iterable[str]) -> None:
    """A label that is misspelt would leave in the text what was to be taken out."""
    for label in labels:
        if label not in known:
            raise MinnerError(f"the model has no label {label!r}; it has: {', '.join(known)}")


def _create(path: str) -> TextIO:
    """A new file, which only its owner can read: it holds what was taken out of the text."""

    def private(path: str, flags: int) -> int:
        return os.open(path, flags, mode=0o600)

    try:
        return open(path, "w", encoding="utf-8", errors="backslashreplace", opener=private)
    except OSError as error:
        raise MinnerError(f"{path}: cannot be written: {error.strerror}") from error


def _restore(lines: Iterable[str], path: str) -> None:
    for number, (line, mapping) in enumerate(zip_longest(lines, _read_map(path)), start=1):
        if line is None or mapping is None:
            raise MinnerError(f"{path}: the map is not of this text, which has more or fewer lines")
        try:
            sys.stdout.write(restore(line, mapping))
        except MinnerError as error:
            raise MinnerError(f"line {number}: {error}") from error


def _read_map(path: str) -> Iterator[list[Replacement]]:
    for number, line in enumerate(read_lines(path), start=1):
        try:
            yield [_replacement(fields) for fields in json.loads(line)["replaced"]]
        except (ValueError, TypeError, KeyError) as error:
            raise MinnerError(
                f"{path}:{number}: not a line of a map that minner redact wrote"
            ) from error


def _replacement(fields: Any) -> Replacement:
    replacement = Replacement(**fields)
    kinds = (int, str, str)
    values = (replacement.start, replacement.placeholder, replacement.original)
    if any(type(value) is not kind for value, kind in zip(values, kinds, strict=True)):
        raise TypeError
    return replacement
