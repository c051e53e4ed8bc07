"""System calls on the kernel that runs us, in the form in which the machine takes and gives them.

`RealKernel.syscall(nr, *args)` is what `Kernel.syscall` is on the machine: numbers, errnos as negative numbers, pairs
of a number and what was copied to the user. It calls the C library and nothing of Python's own modules, so that nobody
but the kernel decides what comes of a call. Times are nanoseconds, rounded up to what the real call counts in.
"""

from __future__ import annotations

import ctypes
import platform
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.syscalls import SYS, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

EPOLL: Final = sys.platform == "linux"
"""Whether this system has epoll and the rest at all."""
ADDRESS_ROOM: Final = 128
EVENT: Final = "=IQ" if platform.machine() in {"x86_64", "AMD64"} else "=I4xQ"
"""A `struct epoll_event`: packed on x86-64 alone."""
EVENT_SIZE: Final = struct.calcsize(EVENT)

_libc = ctypes.CDLL(None, use_errno=True)
_get_errno = ctypes.get_errno
_buffer = ctypes.create_string_buffer


def _function(name: str, *types: Any) -> Callable[..., int]:
    """A function of the C library; -1 comes back as the errno, negative."""
    function = getattr(_libc, name, None)
    if function is None:
        return lambda *args: -38  # ENOSYS: not on this system
    function.argtypes = types
    function.restype = ctypes.c_ssize_t if name in {"read", "write", "sendto", "recvfrom"} else ctypes.c_int

    def call(*args: Any) -> int:
        result: int = function(*args)
        return -_get_errno() if result < 0 else result

    return call


_int, _ptr, _size = ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t
_read = _function("read", _int, _ptr, _size)
_write = _function("write", _int, ctypes.c_char_p, _size)
_pipe2 = _function("pipe2", _ptr, _int)
_fcntl = _function("fcntl", _int, _int, _int)
_ioctl = _function("ioctl", _int, ctypes.c_ulong, _ptr)
_socketpair = _function("socketpair", _int, _int, _int, _ptr)
_bind = _function("bind", _int, ctypes.c_char_p, _int)
_connect = _function("connect", _int, ctypes.c_char_p, _int)
_accept4 = _function("accept4", _int, _ptr, _ptr, _int)
_sendto = _function("sendto", _int, ctypes.c_char_p, _size, _int, ctypes.c_char_p, _int)
_recvfrom = _function("recvfrom", _int, _ptr, _size, _int, _ptr, _ptr)
_getsockname = _function("getsockname", _int, _ptr, _ptr)
_getpeername = _function("getpeername", _int, _ptr, _ptr)
_setsockopt = _function("setsockopt", _int, _int, _int, ctypes.c_char_p, _int)
_getsockopt = _function("getsockopt", _int, _int, _int, _ptr, _ptr)
_poll = _function("poll", _ptr, ctypes.c_ulong, _int)
_select = _function("select", _int, _ptr, _ptr, _ptr, _ptr)
_epoll_ctl = _function("epoll_ctl", _int, _int, _int, ctypes.c_char_p)
_epoll_wait = _function("epoll_wait", _int, _ptr, _int, _int)

Result = int | tuple[int, Any]


def packed_address(address: Any) -> bytes:
    """A `struct sockaddr`: of (host, port), (host, port, flow, scope), a path, or an abstract name as bytes."""
    if isinstance(address, str):
        return struct.pack("=H", socket.AF_UNIX) + address.encode("utf-8", "surrogateescape") + b"\0"
    if isinstance(address, bytes):
        return struct.pack("=H", socket.AF_UNIX) + address
    if len(address) == 2:
        return (
            struct.pack("=H", socket.AF_INET) + struct.pack(">H", address[1]) + socket.inet_aton(address[0]) + bytes(8)
        )
    host, port, flow, scope = address
    raw = struct.pack("=H", socket.AF_INET6) + struct.pack(">HI", port, flow)
    return raw + socket.inet_pton(socket.AF_INET6, host) + struct.pack("=I", scope)


