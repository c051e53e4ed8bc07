"""AF_UNIX: local sockets and their connections: streams, datagrams, and sequenced packets, from connect to close. Their
names are in `unix_names`, their bytes in `unix_data` and `unix_dgram`.

The bytes go straight into the receive buffer of the peer, but they are charged to the sender until they are read: that
is why a close is seen as HUP at once and why the sender's SO_SNDBUF is the limit. Source: Linux `net/unix/af_unix.c`.
"""

from __future__ import annotations

from errno import EAGAIN, ECONNREFUSED, ECONNRESET, EINTR, EINVAL, EISCONN, EOPNOTSUPP
from typing import TYPE_CHECKING, Any

from ioviz.machine.kernel.files import O_NONBLOCK
from ioviz.machine.kernel.inet import SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, option
from ioviz.machine.kernel.scm import discard
from ioviz.machine.kernel.sock import (
    SO_PASSCRED,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    create,
    deadline,
    sleep_for_packet,
    sleep_on,
)
from ioviz.machine.kernel.tcp_state import READABLE, WRITABLE
from ioviz.machine.kernel.unix_names import find_name
from ioviz.machine.kernel.unix_space import PEER_ROOM
from ioviz.model.socket import (
    CLOSE,
    ESTABLISHED,
    LISTEN,
    RCV_SHUTDOWN,
    SEND_SHUTDOWN,
    ConnectionAborted,
    ConnectionAccepted,
    ConnectionQueued,
    OptionSet,
    SocketConnected,
    SocketErrorSet,
    SocketListening,
    SocketReleased,
    SocketShutdown,
)

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket


def join(k: Kernel, one: int, two: int) -> None:
    """Make a pair of two new sockets."""
    k.emit(SocketConnected, one, ESTABLISHED, "", "", two)
    k.emit(SocketConnected, two, ESTABLISHED, "", "", one)
    k.net.peers[one] = k.net.peers[two] = k.pid


def unix_listen(k: Kernel, row: Socket, backlog: int) -> int:
    """listen(2)."""
    if row.type == SOCK_DGRAM:
        return -EOPNOTSUPP
    if not row.local or row.state not in (CLOSE, LISTEN):
        return -EINVAL
    k.emit(SocketListening, row.id, min(backlog & 0xFFFFFFFF, k.config.somaxconn))
    k.net.peers[row.id] = k.pid
    k.wake(row.id, WRITABLE)
    return 0


def unix_connect(k: Kernel, file: OpenFile, row: Socket, address: Any) -> int:
    """connect(2): at once, or after a wait for room on the accept queue."""
    world = k.world
    sock = row.id
    if row.type == SOCK_DGRAM:
        found = find_name(k, row, address)
        if found < 0:
            return found
        k.emit(SocketConnected, sock, ESTABLISHED, row.local, world.sockets[found].local, found)
        return 0
    until = -1
    while True:
        found = find_name(k, row, address)
        if found < 0:
            return found
        row = world.sockets[sock]
        if row.state != CLOSE:
            return -EISCONN if row.state == ESTABLISHED else -EINVAL
        listener = world.sockets[found]
        if listener.state != LISTEN or listener.shutdown & RCV_SHUTDOWN:
            return -ECONNREFUSED
        if world.accept_queues[found].count <= listener.backlog:
            break
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        if until < 0:
            until = deadline(k, sock, SO_SNDTIMEO)
        why = sleep_on(k, file, "unix_wait_for_peer", found, 0, until)
        if why != "event":
            return -EINTR if why == "signal" else -EAGAIN
    child = create(k, row.family, row.type, row.protocol)
    cause = k.cause
    k.cause = k.emit(SocketConnected, child, ESTABLISHED, listener.local, row.local, sock)
    if option(world, found, SOL_SOCKET, SO_PASSCRED):
        k.emit(OptionSet, child, SOL_SOCKET, SO_PASSCRED, 1)
    k.cause = k.emit(SocketConnected, sock, ESTABLISHED, row.local, listener.local, child)
    k.cause = k.emit(ConnectionQueued, found, child)
    k.net.peers[sock], k.net.peers[child] = k.net.peers.get(found, 0), k.pid
    k.wake(found, READABLE)
    k.cause = cause
    return 0


