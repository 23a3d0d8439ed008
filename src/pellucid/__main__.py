"""`python -m pellucid` is the command line, for when the script `pellucid` is not on the path."""

from __future__ import annotations

import sys

from pellucid.cli import main

if __name__ == "__main__":
    sys.exit(main())
