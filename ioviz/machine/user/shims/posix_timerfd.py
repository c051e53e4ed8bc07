"""The functions of `posix` on timerfd, which Python has from 3.13 on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims import error
from ioviz.machine.user.shims.arguments import c_int, nanoseconds
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

TFD_CLOEXEC = 0o2000000
Seconds = tuple[float, float]
Nanoseconds = tuple[int, int]


class _Timers:
    def __init__(self, guest: Guest) -> None:
        self._syscall = guest.syscall

    def timerfd_create(self, clockid: int, /, *, flags: int = TFD_CLOEXEC) -> int:
        """Create and return a timer file descriptor."""
        result: int = self._syscall(SYS.timerfd_create, c_int(clockid), c_int(flags))
        if result < 0:
            raise error(result)
        return result

    def timerfd_settime(self, fd: int, /, *, flags: int = 0, initial: Any = 0.0, interval: Any = 0.0) -> Seconds:
        """Alter a timer file descriptor's internal timer in seconds."""
        before = self._times(SYS.timerfd_settime, fd, flags, nanoseconds(initial), nanoseconds(interval))
        return before[0] / 1e9, before[1] / 1e9

    def timerfd_settime_ns(self, fd: int, /, *, flags: int = 0, initial: int = 0, interval: int = 0) -> Nanoseconds:
        """Alter a timer file descriptor's internal timer in nanoseconds."""
        return self._times(SYS.timerfd_settime, fd, flags, initial, interval)

    def timerfd_gettime(self, fd: int, /) -> Seconds:
        """Return a tuple of a timer file descriptor's (interval, next expiration) in float seconds."""
        left = self._times(SYS.timerfd_gettime, fd)
        return left[0] / 1e9, left[1] / 1e9

    def timerfd_gettime_ns(self, fd: int, /) -> Nanoseconds:
        """Return a tuple of a timer file descriptor's (interval, next expiration) in nanoseconds."""
        return self._times(SYS.timerfd_gettime, fd)

    def _times(self, nr: int, fd: int, *args: int) -> Nanoseconds:
        result = self._syscall(nr, c_int(fd), *args)
        if isinstance(result, int):
            raise error(result)
        times: Nanoseconds = result[1]
        return times


def timer_functions(guest: Guest) -> dict[str, Callable[..., Any]]:
    """By name."""
    timers = _Timers(guest)
    names = (name for name in dir(timers) if name.startswith("timerfd_"))
    return {name: getattr(timers, name) for name in names}
