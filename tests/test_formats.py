"""The formats that other tools read: brat, displaCy and HTML; the rest are in test_cli.py."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line import Capture, assert_fails, run, shell
from minner import formats
from minner.entity import Entity
from minner.formats import FORMATS
from minner.formats.brat import write_collection
from minner.formats.json_text import json_parts, json_text
from minner.tagger import Tagger
from minner.text.words import split_words


class Finds:
    """Stands in for a tagger: it finds these strings, wherever they are."""

    entity_labels = ("PER", "LOC", "<a & b>")

    def __init__(self, *names: tuple[str, str]) -> None:
        self.names = names

    def pipe(self, texts: Iterable[str]) -> Iterator[list[Entity]]:
        for text in texts:
            found = [
                Entity(match[0], label, *match.span(), 0.98765)
                for name, label in self.names
                for match in re.finditer(re.escape(name), text)
            ]
            yield sorted(found, key=lambda entity: entity.start)

    stream = pipe


def formatted(name: str, ner: Finds, *texts: str) -> str:
    return "".join(FORMATS[name].write(ner, iter(texts)))  # type: ignore[arg-type]


ANN_AND_LEE = Finds(("Ann", "PER"), ("Lee", "PER"), ("Rome", "LOC"))

# ---- brat ---------------------------------------------------------------------------------------


def test_brat_counts_through_the_document() -> None:
    lines = ["Ann in Rome\n", "\n", "é😀 Lee\r\n", "Ann"]
    annotations = formatted("brat", ANN_AND_LEE, *lines)
    assert (
        annotations
        == "T1\tPER 0 3\tAnn\nT2\tLOC 7 11\tRome\nT3\tPER 16 19\tLee\nT4\tPER 21 24\tAnn\n"
    )
    document = "".join(lines)
    for line in annotations.splitlines():
        _, span, text = line.split("\t")
        start, end = map(int, span.split()[1:])
        assert document[start:end] == text


def test_brat_counts_a_line_end_where_there_is_none() -> None:
    assert formatted("brat", ANN_AND_LEE, "Ann", "Lee") == "T1\tPER 0 3\tAnn\nT2\tPER 4 7\tLee\n"


@pytest.mark.parametrize(
    ("name", "label", "line"),
    [
        ("Ann Lee", "PER", "T1\tPER 2 9\tAnn Lee"),
        ("Ann\nLee", "PER", "T1\tPER 2 5;6 9\tAnn Lee"),
        ("Ann \n\t Lee", "PER", "T1\tPER 2 5;9 12\tAnn Lee"),
        ("Ann\r\nvan  der\tLee", "PER", "T1\tPER 2 5;7 15;16 19\tAnn van  der Lee"),
        ("Ann\x85Lee", "PER", "T1\tPER 2 5;6 9\tAnn Lee"),
        ("Ann\u2028Lee", "PER", "T1\tPER 2 5;6 9\tAnn Lee"),
        ("Ann\u00a0Lee", "PER", "T1\tPER 2 9\tAnn\u00a0Lee"),
        ("Ann", "a work", "T1\ta_work 2 5\tAnn"),
        ("Ann", "", "T1\t_ 2 5\tAnn"),
    ],
)
def test_a_brat_entity_is_one_line(name: str, label: str, line: str) -> None:
    assert formatted("brat", Finds((name, label)), f". {name} .") == f"{line}\n"


def test_a_brat_collection(tmp_path: Path) -> None:
    texts = ["Ann in Rome", "", "é\r\nLee\udcff"]
    folder = tmp_path / "new" / "collection"
    write_collection(ANN_AND_LEE, iter(texts), folder)  # type: ignore[arg-type]
    read = {path.name: path.read_bytes().decode() for path in folder.iterdir()}
    assert read.pop("annotation.conf") == (
        "[entities]\nPER\nLOC\n<a_&_b>\n\n[relations]\n\n[events]\n\n[attributes]\n"
    )
    assert read == {
        "000001.txt": "Ann in Rome",
        "000001.ann": "T1\tPER 0 3\tAnn\nT2\tLOC 7 11\tRome\n",
        "000002.txt": "",
        "000002.ann": "",
        "000003.txt": "é\r\nLee\ufffd",
        "000003.ann": "T1\tPER 3 6\tLee\n",
    }


def test_brat_of_a_file(capsys: Capture, embedded: Tagger, tmp_path: Path) -> None:
    """With a byte order mark, CRLF and no final newline, offsets are still those of the file."""
    content = "\ufeffKofi Annan flew\r\n\r\nto Geneva.\nParis\r\nis in France."
    path = tmp_path / "document.txt"
    path.write_bytes(content.encode())
    status, out, err = run(capsys, "tag", "--format", "brat", "-f", path)
    assert (status, err) == (0, "")
    found = [line.split("\t") for line in out.splitlines()]
    assert [(name, text) for name, _, text in found] == [
        ("T1", "Kofi Annan"),
        ("T2", "Geneva"),
        ("T3", "Paris"),
        ("T4", "France"),
    ]
    for _, span, text in found:
        start, end = map(int, span.split()[1:])
        assert content[start:end] == text


def test_collection_option(capsys: Capture, tiny_path: Path, tmp_path: Path) -> None:
    model, folder = ("--model", tiny_path), tmp_path / "collection"
    arguments = ("tag", "John", "Smith", *model, "--collection", folder)
    assert run(capsys, *arguments, "--format", "brat") == (0, "", "")
    assert (folder / "000002.txt").read_text() == "Smith"
    assert_fails(run(capsys, *arguments, "--format", "brat"), str(folder), "name a new one")
    file = ("tag", "John", *model, "--format", "brat", "--collection", folder / "000001.txt")
    assert_fails(run(capsys, *file), "cannot be written")
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.endswith("argument --collection: needs --format brat\n")


@given(st.text(), st.sampled_from(["\n", "\r\n"]))
def test_a_line_as_it_is_has_the_same_words(text: str, end: str) -> None:
    """What brat and redact tag, line ends included, is what the other formats tag."""
    line = text.replace("\n", " ").rstrip("\r")
    assert split_words(line + end) == split_words(line)


# ---- JSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(8))
def test_a_long_list_is_written_in_parts(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minner.formats.json_text.ITEMS_AT_ONCE", 3)
    items = [{"a": "é]}\n"}, {}, "]}", [1, None]] * 2
    record = {"text": "[", "items": items[:count]}
    for source in (items[:count], iter(items[:count])):
        parts = [*json_parts({"text": "["}, "items", source)]
        assert "".join(parts) == json_text(record)
        assert len(parts) == max(1, -(-count // 3))
    assert "".join(json_parts({}, "items", [])) == '{"items": []}\n'


# ---- displaCy -----------------------------------------------------------------------------------


def test_displacy() -> None:
    full, empty = formatted("displacy", ANN_AND_LEE, 'é "Ann"\nin Rome', "").splitlines()
    assert full == (
        r'{"text": "é \"Ann\"\nin Rome", "title": null, "ents": [{"start": 3, "end": 6, '
        r'"label": "PER"}, {"start": 11, "end": 15, "label": "LOC"}]}'
    )
    assert empty == '{"text": "", "title": null, "ents": []}'


def test_displacy_draws_it() -> None:
    displacy = pytest.importorskip("spacy.displacy", reason="spaCy is not installed")
    lines = formatted("displacy", ANN_AND_LEE, "Ann & Lee", "nobody\n").splitlines()
    drawn = displacy.render(
        [json.loads(line) for line in lines], style="ent", manual=True, jupyter=False
    )
    marks = re.findall(r"<mark.*?>\s*(.*?)\s*<span.*?>(.*?)</span>", drawn, re.DOTALL)
    assert marks == [("Ann", "PER"), ("Lee", "PER")]


# ---- HTML ---------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Reads a page back: texts, marks as (label, text), and the tags that are still open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.marks: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.tags.add(tag)
        if tag not in ("meta",):
            self.open.append(tag)
        if tag == "li" and "id" in given:
            assert given == {"id": str(len(self.texts) + 1), "dir": "auto"}
            self.texts.append("")
        if tag == "mark":
            self.marks.append((given["data-label"] or "", ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "ol" in self.open and "li" in self.open:
            self.texts[-1] += data
        if "mark" in self.open:
            label, text = self.marks[-1]
            self.marks[-1] = label, text + data


def test_html() -> None:
    page = formatted("html", ANN_AND_LEE, "Ann & <Lee>\n", "")
    assert (
        '<li id="1" dir="auto"><mark class="l0" data-label="PER" title="PER 0.988">Ann</mark> '
        '&amp; &lt;<mark class="l0" data-label="PER" title="PER 0.988">Lee</mark>&gt;\n</li>\n'
        '<li id="2" dir="auto"></li>\n</ol>\n'
    ) in page
    assert (
        '<li class="l0">PER</li><li class="l1">LOC</li><li class="l2">&lt;a &amp; b&gt;</li>'
    ) in page
    assert ".l2 { --hue: 125 }" in page


NASTY = [
    "<script>alert('Ann')</script>",
    "&lt;Ann&gt; &amp; &#65; &notanentity; &",
    "  two  spaces\t tab \n\n\nlines\n",
    "\nfirst line empty",
    "Ann\r\nLee\rRome",
    "</li></ol><!-- Ann --> ]]> <![CDATA[",
    "\u202eright to left override Ann",
    "أعلن Ann في جنيف",
    "\x01\x0c\x1b\x7f\x85\u2028\ufeff😀",
    "",
]


@given(st.lists(st.text() | st.sampled_from(NASTY), max_size=4))
def test_html_reads_back_as_the_texts(texts: list[str]) -> None:
    names = Finds(("Ann", "PER"), ("<", '"<a & b>"'), ("\r", ""), ("  ", "LOC"))
    page = Page(formatted("html", names, *texts))
    assert page.texts == [re.sub("[\x00\ud800-\udfff]", "\ufffd", text) for text in texts]
    assert page.marks == [(e.label, e.text) for found in names.pipe(texts) for e in found]
    assert page.open == []
    assert "script" not in page.tags


def test_html_needs_nothing_from_elsewhere() -> None:
    page = formatted("html", ANN_AND_LEE, "Ann")
    assert not re.search(r"https?:|//|@import|url\(|<link|<script|<img|\bsrc=", page)


def test_html_of_a_file(embedded: Tagger, tmp_path: Path) -> None:
    texts = ["R&D at <AT&T>, said Kofi Annan.", "", "He is in  Geneva."]
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(texts), encoding="utf-8")
    done = shell('minner tag --format html -f "$1" | cat', path)
    assert (done.returncode, done.stderr) == (0, b"")
    page = Page(done.stdout.decode())
    assert page.texts == texts
    assert page.marks == [(e.label, e.text) for found in embedded(texts) for e in found]
    assert ("PER", "Kofi Annan") in page.marks


# ---- a new format -------------------------------------------------------------------------------

SHOUT = """
from minner.formats.registry import FORMATS, Format

def shout(ner, texts):
    return (text.upper() + "\\n" for text in texts)

FORMATS["shout"] = Format(shout, summary="loud")
"""


def test_one_file_is_a_format(
    capsys: Capture, tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shout.py").write_text(SHOUT)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    try:
        formats.import_all()
        arguments = ("tag", "--model", tiny_path, "--format", "shout", "John")
        assert run(capsys, *arguments) == (0, "JOHN\n", "")
        assert "shout: loud" in " ".join(run(capsys, "tag", "--help")[1].split())
    finally:
        FORMATS.pop("shout", None)
        sys.modules.pop("minner.formats.shout", None)
