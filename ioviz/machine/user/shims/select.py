"""The C module `select`: select(2), poll(2) and epoll(7), with CPython's checks and its retry after EINTR.

Source: `Modules/selectmodule.c`.
"""

from __future__ import annotations

from contextlib import suppress
from errno import EINTR, ENOENT
from operator import index
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.switch import TaskKilled
from ioviz.machine.user.shims.arguments import INT_MAX, MS, failure, fd_of, nanoseconds, whole_ms
from ioviz.machine.user.shims.eventpoll import make_epoll
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ioviz.machine.user.guest import Guest

FD_SETSIZE: Final = 1024
CONSTANTS: Final = {
    "EPOLLERR": 0x8,
    "EPOLLET": 0x80000000,
    "EPOLLEXCLUSIVE": 0x10000000,
    "EPOLLHUP": 0x10,
    "EPOLLIN": 0x1,
    "EPOLLMSG": 0x400,
    "EPOLLONESHOT": 0x40000000,
    "EPOLLOUT": 0x4,
    "EPOLLPRI": 0x2,
    "EPOLLRDBAND": 0x80,
    "EPOLLRDHUP": 0x2000,
    "EPOLLRDNORM": 0x40,
    "EPOLLWRBAND": 0x200,
    "EPOLLWRNORM": 0x100,
    "EPOLL_CLOEXEC": 0x80000,
    "PIPE_BUF": 4096,
    "POLLERR": 0x8,
    "POLLHUP": 0x10,
    "POLLIN": 0x1,
    "POLLMSG": 0x400,
    "POLLNVAL": 0x20,
    "POLLOUT": 0x4,
    "POLLPRI": 0x2,
    "POLLRDBAND": 0x80,
    "POLLRDHUP": 0x2000,
    "POLLRDNORM": 0x40,
    "POLLWRBAND": 0x200,
    "POLLWRNORM": 0x100,
}
IN_PRI_OUT: Final = 7


def _fds(objects: Any) -> tuple[list[Any], list[int]]:
    """The objects of one argument of `select`, and their descriptors."""
    try:
        items = objects if type(objects) is list else list(objects)
    except TypeError:
        raise TypeError("arguments 1-3 must be sequences") from None
    fds: list[int] = []
    for item in items:
        fd = item if type(item) is int and item >= 0 else fd_of(item)
        if fd >= FD_SETSIZE:
            raise ValueError("filedescriptor out of range in select()")
        if len(fds) >= FD_SETSIZE:
            raise ValueError("too many file descriptors in select()")
        fds.append(fd)
    return list(items), fds


def _ushort(value: Any) -> int:
    """The mask of a `poll` object: 16 bits."""
    if not hasattr(value, "__index__"):
        raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
    number = int(index(value))
    if number < 0:
        raise ValueError("value must be positive")
    if number > 0xFFFF:
        raise OverflowError("Python int too large for C unsigned short")
    return number


