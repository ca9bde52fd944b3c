"""What minner raises when its input is bad, and how it tells of what is merely odd."""

import warnings


class MinnerError(ValueError):
    """Base class of every error that bad input can raise; its text is one sentence for a person.

    It is a ValueError, which is what other libraries raise for bad input, so that programs that
    come from them still catch it.
    """


class MinnerMemoryError(MinnerError, MemoryError):
    """The system has no memory for what was asked for: a MemoryError as well, as Python's own."""


OUT_OF_MEMORY = MemoryError, SystemError
"""What a library raises when the system has no memory for it: C code too short of memory to build
an exception fails with a SystemError."""


class MinnerWarning(UserWarning):
    """Something the user should know about an input that was accepted."""


def warn(message: str) -> None:
    """Issue `message` as a MinnerWarning that points at the caller of the calling function."""
    warnings.warn(message, MinnerWarning, stacklevel=3)
