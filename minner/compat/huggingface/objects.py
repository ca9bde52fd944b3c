"""Models and tokenizers of transformers, given as objects, written where minner can read them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

_NEVER_SETTLED = 1 << 32
"""A time of modification that lies in the year 2106."""


class TemporaryFolder:
    """A directory that is removed with this object, by the process that made it.

    Attributes:
        path: the directory.
    """

    def __init__(self) -> None:
        """Make an empty directory."""
        self.path = Path(tempfile.mkdtemp(prefix="minner-"))
        weakref.finalize(self, _remove, self.path, os.getpid())

    def __deepcopy__(self, _: Any) -> TemporaryFolder:
        """A copy of a pipeline reads the same files, which stay as long as either."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it is None: there the files are only read."""
        return type(None), ()


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # not in a forked child
        shutil.rmtree(path, ignore_errors=True)


def is_object(given: Any) -> bool:
    """Whether this is a model or a tokenizer of transformers rather than the name of one."""
    return hasattr(given, "save_pretrained")


def write_model(model: Any, folder: TemporaryFolder) -> Path:
    """Write a model: the weights it has now, not those of the directory it came from."""
    path = folder.path / "model"
    model.save_pretrained(path)
    for weights in path.glob("*.safetensors"):
        # Weights that have just changed are not kept, packed, in the cache: these never are, since
        # the cache would hold them for longer than the folder is there.
        os.utime(weights, (_NEVER_SETTLED, _NEVER_SETTLED))
    return path


def write_tokenizer(tokenizer: Any, folder: TemporaryFolder) -> Path:
    """Write a tokenizer as it works now.

    `tokenizer.json` tells all of that. What `tokenizer_config.json` says of lowercasing is taken
    out, because it would win and may be older than a change of the object.
    """
    path = folder.path / "tokenizer"
    tokenizer.save_pretrained(path)
    settings = path / "tokenizer_config.json"
    if (path / "tokenizer.json").exists() and settings.exists():
        stated = json.loads(settings.read_text(encoding="utf-8"))
        for name in ("do_lower_case", "strip_accents", "tokenize_chinese_chars"):
            stated.pop(name, None)
        stated["tokenizer_class"] = "PreTrainedTokenizerFast"
        settings.write_text(json.dumps(stated), encoding="utf-8")
    return path
