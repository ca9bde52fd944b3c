"""The command line, called in this process."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack

from minner import MinnerError, cli


def run_command(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run `minner ARGUMENTS` and return what it writes to stdout.

    Raises:
        MinnerError: it exits with 1 and one line that says why, or with 2 for wrong usage.
        AssertionError: it exits in another way, or with a traceback.
    """
    status, written, said = _redirected(arguments, stdin)
    assert b"Traceback" not in said, said
    if status == 1:
        last = said.decode("utf-8", "replace").splitlines()[-1]
        assert last.startswith("minner: error: "), said
        raise MinnerError(last)
    if status == 2:
        raise MinnerError("wrong usage")
    assert status == 0, (status, said)
    return written


def _redirected(arguments: tuple[str, ...], stdin: bytes) -> tuple[object, bytes, bytes]:
    """Exit status, stdout and stderr: by descriptors, as commands read and write those."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        files[0].write(stdin)
        files[0].seek(0)
        kept = [os.dup(number) for number in range(3)]
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        try:
            status: object = cli.main(arguments)
        except SystemExit as leaving:
            status = leaving.code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in enumerate(kept):
                os.dup2(copy, number)
                os.close(copy)
        for file in files[1:]:
            file.seek(0)
        return status, files[1].read(), files[2].read()
