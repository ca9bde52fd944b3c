"""What runs when a bundle is started: `python BUNDLE "a text"`, with the options of `minner tag`.

A bundle holds a copy of this file as `__main__.py`, beside the package.
"""

import json
import sys
from pathlib import Path


def main() -> int:
    """Tag the texts, in the precision that the bundle was made for."""
    from minner.cli import run_alone

    manifest = json.loads(Path(__file__).with_name("manifest.json").read_text(encoding="utf-8"))
    return run_alone("tag", f"python {sys.argv[0]}", precision=manifest["precision"])


if __name__ == "__main__":
    sys.exit(main())
