"""Processes: `clone`, `exit`, `exit_group`, and the random bytes.

A task that ends never runs again; its stack returns to the hub. When a process ends, its other tasks are killed where
they sleep and every descriptor is closed, which is what its peers see.
"""

from __future__ import annotations

from errno import EINVAL
from signal import SIGINT, SIGPIPE, strsignal
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ioviz.machine.kernel.files import FD_LIMIT, Result
from ioviz.machine.kernel.mmap import exit_mmap
from ioviz.machine.kernel.switch import TaskKilled
from ioviz.model.task import DEAD, ProcessExited, TaskExited
from ioviz.model.task import TaskKilled as TaskKilledEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel

RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD = -1, 0, 1
QUIET: Final = (SIGINT, SIGPIPE)
"""Signals whose victims a shell does not name."""


class ProcessState:
    """What the kernel keeps of a process beside its row: its signal actions and the guest's hook for them."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.threads = 0
        self.exiting = False
        self.actions: dict[int, tuple[int, Callable[[int], None] | None]] = {}
        self.check_signals: Callable[[], None] | None = None
        self.marked: set[int] = set()
        """The signals whose Python handlers are still to run: the guest's."""
        self.cwd = "/"
        """The working directory, absolute and normal."""
        self.umask = 0o022
        self.alarm: Any = None
        self.alarm_due = 0
        self.interval = 0
        self.rearm: Callable[[], None] | None = None
        """Sets the repeating alarm again, once its signal is taken."""
        self.restart: set[int] = set()
        """The signals whose action has SA_RESTART."""
        self.infos: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        """What is known of each pending signal (its `siginfo_t`), by (tid or 0, number)."""
        self.nofile = FD_LIMIT
        """RLIMIT_NOFILE."""
        self.borrows = False
        """Whether it still runs on its parent's stack, after `vfork`."""
        self.group = pid
        self.session = pid


def spawn_task(k: Kernel, pid: int, host: int, tid: int, entry: Callable[[], None]) -> None:
    """A task of process `pid` that will run `entry`."""
    k.processes[pid].threads += 1
    k.create_task(pid, host, tid, entry)


def sys_clone(k: Kernel, flags: int, entry: Callable[[], None]) -> int:
    """clone(2) of a thread."""
    tid = k.next_tid()
    spawn_task(k, k.pid, k.cpu, tid, entry)
    return tid


def sys_exit(k: Kernel, code: int) -> NoReturn:
    """exit(2): the running task ends, and with the last one its process."""
    if k.processes[k.pid].threads == 1:
        exit_group(k, code)
    exit_task(k, code)
    raise TaskKilled


def sys_exit_group(k: Kernel, code: int) -> NoReturn:
    """exit_group(2)."""
    exit_group(k, code & 0xFF)
    raise TaskKilled


def exit_task(k: Kernel, code: int) -> None:
    """End the running task alone."""
    k.thread.killed = True
    k.processes[k.pid].threads -= 1
    k.emit(TaskExited, code)
    if k.thread.sigpending:
        k.retarget(k.thread)


def exit_group(k: Kernel, code: int, signal: int = 0) -> None:
    """End the running process: kill its other tasks, close what it has open, tell the log."""
    pid = k.pid
    k.processes[pid].exiting = True
    for thread in list(k.threads.values()):
        if thread.pid == pid and thread is not k.thread and k.world.tasks[thread.tid].state != DEAD:
            if thread.timer is not None:
                k.cancel(thread.timer)
            thread.killed = True
            k.emit(TaskKilledEvent, thread.tid)
            k.release_held(thread)
    exit_mmap(k, pid)
    for fd in sorted(row.fd for row in k.world.fds.values() if row.pid == pid):
        k.close_fd(pid, fd)
    state = k.processes[pid]
    if state.alarm is not None:
        k.cancel(state.alarm)
    state.threads = 0
    if signal and signal not in QUIET:
        k.epitaphs[pid] = f"{strsignal(signal)} {k.where()}"
    k.thread.killed = True
    k.emit(TaskExited, code)
    k.emit(ProcessExited, pid, code, signal)
    k.exit_notify(pid)


def sys_getrusage(k: Kernel, who: int) -> Result:
    """getrusage(2): (page faults served without the disk, switches because it slept, switches because it lost the CPU).

    There is no account of times, and none of the children."""
    if who not in (RUSAGE_SELF, RUSAGE_THREAD, RUSAGE_CHILDREN):
        return -EINVAL
    own = [k.thread] if who == RUSAGE_THREAD else [each for each in k.threads.values() if each.pid == k.pid]
    if who == RUSAGE_CHILDREN:
        own = []
    return 0, (sum(each.minflt for each in own), sum(each.nvcsw for each in own), sum(each.nivcsw for each in own))


def sys_sched_yield(k: Kernel) -> int:
    """sched_yield(2): to the tail of the run queue, if anyone else is on it."""
    if k.world.run_queues[k.cpu].count:
        k.preempt("yield")
    return 0


def sys_getrandom(k: Kernel, n: int) -> Result:
    """getrandom(2), from the seed of the run."""
    return n, k.random.randbytes(n)