def unix_accept(k: Kernel, file: OpenFile, row: Socket) -> int:
    """`unix_accept`: the first connection of the queue, which is no longer in it; or an errno."""
    world = k.world
    sock = row.id
    if row.type == SOCK_DGRAM:
        return -EOPNOTSUPP
    until = -1
    while True:
        if row.state != LISTEN:
            return -EINVAL
        child = world.accept_queues[sock].head
        if child:
            break
        if file.flags & O_NONBLOCK:
            return -EAGAIN  # also where it was shut down, which only who would sleep sees
        if row.shutdown & RCV_SHUTDOWN:
            return -EINVAL
        if until < 0:
            until = deadline(k, sock, SO_RCVTIMEO)
        why = sleep_for_packet(k, file, sock, until)
        if why != "event":
            return -EINTR if why == "signal" else -EAGAIN
        row = world.sockets[sock]
    k.emit(ConnectionAccepted, sock, child)
    if world.wait_queues[sock].head:
        k.wake(sock, PEER_ROOM)
    return child


def unix_shutdown(k: Kernel, row: Socket, how: int) -> int:
    """shutdown(2): the peer's other half is shut with it."""
    bits = how + 1
    k.emit(SocketShutdown, row.id, row.shutdown | bits)
    k.wake(row.id, 0, everyone=True)
    other = k.world.sockets.get(row.peer)
    if other is not None and row.type != SOCK_DGRAM:
        theirs = (SEND_SHUTDOWN if bits & RCV_SHUTDOWN else 0) | (RCV_SHUTDOWN if bits & SEND_SHUTDOWN else 0)
        k.emit(SocketShutdown, other.id, other.shutdown | theirs)
        k.wake(other.id, 0, everyone=True)
    return 0


def _gone(k: Kernel, row: Socket, embryo: bool) -> None:
    """`unix_release_sock`: the peer of a connection sees both halves shut, and an error if data was lost, or if this is
    an `embryo`, which nobody had accepted."""
    other = k.world.sockets.get(row.peer)
    cause = k.cause
    if k.world.rights:
        discard(k, row.id * 2)
    if row.type != SOCK_STREAM:
        k.wake(row.id, PEER_ROOM, everyone=True)
    head = k.world.buffers[row.id * 2].head
    lost = embryo
    if head:  # an empty packet in front is passed over, as if it were urgent data that was read
        segment = k.world.segments[head]
        lost = lost or bool(segment.next) or len(segment.data) > segment.start
    seq = k.emit(SocketReleased, row.id)
    k.net.peers.pop(row.id, None)
    if other is not None and other.peer == row.id and row.type != SOCK_DGRAM:
        k.cause = k.emit(SocketShutdown, other.id, RCV_SHUTDOWN | SEND_SHUTDOWN)
        if lost:
            k.emit(SocketErrorSet, other.id, ECONNRESET)
        k.wake(other.id, 0, everyone=True)
    elif other is not None and other.peer == row.id:
        k.cause = seq
        if head:  # what it had sent is freed and off its account
            k.wake(other.id, WRITABLE)
    k.cause = cause


def unix_close(k: Kernel, row: Socket) -> None:
    """The last reference is gone."""
    world = k.world
    sock = row.id
    place = k.net.unix_names.pop(sock, None)
    if place is not None:
        del k.net.unix[place]
    if row.state == LISTEN:
        while child := world.accept_queues[sock].head:
            k.emit(ConnectionAborted, sock, child)
            _gone(k, world.sockets[child], True)
        k.wake(sock, 0, everyone=True)
    _gone(k, row, False)
