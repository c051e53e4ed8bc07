"""What the watching costs, as far as it can be measured from outside while it runs.

The tracer only works while the program stands still, so with both on one processor the program gets slower by the
tracer's share: (program + tracer) / program, by the processor time of each over the last second. That is the least it
can be: what a stop costs inside the kernel is charged to the program, and waiting for another processor to nobody.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PERIOD: Final = 1.0
LEAST: Final = 2_000_000
"""Nanoseconds of the program's own work below which a ratio says nothing."""


def run_time(pid: int) -> int:
    """Nanoseconds that all threads of process `pid` have had a processor; 0 if it is gone."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(path.read_text(encoding="ascii").split()[0])
        except (OSError, ValueError, IndexError):
            continue
    return total


class Cost:
    """Call it: how many times slower the watching makes the program, at least; 0.0 if that cannot be said."""

    def __init__(self, programs: Callable[[], tuple[int, ...]], tracer: Callable[[], int]) -> None:
        self._programs = programs
        self._tracer = tracer
        self._asked = 0.0
        self._before: tuple[int, int] | None = None
        self._found = 0.0

    def __call__(self) -> float:
        now = time.monotonic()
        if now - self._asked >= PERIOD:
            self._asked = now
            tracer = self._tracer()
            own, other = sum(map(run_time, self._programs())), run_time(tracer) if tracer else 0
            if self._before is not None:
                worked, traced = own - self._before[0], other - self._before[1]
                self._found = (worked + traced) / worked if worked >= LEAST and traced >= 0 else 0.0
            self._before = own, other
        return self._found
