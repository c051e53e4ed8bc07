"""Signals, as far as Python programs use them: sent to a process, taken by its first task.

A signal makes a sleeping call of the first task return EINTR. An action is kept as (kind, deliver): kind 0 the default,
1 ignore, 2 a handler, for which `deliver(number)` only marks the signal in the guest; the guest runs its Python handler
itself, after the call that was interrupted or at its next line.
"""

from __future__ import annotations

from errno import EINTR, EINVAL, ESRCH
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import Result
from ioviz.machine.kernel.process import exit_group
from ioviz.machine.kernel.switch import TaskKilled
from ioviz.model.idt import TIMER
from ioviz.model.signals import SignalDelivered, SignalSent
from ioviz.model.task import SLEEPING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel

DEFAULT, IGNORE, HANDLER = 0, 1, 2
SIGINT, SIGKILL, SIGALRM, SIGCHLD, SIGCONT, SIGURG, SIGWINCH = 2, 9, 14, 17, 18, 23, 28
HARMLESS: Final = frozenset({SIGCHLD, SIGCONT, SIGURG, SIGWINCH})
"""Ignored when no action is set."""


def send_signal(k: Kernel, pid: int, number: int, tid: int = 0) -> int:
    """Make signal `number` pending for process `pid`; wake its first task (or `tid`) if it is to notice."""
    process = k.world.processes.get(pid)
    if process is None or not process.alive:
        return -ESRCH
    if number == 0:
        return 0
    kind, _ = k.processes[pid].actions.get(number, (DEFAULT, None))
    cause = k.emit(SignalSent, pid, tid, number)
    if kind == IGNORE or (kind == DEFAULT and number in HARMLESS):
        k.emit(SignalDelivered, pid, number, "ignored")
        return 0
    taker = tid or pid
    if taker not in k.world.tasks or k.world.tasks[taker].state == "dead":
        taker = next((t.tid for t in k.threads.values() if t.pid == pid and k.world.tasks[t.tid].state != "dead"), pid)
    k.processes[pid].taker = taker
    if k.world.tasks[taker].state == SLEEPING:
        saved, k.cause = k.cause, cause
        k.wake_task(taker, "signal")
        k.cause = saved
    k.attention = 0
    return 0


def pending(k: Kernel) -> bool:
    """Whether the running task has a signal to take."""
    row = k.world.signals.get(k.pid)
    return row is not None and bool(row.numbers) and k.processes[k.pid].taker in (0, k.task)


def deliver(k: Kernel) -> None:
    """On the way to user mode: take every pending signal of the running process."""
    row = k.world.signals.get(k.pid)
    if row is None or not row.numbers or k.processes[k.pid].taker not in (0, k.task):
        return
    state = k.processes[k.pid]
    for number in row.numbers:
        kind, mark = state.actions.get(number, (DEFAULT, None))
        if kind == HANDLER and mark is not None and number != SIGKILL:
            k.emit(SignalDelivered, k.pid, number, "handler")
            mark(number)
        elif kind == DEFAULT or number == SIGKILL:
            k.emit(SignalDelivered, k.pid, number, "killed")
            exit_group(k, 128 + number, number)
            raise TaskKilled
        else:
            k.emit(SignalDelivered, k.pid, number, "ignored")


def force_sig(k: Kernel, number: int) -> None:
    """The running task gets the signal of an exception, and takes it at once. To ignore it does not help."""
    state = k.processes[k.pid]
    if state.actions.get(number, (DEFAULT, None))[0] == IGNORE:
        state.actions[number] = (DEFAULT, None)
    state.taker = k.task
    k.cause = k.emit(SignalSent, k.pid, k.task, number)
    deliver(k)


def sys_kill(k: Kernel, pid: int, number: int) -> int:
    """kill(2)."""
    return send_signal(k, pid or k.pid, number) if 0 <= number <= 64 else -EINVAL


def sys_tgkill(k: Kernel, pid: int, tid: int, number: int) -> int:
    """tgkill(2)."""
    return send_signal(k, pid, number, tid) if 0 <= number <= 64 else -EINVAL


def sys_rt_sigaction(k: Kernel, number: int, kind: int, mark: Callable[[int], None] | None) -> int:
    """rt_sigaction(2): `kind` 0 default, 1 ignore, 2 handler; returns the kind that was set before."""
    if not 1 <= number <= 64 or (number in (SIGKILL, 19) and kind != DEFAULT):
        return -EINVAL
    state = k.processes[k.pid]
    before, _ = state.actions.get(number, (DEFAULT, None))
    state.actions[number] = (kind, mark)
    return before


def sys_rt_sigprocmask(k: Kernel, how: int, numbers: tuple[int, ...]) -> Result:
    """rt_sigprocmask(2): masks are accepted and nothing is blocked."""
    return 0, ()


def sys_setitimer(k: Kernel, which: int, first: int, interval: int) -> Result:
    """setitimer(2), ITIMER_REAL only; times in ns. The result is (0, (remaining, interval)) of the timer before."""
    if which != 0 or first < 0 or interval < 0:
        return -EINVAL
    state = k.processes[k.pid]
    before = (max(state.alarm_due - k.now, 0), state.interval) if state.alarm is not None else (0, 0)
    if state.alarm is not None:
        k.cancel(state.alarm)
        state.alarm = None
    state.interval = interval
    if first:
        _arm(k, k.pid, k.cpu, first)
    return 0, before


def _arm(k: Kernel, pid: int, host: int, delay: int) -> None:
    state = k.processes[pid]
    state.alarm_due = k.now + delay
    state.alarm = k.after(delay, host, _ring, k, pid, host)


def _ring(k: Kernel, pid: int, host: int) -> None:
    state = k.processes[pid]
    state.alarm = None
    k.interrupt(host, TIMER, send_signal, k, pid, SIGALRM)
    if state.interval:
        _arm(k, pid, host, state.interval)


def sys_pause(k: Kernel) -> int:
    """pause(2)."""
    while k.sleep("do_pause", ()) != "signal":
        pass
    return -EINTR
