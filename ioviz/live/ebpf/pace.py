"""How many calls a second are told in full, so that who watches does not take the processors of what is watched.

As many as the stage can fold while the computer has a processor to spare; fewer as soon as the programs have to wait
for one (the second number of `schedstat`), for then each call that is told is time that they do not get.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 50_000
LEAST: Final = 5_000
PERIOD: Final = 0.25
CROWDED: Final = 0.04
"""Share of the time that the programs may wait for a processor."""


def waited(pid: int) -> int:
    """Nanoseconds that the threads of a process have waited for a processor; 0 if it is gone."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(path.read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return total


class Pace:
    """`most` calls a second just now; `again` looks whether that is still right, four times a second."""

    def __init__(self, programs: Callable[[], tuple[int, ...]]) -> None:
        self.most = MOST // 5
        self._programs = programs
        self._looked = time.monotonic()
        self._before = -1

    def again(self) -> bool:
        """Whether `most` has changed."""
        now = time.monotonic()
        elapsed = now - self._looked
        if elapsed < PERIOD:
            return False
        total, before = sum(map(waited, self._programs())), self._before
        self._looked, self._before = now, total
        if before < 0 or total < before:
            return False
        most = next_most(self.most, (total - before) / 1e9 / elapsed)
        changed, self.most = most != self.most, most
        return changed


def next_most(most: int, waiting: float) -> int:
    """Fewer when the programs waited for a processor `waiting` of the time, else slowly more again."""
    return max(LEAST, most // 2) if waiting > CROWDED else min(MOST, most * 5 // 4)
