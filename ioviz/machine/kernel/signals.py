"""Signals: sending, masks, choosing who takes one, delivery on the way to user mode, and waiting for one.

Source: Linux `kernel/signal.c`, signal(7). A signal is pending for a process or for one task; a task that does not
block it is woken and takes it when it next returns to user mode (`deliver`). What is pending and what is blocked stands
in the world; `Thread.sigpending` (Linux's TIF_SIGPENDING) is derived from it and tells a call that is about to sleep.

An action is kept as (kind, deliver): kind 0 the default, 1 ignore, 2 a handler, for which `deliver(number)` stands for
the C function that Python installs: it marks the signal, and the guest runs its Python handler itself. Whether an
interrupted call fails with EINTR or is made again is decided in `restarts`.

Where Linux differs: nothing is stopped (SIGSTOP is refused), and there are no core dumps.
"""

from __future__ import annotations

from errno import EAGAIN, EINTR, EINVAL, ESRCH
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.errors import Unsupported
from ioviz.machine.kernel.files import Result
from ioviz.machine.kernel.inet import SOL_SOCKET, option
from ioviz.machine.kernel.process import exit_group
from ioviz.machine.kernel.switch import TaskKilled
from ioviz.model.files import SOCKET
from ioviz.model.signals import SignalDelivered, SignalMaskSet, SignalSent
from ioviz.model.syscalls import SYS
from ioviz.model.task import DEAD, RUNNING, SLEEPING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.machine.kernel.sched import Thread
    from ioviz.model.signals import PendingSignals

DEFAULT, IGNORE, HANDLER = 0, 1, 2
SIGINT, SIGKILL, SIGPIPE, SIGALRM, SIGCHLD, SIGCONT, SIGSTOP = 2, 9, 13, 14, 17, 18, 19
SIGURG, SIGWINCH = 23, 28
HARMLESS: Final = frozenset({SIGCHLD, SIGCONT, SIGURG, SIGWINCH})
"""Ignored when no action is set."""
STOPS: Final = frozenset({SIGSTOP, 20, 21, 22})
UNBLOCKABLE: Final = frozenset({SIGKILL, SIGSTOP})
SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2
SI_USER, SI_KERNEL, SI_TKILL = 0, 0x80, -6
SA_RESTART: Final = 0x10000000
SO_RCVTIMEO, SO_SNDTIMEO = 20, 21
WAKING: Final = frozenset(
    {SYS.read, SYS.write, SYS.accept4, SYS.connect, SYS.sendto, SYS.recvfrom, SYS.sendmsg, SYS.recvmsg, SYS.futex}
    | {SYS.readv, SYS.writev, SYS.sendfile, SYS.splice, SYS.wait4, SYS.waitid, SYS.ioctl, SYS.openat, SYS.flock}
)
"""The calls that SA_RESTART makes again (signal(7)); all others fail with EINTR whatever the action says."""
TIMED: Final = {
    SYS.accept4: SO_RCVTIMEO,
    SYS.recvfrom: SO_RCVTIMEO,
    SYS.recvmsg: SO_RCVTIMEO,
    SYS.read: SO_RCVTIMEO,
    SYS.connect: SO_SNDTIMEO,
    SYS.sendto: SO_SNDTIMEO,
    SYS.sendmsg: SO_SNDTIMEO,
    SYS.write: SO_SNDTIMEO,
}
"""A socket that has this time-out set makes the call fail with EINTR all the same."""

Info = tuple[int, ...]
"""`siginfo_t`: number, code, errno, pid, uid, status, band."""


# -- sending


