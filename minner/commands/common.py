"""What the commands share: the options of a model, of its rules, and of its texts."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import Any

import minner
from minner.decoders import DECODERS
from minner.decoding.strategies import STRATEGIES
from minner.options import ON_LONG, OPTION_NAMES
from minner.text.offsets import UNITS

Commands = Any  # argparse's private _SubParsersAction

PRECISIONS = ("float32", "bfloat16", "int8")
"""What `minner.load` takes; so does OPERAND_LAYOUTS, which takes longer to import."""


def add_model_options(command: argparse.ArgumentParser) -> None:
    """Let a command choose its model, on how many cores it runs, and in which case it reads."""
    add_checkpoint_options(command)
    command.add_argument(
        "--threads", type=int, metavar="N", help="number of CPU cores to use; default: all"
    )
    command.add_argument(
        "--lowercase",
        action=argparse.BooleanOptionalAction,
        help="lowercase the texts, or do not; default: as the files of the model say",
    )


def add_checkpoint_options(command: argparse.ArgumentParser) -> None:
    """Let a command choose its model."""
    command.add_argument(
        "--model", help="a directory or a Hugging Face repository; default: the embedded model"
    )
    command.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="number format of the weights and of matrix products; default: %(default)s",
    )


def load(options: argparse.Namespace, **more: Any) -> Any:
    """The model that the options ask for; `more` goes to `minner.load` as it is."""
    return minner.load(
        options.model,
        precision=options.precision,
        threads=options.threads,
        lowercase=options.lowercase,
        **more,
    )


def add_rule_options(command: argparse.ArgumentParser) -> None:
    """Let a command choose the rules by which a model's output becomes entities."""
    rules = add_tag_rule_options(command, DECODERS)
    rules.add_argument(
        "--on-long",
        choices=ON_LONG,
        default="window",
        help="read a text that is longer than the model's input in overlapping windows, refuse it, "
        "or cut it; default: window",
    )
    rules.add_argument(
        "--labels", type=label_list, metavar="L,L", help="keep only entities of these labels"
    )
    rules.add_argument(
        "--ignore-labels",
        type=label_list,
        default=[],
        metavar="L,L",
        help="drop entities of these labels",
    )
    rules.add_argument(
        "--label-map",
        type=label_renames,
        metavar="L=N,L=N",
        help="rename labels, such as PER=PERSON",
    )
    rules.add_argument(
        "--min-score",
        type=float,
        default=0.0,
        metavar="S",
        help="drop entities below this score, from 0 to 1",
    )
    rules.add_argument(
        "--offsets",
        choices=UNITS,
        default="codepoints",
        help="the unit that START and END count; default: codepoints",
    )
    rules.add_argument(
        "--inclusive-ends",
        action="store_true",
        help="let END be the last unit of an entity instead of the one after it",
    )


def add_tag_rule_options(command: argparse.ArgumentParser, decoders: Collection[str]) -> Any:
    """Let a command choose the rules by which words get their tags; return the rules' group."""
    rules = command.add_argument_group("rules")
    rules.add_argument(
        "--decoder",
        choices=decoders,
        default="conlleval",
        help="the rule that turns tags into entities; default: conlleval",
    )
    rules.add_argument(
        "--word-strategy",
        choices=STRATEGIES,
        default="first",
        help="which wordpieces of a word decide its tag; default: first",
    )
    return rules


def rules_of(options: argparse.Namespace) -> dict[str, Any]:
    """The rules that a command let choose, as `minner.load` takes them."""
    return {name: value for name, value in vars(options).items() if name in OPTION_NAMES}


def label_list(text: str) -> list[str]:
    """`PER,ORG` as a list; spaces and a comma at the end do no harm."""
    return [name.strip() for name in text.split(",") if name.strip()]


def label_renames(text: str) -> dict[str, str]:
    """`PER=PERSON,ORG=COMPANY` as a map."""
    names: dict[str, str] = {}
    for pair in label_list(text):
        label, equals, name = (part.strip() for part in pair.partition("="))
        if not equals:
            raise argparse.ArgumentTypeError(f"{text!r} must be LABEL=NAME,LABEL=NAME")
        if names.setdefault(label, name) != name:
            raise argparse.ArgumentTypeError(f"{text!r} gives {label} two names")
    return names


def _file(path: str) -> str | None:
    """A path, or None for stdin."""
    return None if path == "-" else path


def add_text_options(command: argparse.ArgumentParser) -> Any:
    """Let a command take texts as arguments, from a file, or from stdin; return their group."""
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "text",
        nargs="*",
        default=[],
        metavar="TEXT",
        help="a text to read; without one, each line of stdin is a text",
    )
    source.add_argument(
        "-f", "--file", type=_file, help="read each line of this file as a text; -: stdin"
    )
    return source
