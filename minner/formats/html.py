"""A page for people: the texts, with their entities in colour.

One file, no scripts, nothing loaded from elsewhere. Labels and numbers are drawn by the style
sheet, so that what is copied from the page is the text and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from minner.entity import Entity
from minner.formats.registry import FORMATS, OFFSETS, Format
from minner.formats.tagged import tagged
from minner.tagger import Tagger

_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Entities</title>
<style>
:root { color-scheme: light dark; --colour: 75% 87%; --quiet: #595959; --line: #d0d0d0 }
@media (prefers-color-scheme: dark) {
  :root { --colour: 42% 28%; --quiet: #a8a8a8; --line: #484848 }
}
body { max-width: 46rem; margin: 0 auto; padding: 0 1rem 4rem; font: 1rem/1.9 system-ui, sans-serif;
  background: Canvas; color: CanvasText; print-color-adjust: exact }
header { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .25rem 1rem;
  align-items: center; padding: .6rem 0; background: Canvas; border-bottom: 1px solid var(--line) }
h1 { margin: 0; font-size: 1rem }
ul, ol { margin: 0; padding: 0; list-style: none }
ul { display: flex; flex-wrap: wrap; gap: .4rem }
ol > li { position: relative; min-height: 1.9em; margin: .9rem 0; padding-inline: 3rem 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; content-visibility: auto;
  contain-intrinsic-size: auto 4em }
ol > li::before { content: attr(id); position: absolute; inset-inline-start: 0;
  color: var(--quiet); font-size: .8em; line-height: 2.4 }
ul > li, mark { padding: .12em .35em; border-radius: .35em; color: inherit;
  background: hsl(var(--hue, 0) var(--colour)); -webkit-box-decoration-break: clone;
  box-decoration-break: clone }
ul > li, mark::after { font-size: .7rem; font-weight: 700; letter-spacing: .03em }
mark::after { content: "\\a0" attr(data-label); unicode-bidi: isolate }
@media (forced-colors: active) { ul > li, mark { border: 1px solid } }
"""

_BODY = """\
</style>
</head>
<body>
<header><h1>Entities</h1><ul role="list" aria-label="Labels">{legend}</ul></header>
<main>
<ol role="list" lang="">
"""

_FOOT = """\
</ol>
</main>
</body>
</html>
"""

# What a page in UTF-8 cannot hold, not even escaped.
_UNFIT = re.compile("[\x00\ud800-\udfff]")

_GOLDEN_ANGLE = 137.5
"""Degrees from one hue to the next: however many there are, they stay apart."""


def html(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """A page with a list item per text; the item's id is the number of the text."""
    classes = {label: f"l{i}" for i, label in enumerate(ner.entity_labels)}
    hues = "".join(
        f".{name} {{ --hue: {(210 + i * _GOLDEN_ANGLE) % 360:g} }}\n"
        for i, name in enumerate(classes.values())
    )
    legend = "".join(f'<li class="{name}">{_text(label)}</li>' for label, name in classes.items())
    yield _HEAD + hues + _BODY.format(legend=legend)
    for number, (text, found) in enumerate(tagged(ner, texts), start=1):
        yield f'<li id="{number}" dir="auto">'
        yield from _marked(text, found, classes)
        yield "</li>\n"
    yield _FOOT


def _marked(text: str, found: Iterable[Entity], classes: dict[str, str]) -> Iterator[str]:
    """A text with its entities as `<mark>`; the score shows where the pointer rests."""
    at = 0
    for entity in found:
        label = _text(entity.label)
        yield _text(text[at : entity.start])
        yield (
            f'<mark class="{classes.get(entity.label, "")}" data-label="{label}" '
            f'title="{label} {entity.score:.3f}">{_text(entity.text)}</mark>'
        )
        at = entity.end
    yield _text(text[at:])


def _text(text: str) -> str:
    """A text as HTML, which reads a bare carriage return as a line feed."""
    return escape(_UNFIT.sub("\ufffd", text)).replace("\r", "&#13;")


FORMATS["html"] = Format(
    html,
    summary="a page with the entities in colour",
    refuses=OFFSETS,
    reason="shows no offsets",
)
