"""`minner redact`: replace the entities of texts, and put them back."""

from __future__ import annotations

import argparse
import json
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

from minner.commands.common import (
    Commands,
    add_model_options,
    add_text_options,
    label_list,
    load,
)
from minner.commands.files import PrivateFile, read_lines
from minner.commands.output import STDIN, write
from minner.errors import MinnerError
from minner.formats.json_text import json_parts
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
        help="number the placeholders: [PER-1], [PER-2]; the same name gets the same number",
    )
    style.add_argument(
        "--template",
        help="the placeholder, with {label} and {number} in it; default: [{label}]",
    )
    style.add_argument(
        "--mask", metavar="CHARACTER", help="replace each character of a name by this one"
    )
    style.add_argument(
        "--restore", metavar="MAP", help="put the names back, from the file that --map wrote"
    )
    command.add_argument(
        "--labels",
        type=label_list,
        metavar="L,L",
        help="replace only entities of these labels, such as PER,ORG",
    )
    command.add_argument(
        "--map",
        metavar="FILE",
        help="write what --restore needs to this file, which then holds the names",
    )
    command.add_argument(
        "--overwrite", action="store_true", help="let --map replace a file that is there"
    )
    add_model_options(command)
    command.set_defaults(run=run, wrong_usage=command.error)


def run(options: argparse.Namespace) -> None:
    """Write the redacted lines, or the restored ones, to stdout."""
    if options.restore and (options.map or options.labels):
        options.wrong_usage("argument --restore: not allowed with --map or --labels")
    if options.overwrite and not options.map:
        options.wrong_usage("argument --overwrite: needs --map")
    lines: Iterable[str] = [f"{line}\n" for text in options.text for line in text.split("\n")]
    if not options.text:
        # As they are, so that what is restored is the file there was, to the byte.
        lines = read_lines(options.file, as_is=True)
    if options.restore:
        _restore(lines, options.restore)
    else:
        _redact(lines, options)


def _redact(lines: Iterable[str], options: argparse.Namespace) -> None:
    redactor = _redactor(options)
    ner = load(options)
    if options.labels is not None:
        _check_labels(options.labels, ner.entity_labels)
    with _map_file(options) as file:
        if not options.text and not sys.stdout.isatty():
            lines = progress(lines, "texts")
        for line, found in tagged(ner, lines):
            replacements = _written(redactor.pieces(line, found))
            if file:
                for part in json_parts({}, "replaced", map(asdict, replacements)):
                    file.write(part)
            else:
                deque(replacements, maxlen=0)


def _written(pieces: Iterable[tuple[str, Replacement | None]]) -> Iterator[Replacement]:
    """Write a redacted line, and yield its replacements meanwhile."""
    for before, replacement in pieces:
        write(before)
        if replacement:
            write(replacement.placeholder)
            yield replacement


def _map_file(options: argparse.Namespace) -> AbstractContextManager[PrivateFile | None]:
    """The map, which holds what is taken out of the texts, or None where none was asked for."""
    if not options.map:
        return nullcontext()
    inputs = [] if options.text else [STDIN if options.file is None else options.file]
    return PrivateFile(options.map, inputs=inputs, overwrite=options.overwrite)


def _redactor(options: argparse.Namespace) -> Redactor:
    for text in (options.template, options.mask):
        if text and not {"\r", "\n"}.isdisjoint(text):
            raise MinnerError("a placeholder must not break the line it stands in")
    template = LABEL if options.template is None else options.template
    return Redactor(template, mask=options.mask, labels=options.labels)


def _check_labels(labels: Sequence[str], known: Iterable[str]) -> None:
    """A label that is misspelt would leave in the text what was to be taken out."""
    if not labels:
        raise MinnerError("--labels names no label")
    for label in labels:
        if label not in known:
            raise MinnerError(f"the model has no label {label!r}; it has: {', '.join(known)}")


def _restore(lines: Iterable[str], path: str) -> None:
    for number, (line, mapping) in enumerate(zip_longest(lines, _read_map(path)), start=1):
        if line is None or mapping is None:
            raise MinnerError(f"{path}: the map is not of this text, which has more or fewer lines")
        try:
            restored = restore(line, mapping)
        except MinnerError as error:
            raise MinnerError(f"line {number}: {error}") from error
        write(restored)


def _read_map(path: str) -> Iterator[list[Replacement]]:
    for number, line in enumerate(read_lines(path), start=1):
        try:
            yield [_replacement(fields) for fields in json.loads(line)["replaced"]]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
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
