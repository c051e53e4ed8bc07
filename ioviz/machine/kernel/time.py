"""clock_nanosleep(2)."""

from __future__ import annotations

from errno import EINTR, EINVAL
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel


def sys_clock_nanosleep(k: Kernel, ns: int) -> int:
    """Sleep for `ns`; nothing but the timer or a signal ends it."""
    if ns < 0:
        return -EINVAL
    until = k.now + max(ns, 1)
    while k.now < until:
        if k.sleep("hrtimer_nanosleep", (), until=until) == "signal":
            return -EINTR
    return 0
