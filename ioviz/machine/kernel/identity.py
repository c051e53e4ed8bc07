"""Who a process is and where: its numbers, its user, the name of its host, its working directory and its umask.

Source: Linux `kernel/sys.c`, `fs/d_path.c` (`getcwd`), `fs/open.c` (`chdir`). Linux shares directory and umask between
the threads of a process, as here.

Where Linux differs: everybody is root; who is in a folder that was removed is nowhere, until it moves elsewhere.
"""

from __future__ import annotations

from errno import ENOENT, ENOTDIR, ERANGE
from stat import S_ISDIR
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.namei import look_up, mode_of

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel

SYSTEM: Final = ("Linux", "6.1.0-ioviz", "#1 SMP", "x86_64")
"""What uname(2) says beside the name of the host."""


def sys_getpid(k: Kernel) -> int:
    """getpid(2)."""
    return k.pid


def sys_gettid(k: Kernel) -> int:
    """gettid(2)."""
    return k.task


def sys_getppid(k: Kernel) -> int:
    """getppid(2)."""
    return k.world.processes[k.pid].parent or 1


def sys_getuid(k: Kernel) -> int:
    """getuid(2), geteuid(2), getgid(2), getegid(2): root."""
    return 0


def sys_umask(k: Kernel, mask: int) -> int:
    """umask(2): the old one."""
    state = k.processes[k.pid]
    before, state.umask = state.umask, mask & 0o777
    return before


def sys_uname(k: Kernel) -> Result:
    """uname(2): (0, (sysname, nodename, release, version, machine))."""
    name, *rest = SYSTEM
    return 0, (name, k.world.hosts[k.cpu].name, *rest)


def sys_getcwd(k: Kernel, size: int) -> Result:
    """getcwd(2): (bytes of the path with the zero at its end, path)."""
    path = k.processes[k.pid].cwd
    if not mode_of(k, path):
        return -ENOENT
    length = len(path.encode("utf-8", "surrogateescape")) + 1
    return (length, path) if length <= size else -ERANGE


def sys_chdir(k: Kernel, path: str) -> int:
    """chdir(2)."""
    found = look_up(k, path)
    if isinstance(found, int):
        return found
    place, row = found
    if not S_ISDIR(row.mode):
        return -ENOTDIR
    k.processes[k.pid].cwd = place.name
    return 0
