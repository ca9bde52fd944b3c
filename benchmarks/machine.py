"""What a race ran on: the machine, all engines' versions, and the commit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from minner.bench import machine

ROOT = Path(__file__).parents[1]

PEERS = (
    *("openvino", "nncf", "onnxruntime", "onnx", "torch", "transformers"),
    *("zentorch", "ctranslate2", "tract"),
)


def describe() -> dict[str, Any]:
    """Describe the machine and the software, as they are now."""
    return {**machine.describe((*machine.PACKAGES, *PEERS)), "commit": _commit()}


def _commit() -> str | None:
    """The commit that was measured; `-dirty` where files differ from it."""
    command = ["git", "--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
