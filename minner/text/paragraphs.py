"""Where a paragraph ends: at what no entity reaches over."""

from __future__ import annotations

import re

_PARAGRAPH_END = r"""(?xs)
      [\f\x1c-\x1e\u2029]                                      # of a page, or a record
    | (?: \r\n | \r(?!\n) | [\n\v\x85\u2028] ) .* [\n\v\r\x85\u2028]   # a blank line
"""


def holds_paragraph_end(gap: str) -> bool:
    r"""Whether what stands between two words of a text ends a paragraph.

    A single line break does not: in prose whose lines are wrapped it is white space. Line breaks
    are all that `str.splitlines` knows, `\r\n` being one.
    """
    return gap != " " and re.search(_PARAGRAPH_END, gap) is not None
