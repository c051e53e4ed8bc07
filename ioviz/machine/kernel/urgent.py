"""Urgent data of TCP: one byte at a mark in the stream, at which reading stops (MSG_OOB, SO_OOBINLINE, SIOCATMARK).

The byte stands in the row of the socket; the mark, as a number of bytes since the connection began, in `Net.marks`. It
stays until reading goes past it. Source: Linux `tcp_check_urg`, `tcp_recv_urg`, `tcp_recvmsg_locked`, tcp(7).

Where Linux differs: an urgent byte that another one replaces, with data behind it, becomes ordinary data; here it is
lost.
"""

from __future__ import annotations

from errno import EINVAL, EPIPE
from typing import TYPE_CHECKING

from ioviz.machine.kernel.errors import Unsupported
from ioviz.machine.kernel.inet import SOL_SOCKET, option
from ioviz.machine.kernel.sock import SO_OOBINLINE, or_sigpipe
from ioviz.machine.kernel.tcp_data import tcp_sendmsg
from ioviz.machine.kernel.tcp_state import OVERHEAD, READABLE
from ioviz.model.buffer import BytesCopiedIn
from ioviz.model.socket import SEND_SHUTDOWN, URGENT_READ, UrgentReceived

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket


def send_urgent(k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int) -> int:
    """send(2) with MSG_OOB: the last byte is urgent and does not enter the stream, unless the receiver wants it to."""
    world = k.world
    other = world.sockets.get(row.peer)
    if other is not None and other.urgent >= 0:
        _becomes_ordinary(k, other)
    before = tcp_sendmsg(k, file, row, data[:-1], flags) if len(data) != 1 else 0
    if before < len(data) - 1:
        return before
    row = world.sockets[row.id]
    other = world.sockets.get(row.peer)
    if other is None or row.shutdown & SEND_SHUTDOWN:
        if row.id in world.tcps:
            raise Unsupported("urgent data (MSG_OOB) to another host")
        return or_sigpipe(k, before or -EPIPE, flags)
    inline = bool(option(world, other.id, SOL_SOCKET, SO_OOBINLINE))
    rx = other.id * 2
    k.net.marks[other.id] = world.buffers[rx].total + world.buffers[row.id * 2 + 1].bytes
    cause = k.cause
    k.cause = k.emit(UrgentReceived, other.id, data[-1])
    k.wake(other.id, READABLE)
    k.cause = cause
    if inline:
        return before + max(0, tcp_sendmsg(k, file, row, data[-1:], flags))
    return len(data)


def _becomes_ordinary(k: Kernel, row: Socket) -> None:
    """Another urgent byte comes: the one that nobody has taken is ordinary data, if reading has not come to it."""
    rx = row.id * 2
    buffer = k.world.buffers[rx]
    if k.net.marks[row.id] == buffer.total and buffer.bytes and not option(k.world, row.id, SOL_SOCKET, SO_OOBINLINE):
        k.emit(BytesCopiedIn, rx, k.new_id(), bytes((row.urgent,)), 1 + OVERHEAD)


def receive_urgent(k: Kernel, row: Socket, peek: bool) -> Result:
    """recv(2) with MSG_OOB."""
    if row.urgent < 0 or option(k.world, row.id, SOL_SOCKET, SO_OOBINLINE):
        return -EINVAL
    if not peek:
        k.emit(UrgentReceived, row.id, URGENT_READ)
    return 1, bytes((row.urgent,))
