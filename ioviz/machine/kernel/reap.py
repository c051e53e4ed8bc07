"""The end of a child: its parent gets SIGCHLD, and asks by `wait4` or `waitid` how it ended; until then it is a zombie.

Source: Linux `kernel/exit.c`, wait(2). A parent that ignores SIGCHLD on purpose leaves no zombies; the children of a
process that has ended belong to nobody, who asks at once.
"""

from __future__ import annotations

from errno import ECHILD, EINTR, EINVAL
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import Result
from ioviz.machine.kernel.fork import vfork_done
from ioviz.machine.kernel.signals import IGNORE, SIGCHLD, send_signal
from ioviz.model.process import ProcessOrphaned, ProcessReaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.task import Process

WNOHANG, WUNTRACED, WEXITED, WCONTINUED, WNOWAIT = 1, 2, 4, 8, 0x1000000
OTHER_FLAGS: Final = 0xE0000000
"""__WNOTHREAD, __WALL, __WCLONE."""
P_ALL, P_PID, P_PGID = 0, 1, 2
CLD_EXITED, CLD_KILLED = 1, 2


def exit_notify(k: Kernel, pid: int) -> None:
    """Process `pid` has ended: let its children go, wake its parent and tell it."""
    for row in list(k.world.processes.values()):
        if row.parent == pid and not row.reaped:
            k.emit(ProcessOrphaned, row.id)
    vfork_done(k, pid)
    row = k.world.processes[pid]
    if not row.parent:
        return
    kind, _ = k.processes[row.parent].actions.get(SIGCHLD, (0, None))
    send_signal(k, row.parent, SIGCHLD, 0, _info(row))
    if kind == IGNORE:
        k.emit(ProcessReaped, pid)
    k.wake(k.world.processes[row.parent].queue, 0)


def _info(row: Process) -> tuple[int, ...]:
    code = CLD_KILLED if row.signal else CLD_EXITED
    return SIGCHLD, code, 0, row.id, 0, row.signal or row.exit_code, 0


def sys_wait4(k: Kernel, pid: int, options: int) -> Result:
    """wait4(2): (pid, status) of a child that has ended; pid 0 if WNOHANG and none has."""
    if options & ~(WNOHANG | WUNTRACED | WCONTINUED | OTHER_FLAGS):
        return -EINVAL
    group = k.processes[k.pid].group if pid == 0 else -pid
    found = _wait(k, lambda row: pid == -1 or row.id == pid or (pid <= 0 and _group(k, row) == group), options)
    if found is None:
        return 0, 0
    if isinstance(found, int):
        return found
    k.emit(ProcessReaped, found.id)
    return found.id, found.signal or found.exit_code << 8


def sys_waitid(k: Kernel, kind: int, id: int, options: int) -> Result:
    """waitid(2): (0, (pid, uid, signal, status, code)) of a child that has ended; with WNOWAIT it stays a zombie."""
    if kind not in (P_ALL, P_PID, P_PGID) or not options & WEXITED:
        return -EINVAL
    group = id or k.processes[k.pid].group
    found = _wait(k, lambda row: kind == P_ALL or (row.id == id if kind == P_PID else _group(k, row) == group), options)
    if found is None:
        return 0, (0, 0, 0, 0, 0)
    if isinstance(found, int):
        return found
    if not options & WNOWAIT:
        k.emit(ProcessReaped, found.id)
    number, code, _, child, uid, status, _ = _info(found)
    return 0, (child, uid, number, status, code)


def _group(k: Kernel, row: Process) -> int:
    return k.processes[row.id].group


def _wait(k: Kernel, wanted: Callable[[Process], bool], options: int) -> Process | int | None:
    """`do_wait`: a child that has ended, an errno, or None where WNOHANG says not to wait."""
    while True:
        rows = [row for row in k.world.processes.values() if row.parent == k.pid and not row.reaped and wanted(row)]
        if not rows:
            return -ECHILD
        for row in rows:
            if not row.alive:
                return row
        if options & WNOHANG:
            return None
        if k.sleep("do_wait", (k.world.processes[k.pid].queue,)) == "signal":
            return -EINTR
