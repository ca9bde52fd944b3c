"""Links of the site to files of the repository: each such file becomes a page that shows it.

In docs/ a link such as `../minner/reference.py` works in a checkout. The site holds only docs/, so
it gets a page for each file that is linked, and works without a repository at hand.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<=\]\()(?P<target>(?![a-z]+:|#|/)[^)#\s]+)")
LANGUAGES = {".py": "python", ".md": "markdown", ".toml": "toml", ".yml": "yaml", ".json": "json"}
PICTURES = {".svg", ".png"}


def on_files(files: Files, config: Any) -> Files:
    """Add a page, or a picture, for each file that is linked and that the site would lack."""
    for page in list(files.documentation_pages()):
        for target in LINK.findall(page.content_string):
            for path in _with_what_is_inside(_path(page.src_uri, target)):
                uri = _uri(path)
                if _is_missing(path) and files.get_file_from_path(uri) is None:
                    files.append(_file(config, path, uri))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Turn links to such files into links to their pages."""
    here = page.file.src_uri

    def replaced(link: re.Match[str]) -> str:
        path = _path(here, link["target"])
        if here.startswith("source/") or not _is_missing(path):
            return link["target"]
        return posixpath.relpath(_uri(path), posixpath.dirname(here) or ".")

    return LINK.sub(replaced, markdown)


def _path(page: str, target: str) -> Path:
    """The file that a page's link leads to."""
    return (ROOT / "docs" / page / ".." / target).resolve()


def _is_missing(path: Path) -> bool:
    """Whether a file is there, but no part of the site."""
    inside = path.is_relative_to(ROOT / "docs") and path.suffix != ".py"
    return path.exists() and path.is_relative_to(ROOT) and not inside


def _with_what_is_inside(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir():
        yield from sorted(path.glob("*.py"))


def _uri(path: Path) -> str:
    name = f"source/{path.relative_to(ROOT).as_posix()}"
    return name if path.suffix in PICTURES else f"{name}.md"


def _file(config: Any, path: Path, uri: str) -> File:
    hidden = InclusionLevel.NOT_IN_NAV
    if path.suffix in PICTURES:
        return File.generated(config, uri, abs_src_path=str(path), inclusion=hidden)
    title = f"---\nsearch:\n  exclude: true\n---\n\n# {path.relative_to(ROOT)}\n\n"
    return File.generated(config, uri, content=title + _shown(path), inclusion=hidden)


def _shown(path: Path) -> str:
    """A file as a block of code, or a directory as a list of its programs."""
    if path.is_dir():
        return "\n".join(
            f"- [{inside.name}]({path.name}/{inside.name}.md)"
            for inside in sorted(path.glob("*.py"))
        )
    return f"`````{LANGUAGES.get(path.suffix, 'text')}\n{path.read_text(encoding='utf-8')}\n`````\n"
