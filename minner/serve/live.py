"""The page at the root: what is typed is read at once. It is made of parts of `minner explain`.

It asks this server, and its policy lets the browser ask no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minner.explain.page import embedded_json, fill, part

_OWN = Path(__file__).with_name("page")

# The frame of the explanation inherits it, and its scripts stand in the page themselves.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def live_page(facts: dict[str, Any]) -> str:
    """The page, for a model of which these are the facts."""
    scripts = [part("data.js"), part("theme.js"), _own("live.js")]
    contents = {
        "style": part("page.css") + _own("live.css"),
        "script": "\n".join(scripts),
        "facts": embedded_json(facts),
    }
    return fill(_own("live.html"), contents)


def _own(name: str) -> str:
    return (_OWN / name).read_text(encoding="utf-8")
