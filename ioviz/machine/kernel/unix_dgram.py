"""AF_UNIX datagrams, and sequenced packets, which are datagrams over connections: each is taken whole, and what does
not fit the reader's buffer is lost. Source: Linux `net/unix/af_unix.c` (`unix_dgram_sendmsg`, `unix_dgram_recvmsg`).
"""

from __future__ import annotations

from errno import EAGAIN, ECONNREFUSED, EINTR, EMSGSIZE, ENOTCONN, EPIPE
from typing import TYPE_CHECKING, Any

from ioviz.machine.kernel.files import O_NONBLOCK
from ioviz.machine.kernel.scm import attach, discard, receive
from ioviz.machine.kernel.sock import MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, SO_SNDTIMEO, deadline, sleep_on
from ioviz.machine.kernel.tcp_state import READABLE
from ioviz.machine.kernel.unix_names import find_name, name_of, user_name
from ioviz.machine.kernel.unix_space import PEER_ROOM, dgram_truesize, freed, queue_full, room
from ioviz.model.buffer import DatagramReceived, DatagramTaken
from ioviz.model.socket import CLOSE, RCV_SHUTDOWN, SEND_SHUTDOWN, SocketConnected, SocketErrorSet

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket


def send_dgram(
    k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int, address: Any, rights: tuple[int, ...]
) -> int:
    """Send it whole, or sleep until there is room on the receiver's queue."""
    world = k.world
    sock = row.id
    limit = world.buffers[sock * 2 + 1].limit
    if address is not None and isinstance(name := name_of(address), int):
        return name
    if len(data) > limit - 32:
        return -EMSGSIZE
    until = -1
    while True:
        row = world.sockets[sock]
        if row.shutdown & SEND_SHUTDOWN:
            return -EPIPE
        if row.error:
            k.emit(SocketErrorSet, sock, 0)
            return -row.error
        peer = row.peer if address is None else find_name(k, row, address)
        if peer <= 0:
            freed(k, sock)
            return peer or -ENOTCONN
        other = world.sockets.get(peer)
        if other is None:
            freed(k, sock)
            if peer == row.peer:
                _disconnect(k, row)
            return -ECONNREFUSED
        if other.shutdown & RCV_SHUTDOWN:
            freed(k, sock)
            return -EPIPE
        account = world.buffers[peer * 2].truesize < limit
        if account and not (other.peer != sock and queue_full(k, peer)):
            break
        if flags & MSG_DONTWAIT or file.flags & O_NONBLOCK:
            if account:
                freed(k, sock)
            return -EAGAIN
        if until < 0:
            until = deadline(k, sock, SO_SNDTIMEO)
        why = sleep_on(k, file, "unix_wait_for_peer", peer, 0, until)
        if why != "event":
            return -EINTR if why == "signal" else -EAGAIN
    cause = k.cause
    segment = k.new_id()
    if rights:
        attach(k, segment, rights)
    k.cause = k.emit(DatagramReceived, peer * 2, segment, data, dgram_truesize(len(data)), row.local)
    k.wake(peer, READABLE)
    k.cause = cause
    return len(data)


def _disconnect(k: Kernel, row: Socket) -> None:
    """`unix_dgram_disconnected`: the peer is gone, and what it has sent goes with it."""
    k.emit(SocketConnected, row.id, CLOSE, row.local, "", 0)
    if k.world.rights:
        discard(k, row.id * 2)
    while k.world.buffers[row.id * 2].head:
        k.emit(DatagramTaken, row.id * 2, 0)


def take_dgram(k: Kernel, row: Socket, n: int, flags: int, rights: list[int] | None) -> Result:
    """Give the first on the queue, or as much of it as `n` holds."""
    world = k.world
    rx = row.id * 2
    head = world.buffers[rx].head
    data, sender = world.segments[head].data, world.senders[head]
    if head in world.rights:
        receive(k, head, rights, bool(flags & MSG_PEEK))
    if not flags & MSG_PEEK:
        before = world.buffers[rx].truesize
        k.emit(DatagramTaken, rx, min(n, len(data)))
        room(k, row.peer, before, rx)
        k.wake(row.id, PEER_ROOM)
    length = len(data) if flags & MSG_TRUNC else min(n, len(data))
    return length, (data[:n], user_name(sender) if sender else None, len(data) > n)
