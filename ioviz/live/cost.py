"""What the watching costs, as far as it can be measured from outside while it runs.

By the processor time of the last second, in which the programs had `worked`:

- a tracer works while the program stands still, beside it: slower by (worked + tracer) / worked;
- a probe and eBPF programs work within the program, in its time: slower by worked / (worked - theirs);
- procfs reads tables beside it: the program waits for none of it.

That is the least it can be: what a stop or a hook costs inside the kernel is charged to the program, waiting for
another processor to nobody, and on a busy computer whoever draws the stage takes a processor, too.
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
MOST: Final = 0.99
"""Share of the program's time that can be ours; it is measured in samples."""


def run_time(pid: int, tid: int = 0) -> int:
    """Nanoseconds that all threads of process `pid`, or its thread `tid`, have had a processor; 0 if it is gone."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob(f"{tid or '*'}/schedstat"):
        try:
            total += int(path.read_text(encoding="ascii").split()[0])
        except (OSError, ValueError, IndexError):
            continue
    return total


class Cost:
    """Call it: how many times slower the watching makes the programs, at least; 0.0 if that cannot be said. `beside`
    and `within` count the nanoseconds that watching has taken so far, beside the programs and in their own time."""

    def __init__(
        self,
        programs: Callable[[], tuple[int, ...]],
        *,
        beside: Callable[[], int] | None = None,
        within: Callable[[], int] | None = None,
    ) -> None:
        self._programs = programs
        self._beside = beside
        self._within = within
        self._asked = 0.0
        self._before: tuple[int, int, int] | None = None
        self._found = 0.0

    def __call__(self) -> float:
        now = time.monotonic()
        if now - self._asked >= PERIOD:
            self._asked = now
            spent = (
                sum(map(run_time, self._programs())),
                self._beside() if self._beside is not None else 0,
                self._within() if self._within is not None else 0,
            )
            if self._before is not None:
                self._found = slower(*(new - old for new, old in zip(spent, self._before, strict=True)))
            self._before = spent
        return self._found


def slower(worked: int, beside: int, within: int) -> float:
    """The ratio, from nanoseconds; 0.0 if it cannot be said."""
    if worked < LEAST or beside < 0 or within < 0:
        return 0.0
    return (worked + beside) / (worked - min(within, int(MOST * worked)))
