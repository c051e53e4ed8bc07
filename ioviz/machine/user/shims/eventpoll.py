"""The class `select.epoll`.

`poll` is on the hot path of every server: for the usual arguments it is one system call and one check of a type.
"""

from __future__ import annotations

from errno import EBADF, EINTR
from math import ceil
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims.arguments import INT_MAX, MS, NS_MAX, c_int, failure, fd_of, nanoseconds, whole_ms
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest
    from ioviz.machine.user.shims.select import Waiting

FD_SETSIZE: Final = 1024
EPOLL_CLOEXEC: Final = 0x80000
ADD, DEL, MOD = 1, 2, 3
IN_PRI_OUT: Final = 7
CLOSED: Final = "I/O operation on closed epoll object"


def _mask(value: Any) -> int:
    """unsigned_int(bitwise=True): the low 32 bits of any int."""
    if not isinstance(value, int):
        raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
    return value & 0xFFFF_FFFF


def make_epoll(guest: Guest, waiting: Waiting) -> type:
    """The class for one guest."""
    syscall = guest.syscall
    clock, check_signals = guest.kernel.vdso_clock, guest.check_signals
    epoll_ctl, epoll_wait, close = SYS.epoll_ctl, SYS.epoll_wait, SYS.close
    wait_for = guest.kernel.door(epoll_wait)

    class epoll:
        """An epoll object: `epoll(sizehint=-1, flags=0)`."""

        __module__ = "select"
        __slots__ = ("__fd",)

        def __init__(self, sizehint: Any = -1, flags: Any = 0) -> None:
            size = c_int(sizehint)
            if size != -1 and size <= 0:
                raise ValueError("negative sizehint")
            if flags and flags != EPOLL_CLOEXEC:
                raise OSError("invalid flags")
            self.__fd = -1
            self.__open(-1)

        def __open(self, fd: int) -> None:
            waiting.close_lost()
            if fd == -1:
                fd = syscall(SYS.epoll_create1, EPOLL_CLOEXEC)
                if fd < 0:
                    raise failure(fd)
            self.__fd = fd

        @classmethod
        def fromfd(cls, fd: Any, /) -> Any:
            """Create an epoll object from a given control fd."""
            self = object.__new__(cls)
            self.__fd = -1
            self.__open(c_int(fd))
            return self

        def close(self) -> None:
            """Close the epoll control file descriptor."""
            fd = self.__fd
            if fd >= 0:
                self.__fd = -1
                result = syscall(close, fd)
                if result < 0:
                    raise failure(result)

        @property
        def closed(self) -> bool:
            """True if the epoll handler is closed."""
            return self.__fd < 0

        def fileno(self) -> int:
            """Return the epoll control file descriptor."""
            if self.__fd < 0:
                raise ValueError(CLOSED)
            return self.__fd

        def register(self, fd: Any, eventmask: Any = IN_PRI_OUT) -> None:
            """Register a new fd, or raise an OSError if the fd is already registered."""
            if type(fd) is not int or fd < 0 or type(eventmask) is not int or eventmask < 0:
                fd, eventmask = self.__checked(fd, eventmask)
            result = syscall(epoll_ctl, self.__fd, ADD, fd, eventmask, fd)
            if result:
                self.__fail(result)

        def modify(self, fd: Any, eventmask: Any) -> None:
            """Modify event mask for a registered file descriptor."""
            if type(fd) is not int or fd < 0 or type(eventmask) is not int or eventmask < 0:
                fd, eventmask = self.__checked(fd, eventmask)
            result = syscall(epoll_ctl, self.__fd, MOD, fd, eventmask, fd)
            if result:
                self.__fail(result)

        def unregister(self, fd: Any) -> None:
            """Remove a registered file descriptor from the epoll object."""
            if type(fd) is not int or fd < 0:
                fd, _ = self.__checked(fd, 0)
            result = syscall(epoll_ctl, self.__fd, DEL, fd, 0, 0)
            if result:
                self.__fail(result)

        def __checked(self, fd: Any, eventmask: Any) -> tuple[int, int]:
            if self.__fd < 0:
                raise ValueError(CLOSED)
            return fd_of(fd), _mask(eventmask)

        def __fail(self, result: int) -> None:
            if self.__fd < 0:
                raise ValueError(CLOSED)
            raise failure(result)

        def poll(self, timeout: Any = None, maxevents: Any = -1) -> list[tuple[int, int]]:
            """Wait for events; `timeout` in seconds, None or a negative one: for ever."""
            if maxevents == -1:
                maxevents = FD_SETSIZE - 1
            elif type(maxevents) is not int or not 0 < maxevents <= INT_MAX:
                maxevents = self.__checked_max(maxevents)
            if timeout is None or timeout == -1:
                wait = -1
            elif timeout == 0:
                wait = 0
            elif type(timeout) is float and 0.0 < timeout < 1e6:
                wait = -(ceil(timeout * 1e9) // -MS) * MS
            else:
                wait = self.__checked_timeout(timeout)
            result = wait_for(self.__fd, maxevents, wait)
            if type(result) is tuple:
                return list(result[1])
            return self.__poll_again(result, maxevents, wait)

        def __checked_max(self, maxevents: Any) -> int:
            number = c_int(maxevents)
            if self.__fd < 0:
                raise ValueError(CLOSED)
            if number < 1:
                raise ValueError(f"maxevents must be greater than 0, got {number}")
            return number

        def __checked_timeout(self, timeout: Any) -> int:
            if self.__fd < 0:
                raise ValueError(CLOSED)
            try:
                ns = nanoseconds(timeout)
            except TypeError:
                raise TypeError("timeout must be an integer or None") from None
            if ns < 0:
                return -1
            if ns > INT_MAX * MS or ns >= NS_MAX:
                raise OverflowError("timeout is too large")
            return whole_ms(ns)

        def __poll_again(self, result: Any, maxevents: int, wait: int) -> list[tuple[int, int]]:
            if self.__fd < 0:
                raise ValueError(CLOSED)
            if result == 0:
                return []
            if result != -EINTR:
                raise failure(result)
            deadline = clock(1) + wait
            while result == -EINTR:
                check_signals()
                if wait > 0:
                    wait = whole_ms(max(deadline - clock(1), 0))
                if self.__fd < 0:
                    raise failure(-EBADF)
                result = syscall(epoll_wait, self.__fd, maxevents, wait)
                if type(result) is tuple:
                    return list(result[1])
            raise failure(result)

        def __enter__(self) -> Any:
            if self.__fd < 0:
                raise ValueError(CLOSED)
            return self

        def __exit__(
            self, kind: type | None = None, value: BaseException | None = None, trace: TracebackType | None = None, /
        ) -> None:
            self.close()

        def __del__(self) -> None:
            fd = getattr(self, "_epoll__fd", -1)
            if fd >= 0:
                self.__fd = -1
                waiting.abandon(fd)

    epoll.__qualname__ = "epoll"
    return epoll
