"""Outcomes kept in a file, so that a long run can be stopped at any time and goes on from there."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from worker import Outcome


class Kept:
    """What came of hazards so far, in a JSON file; without a file, only in memory."""

    def __init__(self, path: Path | None) -> None:
        """Read the file, if there is one."""
        self._path = path
        self._outcomes = json.loads(path.read_text()) if path and path.exists() else {}

    def outcome(self, hazard: str, seed: str) -> Outcome:
        """Of a hazard's first trials with this seed."""
        return Outcome(**self._outcomes.get(f"{hazard} {seed}", {}))

    def keep(self, hazard: str, seed: str, outcome: Outcome) -> None:
        """Write it down."""
        self._outcomes[f"{hazard} {seed}"] = asdict(outcome)
        if self._path:
            written = self._path.with_suffix(".new")
            written.write_text(json.dumps(self._outcomes, indent=1))
            written.replace(self._path)
