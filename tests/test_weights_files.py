"""JSON files: what the standard allows is read, what it does not is refused in a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from minner.errors import MinnerError
from minner.weights.files import read_json_object

sys.path.append(str(Path(__file__).parent / "torture"))

from json_cases import INVALID, OPEN, VALID


def read(tmp_path: Path, content: bytes) -> object:
    """The value of the key "a" in a file."""
    path = tmp_path / "file.json"
    path.write_bytes(b'{"a": ' + content + b"}")
    return read_json_object(path)["a"]


@pytest.mark.parametrize("case", VALID)
def test_what_json_allows(tmp_path: Path, case: bytes) -> None:
    assert read(tmp_path, case) == json.loads(case)


@pytest.mark.parametrize("case", INVALID, ids=range(len(INVALID)))
def test_what_it_does_not(tmp_path: Path, case: bytes) -> None:
    with pytest.raises(MinnerError, match=r"file\.json is not (valid JSON|UTF-8 text): "):
        read(tmp_path, case)


@pytest.mark.parametrize("case", OPEN, ids=range(len(OPEN)))
def test_what_is_left_open(tmp_path: Path, case: bytes) -> None:
    """It is read or refused; a text that is read can be written."""
    try:
        value = read(tmp_path, case)
    except MinnerError:
        return
    json.dumps(value, ensure_ascii=False).encode()
