"""`python -m ioviz` is the same as `ioviz`. From a checkout it may be run by any Python, also one that is too old."""

from __future__ import annotations

import sys

if sys.hexversion < 0x30B0000:
    sys.exit(f"ioviz needs Python 3.11 or newer, and {sys.executable} is {'.'.join(map(str, sys.version_info[:3]))}.")

from ioviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
