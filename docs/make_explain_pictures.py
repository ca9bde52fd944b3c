"""Draw the pictures of the explain page that the README shows.

    python docs/make_explain_pictures.py

It needs Playwright and Chromium (`pip install ".[browser]"`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from shutil import which
from typing import Any

from playwright.sync_api import sync_playwright

import minner
from minner.explain.page import page

TEXT = "My name is John Smith and I work at Acme Corp. in Berlin."
OUT = Path(__file__).with_name("pictures")
VIEWS = {
    "explain-lens": ("light", "#lens"),
    "explain-heads": ("dark", "#attention"),
}
"""Name of a picture -> the theme, and the part of the page it shows."""


def main() -> None:
    """Write the pictures to `docs/pictures/`."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "explain.html"
        path.write_text(page(minner.load().explain(TEXT)), encoding="utf-8")
        browser = driver.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, (theme, part) in VIEWS.items():
            _picture(browser, path, theme, part, OUT / f"{name}.png")
        browser.close()


def _picture(browser: Any, path: Path, theme: str, part: str, out: Path) -> None:
    size = {"width": 1100, "height": 760}
    tab = browser.new_page(viewport=size, color_scheme=theme)
    tab.goto(path.as_uri())
    tab.wait_for_selector("html[data-ready=yes]")
    tab.evaluate("(part) => document.querySelector(part).scrollIntoView()", part)
    tab.wait_for_timeout(600)  # smooth scrolling
    tab.screenshot(path=out)


if __name__ == "__main__":
    main()
