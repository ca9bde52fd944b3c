"""The name of a model -> the directory of its files, downloaded if need be."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from minner.errors import MinnerError
from minner.weights.files import reason

_DEFAULT = Path(__file__).parent / "default"
"""The model that comes with the package."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
"""`owner/name`, or the bare `name` of a few old repositories."""

TOKENIZER_FILES = (
    *("tokenizer*.json", "vocab.txt", "vocab.json", "merges.txt"),
    *("special_tokens_map.json", "added_tokens.json"),
)
"""Patterns of the files that a tokenizer is read from."""

MODEL_FILES = (
    *("config.json", "*.safetensors", "*.safetensors.index*.json", *TOKENIZER_FILES),
    "adapter_config.json",
)
"""Patterns of the files that a model is read from, its tokenizer's among them.

The last tells that it is none.
"""

_ETAG_TIMEOUT = 5
"""Seconds to wait for the Hub's answer about a file before the local cache is used."""


class HubOptions(NamedTuple):
    """How to download a repository; the fields are arguments of huggingface_hub.

    Attributes:
        revision: a branch, a tag or a commit; the main branch where it is None.
        token: for private and gated repositories; that of `hf auth login` where it is None.
        cache_dir: where to keep what is downloaded; huggingface_hub's own cache where it is None.
        local_files_only: whether to use the cache alone, without asking the Hub.
    """

    revision: str | None = None
    token: str | bool | None = None
    cache_dir: str | os.PathLike[str] | None = None
    local_files_only: bool = False


_BY_DEFAULT = HubOptions()


def find_checkpoint(
    model: str | os.PathLike[str] | None,
    options: HubOptions = _BY_DEFAULT,
    files: tuple[str, ...] = MODEL_FILES,
) -> Path:
    """Return the directory of `model`.

    Args:
        model: None for the embedded model; an existing directory; or a repository on the
            Hugging Face Hub, `owner/name` or `owner/name@revision`, which is downloaded into
            huggingface_hub's cache (and found there when offline).
        options: of a download. A revision in the name comes before theirs.
        files: patterns of the files to download.

    Raises:
        MinnerError: there is no such directory or repository, or it could not be downloaded.
    """
    if model is None:
        return _DEFAULT
    name = os.fspath(model)
    path = _expand(name)
    # os.path, unlike Path, answers False to a name too long or a parent that may not be read.
    if name and os.path.isdir(path):
        return path
    if os.path.isfile(path):
        raise MinnerError(f"{path} is a file; pass the directory that holds it, {path.parent}")
    repository, at, revision = name.partition("@")
    if not isinstance(model, str) or name.startswith((".", "/", "~")):
        raise MinnerError(f"there is no directory {name!r}")
    if not _REPOSITORY.fullmatch(repository) or (at and not revision):
        raise MinnerError(
            f"{name!r} is neither a directory nor the name of a Hugging Face repository "
            f"(owner/name or owner/name@revision)"
        )
    if revision:
        options = options._replace(revision=revision)
    return _download(repository, options, files)


def _expand(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # ~someone who does not exist
        return Path(name)


def _download(repository: str, options: HubOptions, files: tuple[str, ...]) -> Path:
    try:
        # Imported here because it costs 0.2 s and most models are directories.
        from huggingface_hub import snapshot_download

        return Path(
            snapshot_download(
                repository,
                **options._asdict(),
                allow_patterns=list(files),
                ignore_patterns=["*/*"],  # `*` matches `/` too: no training checkpoints
                etag_timeout=_ETAG_TIMEOUT,
            )
        )
    except Exception as error:  # whatever network, disk and Hub can do wrong: one sentence
        raise MinnerError(
            f"{repository!r} is not a directory here, and downloading it from the Hugging Face "
            f"Hub failed: {_explain(error, options.revision)}; the embedded model, minner.load(), "
            f"needs no network"
        ) from error


def _explain(error: Exception, revision: str | None) -> str:
    """Return the failure in words a user knows; the order matters, GatedRepo is a RepoNotFound."""
    if isinstance(error, ImportError):
        return "the package huggingface_hub is not installed"
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return "access is gated: accept its terms on huggingface.co, then run `hf auth login`"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "there is no such repository, or it is private (`hf auth login` gives access)"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"it has no revision {revision!r}"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "the Hub cannot be reached and the model is not in the local cache"
    if isinstance(error, errors.HFValidationError):
        return "the Hub does not allow that name"
    return f"{type(error).__name__}: {reason(error)}".splitlines()[0]
