"""sendmsg and recvmsg: scattered data, and ancillary items, which cross into the kernel as (level, type, bytes).

Source: `sock_sendmsg`, `sock_recvmsg_guts` in `Modules/socketmodule.c`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims.arguments import bytes_of, c_int, c_size
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ioviz.machine.user.shims.socket_base import SocketBase

HEADER: Final = 16
"""sizeof(struct cmsghdr)."""
SOCKLEN_MAX: Final = 0x7FFF_FFFF
Item = tuple[int, int, bytes]


def cmsg_len(length: Any, /) -> int:
    """The size of an ancillary item with `length` bytes of data, without padding after it."""
    size = c_size(length)
    if not 0 <= size <= SOCKLEN_MAX - HEADER:
        raise OverflowError("CMSG_LEN() argument out of range")
    return size + HEADER


def cmsg_space(length: Any, /) -> int:
    """The room that an ancillary item with `length` bytes of data takes, padding included."""
    size = c_size(length)
    if not 0 <= size <= SOCKLEN_MAX - HEADER - 8:
        raise OverflowError("CMSG_SPACE() argument out of range")
    return (size + 7 & ~7) + HEADER


def _iterate(objects: Any, what: str) -> Iterable[Any]:
    try:
        iterator: Iterable[Any] = iter(objects)
        return iterator
    except TypeError:
        raise TypeError(f"{what} must be an iterable") from None


def _items(ancdata: Any) -> tuple[Item, ...]:
    found: list[Item] = []
    for item in _iterate(ancdata, "sendmsg() argument 2"):
        name = "[sendmsg() ancillary data items]() argument"
        if not hasattr(item, "__len__") or not hasattr(item, "__getitem__") or isinstance(item, str | bytes):
            raise TypeError(f"{name} must be 3-item sequence, not {type(item).__name__}")
        if len(item) != 3:
            raise TypeError(f"{name} must be sequence of length 3, not {len(item)}")
        found.append((c_int(item[0]), c_int(item[1]), bytes_of(item[2])))
    if sum(cmsg_space(len(data)) for _, _, data in found) > SOCKLEN_MAX:
        raise OSError("ancillary data item too large")
    return tuple(found)


def sendmsg(sock: SocketBase, buffers: Any, ancdata: Any = (), flags: Any = 0, address: Any = None, /) -> int:
    """Send the bytes of `buffers` one after the other, with ancillary data."""
    data = b"".join(bytes_of(buffer) for buffer in _iterate(buffers, "sendmsg() argument 1"))
    number = c_int(flags)
    place = None if address is None else sock.sock_address_(address, "sendmsg")
    items = _items(ancdata)
    return int(sock.sock_call_(True, SYS.sendmsg, sock.sock_fd_, data, items, number, place))


def _receive(sock: SocketBase, size: int, ancbufsize: Any, flags: Any, name: str) -> tuple[bytes, list[Item], int, Any]:
    room = c_size(ancbufsize)
    if not 0 <= room <= SOCKLEN_MAX:
        raise ValueError("invalid ancillary data buffer length")
    result = sock.sock_call_(False, SYS.recvmsg, sock.sock_fd_, size, room, c_int(flags))
    data, items, seen, sender = result[1]
    return data, [tuple(item) for item in items], seen, sender


def recvmsg(
    sock: SocketBase, bufsize: Any, ancbufsize: Any = 0, flags: Any = 0, /
) -> tuple[bytes, list[Item], int, Any]:
    """(data, ancdata, msg_flags, address)."""
    size = c_size(bufsize)
    if size < 0:
        raise ValueError("negative buffer size in recvmsg()")
    return _receive(sock, size, ancbufsize, flags, "recvmsg")


def recvmsg_into(
    sock: SocketBase, buffers: Any, ancbufsize: Any = 0, flags: Any = 0, /
) -> tuple[int, list[Item], int, Any]:
    """(nbytes, ancdata, msg_flags, address); the data goes into `buffers`, one after the other."""
    views: list[memoryview] = []
    for buffer in _iterate(buffers, "recvmsg_into() argument 1"):
        try:
            view = memoryview(buffer)
        except TypeError:
            view = memoryview(b"")
        if view.readonly or not view.contiguous:
            raise TypeError("recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers")
        views.append(view.cast("B") if view.nbytes else view)
    data, items, seen, sender = _receive(sock, sum(view.nbytes for view in views), ancbufsize, flags, "recvmsg_into")
    start = 0
    for view in views:
        part = data[start : start + view.nbytes]
        view[: len(part)] = part
        start += len(part)
    return len(data), items, seen, sender
