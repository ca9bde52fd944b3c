"""`minner bundle`: minner, compiled kernels and one model in one folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from minner.commands.common import Commands, add_checkpoint_options
from minner.commands.output import tell


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "bundle",
        help="write a folder that runs one model without an installation",
        description="Write minner, kernels that are compiled already, and one model in one "
        "precision to the new folder OUT, or to a zip of it. It needs Python, NumPy and "
        'tokenizers, nothing else: python OUT "a text".',
    )
    command.add_argument("out", metavar="OUT", type=Path, help="a folder, or a file.zip, to make")
    add_checkpoint_options(command)
    command.add_argument(
        "--targets",
        metavar="T,T",
        help="the processors it is for, such as avx2,zen4, or host; default: all",
    )
    command.add_argument(
        "--embeddings",
        choices=("float16", "same", "float8", "int8"),
        default="same",
        help="as minner convert stores them, unless the precision is float32; default: same",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make the bundle, and say on stderr how large it is."""
    # Imported here: most runs of the command line make no bundle.
    from minner.bundle.make import make_bundle
    from minner.kernels.codegen.prebuild import targets_named

    names = None if options.targets is None else [*map(str.strip, options.targets.split(","))]
    targets = targets_named(names)
    manifest = make_bundle(
        options.out, options.model, options.precision, targets, options.embeddings
    )
    tell(
        f"minner: {options.out} holds {len(manifest['files'])} files, "
        f"{manifest['bytes'] / 1e6:.1f} MB, for {', '.join(manifest['targets'])}"
    )
