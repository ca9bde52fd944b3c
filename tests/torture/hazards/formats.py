"""Texts of odd characters, in every format of output."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from random import Random

from checkpoint_files import Model, write_model
from commands import run_command
from texts import mixture, mutate_text

PROVOKED = (
    "`minner tag --format` of mixed texts; JSON is JSON, and no tag of a text is one of the page"
)
QUICK, LONG = 150, 30_000

JSON_LINES = ("jsonl", "jsonl-words", "displacy", "sparknlp")
FORMATS = (*JSON_LINES, "html", "conll", "brat", "table")

prepare = write_model


class _Tags(HTMLParser):
    """The tags of a page, and the text outside its head."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.seen.add(tag)


def trial(random: Random, model: Model) -> None:
    """A file of some texts, in one format."""
    texts = [mutate_text(random, mixture(random)) for _ in range(random.randint(1, 4))]
    lines = [" ".join(text.encode("utf-8", "replace").decode().split("\n")) for text in texts]
    path: Path = model.folder.parent / "texts.txt"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8", newline="\n")
    kind = random.choice(FORMATS)
    arguments = ("--model", str(model.folder), "--threads", "1", "-f", str(path))
    written = run_command("tag", "--format", kind, *arguments).decode("utf-8")
    if kind in JSON_LINES:
        found = [json.loads(line, parse_constant=_refuse) for line in written.split("\n")[:-1]]
        assert len(found) == len(lines), (kind, written)
    elif kind == "html":
        page = _Tags()
        page.feed(written)
        assert not page.seen & {"b", "script", "img"}, (page.seen, written)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
