"""Run the measurements that are named, or all: events, echo, seek, screen, scenes, live, live_stage."""

from __future__ import annotations

import importlib
import os
import sys

NAMES = ("events", "echo", "seek", "screen", "scenes", "live", "live_stage")


def main(names: list[str]) -> int:
    """Run the measurements `names`; 2 if one does not exist."""
    for name in names:
        if name not in NAMES:
            print(f"there is no benchmark {name!r}: they are {', '.join(NAMES)}", file=sys.stderr)
            return 2
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    for name in names or NAMES:
        # Each is imported when its turn comes: what it loads is no part of the others' memory.
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
