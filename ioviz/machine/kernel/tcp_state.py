"""What happens to a TCP socket whatever its packets travel on: readiness, room, reset, the last steps of closing.

The names are Linux's: `sk_data_ready`, `sk_write_space`, `tcp_reset`, `tcp_done`, `tcp_time_wait`.
"""

from __future__ import annotations

from errno import ECONNREFUSED, ECONNRESET, EPIPE, ETIMEDOUT
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.inet import SO_REUSEADDR, SOL_SOCKET, hold_port, option, release_port
from ioviz.model.poll_bits import POLLOUT, POLLWRBAND, POLLWRNORM
from ioviz.model.socket import (
    CLOSE,
    CLOSE_WAIT,
    SYN_RECV,
    SYN_SENT,
    NoSpaceSet,
    RstReceived,
    SocketErrorSet,
    SocketReleased,
    SocketShutdown,
    SocketStateChanged,
    TimeWaitStarted,
)

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.socket import Socket

READABLE: Final = 0x1 | 0x2 | 0x40 | 0x80
"""The key of `sock_def_readable`: IN, PRI, RDNORM, RDBAND."""
WRITABLE: Final = POLLOUT | POLLWRNORM | POLLWRBAND
TIME_WAIT_NS: Final = 60 * 10**9
MSS_LOOPBACK: Final = 65483
SO_SNDBUF: Final = 7
OVERHEAD: Final = 640
"""What an `sk_buff` of TCP is charged beyond its bytes (`truesize`)."""


def window(limit: int) -> int:
    """How many bytes a receive buffer of `limit` takes: the rest is for the bookkeeping of `sk_buff`s.

    Linux measures the ratio (`scaling_ratio`): half for small buffers, seven eighths for large ones and large segments.
    """
    return limit - (limit >> 3) if limit >= 32768 else limit >> 1


def write_space(k: Kernel, sock: int) -> None:
    """The send buffer drained: tell a sender that is owed a wake-up, once a third is free (`sk_stream_write_space`)."""
    row = k.world.sockets.get(sock)
    if row is not None and row.nospace:
        buffer = k.world.buffers[sock * 2 + 1]
        if buffer.limit - buffer.truesize >= buffer.truesize >> 1:
            k.emit(NoSpaceSet, sock, False)
            k.wake(sock, WRITABLE)


def stop_timer(k: Kernel, sock: int) -> None:
    """Cancel the retransmission timer."""
    timer = k.net.timers.pop(sock, None)
    if timer is not None:
        k.cancel(timer)


def release_socket(k: Kernel, row: Socket) -> None:
    """The socket is gone, with its port and its place in the lookups."""
    sock = row.id
    if row.local:
        release_port(k, row.host, row.protocol, row.local, sock)
    if k.net.timers:
        stop_timer(k, sock)
    timer = k.net.corked.pop(sock, None) if k.net.corked else None
    if timer is not None:
        k.cancel(timer)
    k.net.marks.pop(sock, None)
    if not row.peer and row.remote:
        k.net.connections.pop((row.host, row.local, row.remote), None)
    k.emit(SocketReleased, sock)


def receive_reset(k: Kernel, sock: int) -> None:
    """An RST came for `sock` (`tcp_reset`)."""
    row = k.world.sockets[sock]
    if row.state == CLOSE:
        return
    error = ECONNREFUSED if row.state == SYN_SENT else EPIPE if row.state == CLOSE_WAIT else ECONNRESET
    stop_timer(k, sock)
    k.net.connections.pop((row.host, row.local, row.remote), None)
    cause = k.cause
    k.cause = k.emit(RstReceived, sock, error)
    if row.orphan or row.state == SYN_RECV:
        release_socket(k, k.world.sockets[sock])
    else:
        k.wake(sock, 0, everyone=True)
    k.cause = cause


def time_wait(k: Kernel, sock: int) -> None:
    """Both directions are closed and this end closed first: what stays is the TIME-WAIT (`tcp_time_wait`)."""
    row = k.world.sockets[sock]
    id = k.new_id()
    until = k.now + TIME_WAIT_NS
    stop_timer(k, sock)
    k.net.connections.pop((row.host, row.local, row.remote), None)
    cause = k.cause
    k.cause = k.emit(TimeWaitStarted, sock, id, until, bool(option(k.world, sock, SOL_SOCKET, SO_REUSEADDR)))
    k.net.time_waits.append((until, id))
    hold_port(k, row.host, row.protocol, int(row.local.rpartition(":")[2]), id)
    if row.orphan:
        release_socket(k, k.world.sockets[sock])
    else:
        k.wake(sock, 0, everyone=True)
    k.cause = cause


def closed(k: Kernel, sock: int) -> None:
    """The last FIN was acknowledged, or the handshake was given up: state CLOSE (`tcp_done`)."""
    row = k.world.sockets[sock]
    stop_timer(k, sock)
    k.net.connections.pop((row.host, row.local, row.remote), None)
    if row.orphan:
        release_socket(k, row)
        return
    k.emit(SocketStateChanged, sock, CLOSE)
    if row.shutdown != 3:
        k.emit(SocketShutdown, sock, 3)
    k.wake(sock, 0, everyone=True)


def give_up(k: Kernel, sock: int) -> None:
    """Nobody answers: ETIMEDOUT (`tcp_write_err`)."""
    row = k.world.sockets[sock]
    k.net.connections.pop((row.host, row.local, row.remote), None)
    if row.orphan:
        release_socket(k, row)
        return
    k.emit(SocketErrorSet, sock, ETIMEDOUT)
    k.emit(SocketStateChanged, sock, CLOSE)
    k.emit(SocketShutdown, sock, 3)
    k.wake(sock, 0, everyone=True)
