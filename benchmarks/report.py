"""How results are printed: a line each, with the goal beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def line(what: str, value: float, unit: str, goal: float | None = None, *, detail: str = "") -> None:
    """Print one result. `goal` is the most that it should be."""
    mark = "" if goal is None else ("  ok" if value <= goal else "  OVER")
    target = "" if goal is None else f"(goal {goal:g} {unit})"
    print(f"{what:<58} {value:9.2f} {unit:<3} {target:<18}{mark:<6} {detail}".rstrip(), flush=True)


def median_of(times: int, run: Callable[[], float]) -> float:
    """The median of `times` runs."""
    import statistics  # it takes 9 ms, and a guest's process needs only what is below

    return statistics.median(run() for _ in range(times))


def seconds(run: Callable[[], object]) -> float:
    """How long `run` takes, by the wall clock."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peak_megabytes() -> float:
    """The most memory that this process has used (`ru_maxrss` would count that of its parent, too)."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(row.split()[1]) / 1024 for row in status if row.startswith("VmHWM"))
