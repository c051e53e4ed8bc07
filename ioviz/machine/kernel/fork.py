"""Starting programs: `vfork`, `execve`, process groups and sessions.

Source: Linux `kernel/fork.c`, `fs/exec.c`, vfork(2), execve(2). `vfork` makes a process with copies of its parent's
descriptors and signal actions, and lets the parent sleep until the child has called `execve` or is gone; between the
two the child runs what it was given as `entry`. What a program is lies above the kernel: who calls `execve` runs it.

Where Linux differs: only one's own kinds of programs can be executed (`known`); there is no `fork`, since the Python
stack of a guest cannot be copied; processes of the machine itself have no parent, and nobody asks how they ended.
"""

from __future__ import annotations

from errno import EACCES, EPERM, ESRCH
from typing import TYPE_CHECKING

from ioviz.machine.kernel.errors import Unsupported
from ioviz.machine.kernel.mmap import exit_mmap
from ioviz.machine.kernel.namei import look_up
from ioviz.machine.kernel.process import spawn_task
from ioviz.model.process import ProcessExecuted, ProcessSpawned

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel

HANDLER = 2


def sys_vfork(k: Kernel, entry: Callable[[], None]) -> int:
    """vfork(2): a new process, which runs `entry`; its pid, once it executes a program or has ended."""
    parent = k.pid
    mine = k.processes[parent]
    pid = k.next_tid()
    queue = k.world.processes[parent].queue or k.new_id()
    k.cause = k.emit(ProcessSpawned, pid, parent, k.cpu, queue, k.new_id())
    state = k.add_process(pid)
    state.actions = dict(mine.actions)
    state.restart = set(mine.restart)
    state.group, state.session, state.nofile = mine.group, mine.session, mine.nofile
    state.cwd, state.umask = mine.cwd, mine.umask
    table, copy = k.descriptors[parent], k.descriptors[pid]
    copy.next = table.next
    fds = k.world.fds
    for fd in range(table.next):
        row = fds.get(parent << 24 | fd)
        if row is not None:
            k.inherit_fd(pid, row)
        else:  # also a number that an accept of the parent's has reserved
            copy.free.append(fd)
    spawn_task(k, pid, k.cpu, pid, entry)
    k.threads[pid].at = k.at
    state.borrows = True
    while state.borrows and k.world.processes[pid].alive:
        k.sleep("wait_for_vfork_done", (k.world.processes[pid].queue,), deaf=True)
    return pid


def sys_execve(k: Kernel, path: str, argv: tuple[str, ...], environ: tuple[str, ...], name: str, known: bool) -> int:
    """execve(2): close what is to be closed, give every caught signal its default action, take the new name. `known`:
    `path` is one of the programs that the machine has."""
    if not known:
        found = look_up(k, path)
        if isinstance(found, int):
            return found
        _, row = found
        if row.mode & 0o170000 != 0o100000 or not row.mode & 0o111:
            return -EACCES
        raise Unsupported(f"the program {path}; Python and sh are there")
    pid = k.pid
    state = k.processes[pid]
    if state.threads > 1 or k.task != pid:
        raise Unsupported("execve in a process of several threads")
    exit_mmap(k, pid)
    table = pid << 24
    for fd in range(k.descriptors[pid].next):
        row_fd = k.world.fds.get(table | fd)
        if row_fd is not None and row_fd.cloexec:
            k.close_fd(pid, fd)
    state.actions = {number: action for number, action in state.actions.items() if action[0] != HANDLER}
    state.restart.clear()
    state.check_signals = None
    state.marked = set()
    k.cause = k.emit(ProcessExecuted, pid, name, argv)
    vfork_done(k, pid)
    return 0


def vfork_done(k: Kernel, pid: int) -> None:
    """Process `pid` no longer uses its parent's stack: the parent may go on."""
    state = k.processes[pid]
    if state.borrows:
        state.borrows = False
        k.wake(k.world.processes[pid].queue, 0)


def sys_setpgid(k: Kernel, pid: int, group: int) -> int:
    """setpgid(2)."""
    state = k.processes.get(pid or k.pid)
    if state is None or (state.pid != k.pid and k.world.processes[state.pid].parent != k.pid):
        return -ESRCH
    if state.session == state.pid:
        return -EPERM
    state.group = group or state.pid
    return 0


def sys_getpgid(k: Kernel, pid: int) -> int:
    """getpgid(2)."""
    state = k.processes.get(pid or k.pid)
    return -ESRCH if state is None or k.world.processes[state.pid].reaped else state.group


def sys_setsid(k: Kernel) -> int:
    """setsid(2)."""
    state = k.processes[k.pid]
    if state.group == k.pid:
        return -EPERM
    state.group = state.session = k.pid
    return k.pid


def sys_getsid(k: Kernel, pid: int) -> int:
    """getsid(2)."""
    state = k.processes.get(pid or k.pid)
    return -ESRCH if state is None or k.world.processes[state.pid].reaped else state.session
