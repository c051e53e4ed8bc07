"""posix: descriptors, files, processes and the environment of a guest, on which the standard library's `os` stands.

What the kernel has no notion of is either answered as on a freshly installed machine (groups, terminals, limits) or
refused by `guest.lacks` (fork).
"""

from __future__ import annotations

import os
import posix
from errno import EBADF, EINTR, EINVAL, ENOTTY
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ioviz.machine.user.shims import error, module_from
from ioviz.machine.user.shims.arguments import bytes_of, c_int, fd_of
from ioviz.machine.user.shims.posix_dirs import Directories, DirEntry
from ioviz.machine.user.shims.posix_processes import Processes
from ioviz.machine.user.shims.posix_timerfd import timer_functions
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ioviz.machine.user.guest import Guest

TCGETS: Final = 0x5401
F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC = 1, 2, 3, 4, 0, 1030
_SYSCONF: Final = {
    "SC_PAGE_SIZE": 4096,
    "SC_PAGESIZE": 4096,
    "SC_OPEN_MAX": 1024,
    "SC_IOV_MAX": 1024,
    "SC_CLK_TCK": 100,
}
_SYSCONF_ONE: Final = ("SC_NPROCESSORS_CONF", "SC_NPROCESSORS_ONLN")
_HOST: Final = (
    *("WCOREDUMP", "WEXITSTATUS", "WIFCONTINUED", "WIFEXITED", "WIFSIGNALED", "WIFSTOPPED", "WSTOPSIG", "WTERMSIG"),
    *("_path_normpath", "_path_splitroot", "_path_splitroot_ex", "fspath", "major", "makedev", "minor", "sched_param"),
    *("stat_result", "statvfs_result", "strerror", "terminal_size", "times_result", "uname_result", "waitid_result"),
    *("waitstatus_to_exitcode", "confstr_names", "pathconf_names", "sysconf_names"),
)
"""These compute, or are types or tables: the host's own are used."""


