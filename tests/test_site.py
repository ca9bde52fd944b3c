"""The site: it builds without a warning, asks nobody for anything, and can be searched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import minner
from browsing import Opened

for package in ("mkdocs", "material", "mkdocstrings", "latex2mathml"):
    pytest.importorskip(package, reason="the site needs the extra `docs`")

ROOT = Path(__file__).parents[1]

FETCHED = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\ssrc=[\"']?((?:https?:)?//[^\"'> ]+)"
    r"|<link(?![^>]*rel=[\"']?(?:canonical|alternate))[^>]*\shref=[\"']?((?:https?:)?//[^\"'> ]+)"
)
"""What a browser asks another host for while it shows a page; a link that is clicked is none."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built by the command of the README."""
    target = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", target],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return target


def test_no_page_fetches_anything(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 20
    found = {(page.name, match) for page in pages for match in FETCHED.findall(page.read_text())}
    assert not found
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", styles)


def test_links_that_leave_the_docs_lead_to_pages(site: Path) -> None:
    explain = (site / "explain.html").read_text(encoding="utf-8")
    assert "source/tests/test_trace_by_kernels.py.html" in explain
    assert "def layer_norm" in re.sub("<[^>]+>", "", (site / SOURCE).read_text(encoding="utf-8"))
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its links start at the root of a server
            continue
        for link in re.findall(r"<a [^>]*href=[\"']?([^\"'>\s#]+)", page.read_text("utf-8")):
            assert re.match("[a-z]+:", link) or (page.parent / link).exists(), (page.name, link)


SOURCE = "source/minner/reference.py.html"


def test_the_public_interface_is_in_the_reference(site: Path) -> None:
    page = (site / "interface.html").read_text(encoding="utf-8")
    for name in minner.__all__:
        assert f'id="minner.{name}"' in page
    for method in ("pipe", "document", "tag", "logits", "trace", "explain", "with_options"):
        assert f'id="minner.tagger.Tagger.{method}"' in page


def test_search_works_on_a_page_that_is_a_file(browser: Any, site: Path) -> None:
    size = {"width": 1280, "height": 800}
    opened = Opened(browser, (site / "index.html").as_uri(), ("file:",), viewport=size)
    # Keys, one by one, once the index is there: the page waits for keys, and a text set at once is
    # only seen if it is there before the index.
    opened.tab.click(".md-search__input")
    opened.tab.wait_for_selector(".md-search-result__meta:text('Type to start')")
    opened.tab.type(".md-search__input", "micropanel")
    opened.tab.wait_for_selector(".md-search-result__item a[href*='glossary.html']")
    opened.tab.close()
    assert opened.complaints == []
