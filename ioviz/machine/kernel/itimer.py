"""The alarm clock of a process: `setitimer`, `getitimer`, `alarm`.

Source: Linux `kernel/time/itimer.c`, setitimer(2), alarm(2). ITIMER_REAL only. A repeating timer is set again when its
SIGALRM is taken, as in Linux, so that a blocked signal does not ring on and on.
"""

from __future__ import annotations

from errno import EINVAL
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.errors import Unsupported
from ioviz.machine.kernel.files import Result
from ioviz.machine.kernel.signals import SIGALRM, send_signal
from ioviz.model.idt import TIMER

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

ITIMER_REAL: Final = 0
SECOND: Final = 10**9


def sys_setitimer(k: Kernel, which: int, first: int, interval: int) -> Result:
    """setitimer(2); times in ns. The result is (0, (remaining, interval)) of the timer before."""
    if not 0 <= which <= 2 or first < 0 or interval < 0:
        return -EINVAL
    _only_real(which)
    state = k.processes[k.pid]
    before = _left(k)
    if state.alarm is not None:
        k.cancel(state.alarm)
        state.alarm = None
    state.rearm = None
    state.interval = interval
    if first:
        _arm(k, k.pid, k.cpu, k.now + first)
    return 0, before


def sys_getitimer(k: Kernel, which: int) -> Result:
    """getitimer(2): (0, (remaining, interval)), in ns."""
    if not 0 <= which <= 2:
        return -EINVAL
    _only_real(which)
    return 0, _left(k)


def sys_alarm(k: Kernel, seconds: int) -> int:
    """alarm(2): the seconds that were left, to the nearest one but never down to 0."""
    left, _ = _left(k)
    sys_setitimer(k, ITIMER_REAL, seconds * SECOND, 0)
    return max((left + SECOND // 2) // SECOND, 1) if left else 0


def _only_real(which: int) -> None:
    if which != ITIMER_REAL:
        raise Unsupported("a timer of processor time (ITIMER_VIRTUAL, ITIMER_PROF); ITIMER_REAL is there")


def _left(k: Kernel) -> tuple[int, int]:
    state = k.processes[k.pid]
    return (max(state.alarm_due - k.now, 1), state.interval) if state.alarm is not None else (0, state.interval)


def _arm(k: Kernel, pid: int, host: int, due: int) -> None:
    state = k.processes[pid]
    state.alarm_due = due
    state.alarm = k.after(due - k.now, host, _ring, k, pid, host)


def _ring(k: Kernel, pid: int, host: int) -> None:
    state = k.processes[pid]
    state.alarm = None
    if state.interval:
        state.rearm = lambda: _rearm(k, pid, host)
    k.interrupt(host, TIMER, send_signal, k, pid, SIGALRM)


def _rearm(k: Kernel, pid: int, host: int) -> None:
    """SIGALRM was taken: the next multiple of the interval that is still to come."""
    state = k.processes[pid]
    state.rearm = None
    missed = (k.now - state.alarm_due) // state.interval
    _arm(k, pid, host, state.alarm_due + (missed + 1) * state.interval)
