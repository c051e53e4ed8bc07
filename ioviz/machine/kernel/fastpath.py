"""The usual way of the calls that a busy server makes: the same as the handlers', in one go and one entry of the log.

Each function of `fast_data`, `fast_epoll` and `fast_connection` looks whether its call is of the usual kind: TCP on
loopback, nothing in the way, nobody to wake. If so it does to the world what the handler and its events would do, logs
a burst (`ioviz.model.burst`) and returns the result; if not it has done nothing, returns None, and the handler runs.
What a call *is* stands in the handlers only; the log that comes out is the same, event by event. Like the handlers they
have frames of their own (`ROOM`): no program's recursion ends one half-way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.fast_connection import accept4, close, connect, getsockname, ioctl, socket
from ioviz.machine.kernel.fast_data import recv, send
from ioviz.machine.kernel.fast_epoll import epoll_ctl, epoll_wait
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable

FASTPATH: Final[dict[int, Callable[..., Any]]] = {
    SYS.sendto: send,
    SYS.recvfrom: recv,
    SYS.epoll_wait: epoll_wait,
    SYS.epoll_ctl: epoll_ctl,
    SYS.socket: socket,
    SYS.connect: connect,
    SYS.accept4: accept4,
    SYS.getsockname: getsockname,
    SYS.ioctl: ioctl,
    SYS.close: close,
}
"""By system call."""
