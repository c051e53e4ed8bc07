"""Names of AF_UNIX sockets: in the file system, or in the abstract space, where they start with a zero byte and the
name of a stream is not that of a datagram socket. Source: Linux `net/unix/af_unix.c` (`unix_bind`, `unix_find_other`).
"""

from __future__ import annotations

from errno import EADDRINUSE, ECONNREFUSED, EINVAL, EPROTOTYPE
from typing import TYPE_CHECKING, Any

from ioviz.machine.kernel.ramfs import find_socket, make_socket
from ioviz.model.socket import SocketBound

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.socket import Socket


def name_of(address: Any) -> str | int:
    """What a program gave as a name, or an errno."""
    if isinstance(address, bytes):
        address = address.decode("utf-8", "surrogateescape")
    return address if isinstance(address, str) else -EINVAL


def user_name(name: str) -> str | bytes:
    """A name as a program sees it: abstract ones are bytes."""
    return name.encode("utf-8", "surrogateescape") if name.startswith("\0") else name


def unix_bind(k: Kernel, row: Socket, address: Any) -> int:
    """bind(2): makes the name."""
    name = name_of(address)
    if isinstance(name, int):
        return name
    if row.local:
        return -EINVAL
    place: int | str
    if not name or name.startswith("\0"):
        name = name or f"\0{k.new_id():05x}"
        place = f"{row.type}{name}"  # the abstract names of streams and of datagrams are not the same
        if (row.host, place) in k.net.unix:
            return -EADDRINUSE
    else:
        place = make_socket(k, name)
        if place < 0:
            return place
    k.net.unix[(row.host, place)] = row.id
    k.net.unix_names[row.id] = (row.host, place)
    k.emit(SocketBound, row.id, name)
    return 0


def find_name(k: Kernel, row: Socket, address: Any) -> int:
    """The socket that a name leads to, or an errno."""
    name = name_of(address)
    if isinstance(name, int):
        return name
    place: int | str = f"{row.type}{name}"
    if not name.startswith("\0"):
        place = find_socket(k, name)
        if place < 0:
            return place
    found = k.net.unix.get((row.host, place), 0)
    if not found:
        return -ECONNREFUSED
    return found if k.world.sockets[found].type == row.type else -EPROTOTYPE
