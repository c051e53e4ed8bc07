"""What the watching costs, as far as it can be measured from outside while it runs.

By the processor time of the last second, in which the programs had `worked`:

- a tracer works while the program stands still, beside it: slower by (worked + tracer) / worked;
- a probe and eBPF programs work within the program's calls: slower by worked / (worked - theirs);
- a thread of the probe's own is in the program's way only as far as the program wants to run at all;
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
    """Call it: how many times slower the watching makes the programs, at least; 0.0 if that cannot be said. `beside`,
    `within` and `between` count the nanoseconds that watching has taken so far: while the programs stood still, in
    their calls, and in a thread of its own in them."""

    def __init__(
        self,
        programs: Callable[[], tuple[int, ...]],
        *,
        beside: Callable[[], int] | None = None,
        within: Callable[[], int] | None = None,
        between: Callable[[], int] | None = None,
    ) -> None:
        self._programs = programs
        self._counters = (beside, within, between)
        self._asked = 0.0
        self._before: tuple[int, ...] = ()
        self._found = 0.0

    def __call__(self) -> float:
        now = time.monotonic()
        elapsed = now - self._asked
        if elapsed >= PERIOD:
            self._asked = now
            worked = sum(map(run_time, self._programs()))
            spent = (worked, *(counter() if counter is not None else 0 for counter in self._counters))
            if self._before:
                own, *ours = (new - old for new, old in zip(spent, self._before, strict=True))
                self._found = slower(own, *ours, elapsed=round(elapsed * 1e9))
            self._before = spent
        return self._found


def slower(worked: int, beside: int, within: int, between: int, *, elapsed: int) -> float:
    """The ratio, from nanoseconds; 0.0 if it cannot be said."""
    own = worked - within - between
    if own < LEAST or beside < 0 or within < 0 or between < 0:
        return 0.0
    return (own + beside + within + between * min(1.0, own / elapsed)) / own
