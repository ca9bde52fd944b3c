"""Images that are shipped with the package: machine code of every target, compiled beforehand.

`prebuild.py` writes them to the folder IMAGES, with a table beside them:

    {"sources": "3c5f...", "images": {"avx2.gelu.int8": "81a0...", ...}}

`sources` is the digest of the kernels that they were compiled from, `images` has the SHA-256 of
each image. A folder whose sources are not those of this package counts as empty, and so does an
image whose digest is another. So images are trusted exactly as far as the Python files beside them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from minner.kernels.codegen.targets import TARGETS, BuiltTarget

SOURCES = Path(__file__).parents[1]
"""The package of kernels: editing any file of it makes compiled kernels stale."""

IMAGES = SOURCES / "images"
TABLE = "table.json"


def digest_of_sources() -> str:
    """The SHA-256 of all that kernels are compiled from."""
    digest = hashlib.sha256()
    for source in sorted(_sources()):
        with open(source, "rb", buffering=0) as file:
            digest.update(file.read())
    return digest.hexdigest()


def _sources() -> Iterator[str]:
    """Every file of Python; through pathlib this would take twice the time, at every start."""
    for folder, _, files in os.walk(SOURCES):
        yield from (os.path.join(folder, file) for file in files if file.endswith(".py"))


def sources_changed_since(moment: float) -> bool:
    """Whether one of these sources was written after a moment, in seconds since 1970."""
    return any(os.stat(source).st_ctime > moment for source in _sources())


def image_name(target: str, activation: str, precision: str) -> str:
    """Of an image, in the table; its file ends in `.bin`."""
    return f"{target}.{activation}.{precision}"


@cache
def shipped_images() -> dict[str, str]:
    """The SHA-256 of each image by its name; none where they are of other sources."""
    try:
        table = json.loads((IMAGES / TABLE).read_bytes())
        return dict(table["images"]) if table["sources"] == digest_of_sources() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def shipped_targets() -> list[BuiltTarget]:
    """The targets that there is an image for, in the order of the table of targets."""
    names = {name.partition(".")[0] for name in shipped_images()}
    return [target for target in TARGETS if target.name in names]


def why_not_shipped(target: str, activation: str, precision: str) -> str | None:
    """Why there is no image for this, in a sentence that says what to do; None if there are none.

    Args:
        target: the name of this machine's target; "" where it is none of the table.
        activation: of the model that is loaded.
        precision: that it is loaded in.
    """
    held = [name.split(".") for name in shipped_images()]
    targets = [target.name for target in shipped_targets()]
    precisions = [one[2] for one in held if one[0] == target]
    activations = [one[1] for one in held if (one[0], one[2]) == (target, precision)]
    if not held:
        return None
    if not precisions:
        wanted = target or "another processor"
        return (
            f"this copy of minner holds kernels for {_listed(targets)} only, and this machine "
            f"needs those for {wanted}: make the bundle for it as well (--targets), or install "
            f"numba"
        )
    if not activations:
        return (
            f"this copy of minner holds kernels for {_listed(precisions)} only, not for "
            f"{precision}: pass precision={precisions[0]!r} (--precision {precisions[0]})"
        )
    if activation not in activations:
        return (
            f"this copy of minner holds kernels for models with {_listed(activations)} only, and "
            f"this one has {activation}: make a bundle of this model, or install numba"
        )
    name = image_name(target, activation, precision)
    return f"{IMAGES / name}.bin is missing or damaged: copy or install this minner again"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def shipped_image(target: str, activation: str, precision: str) -> bytes | None:
    """An image of the package; None where there is none, or it is damaged."""
    name = image_name(target, activation, precision)
    try:
        content = (IMAGES / f"{name}.bin").read_bytes() if name in shipped_images() else b""
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == shipped_images().get(name) else None
