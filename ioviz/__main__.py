"""`python -m ioviz` is the same as `ioviz`."""

from __future__ import annotations

import sys

from ioviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
