"""Formulas of the site: TeX between two lines of `$$` becomes MathML, which browsers draw alone.

No script is needed for it, and no font.
"""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert

FORMULA = re.compile(r"^\$\$\n(.+?)\n\$\$$", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put MathML in place of each formula of a page."""
    return FORMULA.sub(
        lambda found: f'<div class="formula">{convert(found[1], display="block")}</div>', markdown
    )
