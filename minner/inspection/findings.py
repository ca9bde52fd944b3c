"""Findings: what a checkpoint's files make minner raise, and warn of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from minner.errors import MinnerError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Findings:
    """Errors, for which minner cannot run the checkpoint, and warnings; each text once."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def attempt(
        self,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result | None:
        """Call a function; None, and a finding, where it raises MinnerError."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                return function(*args, **kwargs)
            except MinnerError as error:
                _add(self.errors, str(error))
                return None
            finally:
                for warning in caught:
                    self.warn(str(warning.message))

    def warn(self, text: str) -> None:
        """Add a warning."""
        _add(self.warnings, text)


def _add(texts: list[str], text: str) -> None:
    if text not in texts:
        texts.append(text)
