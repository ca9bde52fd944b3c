"""What the tokenizers library raises, which is written in Rust, as errors of ours.

It raises plain Exceptions and ValueErrors, and where its own code breaks down a PanicException,
which is not even an Exception; it then has printed a trace to stderr. What is in tokenizer.json can
bring about all of them, at load and again over somebody's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minner.errors import MinnerError

_LONGEST = 200
"""Characters of the library's own words that are passed on."""


@contextmanager
def refusing_faults(path: Path, what: str, text: object = "") -> Iterator[None]:
    """Turn what the library raises inside a `with` into a MinnerError about `path`.

    Args:
        path: the file that the tokenizer comes from.
        what: what is the matter then, such as "is not a tokenizer".
        text: what it was working on, of which the message shows the beginning.
    """
    try:
        yield
    except BaseException as error:
        if not _is_fault(error):  # but our own, or one by the handler of a signal
            raise
        shown = f" {text!r:.60}" if text else ""
        raise MinnerError(f"{path} {what}{shown}: {str(error)[:_LONGEST]}") from error


def _is_fault(error: BaseException) -> bool:
    """Whether the library has raised this: it is of its kinds, and no handler of a signal's."""
    if type(error) not in (Exception, ValueError) and type(error).__name__ != "PanicException":
        return False
    import signal
    import traceback

    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    code = {getattr(getattr(one, "__func__", one), "__code__", None) for one in handlers}
    return not any(frame.f_code in code for frame, _ in traceback.walk_tb(error.__traceback__))
