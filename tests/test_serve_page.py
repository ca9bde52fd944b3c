"""The live page, in a real browser: it reads what is typed, and asks nobody but its server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra serve is not installed")
pytest.importorskip("prometheus_client", reason="the extra serve is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from browsing import Opened, serious_violations
from minner.tagger import Tagger
from serving import server

VIEWPORTS = {"desktop": (1280, 800), "phone": (390, 844)}
TEXT = "Kofi Annan flew to Geneva."


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, embedded: Tagger) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("serve") / "log") as running:
        yield f"http://127.0.0.1:{running.port}/"
        running.end()


class Page(Opened):
    """The page, and what it has read."""

    def __init__(self, browser: Any, address: str, **settings: Any) -> None:
        super().__init__(browser, address, (address,), **settings)
        self.read()

    def read(self) -> None:
        """Wait until what stands in the text is read."""
        self.until(
            "document.documentElement.dataset.read === document.getElementById('text').value"
        )

    def until(self, condition: str) -> None:
        """Wait for a condition; Playwright's own way evaluates, which the page's policy forbids."""
        for _ in range(600):
            if self.tab.evaluate(condition):
                return
            self.tab.wait_for_timeout(25)
        raise AssertionError(condition)

    def type(self, text: str) -> None:
        self.tab.focus("#text")
        self.tab.keyboard.press("Control+A")
        self.tab.keyboard.type(text)
        self.read()

    def explanation(self) -> Any:
        """The frame of the explanation, drawn."""
        self.tab.wait_for_selector("#explanation:not([hidden])")
        frame = self.tab.query_selector("#explanation").content_frame()
        frame.wait_for_selector("html[data-ready=yes]")
        return frame


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Page]:
    opened = Page(browser, address, viewport={"width": 1280, "height": 800})
    yield opened
    opened.tab.close()
    assert opened.complaints == []


def test_entities_change_as_one_types(opened: Page, embedded: Tagger) -> None:
    assert "John Smith (PER)" in opened.text("#outcome")
    for text in (TEXT, "Nothing is named here.", "🎉 Anna Kern lives in Rome. <b>Oslo</b>"):
        opened.type(text)
        names = [f"{entity.text} ({entity.label})" for entity in embedded(text)]
        assert opened.text("#outcome") == f"Entities: {', '.join(names) or 'none'}"
        marks = opened.tab.evaluate(
            "[...document.querySelectorAll('mark')].map(m => m.textContent)"
        )
        assert marks == [entity.text for entity in embedded(text)]
        assert opened.tab.evaluate("document.getElementById('marked').textContent") == text


def test_silent_heads_are_left_out_of_the_run(opened: Page, embedded: Tagger) -> None:
    opened.type(TEXT)
    heads = [(layer, head) for layer in (0, 1) for head in range(0, 12, 2)]
    for layer, head in heads:
        opened.tab.click(f"#head-map [aria-label='head {head} of layer {layer}']")
    without = [f"transformer.layer.{layer}.attention.head.{head}" for layer, head in heads]
    run = embedded.trace(TEXT, without=without)
    names = ", ".join(f"{entity.text} ({entity.label})" for entity in run.entities) or "none"
    opened.until(f"document.getElementById('outcome').textContent === {f'Entities: {names}'!r}")
    opened.until("document.getElementById('difference').textContent !== ''")
    opened.tab.click("#speak")
    opened.until("document.getElementById('difference').textContent === ''")
    assert "Kofi Annan (PER)" in opened.text("#outcome")


def test_the_explanation_opens_and_has_the_theme_of_the_page(opened: Page) -> None:
    opened.type(TEXT)
    opened.tab.click("#explain")
    frame = opened.explanation()
    assert "Kofi Annan (PER)" in frame.inner_text("#outcome")
    opened.tab.click("#theme")
    assert opened.tab.get_attribute("html", "data-theme") == "light"
    assert frame.get_attribute("html", "data-theme") == "light"
    frame.click("#silence")
    assert "Without head" in frame.inner_text("#outcome")


def test_the_keyboard_does_it_all(opened: Page) -> None:
    press = opened.tab.keyboard.press
    opened.type(TEXT)
    press("Tab")  # from the text to the map of heads, of which one is reached by Tab
    press("ArrowDown")
    press("ArrowRight")
    press("Enter")
    opened.until("document.getElementById('difference').textContent !== ''")
    label = opened.tab.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "head 1 of layer 1, silent"
    press("t")
    assert opened.tab.get_attribute("html", "data-theme") == "light"
    press("Tab")
    press("Enter")  # let all heads speak
    opened.until("document.getElementById('difference').textContent === ''")
    opened.tab.focus("#explain")
    press("Enter")
    assert "Annan" in opened.explanation().inner_text("#words")


def test_a_problem_is_told_in_the_page(opened: Page) -> None:
    opened.tab.fill("#text", "x" * 1001)
    opened.read()
    opened.tab.click("#explain")
    opened.until("document.getElementById('problem').textContent !== ''")
    assert "1000 at most" in opened.text("#problem")
    # The browser itself notes that a request failed.
    assert all("413" in complaint for complaint in opened.complaints)
    opened.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", VIEWPORTS)
def test_the_page_is_accessible_and_fits(
    browser: Any, address: str, viewport: str, scheme: str, tmp_path: Path
) -> None:
    width, height = VIEWPORTS[viewport]
    settings = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    opened = Page(browser, address, **settings)
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= width
    # Its policy keeps axe from calling itself in frames, so the explanation is not open here.
    serious = serious_violations(opened.tab)
    assert not serious, json.dumps(serious, indent=1)[:2000]
    opened.tab.screenshot(path=str(tmp_path / f"{viewport}-{scheme}.png"), full_page=True)
    opened.tab.close()
    assert opened.complaints == []
