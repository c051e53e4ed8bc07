"""System calls of the shims, made on the real kernel: so that a shim can be compared with the C module it stands for.

Threads are real ones, one at a time as far as Python's own lock makes them so; the clock is the real one.
"""

from __future__ import annotations

import array
import fcntl
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from ioviz.model.syscalls import SYS

NONBLOCK_CLOEXEC = 0o4000 | 0o2000000


def _sock(fd: int) -> socket.socket:
    """A socket object on a descriptor that somebody else owns."""
    return socket.socket(fileno=os.dup(fd))


class RealKernel:
    """`Kernel.syscall` for the calls that sockets, polling and descriptors need."""

    recursion = 1000

    task = 1
    pid = 1

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def vdso_clock(self, clock: int) -> int:
        return time.monotonic_ns() if clock else time.time_ns()

    def line(self, at: int) -> None:
        """No hooks here."""

    def source(self, path: str, text: str) -> int:
        return 1

    def door(self, nr: int, *rest: Any) -> Callable[[Any, Any, Any], Any]:
        return lambda a, b, c: self.syscall(nr, a, b, c, *rest)

    def syscall(self, nr: int, *args: Any) -> Any:
        self.calls.append((nr, *args))
        try:
            return _CALLS[nr](*args)
        except OSError as error:
            if error.errno is None:
                raise
            return -error.errno


def _with_sock(method: str, fd: int, *args: Any) -> Any:
    with _sock(fd) as sock:
        return getattr(sock, method)(*args)


def _socket(family: int, kind: int, proto: int) -> int:
    return socket.socket(family, kind, proto).detach()


def _accept4(fd: int, flags: int) -> tuple[int, Any]:
    with _sock(fd) as sock:
        fd, address = sock._accept()  # type: ignore[attr-defined]
        return fd, address


def _sendto(fd: int, data: bytes, flags: int, address: Any) -> int:
    args = (data, flags) if address is None else (data, flags, address)
    return int(_with_sock("send" if address is None else "sendto", fd, *args))


def _recvfrom(fd: int, size: int, flags: int, nameless: bool = False) -> tuple[int, Any]:
    data, sender = _with_sock("recvfrom", fd, size, flags)
    return len(data), (data, None if nameless else sender)


def _sendmsg(fd: int, data: bytes, ancillary: tuple[Any, ...], flags: int, address: Any) -> int:
    args = () if address is None else (address,)
    return int(_with_sock("sendmsg", fd, [data], ancillary, flags, *args))


def _recvmsg(fd: int, size: int, room: int, flags: int) -> tuple[int, Any]:
    data, ancillary, seen, sender = _with_sock("recvmsg", fd, size, room, flags)
    return len(data), (data, tuple(ancillary), seen, sender)


def _getsockopt(fd: int, level: int, option: int, size: int) -> tuple[int, Any]:
    return 0, _with_sock("getsockopt", fd, level, option, *((size,) if size else ()))


def _socketpair(family: int, kind: int, proto: int) -> tuple[int, Any]:
    first, second = socket.socketpair(family, kind, proto)
    return 0, (first.detach(), second.detach())


def _ioctl(fd: int, request: int, arg: int) -> tuple[int, int]:
    buffer = array.array("i", [arg])
    result = fcntl.ioctl(fd, request, buffer, True)
    return result, buffer[0]


def _flock(fd: int, operation: int) -> int:
    fcntl.flock(fd, operation)
    return 0


def _fcntl(fd: int, cmd: int, arg: int) -> int:
    return fcntl.fcntl(fd, cmd, arg)


def _poll(entries: tuple[tuple[int, int], ...], timeout: int | None) -> tuple[int, Any]:
    poller = select.poll()
    for fd, events in entries:
        poller.register(fd, events)
    ready = tuple(poller.poll(None if timeout is None else timeout / 1e6))
    return len(ready), ready


def _select(nfds: int, reads: Any, writes: Any, excepts: Any, timeout: int | None) -> tuple[int, Any]:
    sets = select.select(reads, writes, excepts, None if timeout is None else timeout / 1e9)
    return sum(map(len, sets)), tuple(tuple(sorted(each)) for each in sets)


def _epoll_ctl(epfd: int, op: int, fd: int, events: int, data: int) -> int:
    poller = select.epoll.fromfd(os.dup(epfd))
    try:
        if op == 1:
            poller.register(fd, events)
        elif op == 2:
            poller.unregister(fd)
        else:
            poller.modify(fd, events)
    finally:
        poller.close()
    return 0


def _epoll_wait(epfd: int, most: int, timeout: int) -> tuple[int, Any]:
    poller = select.epoll.fromfd(os.dup(epfd))
    try:
        ready = tuple(poller.poll(timeout / 1e9 if timeout >= 0 else None, most))
    finally:
        poller.close()
    return len(ready), ready


def _epoll_create1(flags: int) -> int:
    poller = select.epoll()
    try:
        return os.dup(poller.fileno())
    finally:
        poller.close()


def _none(call: Any) -> Any:
    """`call`, of which only success matters."""

    def made(*args: Any) -> int:
        call(*args)
        return 0

    return made


_CALLS: dict[int, Any] = {
    SYS.socket: _socket,
    SYS.close: _none(os.close),
    SYS.bind: _none(lambda fd, address: _with_sock("bind", fd, address)),
    SYS.connect: _none(lambda fd, address: _with_sock("connect", fd, address)),
    SYS.listen: _none(lambda fd, backlog: _with_sock("listen", fd, backlog)),
    SYS.shutdown: _none(lambda fd, how: _with_sock("shutdown", fd, how)),
    SYS.accept4: _accept4,
    SYS.getsockname: lambda fd: (0, _with_sock("getsockname", fd)),
    SYS.getpeername: lambda fd: (0, _with_sock("getpeername", fd)),
    SYS.sendto: _sendto,
    SYS.recvfrom: _recvfrom,
    SYS.sendmsg: _sendmsg,
    SYS.recvmsg: _recvmsg,
    SYS.getsockopt: _getsockopt,
    SYS.setsockopt: _none(lambda fd, *args: _with_sock("setsockopt", fd, *args)),
    SYS.socketpair: _socketpair,
    SYS.ioctl: _ioctl,
    SYS.fcntl: _fcntl,
    SYS.flock: _flock,
    SYS.poll: _poll,
    SYS.select: _select,
    SYS.epoll_create1: _epoll_create1,
    SYS.epoll_ctl: _epoll_ctl,
    SYS.epoll_wait: _epoll_wait,
}
assert struct.calcsize("i") == 4


class FakeGuest:
    """What a shim needs of a guest, on a kernel that need not be a whole one."""

    pid = 1
    host_name = "host1"

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.syscall = kernel.syscall
        self.modules: dict[str, ModuleType] = {}
        self.signal_handlers: dict[int, Any] = {}
        self.sys = SimpleNamespace(stderr=sys.stderr, unraisablehook=self.unraisable)
        self.complaints: list[Any] = []
        self.signals_checked = 0
        self.warnings: list[tuple[str, type[Warning], str]] = []
        self._keys = 0

    def new_key(self) -> int:
        self._keys += 1
        return self._keys

    def warn(self, message: str, category: type[Warning], filename: str, lineno: int) -> None:
        self.warnings.append((message, category, filename))

    def check_signals(self) -> None:
        self.signals_checked += 1

    def mark_signal(self, number: int) -> None:
        """Signals are not tried here."""

    def unraisable(self, unraisable: Any) -> None:
        self.complaints.append(unraisable)