def send_signal(k: Kernel, pid: int, number: int, tid: int = 0, info: Info | None = None) -> int:
    """`__send_signal_locked`: make signal `number` pending for process `pid`, or for its task `tid` alone."""
    process = k.world.processes.get(pid)
    if process is None or process.reaped or not (process.alive or process.parent):
        return -ESRCH
    if not number or not process.alive:  # nothing to send, or to a zombie
        return 0
    if tid and (tid not in k.world.tasks or k.world.tasks[tid].process != pid or k.world.tasks[tid].state == DEAD):
        return -ESRCH
    state = k.processes[pid]
    kind, _ = state.actions.get(number, (DEFAULT, None))
    if number in STOPS and (kind == DEFAULT or number == SIGSTOP):
        raise Unsupported("the machine stops no process (SIGSTOP, SIGTSTP)")
    cause = k.emit(SignalSent, pid, tid, number)
    if (kind == IGNORE or (kind == DEFAULT and number in HARMLESS)) and number not in k.world.sigmasks.get(
        tid or pid, ()
    ):
        k.emit(SignalDelivered, pid, number, "ignored", tid)
        return 0
    known = state.infos.setdefault((tid, number), [])
    if not known or number >= 32:
        known.append(info or (number, SI_KERNEL, 0, 0, 0, 0, 0))
        if k.world.signalfds:
            _signalfd_notify(k, pid, number, cause)
    _wake_taker(k, pid, tid, number, cause)
    return 0


def _signalfd_notify(k: Kernel, pid: int, number: int, cause: int) -> None:
    """`signalfd_notify`: who waits for a descriptor that gives signal `number` looks again."""
    saved, k.cause = k.cause, cause
    for row in [row for row in k.world.signalfds.values() if row.pid == pid and number in row.numbers]:
        k.wake(row.id, 0)
    k.cause = saved


def _wake_taker(k: Kernel, pid: int, tid: int, number: int, cause: int) -> None:
    """`complete_signal`: the task that is to take a signal notices it. The first task is asked first."""
    for thread in _takers(k, pid, tid):
        if _wants(k, thread, number):
            thread.sigpending = True
            if k.world.tasks[thread.tid].state == SLEEPING:
                saved, k.cause = k.cause, cause
                k.wake_task(thread.tid, "signal")
                k.cause = saved
            k.attention = 0
            return


def _takers(k: Kernel, pid: int, tid: int) -> Iterator[Thread]:
    first = k.threads.get(tid or pid)
    if first is not None:
        yield first
    if not tid:
        yield from [thread for thread in k.threads.values() if thread.pid == pid and thread is not first]


def _wants(k: Kernel, thread: Thread, number: int) -> bool:
    if thread.killed or k.world.tasks[thread.tid].state == DEAD:
        return False
    if number in k.world.sigmasks.get(thread.tid, ()) and number not in thread.waits_for:
        return False
    return number == SIGKILL or not thread.sigpending or k.world.tasks[thread.tid].state == RUNNING


def retarget(k: Kernel, thread: Thread, numbers: Collection[int] | None = None) -> None:
    """`retarget_shared_pending`: `thread` ends, or blocks `numbers` now: others of its process are to take them."""
    row = k.world.signals.get(thread.pid)
    for number in row.numbers if row is not None else ():
        if numbers is None or number in numbers:
            _wake_taker(k, thread.pid, 0, number, k.cause)


def send_to_group(k: Kernel, group: int, number: int, info: Info | None = None) -> int:
    """Send a signal to every process of a process group."""
    members = [pid for pid, state in k.processes.items() if state.group == group and not state.exiting]
    if not members:
        return -ESRCH
    for pid in members:
        send_signal(k, pid, number, 0, info)
    return 0


def broken_pipe(k: Kernel) -> None:
    """The running task wrote to where nobody reads."""
    send_signal(k, k.pid, SIGPIPE, k.task, (SIGPIPE, SI_USER, 0, k.pid, 0, 0, 0))


def force_sig(k: Kernel, number: int) -> None:
    """The running task gets the signal of an exception, and takes it at once. To ignore or block it does not help."""
    state = k.processes[k.pid]
    blocked = k.world.sigmasks.get(k.task, ())
    if number in blocked or state.actions.get(number, (DEFAULT, None))[0] == IGNORE:
        state.actions[number] = (DEFAULT, None)
        set_mask(k, tuple(one for one in blocked if one != number))
    k.cause = k.emit(SignalSent, k.pid, k.task, number)
    state.infos.setdefault((k.task, number), [(number, SI_KERNEL, 0, 0, 0, 0, 0)])
    k.thread.sigpending = True
    deliver(k)


