"""Redaction: what stands in the text, and that it can all be put back."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line import Capture, assert_fails, run, shell
from minner import MinnerError
from minner.entity import Entity
from minner.redact import (
    LABEL,
    NUMBERED,
    Redactor,
    Replacement,
    redact,
    restore,
    restore_edited,
)
from minner.tagger import Tagger

TEXT = "Ann met Bob in Rome; Ann left, Rome stayed."


def entities(text: str, **labels: str) -> list[Entity]:
    """Every place of the given words."""
    return [
        Entity(word, label, start, start + len(word), 0.9)
        for word, label in labels.items()
        for start in range(len(text))
        if text.startswith(word, start)
    ]


FOUND = entities(TEXT, Ann="PER", Bob="PER", Rome="LOC")


@pytest.mark.parametrize(
    ("options", "redacted"),
    [
        ({}, "[PER] met [PER] in [LOC]; [PER] left, [LOC] stayed."),
        (
            {"template": NUMBERED},
            "[PER-1] met [PER-2] in [LOC-1]; [PER-1] left, [LOC-1] stayed.",
        ),
        ({"mask": "█"}, "███ met ███ in ████; ███ left, ████ stayed."),
        ({"template": "X"}, "X met X in X; X left, X stayed."),
        ({"template": ""}, " met  in ;  left,  stayed."),
        (
            {"template": "{{{label}}}{number}{number}"},
            "{PER}11 met {PER}22 in {LOC}11; {PER}11 left, {LOC}11 stayed.",
        ),
        ({"labels": ["LOC"]}, "Ann met Bob in [LOC]; Ann left, [LOC] stayed."),
    ],
)
def test_redact(options: dict[str, Any], redacted: str) -> None:
    result = redact(TEXT, reversed(FOUND), **options)
    assert result.text == redacted
    assert restore(result.text, result.mapping) == TEXT


def test_the_mapping() -> None:
    result = redact("é Ann, Bob", entities("é Ann, Bob", Ann="PER", Bob="PER"))
    assert result.mapping == (Replacement(2, "[PER]", "Ann"), Replacement(9, "[PER]", "Bob"))


def test_numbers_go_on_from_text_to_text() -> None:
    redactor = Redactor(NUMBERED)
    texts = ["Ann", "Bob and Ann", "Washington", "Cid, Bob"]
    labels = {"Ann": "PER", "Bob": "PER", "Cid": "PER", "Washington": "LOC"}
    redacted = [redactor(text, entities(text, **labels)).text for text in texts]
    assert redacted == ["[PER-1]", "[PER-2] and [PER-1]", "[LOC-1]", "[PER-3], [PER-2]"]


def test_a_placeholder_that_is_in_the_text_is_not_used() -> None:
    text = "[PER-1] and [PER-3] are Ann, Bob, [PER]"
    result = redact(text, entities(text, Ann="PER", Bob="PER"), NUMBERED)
    assert result.text == "[PER-1] and [PER-3] are [PER-2], [PER-4], [PER]"
    assert restore(result.text, result.mapping) == text
    assert restore_edited(result.text, result.mapping) == text
    plain = redact(text, entities(text, Ann="PER", Bob="PER"))
    assert restore(plain.text, plain.mapping) == text


@st.composite
def texts_and_entities(draw: st.DrawFn) -> tuple[str, list[Entity]]:
    parts = st.text(max_size=6) | st.sampled_from(["[PER]", "[PER-1]", "[PER-2", "1]", "█", "A"])
    text = "".join(draw(st.lists(parts, max_size=8)))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    found = [
        Entity(text[start:end], draw(st.sampled_from(["PER", "LOC", ""])), start, end, 0.5)
        for start, end in list(pairwise(cuts))[draw(st.integers(0, 1)) :: draw(st.integers(1, 2))]
    ]
    return text, found


@given(
    st.lists(texts_and_entities(), max_size=3),
    st.sampled_from([LABEL, NUMBERED, "", "{number}", "A{{{number}"]) | st.none(),
    st.sampled_from([None, ["PER"]]),
)
def test_restore_undoes_redact(
    documents: list[tuple[str, list[Entity]]], template: str | None, labels: list[str] | None
) -> None:
    redactor = Redactor(template or "", mask=None if template is not None else "█", labels=labels)
    for text, found in documents:
        result = redactor(text, found)
        assert restore(result.text, result.mapping) == text
        if template == NUMBERED:
            assert restore_edited(result.text, result.mapping) == text


def test_restore_edited() -> None:
    result = redact(TEXT, FOUND, NUMBERED)
    answer = "In [LOC-1], [PER-2] was met by [PER-1] ([PER-1]!), not by [PER-3]."
    expected = "In Rome, Bob was met by Ann (Ann!), not by [PER-3]."
    assert restore_edited(answer, result.mapping) == expected
    assert restore_edited("[PER]", ()) == "[PER]"
    many = [Replacement(0, f"P{i}", str(i)) for i in range(1, 12)]
    assert restore_edited("P11 P1 P10", many) == "11 1 10"
    for template in (LABEL, ""):
        with pytest.raises(MinnerError, match="redact with numbers"):
            restore_edited(answer, redact(TEXT, FOUND, template).mapping)


@pytest.mark.parametrize(
    "changed",
    ["", "[PER] met", "x[PER] met [PER] in [LOC]; [PER] left, [LOC] stayed.", TEXT],
)
def test_restore_refuses_another_text(changed: str) -> None:
    with pytest.raises(MinnerError, match="changed after it was redacted"):
        restore(changed, redact(TEXT, FOUND).mapping)


@pytest.mark.parametrize(
    "template", ["{name}", "{}", "{0}", "{label", "}", "{label!r}", "{label:9}"]
)
def test_a_template_that_is_none(template: str) -> None:
    with pytest.raises(MinnerError, match=r"use \{label\} and \{number\}"):
        Redactor(template)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: redact(3, FOUND),  # type: ignore[arg-type]
        lambda: redact(TEXT, None),  # type: ignore[arg-type]
        lambda: redact(TEXT, [1]),  # type: ignore[list-item]
        lambda: redact(TEXT, FOUND, 3),  # type: ignore[arg-type]
        lambda: redact(TEXT, FOUND, mask=3),  # type: ignore[arg-type]
        lambda: redact(TEXT, FOUND, labels="PER"),
        lambda: redact(TEXT, FOUND, labels=3),  # type: ignore[arg-type]
        lambda: redact(TEXT, FOUND, labels=[]),
        lambda: redact(TEXT, FOUND, labels=["per"]),
        lambda: restore(3, []),  # type: ignore[arg-type]
        lambda: restore(TEXT, 3),  # type: ignore[arg-type]
        lambda: restore_edited(TEXT, [3]),  # type: ignore[list-item]
    ],
)
def test_what_is_no_text_no_entity_or_no_label_is_refused(wrong: Callable[[], Any]) -> None:
    """Nothing that was meant to be taken out stays in the text in silence."""
    with pytest.raises(MinnerError):
        wrong()


@pytest.mark.parametrize("mask", ["", "**"])
def test_a_mask_that_is_none(mask: str) -> None:
    with pytest.raises(MinnerError, match="one character"):
        Redactor(mask=mask)


@pytest.mark.parametrize(
    "found",
    [
        [Entity("Ann", "PER", 1, 4, 1.0)],
        [Entity("Ann", "PER", 100, 103, 1.0)],
        [Entity("", "PER", 100, 99, 1.0)],
        [Entity("Ann met", "PER", 0, 7, 1.0), Entity("met", "PER", 4, 7, 1.0)],
    ],
)
def test_entities_of_another_text(found: list[Entity]) -> None:
    with pytest.raises(MinnerError, match="not of this text, or overlaps"):
        redact(TEXT, found)


# ---- the command --------------------------------------------------------------------------------

CONTENT = (
    "\ufeffKofi Annan flew to Geneva.\r\n\r\n[PER] and [PER-1] met Kofi Annan\u2028in Paris\n"
    "nobody here, \x85 nowhere\nAngela Merkel was in Geneva"
)


@pytest.mark.parametrize(
    "options", ["", "--numbered", "--mask █", "--labels LOC", "--template '<{label}>'"]
)
def test_a_file_there_and_back(embedded: Tagger, tmp_path: Path, options: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT.encode())
    line = (
        f'minner redact -f "$1/source" {options} --map "$1/map" > "$1/redacted"'
        ' && minner redact --restore "$1/map" < "$1/redacted"'
    )
    done = shell(line, tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == CONTENT
    assert "Geneva" not in (tmp_path / "redacted").read_text(encoding="utf-8")
    assert len((tmp_path / "map").read_bytes().splitlines()) == 5
    assert stat.S_IMODE(os.stat(tmp_path / "map").st_mode) == 0o600


def test_redact_texts(capsys: Capture, embedded: Tagger, tmp_path: Path) -> None:
    texts = ("Kofi Annan flew.", "Kofi Annan\nis in Geneva.")
    status, out, err = run(capsys, "redact", *texts, "--numbered", "--map", tmp_path / "map")
    assert (status, err) == (0, "")
    assert out == "[PER-1] flew.\n[PER-1]\nis in [LOC-1].\n"
    assert (tmp_path / "map").read_text() == (
        '{"replaced": [{"start": 0, "placeholder": "[PER-1]", "original": "Kofi Annan"}]}\n'
        '{"replaced": [{"start": 0, "placeholder": "[PER-1]", "original": "Kofi Annan"}]}\n'
        '{"replaced": [{"start": 6, "placeholder": "[LOC-1]", "original": "Geneva"}]}\n'
    )


def test_redact_refuses(capsys: Capture, tiny_path: Path, tmp_path: Path) -> None:
    redact_john = ("redact", "John", "--model", tiny_path)
    assert_fails(run(capsys, *redact_john, "--labels", "PERS"), "no label 'PERS'", "PER")
    assert_fails(run(capsys, *redact_john, "--labels", ""), "names no label")
    assert run(capsys, *redact_john, "--labels", "PER, LOC")[0] == 0
    assert_fails(run(capsys, *redact_john, "--template", "{who}"), "'{who}'")
    assert_fails(run(capsys, *redact_john, "--template", "a\nb"), "break the line")
    assert_fails(run(capsys, *redact_john, "--mask", "\r"), "break the line")
    assert_fails(run(capsys, *redact_john, "--mask", ""), "one character")
    missing = tmp_path / "no" / "map"
    assert_fails(run(capsys, *redact_john, "--map", missing), f"{missing}: cannot be written")
    for options in (("--labels", "PER"), ("--map", missing), ("--numbered",), ("--mask", "x")):
        status, out, err = run(capsys, "redact", "John", "--restore", "map", *options)
        assert (status, out) == (2, "")
        assert "not allowed with" in err


def test_restore_refuses(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "map"

    def restored(*lines: str) -> tuple[int, str, str]:
        path.write_text("".join(f"{line}\n" for line in lines))
        return run(capsys, "redact", "[PER] here", "--restore", path)

    fine = {"start": 0, "placeholder": "[PER]", "original": "Ann"}
    assert restored(json.dumps({"replaced": [fine]})) == (0, "Ann here\n", "")
    assert_fails(run(capsys, "redact", "x", "--restore", tmp_path / "none"), "No such file")
    assert_fails(restored(), "more or fewer lines")
    status, out, err = restored(json.dumps({"replaced": [fine]}), '{"replaced": []}')
    assert (status, out) == (1, "Ann here\n")
    assert "more or fewer lines" in err
    assert_fails(
        restored(json.dumps({"replaced": [{**fine, "start": 1}]})), "line 1", "is not at 1"
    )
    for line in (
        "",
        "[]",
        "{}",
        '{"replaced": 1}',
        '{"replaced": [1]}',
        json.dumps({"replaced": [{**fine, "more": 1}]}),
        json.dumps({"replaced": [{**fine, "start": "0"}]}),
        json.dumps({"replaced": [{**fine, "original": None}]}),
    ):
        assert_fails(restored(line), f"{path}:1: not a line of a map")