def unpacked_address(raw: bytes) -> Any:
    """The address in a `struct sockaddr`; None if there is none."""
    if len(raw) < 2:
        return None
    family = struct.unpack_from("=H", raw)[0]
    if family == socket.AF_INET:
        return socket.inet_ntoa(raw[4:8]), struct.unpack_from(">H", raw, 2)[0]
    if family == socket.AF_INET6:
        port, flow = struct.unpack_from(">HI", raw, 2)
        return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port, flow, struct.unpack_from("=I", raw, 24)[0]
    name = raw[2:]
    return name if name[:1] == b"\0" else name.split(b"\0")[0].decode("utf-8", "surrogateescape")


def _ms(ns: int | None) -> int:
    return -1 if ns is None or ns < 0 else -(-ns // 1_000_000)


def _named(call: Callable[..., int], *before: Any) -> tuple[int, Any]:
    """A call that fills in an address: its result, and the address."""
    name, length = _buffer(ADDRESS_ROOM), ctypes.c_int(ADDRESS_ROOM)
    result = call(*before, name, ctypes.byref(length))
    return result, unpacked_address(name.raw[: max(length.value, 0)]) if result >= 0 else None


def _read_call(fd: int, n: int) -> Result:
    room = _buffer(max(n, 1))
    got = _read(fd, room, n)
    return got if got <= 0 else (got, room.raw[:got])


def _recvfrom_call(fd: int, n: int, flags: int) -> Result:
    room, name, length = _buffer(max(n, 1)), _buffer(ADDRESS_ROOM), ctypes.c_int(ADDRESS_ROOM)
    got = _recvfrom(fd, room, n, flags, name, ctypes.byref(length))
    return got if got < 0 else (got, (room.raw[: min(got, n)], unpacked_address(name.raw[: length.value])))


def _sendto_call(fd: int, data: bytes, flags: int, address: Any) -> int:
    raw = None if address is None else packed_address(address)
    return _sendto(fd, data, len(data), flags | socket.MSG_NOSIGNAL, raw, len(raw or b""))


def _accept_call(fd: int, flags: int) -> Result:
    name, length = _buffer(ADDRESS_ROOM), ctypes.c_int(ADDRESS_ROOM)
    got = _accept4(fd, name, ctypes.byref(length), flags)
    return got if got < 0 else (got, unpacked_address(name.raw[: length.value]))


def _name_call(call: Callable[..., int]) -> Callable[[int], Result]:
    def made(fd: int) -> Result:
        result, address = _named(call, fd)
        return result if result < 0 else (result, address)

    return made


def _pair_call(call: Callable[..., int]) -> Callable[..., Result]:
    def made(*args: Any) -> Result:
        fds = (ctypes.c_int * 2)()
        result = call(fds, *args) if call is _pipe2 else call(*args, fds)
        return result if result < 0 else (0, (fds[0], fds[1]))

    return made


def _setsockopt_call(fd: int, level: int, option: int, value: int | bytes) -> int:
    raw = value if isinstance(value, bytes) else struct.pack("=i", value)
    return _setsockopt(fd, level, option, raw, len(raw))


def _getsockopt_call(fd: int, level: int, option: int, size: int) -> Result:
    room, length = _buffer(max(size, 4)), ctypes.c_int(size or 4)
    result = _getsockopt(fd, level, option, room, ctypes.byref(length))
    if result < 0:
        return result
    return result, room.raw[: length.value] if size else struct.unpack("=i", room.raw[:4])[0]


def _ioctl_call(fd: int, request: int, arg: int) -> Result:
    value = ctypes.c_int(arg)
    result = _ioctl(fd, request, ctypes.byref(value))
    return result if result < 0 else (result, value.value)


def _poll_call(fds: tuple[tuple[int, int], ...], timeout: int | None) -> Result:
    n = len(fds)
    flat = [part for fd, events in fds for part in (fd, events, 0)]
    room = _buffer(struct.pack("=" + "iHH" * n, *flat), 8 * n or 1)
    got = _poll(room, n, _ms(timeout))
    if got < 0:
        return got
    rows = struct.iter_unpack("=iHH", room.raw[: 8 * n])
    return got, tuple((fd, revents) for fd, _, revents in rows if revents)


def _select_call(nfds: int, reads: Any, writes: Any, excepts: Any, timeout: int | None) -> Result:
    if nfds > 1024:
        return -22
    sets = []
    for fds in (reads, writes, excepts):
        bits = bytearray(128)
        for fd in fds:
            bits[fd >> 3] |= 1 << (fd & 7)
        sets.append(_buffer(bytes(bits), 128))
    wait = None if timeout is None else _buffer(struct.pack("=qq", timeout // 10**9, -(-timeout % 10**9 // 1000)))
    got = _select(nfds, *sets, wait)
    if got < 0:
        return got
    return got, tuple(
        tuple(fd for fd in sorted(set(fds)) if raw.raw[fd >> 3] >> (fd & 7) & 1)
        for fds, raw in zip((reads, writes, excepts), sets, strict=True)
    )


def _epoll_ctl_call(epfd: int, op: int, fd: int, events: int, data: int) -> int:
    return _epoll_ctl(epfd, op, fd, struct.pack(EVENT, events, data & 0xFFFF_FFFF_FFFF_FFFF))


def _epoll_wait_call(epfd: int, most: int, timeout: int) -> Result:
    room = _buffer(EVENT_SIZE * max(min(most, 4096), 1))
    got = _epoll_wait(epfd, room, most, _ms(timeout))
    if got <= 0:
        return got if got < 0 else (0, ())
    return got, tuple((data, events) for events, data in struct.iter_unpack(EVENT, room.raw[: EVENT_SIZE * got]))


CALLS: Final[dict[int, Callable[..., Any]]] = {
    SYS.read: _read_call,
    SYS.write: lambda fd, data: _write(fd, data, len(data)),
    SYS.close: _function("close", _int),
    SYS.dup: _function("dup", _int),
    SYS.dup2: _function("dup2", _int, _int),
    SYS.fcntl: _fcntl,
    SYS.ioctl: _ioctl_call,
    SYS.pipe2: _pair_call(_pipe2),
    SYS.eventfd2: _function("eventfd", ctypes.c_uint, _int),
    SYS.socket: _function("socket", _int, _int, _int),
    SYS.socketpair: _pair_call(_socketpair),
    SYS.bind: lambda fd, address: _bind(fd, raw := packed_address(address), len(raw)),
    SYS.listen: _function("listen", _int, _int),
    SYS.accept4: _accept_call,
    SYS.connect: lambda fd, address: _connect(fd, raw := packed_address(address), len(raw)),
    SYS.getsockname: _name_call(_getsockname),
    SYS.getpeername: _name_call(_getpeername),
    SYS.sendto: _sendto_call,
    SYS.recvfrom: _recvfrom_call,
    SYS.shutdown: _function("shutdown", _int, _int),
    SYS.setsockopt: _setsockopt_call,
    SYS.getsockopt: _getsockopt_call,
    SYS.poll: _poll_call,
    SYS.select: _select_call,
    SYS.epoll_create1: _function("epoll_create1", _int),
    SYS.epoll_ctl: _epoll_ctl_call,
    SYS.epoll_wait: _epoll_wait_call,
}


class RealKernel:
    """`Kernel.syscall` of the kernel that runs us."""

    task = 1
    pid = 1

    def syscall(self, nr: int, *args: Any) -> Any:
        """Make call `nr`. Raises NotImplementedError for one that nothing here compares."""
        call = CALLS.get(nr)
        if call is None:
            raise NotImplementedError(f"{name_of(nr)} is not made on the real kernel here")
        return call(*args)
