"""The command line: `minner tag`, `minner eval`, `minner warmup`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import minner
from minner.chunks import to_iob2
from minner.conll import read_conll
from minner.evaluate import card_numbers, card_report
from minner.formats import FORMATS
from minner.progress import progress
from minner.weights.errors import MinnerError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, or 1 for bad input or a bad model. Wrong usage exits with 2.
    """
    options = _parser().parse_args(arguments)
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    # A lone surrogate, as an undecodable argument holds one, prints as an escape.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        options.run(options)
        sys.stdout.flush()
    except MinnerError as error:
        return _fail(error)
    except BrokenPipeError:
        _discard_stdout()  # whoever read our output has seen enough
    except OSError as error:  # such as a full disk under stdout
        _discard_stdout()
        return _fail(error)
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minner", description="Named entity recognition on CPUs: text in, entities out."
    )
    parser.add_argument("--version", action="version", version=f"minner {minner.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    tag = commands.add_parser("tag", help="find the entities of texts")
    source = tag.add_mutually_exclusive_group()
    source.add_argument(
        "text", nargs="*", default=[], metavar="TEXT", help="a text; none: a text per line of stdin"
    )
    source.add_argument("-f", "--file", help="read a text per line from here instead of stdin")
    tag.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    tag.set_defaults(run=_tag)

    evaluate = commands.add_parser("eval", help="score a model on a CoNLL-format file")
    evaluate.add_argument("file", metavar="FILE.conll", help="words first, tags in the last column")
    evaluate.add_argument(
        "--guess", action="store_true", help="the last two columns are gold and guess; no model"
    )
    evaluate.add_argument("--format", choices=("card", "json"), default="card")
    evaluate.set_defaults(run=_evaluate)

    warmup = commands.add_parser("warmup", help="compile the kernels now, for a fast start later")
    warmup.set_defaults(run=_warm_up)

    for command in (tag, evaluate, warmup):
        command.add_argument(
            "--model", help="a directory or Hugging Face repo id; default: the embedded model"
        )
        command.add_argument("--precision", default="float32", help="default: float32")
        command.add_argument("--threads", type=int, help="cores to use")
    return parser


# ---- commands ---------------------------------------------------------------------------------


def _load(options: argparse.Namespace) -> Any:
    return minner.load(options.model, precision=options.precision, threads=options.threads)


def _tag(options: argparse.Namespace) -> None:
    texts = options.text or _read_lines(options.file)
    ner = _load(options)
    # On one terminal, results would run into the progress line; there they are progress enough.
    if not options.text and not sys.stdout.isatty():
        texts = progress(texts, "texts")
    for block in FORMATS[options.format](ner, texts):
        sys.stdout.write(block)


def _evaluate(options: argparse.Namespace) -> None:
    sentences = list(read_conll(options.file, guess=options.guess))
    if not sentences:
        raise MinnerError(f"{options.file} holds no sentences")
    if options.guess:
        gold: list[Sequence[str]] = [sentence.tags for sentence in sentences]
        guess: list[Sequence[str]] = [sentence.guess for sentence in sentences]
    else:
        gold = [to_iob2(sentence.tags) for sentence in sentences]
        words = (sentence.words for sentence in sentences)
        tags = _load(options).pipe_tags(words)
        guess = list(progress(tags, "sentences", len(sentences)))
    if options.format == "json":
        print(json.dumps(card_numbers(gold, guess), indent=2))
    else:
        sys.stdout.write(card_report(gold, guess))


def _warm_up(options: argparse.Namespace) -> None:
    began = time.perf_counter()
    _load(options)("John Smith works in London.")
    print(f"minner: ready after {time.perf_counter() - began:.1f} s", file=sys.stderr)


# ---- input and messages -----------------------------------------------------------------------


def _read_lines(path: str | None) -> Iterator[str]:
    """One text per line, from a file or from stdin; an empty line is an empty text."""
    name = "stdin" if path is None else path
    try:
        # Opened here, not at the first line: a wrong path fails before the model is loaded.
        # `_decode` closes it.
        file = open(0, "rb", closefd=False) if path is None else open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise MinnerError(f"{name}: cannot be read: {error.strerror}") from error
    return _decode(file, name)


def _decode(file: BinaryIO, name: str) -> Iterator[str]:
    """Decode line by line, so that a fault can be named by its line; drop a byte order mark."""
    with file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise MinnerError(f"{name}:{number}: not UTF-8; convert the file first") from error
            yield text.rstrip("\r\n")


def _fail(error: Exception) -> int:
    print(f"minner: error: {' '.join(str(error).splitlines())}", file=sys.stderr)
    return 1


def _discard_stdout() -> None:
    """Let nothing complain when Python flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_warning(message: Warning | str, *_: Any) -> None:
    print(f"minner: warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
