"""TCP on loopback: a segment moves from the sender's buffer to the receiver's at once, in the sender's own context.

In Linux `loopback_xmit` puts the packet on a queue and the NET_RX softirq, without any hardware interrupt, takes it
before `send` returns; here that is one event, `SegmentDelivered`, and the acknowledgement is part of it. What does not
fit into the peer's window stays in the send buffer until the peer has read enough (`open_window`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz.machine.kernel.inet import SOL_SOCKET, find_listener, hold_port, option, parse, show
from ioviz.machine.kernel.tcp_state import (
    MSS_LOOPBACK,
    READABLE,
    SO_SNDBUF,
    closed,
    receive_reset,
    release_socket,
    time_wait,
    window,
    write_space,
)
from ioviz.model.buffer import BufferResized, SegmentDelivered, SegmentSplit
from ioviz.model.socket import (
    CLOSE,
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT1,
    FIN_WAIT2,
    LAST_ACK,
    RCV_SHUTDOWN,
    ConnectionCreated,
    ConnectionQueued,
    FinReceived,
    RstSent,
    SocketConnected,
    SocketStateChanged,
    SynDropped,
)

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

SNDBUF_LOOPBACK = 3939840
"""What Linux makes of the send buffer when a loopback connection is established (`tcp_sndbuf_expand`)."""
REFUSED, DROPPED, DONE = 0, 1, 2
"""What became of a SYN."""


def send_syn(k: Kernel, sock: int) -> int:
    """SYN, SYN-ACK and ACK, all at once. DROPPED if the accept queue is full, REFUSED if nobody listens."""
    world = k.world
    row = world.sockets[sock]
    local, remote = row.local, row.remote
    ip, port = parse(remote)
    listener = find_listener(k, row.host, ip, port, int(local.rpartition(":")[2]))
    if not listener:
        return REFUSED
    above = world.sockets[listener]
    cause = k.cause
    if world.accept_queues[listener].count > above.backlog:
        k.emit(SynDropped, listener, local)
        return DROPPED
    child = k.new_id()
    locked = k.config.sndbuf or option(world, listener, SOL_SOCKET, SO_SNDBUF)
    sndbuf = world.buffers[listener * 2 + 1].limit if locked else SNDBUF_LOOPBACK
    k.cause = k.emit(ConnectionCreated, child, listener, show(ip, port), local, sock, sndbuf)
    hold_port(k, row.host, row.protocol, port, child)
    k.cause = k.emit(SocketConnected, sock, ESTABLISHED, local, remote, child)
    if not (k.config.sndbuf or option(world, sock, SOL_SOCKET, SO_SNDBUF)):
        k.emit(BufferResized, sock * 2 + 1, SNDBUF_LOOPBACK)
    k.cause = k.emit(ConnectionQueued, listener, child)
    if world.wait_queues[listener].head:
        k.wake(listener, READABLE)
    if world.wait_queues[sock].head:
        k.wake(sock, 0, everyone=True)
    k.cause = cause
    return DONE


def push(k: Kernel, sock: int) -> None:
    """Deliver what is in the send buffer as far as the peer's window goes, then the FIN if one is due."""
    world = k.world
    row = world.sockets[sock]
    peer = row.peer
    tx, rx = sock * 2 + 1, peer * 2
    buffers = world.buffers
    cause = k.cause
    moved = False
    while buffers[tx].bytes:
        other = world.sockets.get(peer)
        if other is None or other.orphan or other.peer != sock:
            k.cause = cause
            reset_by_peer(k, sock)
            return
        if other.shutdown & RCV_SHUTDOWN and other.state in (FIN_WAIT1, FIN_WAIT2):
            k.cause = cause
            abort_on_data(k, sock, peer)
            return
        room = window(buffers[rx].limit) - buffers[rx].bytes
        head = world.segments[buffers[tx].head]
        n = len(head.data) - head.start
        if n > room:
            if room <= 0:
                break
            k.emit(SegmentSplit, tx, room, k.new_id())
        k.cause = k.emit(SegmentDelivered, tx, rx)
        moved = True
        if buffers[rx].bytes >= other.lowat and world.wait_queues[peer].head:
            k.wake(peer, READABLE)
    k.cause = cause
    if moved:
        write_space(k, sock)
    if not buffers[tx].bytes and row.state in (FIN_WAIT1, LAST_ACK, CLOSING):
        deliver_fin(k, sock)


def open_window(k: Kernel, sock: int) -> None:
    """`sock` has read: offer its peer the room, if that is worth a segment (no silly windows)."""
    world = k.world
    peer = world.sockets[sock].peer
    sender = world.sockets.get(peer)
    if sender is None or sender.peer != sock or not world.buffers[peer * 2 + 1].bytes:
        return
    if k.net.corked.get(peer) is not None:
        return
    buffer = world.buffers[sock * 2]
    whole = window(buffer.limit)
    if whole - buffer.bytes >= min(whole >> 1, MSS_LOOPBACK):
        push(k, peer)


def deliver_fin(k: Kernel, sock: int) -> None:
    """The FIN of `sock`, behind all its data, arrives and is acknowledged."""
    world = k.world
    row = world.sockets[sock]
    peer = row.peer
    other = world.sockets.get(peer)
    cause = k.cause
    if other is not None and other.peer == sock:
        if other.state == ESTABLISHED or other.state == FIN_WAIT1:
            k.cause = k.emit(FinReceived, peer, CLOSE_WAIT if other.state == ESTABLISHED else CLOSING)
            if world.wait_queues[peer].head:
                k.wake(peer, 0, everyone=True)
        elif other.state == FIN_WAIT2:
            time_wait(k, peer)
    k.cause = cause
    if row.state == FIN_WAIT1:
        k.emit(SocketStateChanged, sock, FIN_WAIT2)
    elif row.state == CLOSING:
        time_wait(k, sock)
    elif row.state == LAST_ACK:
        closed(k, sock)


def send_reset(k: Kernel, sock: int, why: str) -> None:
    """Break the connection off: the peer gets an RST."""
    row = k.world.sockets[sock]
    cause = k.cause
    k.cause = k.emit(RstSent, sock, why)
    other = k.world.sockets.get(row.peer)
    if other is not None and other.peer == sock and other.state != CLOSE:
        receive_reset(k, other.id)
    k.cause = cause


def reset_by_peer(k: Kernel, sock: int) -> None:
    """`sock` sent data to an end that is closed: that end answers with an RST."""
    row = k.world.sockets[sock]
    other = k.world.sockets.get(row.peer)
    cause = k.cause
    if other is not None and other.peer == sock:
        k.cause = k.emit(RstSent, other.id, "data after close")
        release_socket(k, other)
    receive_reset(k, sock)
    k.cause = cause


def abort_on_data(k: Kernel, sock: int, peer: int) -> None:
    """`sock` sent data to `peer`, which has shut down both directions: its kernel breaks the connection off, for both
    (RFC 1122, 4.2.2.13)."""
    cause = k.cause
    k.cause = k.emit(RstSent, peer, "data after shutdown")
    receive_reset(k, peer)
    receive_reset(k, sock)
    k.cause = cause