# -- taking


def _next(row: PendingSignals, tid: int, blocked: Collection[int], among: Collection[int] | None = None) -> int:
    """The signal that task `tid` takes next, its own before those of its process; 0 if none."""
    own = [number for owner, number in row.private if owner == tid]
    for numbers in (own, row.numbers):
        open_ones = [one for one in numbers if one not in blocked and (among is None or one in among)]
        if open_ones:
            return min(open_ones)
    return 0


def _pending_for(k: Kernel, thread: Thread) -> int:
    row = k.world.signals.get(thread.pid)
    return _next(row, thread.tid, k.world.sigmasks.get(thread.tid, ())) if row is not None else 0


def _dequeued(k: Kernel, thread: Thread, number: int, action: str) -> Info:
    """Take `number` off its queue; what is known of it."""
    row = k.world.signals[thread.pid]
    tid = thread.tid if (thread.tid, number) in row.private else 0
    state = k.processes[thread.pid]
    infos = state.infos[(tid, number)]
    info = infos.pop(0)
    if not infos:
        del state.infos[(tid, number)]
    k.emit(SignalDelivered, thread.pid, number, action, tid)
    if number == SIGALRM and state.rearm is not None:
        state.rearm()
    return info


def pending_among(k: Kernel, numbers: Collection[int]) -> int:
    """The signal of `numbers` that the running task would take next, blocked or not; 0 if none is pending."""
    row = k.world.signals.get(k.pid)
    return _next(row, k.task, (), numbers) if row is not None else 0


def take(k: Kernel, number: int) -> Info:
    """The running task accepts the pending signal `number` (`dequeue_signal`)."""
    thread = k.thread
    info = _dequeued(k, thread, number, "accepted")
    thread.sigpending = bool(_pending_for(k, thread))
    return info


def deliver(k: Kernel) -> None:
    """On the way to user mode: take every pending signal that the running task does not block.

    The frames of the handlers are stacked, so the one that is taken last runs first."""
    thread = k.thread
    if not thread.sigpending:
        return
    state = k.processes[thread.pid]
    marks: list[tuple[Callable[[int], None], int]] = []
    while number := _pending_for(k, thread):
        kind, mark = state.actions.get(number, (DEFAULT, None))
        if kind == HANDLER and mark is not None and number != SIGKILL:
            _dequeued(k, thread, number, "handler")
            marks.append((mark, number))
        elif number != SIGKILL and (kind == IGNORE or number in HARMLESS):
            _dequeued(k, thread, number, "ignored")
        else:
            _dequeued(k, thread, number, "killed")
            exit_group(k, 128 + number, number)
            raise TaskKilled
    thread.sigpending = False
    saved, thread.saved_mask = thread.saved_mask, None
    if saved is not None:
        set_mask(k, saved)
    for mark, number in reversed(marks):
        mark(number)


def restarts(k: Kernel, nr: int, args: tuple[object, ...]) -> bool:
    """Whether a call that a signal interrupted is made again: the handler that runs first was set with SA_RESTART, and
    it is one of the calls that heed that."""
    number = _pending_for(k, k.thread)
    state = k.processes[k.pid]
    if number not in state.restart or nr not in WAKING or state.actions.get(number, (0, None))[0] != HANDLER:
        return False
    if nr == SYS.futex:
        return args[-1] is None
    name = TIMED.get(nr)
    file = k.file(args[0]) if name is not None and isinstance(args[0], int) else None
    return name is None or file is None or file.kind != SOCKET or not option(k.world, file.obj, SOL_SOCKET, name)


# -- calls


def sys_kill(k: Kernel, pid: int, number: int) -> int:
    """kill(2): a process, the own group (0), or a group (-pgid)."""
    if not 0 <= number <= 64:
        return -EINVAL
    info = (number, SI_USER, 0, k.pid, 0, 0, 0)
    if pid > 0:
        return send_signal(k, pid, number, 0, info)
    if pid == -1:
        raise Unsupported("a signal to every process there is (kill -1)")
    return send_to_group(k, -pid or k.processes[k.pid].group, number, info)


