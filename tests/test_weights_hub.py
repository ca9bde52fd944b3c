"""find_checkpoint: paths, names, and everything a download can do wrong; no network is used."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import errors
from huggingface_hub.utils._paths import filter_repo_objects

from minner.errors import MinnerError
from minner.weights import hub


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Replace the download by one that notes its arguments and gives tmp_path."""
    noted: list[dict[str, Any]] = []

    def download(repository: str, **options: Any) -> str:
        noted.append({"repository": repository, **options})
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return noted


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Replace the download by one that raises."""

    def download(repository: str, **options: Any) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)


def test_nothing_means_the_embedded_model() -> None:
    assert hub.find_checkpoint(None) == Path(hub.__file__).parent / "default"


def test_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[dict[str, Any]]
) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert hub.find_checkpoint(tmp_path) == tmp_path
    assert hub.find_checkpoint(str(tmp_path)) == tmp_path
    assert hub.find_checkpoint("models/mine") == Path("models/mine")
    assert hub.find_checkpoint("~/models") == tmp_path / "models"
    assert calls == []


def test_a_file_inside_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"")
    with pytest.raises(MinnerError, match=f"is a file; pass the directory .*, {tmp_path}$"):
        hub.find_checkpoint(str(path))


@pytest.mark.parametrize(
    "model", ["/absent/model", "./absent", "../absent", "~/absent", "~nobody-here/x", Path("a/b")]
)
def test_paths_that_do_not_exist(model: Any, calls: list[dict[str, Any]]) -> None:
    with pytest.raises(MinnerError, match="there is no directory '"):
        hub.find_checkpoint(model)
    assert calls == []


@pytest.mark.parametrize(
    "model",
    ["", "a/b/c", "My name is John.", "owner/", "-x", "a\0b", "owner/name@", "é/x", "long " * 999],
)
def test_what_is_neither_a_path_nor_a_name(model: str, calls: list[dict[str, Any]]) -> None:
    with pytest.raises(MinnerError, match="is neither a directory nor the name"):
        hub.find_checkpoint(model)
    assert calls == []


@pytest.mark.parametrize(
    ("model", "repository", "revision"),
    [
        ("elastic/distilbert-base-cased", "elastic/distilbert-base-cased", None),
        ("distilbert", "distilbert", None),
        ("o/n.v1_x@main", "o/n.v1_x", "main"),
        ("o/n@refs/pr/1", "o/n", "refs/pr/1"),
    ],
)
def test_names_are_downloaded(
    model: str,
    repository: str,
    revision: str | None,
    calls: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    assert hub.find_checkpoint(model) == tmp_path
    [call] = calls
    assert (call["repository"], call["revision"]) == (repository, revision)


def test_options_of_a_download(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    options = hub.HubOptions(revision="v1", token="hf_x", cache_dir=tmp_path, local_files_only=True)
    hub.find_checkpoint("o/n", options)
    hub.find_checkpoint("o/n@v2", options)
    hub.find_checkpoint(tmp_path, options)  # a directory needs none of them
    for call, revision in zip(calls, ["v1", "v2"], strict=True):
        assert call["revision"] == revision
        assert call["token"] == "hf_x"
        assert call["cache_dir"] == tmp_path
        assert call["local_files_only"] is True


def test_a_tokenizer_needs_no_weights(calls: list[dict[str, Any]]) -> None:
    hub.find_checkpoint("o/n", files=hub.TOKENIZER_FILES)
    published = ["model.safetensors", "config.json", "tokenizer_config.json", "vocab.txt"]
    chosen = filter_repo_objects(published, allow_patterns=calls[0]["allow_patterns"])
    assert list(chosen) == ["tokenizer_config.json", "vocab.txt"]


def test_only_what_is_needed_is_downloaded(calls: list[dict[str, Any]]) -> None:
    hub.find_checkpoint("owner/name")
    published = {
        "config.json": True,
        "model.safetensors": True,
        "model.fp16.safetensors": True,
        "model-00001-of-00002.safetensors": True,
        "model.safetensors.index.json": True,
        "model.safetensors.index.fp16.json": True,
        "tokenizer.json": True,
        "tokenizer_config.json": True,
        "vocab.txt": True,
        "special_tokens_map.json": True,
        "added_tokens.json": True,
        "pytorch_model.bin": False,
        "README.md": False,
        "onnx/model.onnx": False,
        "checkpoint-500/model.safetensors": False,
        "checkpoint-500/config.json": False,
    }
    chosen = filter_repo_objects(
        published,
        allow_patterns=calls[0]["allow_patterns"],
        ignore_patterns=calls[0]["ignore_patterns"],
    )
    assert set(chosen) == {name for name, needed in published.items() if needed}


def http_error(kind: type[Exception]) -> Exception:
    """Return an error of the Hub, which wants a response to be made of."""
    response: Any = SimpleNamespace(headers={}, request=None, status_code=404, url="")
    return kind("long text\nwith lines", response=response)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (http_error(errors.GatedRepoError), "access is gated: accept its terms"),
        (http_error(errors.RepositoryNotFoundError), "there is no such repository, or it is priv"),
        (http_error(errors.RevisionNotFoundError), "it has no revision 'v2'"),
        (errors.LocalEntryNotFoundError("x"), "the Hub cannot be reached and the model is not in"),
        (errors.HFValidationError("x"), "the Hub does not allow that name"),
        (OSError(28, "No space left on device", "/x"), "OSError: No space left on device"),
        (RuntimeError("broken\npipe"), "RuntimeError: broken"),
        (RuntimeError(), "RuntimeError: "),
        (ImportError("no module"), "the package huggingface_hub is not installed"),
    ],
)
def test_failures_become_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    failing(monkeypatch, error)
    with pytest.raises(MinnerError) as caught:
        hub.find_checkpoint("owner/name@v2")
    text = str(caught.value)
    assert text.startswith("'owner/name' is not a directory here, and downloading it from the Hugg")
    assert f"failed: {message}" in text
    assert text.endswith("; the embedded model, minner.load(), needs no network")
    assert "\n" not in text
    assert caught.value.__cause__ is error


def test_an_interrupt_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        hub.find_checkpoint("owner/name")


def test_offline_the_local_cache_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commit = "0123456789012345678901234567890123456789"
    snapshot = tmp_path / "models--owner--name" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert hub.find_checkpoint(f"owner/name@{commit}") == snapshot
    with pytest.raises(MinnerError, match="the Hub cannot be reached"):
        hub.find_checkpoint("owner/other")
