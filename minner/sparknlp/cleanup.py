"""How Spark NLP's `DocumentAssembler` cleans up a text: its `cleanupMode`.

The rules are those of DocumentAssembler.scala (058b6f18), as Java's regular expressions, so that
Spark can run them as they stand. "Written" line breaks and tabs are a backslash and a letter.
"""

from __future__ import annotations

from collections.abc import Sequence

from minner.errors import MinnerError
from minner.sparknlp.java_regex import compile_java

_TRIM = (r"\A[\x00-\x20]+|[\x00-\x20]+\z", "")  # as Java's String.trim
_WRITTEN = r"(?:\\r)?\\n|\\t"

CLEANUP_MODES: dict[str, Sequence[tuple[str, str]]] = {
    "disabled": (),
    "inplace": ((r"\s", " "),),
    "inplace_full": ((rf"\s|{_WRITTEN}", " "),),
    "shrink": (_TRIM, (r"\s+", " ")),
    "shrink_full": (_TRIM, (r"\s+|(?:\\r)*(?:\\n)+|(?:\\t)+", " ")),
    "each": ((r"\s[\n\t]", " "),),
    "each_full": ((rf"\s(?:\n|\t|{_WRITTEN})", " "),),
    "delete_full": (_TRIM, (_WRITTEN, "")),
}
"""For each mode the patterns that are replaced one after the other, and by what."""


def cleanup_mode(name: str) -> str:
    """The mode of that name, in any case.

    Raises:
        MinnerError: there is none.
    """
    mode = str(name).strip().lower()
    if mode not in CLEANUP_MODES:
        raise MinnerError(
            f"the cleanup mode {name!r} is not available; choose from: {', '.join(CLEANUP_MODES)}"
        )
    return mode


def clean_up(text: str, mode: str) -> str:
    """The text after its cleanup."""
    for pattern, replacement in CLEANUP_MODES[mode]:
        text = compile_java(pattern).sub(replacement, text)
    return text
