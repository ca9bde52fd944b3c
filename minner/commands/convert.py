"""`minner convert`: write a checkpoint in fewer bits."""

from __future__ import annotations

import argparse
from pathlib import Path

from minner.commands.common import PRECISIONS, Commands
from minner.commands.output import tell
from minner.weights.hub import find_checkpoint


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "convert",
        help="write a checkpoint in fewer bits",
        description="Write MODEL to the new directory OUT, with its matrices in bfloat16, or in "
        "int8 with a scale for each row.",
    )
    command.add_argument("model", metavar="MODEL", help="a directory or a Hugging Face repository")
    command.add_argument(
        "out", metavar="OUT", type=Path, help="a directory to make, or an empty one"
    )
    command.add_argument("--precision", choices=PRECISIONS[1:], required=True)
    command.add_argument(
        "--embeddings",
        choices=("float16", "same", "float8", "int8"),
        default="float16",
        help="float16: in 16 bits, if they are in more; same: as they are, which makes float32 "
        "models larger and changes no bit of what they compute; float8 and int8: the smallest, "
        "and less accurate (transformers reads float8 without another package, int8 is closer "
        "to the original); default: float16",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the directory, and say on stderr what it weighs."""
    # Imported here: most runs of the command line convert nothing.
    from minner.weights.convert import convert

    source = find_checkpoint(options.model)
    convert(source, options.out, options.precision, options.embeddings)
    before, after = (
        sum(file.stat().st_size for file in directory.glob("*.safetensors")) / 1e6
        for directory in (source, options.out)
    )
    tell(
        f"minner: {options.out} has {after:.1f} MB of weights, the original {before:.1f} MB; "
        f"run it with --precision {options.precision}"
    )