class Waiting:
    """`select()` and the two kinds of pollers of one guest."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._syscall = guest.syscall
        self._check_signals = guest.check_signals
        self._clock = guest.kernel.vdso_clock
        self._lost: list[int] = []

    def select(
        self, rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: Any = None, /
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Wait until one or more file descriptors are ready for some kind of I/O."""
        wait: int | None = None
        if timeout is not None:
            try:
                wait = nanoseconds(timeout)
            except TypeError:
                raise TypeError("timeout must be a float or None") from None
            if wait < 0:
                raise ValueError("timeout must be non-negative")
        readers, reads = _fds(rlist)
        writers, writes = _fds(wlist)
        excepted, excepts = _fds(xlist)
        nfds = max(max(reads, default=-1), max(writes, default=-1), max(excepts, default=-1)) + 1
        sets = tuple(reads), tuple(writes), tuple(excepts)
        result: Any = self.again(wait, SYS.select, nfds, *sets)
        ready, writable, strange = (frozenset(fds) for fds in result[1])
        return (
            [item for item, fd in zip(readers, reads, strict=True) if fd in ready],
            [item for item, fd in zip(writers, writes, strict=True) if fd in writable],
            [item for item, fd in zip(excepted, excepts, strict=True) if fd in strange],
        )

    def again(self, wait: int | None, nr: int, *args: Any) -> Any:
        """Call `nr` with a time-out that shrinks when a signal interrupts it (PEP 475)."""
        deadline = None if wait is None or wait <= 0 else self._clock(1) + wait
        while True:
            result = self._syscall(nr, *args, wait)
            if type(result) is tuple:
                return result
            if result != -EINTR:
                raise failure(result)
            self._check_signals()
            if deadline is not None:
                wait = max(deadline - self._clock(1), 0)
                if nr != SYS.select:
                    wait = whole_ms(wait)

    def abandon(self, fd: int) -> None:
        """An epoll object that was never closed is collected; if another process runs, its end must wait."""
        if getattr(self._guest.kernel, "pid", self._guest.pid) != self._guest.pid:
            self._lost.append(fd)
            return
        with suppress(TaskKilled):
            self._syscall(SYS.close, fd)

    def close_lost(self) -> None:
        """Close what could not be closed when it was lost."""
        while self._lost:
            self._syscall(SYS.close, self._lost.pop(0))


def _make_poll(waiting: Waiting) -> type[Any]:
    class poll:
        """A polling object; `select.poll()` makes one."""

        __module__ = "select"
        __slots__ = ("__busy", "__fds", "__list")

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            raise TypeError("cannot create 'select.poll' instances")

        def __init__(self) -> None:
            self.__fds: dict[int, int] = {}
            self.__list: tuple[tuple[int, int], ...] | None = ()
            self.__busy = False

        def register(self, fd: Any, eventmask: Any = IN_PRI_OUT, /) -> None:
            """Register a file descriptor with the polling object."""
            number = fd_of(fd)
            self.__fds[number] = _ushort(eventmask)
            self.__list = None

        def modify(self, fd: Any, eventmask: Any, /) -> None:
            """Modify an already registered file descriptor."""
            number = fd_of(fd)
            mask = _ushort(eventmask)
            if number not in self.__fds:
                raise failure(-ENOENT)
            self.__fds[number] = mask
            self.__list = None

        def unregister(self, fd: Any, /) -> None:
            """Remove a file descriptor being tracked by the polling object."""
            del self.__fds[fd_of(fd)]
            self.__list = None

        def poll(self, timeout: Any = None, /) -> list[tuple[int, int]]:
            """Poll the set of registered file descriptors; `timeout` in milliseconds."""
            wait: int | None = None
            if timeout is not None:
                try:
                    ns = nanoseconds(timeout, MS)
                except TypeError:
                    raise TypeError("timeout must be an integer or None") from None
                if ns > INT_MAX * MS:
                    raise OverflowError("timeout is too large")
                # Rounded away from zero: the smallest negative number already means for ever.
                wait = whole_ms(ns) if ns >= 0 else None
            if self.__busy:
                raise RuntimeError("concurrent poll() invocation")
            if self.__list is None:
                self.__list = tuple(self.__fds.items())
            self.__busy = True
            try:
                result = waiting.again(wait, SYS.poll, self.__list)
            finally:
                self.__busy = False
            return list(result[1])

    poll.__qualname__ = "poll"
    return poll


class _Factory:
    """`select.poll` is a function that makes polling objects."""

    def __init__(self, made: type[Any]) -> None:
        self._made = made

    def poll(self) -> Any:
        """Return a polling object."""
        made = object.__new__(self._made)
        made.__init__()  # the class itself refuses to be called
        return made


def build(guest: Guest) -> ModuleType:
    """The module `select` for one guest."""
    waiting = Waiting(guest)
    module = ModuleType("select")
    module.__dict__.update(
        CONSTANTS,
        select=waiting.select,
        error=OSError,
        poll=_Factory(_make_poll(waiting)).poll,
        epoll=make_epoll(guest, waiting),
    )
    return module
