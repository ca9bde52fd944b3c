"""What runs when a bundle is started: `python BUNDLE "a text"`, with the options of `minner tag`.

A bundle holds a copy of this file as `__main__.py`, beside the package.
"""

import json
import sys
from pathlib import Path


def main() -> int:
    """Tag the texts, in the precision that the bundle was made for."""
    from minner.cli import main as run

    manifest = Path(__file__).with_name("manifest.json").read_text(encoding="utf-8")
    return run(["tag", "--precision", json.loads(manifest)["precision"], *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