def sys_tgkill(k: Kernel, pid: int, tid: int, number: int) -> int:
    """tgkill(2)."""
    if not 0 <= number <= 64 or tid <= 0 or pid <= 0:
        return -EINVAL
    return send_signal(k, pid, number, tid, (number, SI_TKILL, 0, k.pid, 0, 0, 0))


def sys_rt_sigaction(k: Kernel, number: int, kind: int, mark: Callable[[int], None] | None, flags: int = 0) -> int:
    """rt_sigaction(2): `kind` 0 default, 1 ignore, 2 handler; `flags` as far as SA_RESTART; returns the kind that was
    set before. Setting a signal to be ignored throws away the pending ones."""
    if not 1 <= number <= 64 or number in UNBLOCKABLE:
        return -EINVAL
    state = k.processes[k.pid]
    before, _ = state.actions.get(number, (DEFAULT, None))
    state.actions[number] = (kind, mark)
    if flags & SA_RESTART:
        state.restart.add(number)
    else:
        state.restart.discard(number)
    row = k.world.signals.get(k.pid)
    if row is not None and (kind == IGNORE or (kind == DEFAULT and number in HARMLESS)):
        for tid in [tid for tid, one in row.private if one == number] + [0] * row.numbers.count(number):
            state.infos.pop((tid, number), None)
            k.emit(SignalDelivered, k.pid, number, "ignored", tid)
    return before


def sys_rt_sigprocmask(k: Kernel, how: int, numbers: tuple[int, ...] | None) -> Result:
    """rt_sigprocmask(2) for the running task: (0, what was blocked before); None changes nothing."""
    before = k.world.sigmasks.get(k.task, ())
    if numbers is None:
        return 0, before
    if how not in (SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK):
        return -EINVAL
    given = set(numbers) - UNBLOCKABLE
    new = given if how == SIG_SETMASK else {*before, *given} if how == SIG_BLOCK else set(before) - given
    set_mask(k, tuple(sorted(new)))
    return 0, before


def set_mask(k: Kernel, new: tuple[int, ...]) -> None:
    """`__set_task_blocked` of the running task."""
    before = k.world.sigmasks.get(k.task, ())
    if new == before:
        return
    k.emit(SignalMaskSet, new)
    thread = k.thread
    thread.sigpending = bool(_pending_for(k, thread))
    if thread.sigpending:
        k.attention = 0
    added = set(new) - set(before)
    if added:
        retarget(k, thread, added)


def sys_rt_sigpending(k: Kernel) -> Result:
    """rt_sigpending(2): (0, the blocked signals that are pending)."""
    row = k.world.signals.get(k.pid)
    blocked = k.world.sigmasks.get(k.task, ())
    numbers = () if row is None else (*row.numbers, *(one for tid, one in row.private if tid == k.task))
    return 0, tuple(sorted({one for one in numbers if one in blocked}))


def sys_rt_sigtimedwait(k: Kernel, numbers: tuple[int, ...], timeout: int | None) -> Result:
    """rt_sigtimedwait(2): take one of `numbers` from the pending ones, or wait `timeout` ns (None: for ever) for one;
    (number, its info)."""
    if timeout is not None and timeout < 0:
        return -EINVAL
    thread = k.thread
    wanted = frozenset(numbers) - UNBLOCKABLE
    until = 0 if timeout is None else k.now + timeout
    why = "event"
    while True:
        row = k.world.signals.get(k.pid)
        number = _next(row, k.task, (), wanted) if row is not None else 0
        if number:
            result = number, _dequeued(k, thread, number, "accepted")
            thread.sigpending = bool(_pending_for(k, thread))
            return result
        if why != "event" or timeout == 0:
            thread.sigpending = bool(_pending_for(k, thread))
            return -EAGAIN if why == "timeout" or timeout == 0 else -EINTR
        thread.waits_for = wanted
        why = k.sleep("do_sigtimedwait", (), until=until)
        thread.waits_for = frozenset()


def sys_pause(k: Kernel) -> int:
    """pause(2)."""
    while k.sleep("do_pause", ()) != "signal":
        pass
    return -EINTR
