"""Make a bundle.

    OUT/__main__.py          `launcher.py`: python OUT "a text"
    OUT/minner/              the package: `sys.path.insert(0, OUT)`, then `import minner`
    OUT/minner/kernels/images/    the kernels of the chosen targets
    OUT/minner/weights/default/   the model: `minner.load(precision=...)` finds it
    OUT/manifest.json        what is in it, how large, with digests and licences
    OUT/LICENSE, OUT/NOTICE  minner's

A bundle needs Python, NumPy and tokenizers. It has the same bytes whenever it is made of the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import minner
from minner.cli import COMMANDS
from minner.errors import MinnerError
from minner.kernels.codegen import prebuild
from minner.kernels.codegen.shipped import image_name, shipped_image
from minner.kernels.codegen.targets import BuiltTarget
from minner.weights.checkpoint import open_checkpoint
from minner.weights.convert import convert, files_to_copy
from minner.weights.files import reason
from minner.weights.hub import find_checkpoint
from minner.weights.tokenizer import read_tokenizer

_PACKAGE = Path(minner.__file__).parent

LEFT_OUT = frozenset(
    {
        *("weights/default", "kernels/images"),  # instead come the model and kernels of the bundle
        *(f"commands/{module}.py" for module in COMMANDS.values() if module != "tag"),
        *("__main__.py", "bench", "bundle", "compare.py", "inspection", "scoring", "serve"),
        *("explain", "compat", "spark", "sparknlp", "formats/sparknlp.py"),
    }
)
"""Files and folders of minner/ that a bundle has no use for: it tags. The sources of the kernels
are there as a whole, because compiled kernels hold for exactly those."""

_COMPILED = shutil.ignore_patterns("__pycache__", "*.pyc")

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the first that the format can hold."""


def make_bundle(
    out: Path,
    model: str | os.PathLike[str] | None,
    precision: str,
    targets: Sequence[BuiltTarget],
    embeddings: str = "same",
) -> dict[str, Any]:
    """Write a bundle: a folder, or a zip of one where `out` ends in `.zip`; all of it or nothing.

    Args:
        out: does not exist yet; the folder that it is in does.
        model: as `minner.load` takes it.
        precision: `float32`, `bfloat16` or `int8`.
        targets: of the kernels. Those that this installation has no images of are compiled.
        embeddings: how `minner convert` stores them; in float32 they stay as they are.

    Returns:
        The manifest.

    Raises:
        MinnerError: the model is none that minner runs, kernels cannot be compiled, or `out` cannot
            be written.
    """
    if out.exists():
        raise MinnerError(f"{out} exists; choose a new name")
    if not out.parent.is_dir():
        raise MinnerError(f"there is no directory {out.parent} to make {out.name} in")
    source = find_checkpoint(model)
    config = open_checkpoint(source).config
    read_tokenizer(source, config)
    activation = config.activation
    try:
        with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as workshop:
            folder = Path(workshop) / "bundle"
            _copy_package(folder)
            _copy_model(source, folder / "minner" / "weights" / "default", precision, embeddings)
            _add_kernels(folder / "minner" / "kernels" / "images", targets, activation, precision)
            manifest = _manifest(folder, model, precision, activation, targets)
            if out.suffix == ".zip":
                _zip(folder, out)
            else:
                os.replace(folder, out)
    except OSError as error:
        raise MinnerError(f"cannot write {out}: {reason(error)}") from error
    return manifest


def _copy_package(folder: Path) -> None:
    def left_out(directory: str, names: list[str]) -> set[str]:
        here = Path(directory).relative_to(_PACKAGE)
        others = {name for name in names if (here / name).as_posix() in LEFT_OUT}
        return others | _COMPILED(directory, names)

    shutil.copytree(_PACKAGE, folder / "minner", ignore=left_out)
    shutil.copyfile(Path(__file__).with_name("launcher.py"), folder / "__main__.py")
    for name, text in _licences().items():
        (folder / name).write_text(text, encoding="utf-8")


def _licences() -> dict[str, str]:
    """LICENSE and NOTICE: of the checkout, or of the installed distribution."""
    places = [_PACKAGE.parent / name for name in ("LICENSE", "NOTICE")]
    if not all(place.is_file() for place in places):
        try:
            installed = files("minner-ner") or []
        except PackageNotFoundError:
            installed = []
        places = [Path(one.locate()) for one in installed if one.name in ("LICENSE", "NOTICE")]
    return {place.name: place.read_text(encoding="utf-8") for place in places}


def _copy_model(source: Path, target: Path, precision: str, embeddings: str) -> None:
    if precision == "float32":
        target.mkdir()
        weights = {*source.glob("*.safetensors"), *source.glob("*.safetensors.index*.json")}
        for file in {source / "config.json", *weights, *files_to_copy(source)}:
            shutil.copyfile(file, target / file.name)
    else:
        convert(source, target, precision, embeddings)


def _add_kernels(
    folder: Path, targets: Sequence[BuiltTarget], activation: str, precision: str
) -> None:
    images = {
        image_name(target.name, activation, precision): shipped_image(
            target.name, activation, precision
        )
        for target in targets
    }
    if None in images.values():
        prebuild.prebuild(folder, targets, [activation], [precision])
        return
    folder.mkdir()
    for name, image in images.items():
        (folder / f"{name}.bin").write_bytes(image or b"")
    prebuild.write_table(folder)


def _manifest(
    folder: Path,
    model: str | os.PathLike[str] | None,
    precision: str,
    activation: str,
    targets: Sequence[BuiltTarget],
) -> dict[str, Any]:
    """Write the list of all files, and what they are."""
    contents = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {
        "minner": minner.__version__,
        "model": "embedded" if model is None else Path(model).name,
        "precision": precision,
        "activation": activation,
        "targets": [target.name for target in targets],
        "needs": ["python>=3.10", "numpy>=1.26", "tokenizers>=0.20"],
        "licences": {
            "minner": "Apache-2.0, see LICENSE and NOTICE",
            "model": "as its files in minner/weights/default say; the embedded one: NOTICE",
        },
        "bytes": sum(one["bytes"] for one in contents.values()),  # type: ignore[misc]
        "files": contents,
    }
    text = json.dumps(manifest, indent=1) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return manifest


def _zip(folder: Path, out: Path) -> None:
    unfinished = folder.with_suffix(".zip")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EARLIEST)
                entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    os.replace(unfinished, out)
