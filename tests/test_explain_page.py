"""The explain page, in a real browser: what it shows, what it does, and that it asks nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import Opened, serious_violations
from minner.explain.page import page as html_of
from minner.tagger import Tagger

TEXT = "My name is John Smith and I work at Acme Corp. in Berlin."
VIEWPORTS = {"desktop": (1280, 800), "projector": (1920, 1080), "phone": (390, 844)}


@pytest.fixture(scope="module")
def found(embedded: Tagger) -> dict[str, Any]:
    return embedded.explain(TEXT)


@pytest.fixture(scope="module")
def path(found: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "explain.html"
    path.write_text(html_of(found), encoding="utf-8")
    return path


class Page(Opened):
    """A page that has drawn itself."""

    def __init__(self, browser: Any, path: Path, **settings: Any) -> None:
        super().__init__(browser, path.as_uri(), ("file:",), **settings)
        self.tab.wait_for_selector("html[data-ready=yes]")

    def chosen_word(self) -> str:
        return self.text("#words [aria-checked=true]").split()[0]


@pytest.fixture
def opened(browser: Any, path: Path) -> Iterator[Page]:
    opened = Page(browser, path, viewport={"width": 1280, "height": 800})
    yield opened
    opened.tab.close()
    assert opened.complaints == []


def test_every_decoder_that_reads_the_labels_is_shown(found: dict[str, Any]) -> None:
    assert [*found["decoders"]] == ["conlleval", "sparknlp", "iob2", "viterbi", "viterbi-iob1"]


def test_every_number_on_the_page_is_that_of_the_trace(opened: Page, found: dict[str, Any]) -> None:
    """Each says in `data-of` which value of which array it is."""
    opened.tab.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
    seen: set[str] = set()
    for word in range(len(found["words"])):
        opened.tab.evaluate("(word) => choose({ word, layer: word % facts.model.layers })", word)
        opened.tab.wait_for_timeout(20)  # <details> say that they are open a moment later
        for name, shown in _numbers(opened):
            seen.add(name.split(":")[0])
            _check(found["arrays"], name, shown)
    assert {"lens", "logits", "probabilities", "margin", "attention", "parts.heads"} <= seen
    assert {"effects.words", "effects.heads", "q_lin", "activation", "parts.sources"} <= seen


def _numbers(opened: Page) -> list[tuple[str, str]]:
    pairs = opened.tab.evaluate(
        "[...document.querySelectorAll('[data-of]')].map((e) => [e.dataset.of, e.textContent])"
    )
    assert len(pairs) > 50
    return [(name, shown) for name, shown in pairs]


def _check(arrays: dict[str, Any], name: str, shown: str) -> None:
    array, _, place = name.partition(":")
    values = arrays[array]
    at = tuple(map(int, place.split(",")))
    digits = len(shown.partition(".")[2])
    # States are drawn with 8 bits: half a step of their row's largest value may be missing.
    step = 0.0 if _is_exact(array) else 0.5 * np.abs(values[at[:-1]]).max() / 127
    step = 0.5 / 255 if array == "attention" else step
    number = float(shown.replace("\u2212", "-"))
    assert abs(number - float(values[at])) <= 0.5 * 10**-digits + step + 1e-6, (name, shown)


def _is_exact(array: str) -> bool:
    return array in {"lens", "logits", "probabilities", "margin"} or "." in array


def test_the_parts_add_up_to_the_margin(opened: Page, found: dict[str, Any]) -> None:
    for word in range(len(found["words"])):
        opened.tab.evaluate("(word) => choose({ word })", word)
        total = float(opened.text("#sum-of-parts").replace("\u2212", "-"))
        assert total == pytest.approx(found["arrays"]["margin"][word], abs=6e-4)


def test_each_step_opens(opened: Page) -> None:
    for summary in opened.tab.query_selector_all("summary"):
        summary.click()
    texts = opened.tab.evaluate("[...document.querySelectorAll('pre')].map((e) => e.textContent)")
    assert all("def " in text for text in texts)
    assert opened.tab.evaluate(
        "[...document.querySelectorAll('#layer-steps .note')].every((note) => note.textContent)"
    )


def test_a_silenced_head_gives_the_entities_of_that_run(
    opened: Page, found: dict[str, Any]
) -> None:
    opened.tab.click("#head-map [role=row]:nth-child(4) button:nth-of-type(4)")
    assert "head 3 of layer 2" in opened.text("#silence")
    opened.tab.click("#silence")
    run = found["runs"].get("transformer.layer.2.attention.head.3", found["entities"])
    assert all(entity["text"] in opened.text("#outcome") for entity in run)
    assert "Without head 3 of layer 2" in opened.text("#outcome")
    opened.tab.click("#silence")
    assert opened.text("#outcome").startswith("Entities: ")


def test_a_hidden_word_takes_its_entity_away(opened: Page, found: dict[str, Any]) -> None:
    opened.tab.click("#words >> text=Berlin")
    opened.tab.keyboard.press("h")
    berlin = next(i for i, word in enumerate(found["words"]) if word["start"] == 50)
    assert {entity["text"] for entity in found["runs"][f"words.{berlin}"]}.isdisjoint({"Berlin"})
    assert "(LOC)" not in opened.text("#outcome")
    opened.tab.keyboard.press("h")
    assert "Berlin (LOC)" in opened.text("#outcome")


def test_the_keyboard_reaches_everything(opened: Page) -> None:
    press = opened.tab.keyboard.press
    opened.tab.focus("#words [aria-checked=true]")
    assert opened.chosen_word() == "John"
    press("ArrowRight")
    assert opened.chosen_word() == "Smith"
    press("Home")
    assert opened.chosen_word() == "My"
    opened.tab.evaluate("choose({ layer: 5, head: 0 })")
    opened.tab.focus("#head-map [tabindex='0']")
    press("ArrowDown")
    press("ArrowRight")
    press("s")
    assert "Without head 1 of layer 0" in opened.text("#outcome")
    press("t")
    assert opened.tab.get_attribute("html", "data-theme") == "light"
    reached = set()
    for _ in range(300):
        press("Tab")
        reached.add(
            opened.tab.evaluate("document.activeElement.id || document.activeElement.tagName")
        )
    assert {"theme", "help", "layer", "silence", "SUMMARY", "A", "BUTTON"} <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", VIEWPORTS)
def test_the_page_is_accessible_and_fits(
    browser: Any, path: Path, viewport: str, scheme: str
) -> None:
    """Nothing scrolls sideways, and axe finds nothing serious."""
    width, height = VIEWPORTS[viewport]
    settings = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    opened = Page(browser, path, **settings)
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= width
    opened.tab.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
    serious = serious_violations(opened.tab)
    assert not serious, json.dumps(serious, indent=1)[:2000]
    opened.tab.close()
    assert opened.complaints == []


def test_a_full_window_draws_without_freezing(
    embedded: Tagger, browser: Any, tmp_path: Path
) -> None:
    text = "Anna Kern met the mayor of Oslo . " * 60
    path = tmp_path / "long.html"
    path.write_text(html_of(embedded.explain(text)), encoding="utf-8")
    opened = Page(browser, path, viewport={"width": 1280, "height": 800})
    opened.tab.evaluate("(word) => choose({ word })", 40)
    assert "mayor" in " ".join(opened.text("#wordpieces").split())
    opened.tab.close()
    assert opened.complaints == []


def test_the_page_of_a_sentence_is_small(found: dict[str, Any], embedded: Tagger) -> None:
    words = (
        "The chairman of Volkswagen , Hans Meyer , told Reuters in Berlin on Monday that " * 3
    )[:-1].split()[:40]
    assert len(html_of(embedded.explain(" ".join(words))).encode()) < 3_000_000
