"""Races against other engines, and measurements against the machine's own limits."""

import sys
from pathlib import Path

# The tests' own helpers write checkpoints and hide instruction sets here, too.
sys.path.append(str(Path(__file__).parents[1] / "tests"))
