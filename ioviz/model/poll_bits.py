"""The bits of poll(2) and epoll(7). Source: Linux `include/uapi/linux/eventpoll.h`."""

from __future__ import annotations

from typing import Final

POLLIN: Final = 0x001
POLLPRI: Final = 0x002
POLLOUT: Final = 0x004
POLLERR: Final = 0x008
POLLHUP: Final = 0x010
POLLNVAL: Final = 0x020
POLLRDNORM: Final = 0x040
POLLRDBAND: Final = 0x080
POLLWRNORM: Final = 0x100
POLLWRBAND: Final = 0x200
POLLRDHUP: Final = 0x2000
EPOLLEXCLUSIVE: Final = 1 << 28
EPOLLWAKEUP: Final = 1 << 29
EPOLLONESHOT: Final = 1 << 30
EPOLLET: Final = 1 << 31

NAMES: Final = (
    (POLLIN, "IN"),
    (POLLPRI, "PRI"),
    (POLLOUT, "OUT"),
    (POLLERR, "ERR"),
    (POLLHUP, "HUP"),
    (POLLNVAL, "NVAL"),
    (POLLRDHUP, "RDHUP"),
    (EPOLLEXCLUSIVE, "EXCLUSIVE"),
    (EPOLLONESHOT, "ONESHOT"),
    (EPOLLET, "ET"),
)


def describe(mask: int) -> str:
    """`IN|RDHUP`, or `0`."""
    return "|".join(name for bit, name in NAMES if mask & bit) or "0"