class _Posix(Directories, Processes):
    UNDERSCORED = ("_exit",)

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest)
        self._lost: list[int] = []

    # -- descriptors

    def read(self, fd: int, length: int, /) -> bytes:
        """Read from a file descriptor. Returns a bytes object."""
        if type(fd) is not int or type(length) is not int:
            fd, length = c_int(fd), c_int(length)
        if length < 0:
            raise error(-EINVAL)
        while True:
            result = self._syscall(SYS.read, fd, length)
            if type(result) is tuple:
                data: bytes = result[1]
                return data
            if result >= 0:
                return b""
            self._failed(result)

    def write(self, fd: int, data: Any, /) -> int:
        """Write a bytes object to a file descriptor."""
        if type(data) is not bytes:
            data = bytes_of(data)
        if type(fd) is not int:
            fd = c_int(fd)
        while True:
            result: int = self._syscall(SYS.write, fd, data)
            if result >= 0:
                return result
            self._failed(result)

    def readv(self, fd: int, buffers: Any, /) -> int:
        """Read into several writable buffers by one call."""
        return self._scatter(buffers, SYS.readv, fd)

    def writev(self, fd: int, buffers: Iterable[Any], /) -> int:
        """Write several buffers by one call."""
        return self._value(SYS.writev, c_int(fd), tuple(bytes_of(each) for each in buffers))

    def pread(self, fd: int, length: int, offset: int, /) -> bytes:
        """Read at an offset; the position of the file stays."""
        if length < 0:
            raise error(-EINVAL)
        data: bytes = self._out(SYS.preadv, c_int(fd), (length,), int(offset))
        return data

    def preadv(self, fd: int, buffers: Any, offset: int, flags: int = 0, /) -> int:
        """Read into several buffers at an offset."""
        return self._scatter(buffers, SYS.preadv, fd, int(offset))

    def pwrite(self, fd: int, data: Any, offset: int, /) -> int:
        """Write at an offset; the position of the file stays."""
        return self._value(SYS.pwritev, c_int(fd), (bytes_of(data),), int(offset))

    def pwritev(self, fd: int, buffers: Iterable[Any], offset: int, flags: int = 0, /) -> int:
        """Write several buffers at an offset."""
        return self._value(SYS.pwritev, c_int(fd), tuple(bytes_of(each) for each in buffers), int(offset))

    def _scatter(self, buffers: Any, nr: int, fd: int, *more: int) -> int:
        views = [memoryview(each).cast("B") for each in buffers]
        rest: bytes = self._out(nr, c_int(fd), tuple(len(view) for view in views), *more) or b""
        done = len(rest)
        for view in views:
            view[: len(rest)] = rest[: len(view)]
            rest = rest[len(view) :]
        return done

    def close(self, fd: int) -> None:
        """Close a file descriptor."""
        if self._guest.kernel.pid != self._guest.pid:
            # A file that was never closed is collected while another process runs: its end must wait.
            self._lost.append(fd)
            return
        while self._lost:
            self._syscall(SYS.close, self._lost.pop())
        result = self._syscall(SYS.close, fd if type(fd) is int else c_int(fd))
        if result < 0 and result != -EINTR:
            raise error(result)

    def closerange(self, low: int, high: int, /) -> None:
        """Closes all file descriptors in [low, high), ignoring errors."""
        for fd in range(low, min(high, 1024)):
            self._syscall(SYS.close, fd)

    def dup(self, fd: int, /) -> int:
        """Return a duplicate of a file descriptor, which is not inheritable."""
        return self._value(SYS.fcntl, c_int(fd), F_DUPFD_CLOEXEC, 0)

    def dup2(self, fd: int, fd2: int, inheritable: bool = True) -> int:
        """Duplicate file descriptor."""
        if fd < 0 or fd2 < 0:
            raise error(-EBADF)
        if inheritable:
            return self._value(SYS.dup2, fd, fd2)
        return self._value(SYS.dup3, fd, fd2, os.O_CLOEXEC)

    def pipe(self) -> tuple[int, int]:
        """Create a pipe; returns (read end, write end)."""
        return self.pipe2(os.O_CLOEXEC)

    def pipe2(self, flags: int, /) -> tuple[int, int]:
        """Create a pipe with flags set atomically."""
        ends: tuple[int, int] = self._out(SYS.pipe2, flags)
        return ends

    def sendfile(self, out_fd: int, in_fd: int, offset: Any, count: int) -> int:
        """Copy count bytes from file descriptor in_fd to file descriptor out_fd."""
        place = None if offset is None else int(offset)
        return self._value(SYS.sendfile, c_int(out_fd), c_int(in_fd), place, int(count))

    def splice(
        self, src: int, dst: int, count: int, offset_src: Any = None, offset_dst: Any = None, flags: int = 0
    ) -> int:
        """Transfer count bytes from one pipe to a descriptor or vice versa."""
        if count < 0:
            raise ValueError("count cannot be negative")
        return self._value(SYS.splice, src, offset_src, dst, offset_dst, count, flags)

    def eventfd(self, initval: int, flags: int = 0o2000000) -> int:
        """Creates and returns an event notification file descriptor."""
        return self._value(SYS.eventfd2, initval, flags)

    def eventfd_read(self, fd: int) -> int:
        """Read eventfd value."""
        return int.from_bytes(self.read(fd, 8), "little")

    def eventfd_write(self, fd: int, value: int) -> None:
        """Write eventfd value."""
        self.write(fd, value.to_bytes(8, "little"))

    def get_blocking(self, fd: int, /) -> bool:
        return not self._value(SYS.fcntl, fd, F_GETFL, 0) & os.O_NONBLOCK

    def set_blocking(self, fd: int, blocking: bool, /) -> None:
        flags = self._value(SYS.fcntl, fd, F_GETFL, 0)
        self._value(SYS.fcntl, fd, F_SETFL, flags & ~os.O_NONBLOCK if blocking else flags | os.O_NONBLOCK)

    def get_inheritable(self, fd: int, /) -> bool:
        return not self._value(SYS.fcntl, fd, F_GETFD, 0) & 1

    def set_inheritable(self, fd: int, inheritable: int, /) -> None:
        self._value(SYS.fcntl, fd, F_SETFD, 0 if inheritable else 1)

    def isatty(self, fd: int, /) -> bool:
        return isinstance(self._syscall(SYS.ioctl, fd, TCGETS, 0), tuple)

    def ttyname(self, fd: int, /) -> str:
        if not self.isatty(fd):
            raise error(-ENOTTY)
        return "/dev/tty"

    def ctermid(self) -> str:
        return "/dev/tty"

    def get_terminal_size(self, fd: int = 1, /) -> os.terminal_size:
        if not self.isatty(fd):
            raise error(-ENOTTY)
        return os.terminal_size((80, 24))

    def device_encoding(self, fd: int) -> str | None:
        return "utf-8" if self.isatty(fd) else None

    def fsync(self, fd: Any) -> None:
        """Force write of fd to disk."""
        self._value(SYS.fsync, fd_of(fd))

    def fdatasync(self, fd: Any) -> None:
        """Force write of fd to disk without forcing update of metadata."""
        self._value(SYS.fdatasync, fd_of(fd))

    def sync(self) -> None:
        """As above."""

    # -- the process

    def getpid(self) -> int:
        """Return the current process id."""
        return self._value(SYS.getpid)

    def getuid(self) -> int:
        """Return the current process's user id."""
        return self._value(SYS.getuid)

    def geteuid(self) -> int:
        """Return the current process's effective user id."""
        return self._value(SYS.geteuid)

    def getgid(self) -> int:
        """Return the current process's group id."""
        return self._value(SYS.getgid)

    def getegid(self) -> int:
        """Return the current process's effective group id."""
        return self._value(SYS.getegid)

    def getresuid(self) -> tuple[int, int, int]:
        return 0, 0, 0

    getresgid = getresuid

    def getgroups(self) -> list[int]:
        return [0]

    def getlogin(self) -> str:
        return "root"

    def getpriority(self, which: int, who: int) -> int:
        return 0

    def nice(self, increment: int, /) -> int:
        return 0

    def umask(self, mask: int, /) -> int:
        """Set the current numeric umask and return the previous umask."""
        return self._value(SYS.umask, c_int(mask))

    def uname(self) -> os.uname_result:
        """Return an object identifying the current operating system."""
        return os.uname_result(self._out(SYS.uname))

    def times(self) -> os.times_result:
        seconds = self._guest.kernel.vdso_clock(1) / 1e9
        return os.times_result((seconds, 0.0, 0.0, 0.0, seconds))

    def cpu_count(self) -> int:
        return 1

    def getloadavg(self) -> tuple[float, float, float]:
        return 0.0, 0.0, 0.0

    def sched_getaffinity(self, pid: int, /) -> set[int]:
        return {0}

    def sched_setaffinity(self, pid: int, mask: object, /) -> None:
        """There is one CPU."""

    def sched_yield(self) -> None:
        """Voluntarily relinquish the CPU."""
        self._syscall(SYS.sched_yield)

    def sysconf(self, name: int | str, /) -> int:
        if isinstance(name, int):
            name = next((each for each, number in os.sysconf_names.items() if number == name), "")
        if name not in os.sysconf_names:
            raise ValueError("unrecognized configuration name")
        return 1 if name in _SYSCONF_ONE else _SYSCONF.get(name, -1)

    def confstr(self, name: int | str, /) -> str | None:
        return None

    def kill(self, pid: int, number: int, /) -> None:
        """Kill a process with a signal."""
        self._value(SYS.kill, pid, c_int(number))
        self._guest.check_signals()

    def abort(self) -> NoReturn:
        """Abort the interpreter immediately."""
        self._syscall(SYS.rt_sigaction, 6, 0, None)
        self._syscall(SYS.kill, self._guest.pid, 6)
        raise SystemExit(134)

    def _exit(self, status: int) -> NoReturn:
        """Exit to the system with specified status, without normal exit processing."""
        self._syscall(SYS.exit_group, c_int(status))
        raise SystemExit(status)

    def putenv(self, name: bytes, value: bytes, /) -> None:
        """Change an environment variable of the process, which its children inherit."""
        self._guest.environ[os.fsdecode(name)] = os.fsdecode(value)

    def unsetenv(self, name: bytes, /) -> None:
        """Delete an environment variable of the process."""
        self._guest.environ.pop(os.fsdecode(name), None)

    def urandom(self, size: int, /) -> bytes:
        """Return a bytes object containing random bytes suitable for nothing but this run."""
        if size < 0:
            raise ValueError("negative argument not allowed")
        data: bytes = self._out(SYS.getrandom, size)
        return data

    def getrandom(self, size: int, flags: int = 0) -> bytes:
        return self.urandom(size)


def build(guest: Guest) -> ModuleType:
    constants: dict[str, Any] = {
        name: value for name, value in vars(posix).items() if name.isupper() and isinstance(value, int)
    }
    constants |= {name: getattr(posix, name) for name in _HOST if hasattr(posix, name)}
    constants["environ"] = {os.fsencode(key): os.fsencode(value) for key, value in guest.environ.items()}
    constants["error"] = OSError
    constants["_have_functions"] = []
    constants["DirEntry"] = DirEntry
    module = module_from("posix", _Posix(guest), constants)
    if hasattr(posix, "timerfd_create"):
        module.__dict__.update(timer_functions(guest))
    return module
