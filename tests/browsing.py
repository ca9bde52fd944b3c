"""Pages in headless Chromium: what they show, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from typing import Any

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, for as long as the `with` lasts; skips where there is none."""
    driver = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = which("chromium") or which("chromium-browser") or which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium to look with")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page, and what it complained of: on its console, by errors, or by asking others."""

    def __init__(self, browser: Any, address: str, own: tuple[str, ...], **settings: Any) -> None:
        """Open an address; requests to what begins with one of `own` are no complaint."""
        self._own = (*own, "data:", "blob:", "about:")
        self.complaints: list[str] = []
        self.tab = browser.new_page(**settings)
        self.tab.on("console", lambda message: self.complaints.append(message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda request: self._requested(request.url))
        self.tab.goto(address)

    def _requested(self, asked: str) -> None:
        if not asked.startswith(self._own):
            self.complaints.append(f"request to {asked}")

    def text(self, selector: str) -> str:
        return str(self.tab.inner_text(selector))


def serious_violations(tab: Any) -> list[Any]:
    """What axe finds on a page that is serious or critical."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing").Axe
    violations = axe().run(tab).response["violations"]
    return [found for found in violations if found["impact"] in ("serious", "critical")]
