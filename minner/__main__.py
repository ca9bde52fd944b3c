"""`python -m minner`."""

import sys

from minner.cli import main

sys.exit(main())
