"""AF_UNIX: local sockets, bound to a name in the file system or in the abstract space: streams, datagrams, and
sequenced packets, which are datagrams over connections.

The bytes go straight into the receive buffer of the peer, but they are charged to the sender until they are read: that
is why a close is seen as HUP at once and why the sender's SO_SNDBUF is the limit. Source: Linux `net/unix/af_unix.c`.

Where we differ from Linux: a datagram socket's charge is that of its receiver's
queue.
"""

from __future__ import annotations

from errno import (
    EADDRINUSE,
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EINTR,
    EINVAL,
    EISCONN,
    EMSGSIZE,
    ENOTCONN,
    EOPNOTSUPP,
    EPIPE,
    EPROTOTYPE,
)
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.files import O_CLOEXEC, O_NONBLOCK
from ioviz.machine.kernel.inet import SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM
from ioviz.machine.kernel.ramfs import find_socket, make_socket
from ioviz.machine.kernel.scm import attach, discard, readable_at_once, receive
from ioviz.machine.kernel.sock import (
    MSG_DONTWAIT,
    MSG_PEEK,
    MSG_TRUNC,
    MSG_WAITALL,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    deadline,
    or_sigpipe,
    sleep_on,
)
from ioviz.machine.kernel.tcp_state import READABLE, WRITABLE
from ioviz.model.buffer import BytesCopiedIn, BytesCopiedOut, DatagramReceived, DatagramTaken, first_bytes
from ioviz.model.files import SOCKET
from ioviz.model.poll_bits import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM
from ioviz.model.socket import (
    CLOSE,
    ESTABLISHED,
    LISTEN,
    RCV_SHUTDOWN,
    SEND_SHUTDOWN,
    ConnectionAborted,
    ConnectionAccepted,
    ConnectionCreated,
    ConnectionQueued,
    SocketBound,
    SocketConnected,
    SocketErrorSet,
    SocketListening,
    SocketReleased,
    SocketShutdown,
)
from ioviz.model.wait import EXCLUSIVE

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket

PAGE: Final = 4096
HEAD: Final = PAGE - 320
"""SKB_MAX_HEAD(0): data beyond this goes into pages of its own."""
LARGEST_PIECE: Final = HEAD + 32768
PEER_ROOM: Final = 0x400
"""A bit that no poll asks for: wakes those who sleep until there is room on this socket's queue (`peer_wait`)."""
DGRAM_QUEUE: Final = 10
"""`net.unix.max_dgram_qlen`."""


def _head_truesize(n: int) -> int:
    size = (n + 63 & ~63) + 320
    return 256 + max(512, 1 << (size - 1).bit_length())


def stream_truesize(n: int) -> int:
    """What a piece of `n` bytes of a stream is charged."""
    if n <= HEAD:
        return _head_truesize(n)
    pages = min(n, n - HEAD + PAGE - 1 & ~(PAGE - 1))
    return _head_truesize(n - pages) + (pages + PAGE - 1 & ~(PAGE - 1))


def dgram_truesize(n: int) -> int:
    """What a datagram of `n` bytes is charged."""
    if n <= 16064:
        return _head_truesize(n)
    pages = min(n, n - 16064 + PAGE - 1 & ~(PAGE - 1))
    return _head_truesize(n - pages) + (pages + PAGE - 1 & ~(PAGE - 1))


# -- names


def _name(address: Any) -> str | int:
    if isinstance(address, bytes):
        address = address.decode("utf-8", "surrogateescape")
    return address if isinstance(address, str) else -EINVAL


def user_name(name: str) -> str | bytes:
    """A name as a program sees it: abstract ones are bytes."""
    return name.encode("utf-8", "surrogateescape") if name.startswith("\0") else name


def unix_bind(k: Kernel, row: Socket, address: Any) -> int:
    """bind(2): makes the name."""
    name = _name(address)
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
        place = make_socket(k, k.processes[k.pid].absolute(name))
        if place < 0:
            return place
    k.net.unix[(row.host, place)] = row.id
    k.net.unix_names[row.id] = (row.host, place)
    k.emit(SocketBound, row.id, name)
    return 0


def _find(k: Kernel, row: Socket, address: Any) -> int:
    """The socket that a name leads to, or an errno."""
    name = _name(address)
    if isinstance(name, int):
        return name
    place: int | str = f"{row.type}{name}"
    if not name.startswith("\0"):
        place = find_socket(k, k.processes[k.pid].absolute(name))
        if place < 0:
            return place
    found = k.net.unix.get((row.host, place), 0)
    if not found:
        return -ECONNREFUSED
    return found if k.world.sockets[found].type == row.type else -EPROTOTYPE


# -- connections


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
        found = _find(k, row, address)
        if found < 0:
            return found
        k.emit(SocketConnected, sock, ESTABLISHED, row.local, world.sockets[found].local, found)
        return 0
    until = -1
    while True:
        found = _find(k, row, address)
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
    child = k.new_id()
    cause = k.cause
    limit = world.buffers[found * 2 + 1].limit
    k.cause = k.emit(ConnectionCreated, child, found, listener.local, row.local, sock, limit)
    k.cause = k.emit(SocketConnected, sock, ESTABLISHED, row.local, listener.local, child)
    k.cause = k.emit(ConnectionQueued, found, child)
    k.net.peers[sock], k.net.peers[child] = k.net.peers.get(found, 0), k.pid
    k.wake(found, READABLE)
    k.cause = cause
    return 0


def unix_accept(k: Kernel, file: OpenFile, row: Socket, flags: int) -> Result:
    """accept4(2)."""
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
        if row.shutdown & RCV_SHUTDOWN:
            return -EINVAL
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        if until < 0:
            until = deadline(k, sock, SO_RCVTIMEO)
        why = sleep_on(k, file, "__skb_wait_for_more_packets", sock, EXCLUSIVE, until)
        if why != "event":
            return -EINTR if why == "signal" else -EAGAIN
        row = world.sockets[sock]
    k.emit(ConnectionAccepted, sock, child)
    if world.wait_queues[sock].head:
        k.wake(sock, WRITABLE)
    new = k.open_file(SOCKET, child, flags & O_NONBLOCK | 2)
    return k.install_fd(new, bool(flags & O_CLOEXEC)), user_name(world.sockets[child].remote)


# -- data


def unix_sendmsg(
    k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int, address: Any, rights: tuple[int, ...] = ()
) -> int:
    """send(2) and sendto(2), with the open files `rights` if they are to travel along."""
    if row.type == SOCK_DGRAM:
        return _send_dgram(k, file, row, data, flags, address, rights)
    if row.type == SOCK_SEQPACKET and row.error:
        k.emit(SocketErrorSet, row.id, 0)
        return -row.error
    if row.state != ESTABLISHED:
        return -ENOTCONN
    if row.type == SOCK_SEQPACKET:
        return _send_dgram(k, file, row, data, flags, None, rights)
    if address is not None:
        return -EISCONN
    if row.shutdown & SEND_SHUTDOWN:
        return or_sigpipe(k, -EPIPE, flags)
    world = k.world
    sock = row.id
    peer, limit = row.peer, world.buffers[sock * 2 + 1].limit
    nonblock = bool(flags & MSG_DONTWAIT or file.flags & O_NONBLOCK)
    copied, n = 0, len(data)
    until = -1
    cause = k.cause
    while copied < n:
        row = world.sockets[sock]
        other = world.sockets.get(peer)
        if row.shutdown & SEND_SHUTDOWN or other is None or other.shutdown & RCV_SHUTDOWN:
            return or_sigpipe(k, copied or -EPIPE, flags)
        if world.buffers[peer * 2].truesize < limit:
            size = min(n - copied, (limit >> 1) - 64, LARGEST_PIECE)
            piece = data if size == n else data[copied : copied + size]
            segment = k.new_id()
            if rights and not copied:
                attach(k, segment, rights)
            k.cause = k.emit(BytesCopiedIn, peer * 2, segment, piece, stream_truesize(size))
            copied += size
            if world.wait_queues[peer].head:
                k.wake(peer, READABLE)
            k.cause = cause
            continue
        if nonblock:
            return copied or -EAGAIN
        if until < 0:
            until = deadline(k, sock, SO_SNDTIMEO)
        why = sleep_on(k, file, "sock_alloc_send_pskb", sock, 0, until)
        if why != "event":
            return copied or (-EINTR if why == "signal" else -EAGAIN)
    return copied


def _send_dgram(
    k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int, address: Any, rights: tuple[int, ...]
) -> int:
    world = k.world
    sock = row.id
    limit = world.buffers[sock * 2 + 1].limit
    if address is not None and isinstance(name := _name(address), int):
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
        peer = row.peer if address is None else _find(k, row, address)
        if peer <= 0:
            _freed(k, sock)
            return peer or -ENOTCONN
        other = world.sockets.get(peer)
        if other is None:
            _freed(k, sock)
            if peer == row.peer:
                _disconnect(k, row)
            return -ECONNREFUSED
        if other.shutdown & RCV_SHUTDOWN:
            _freed(k, sock)
            return -EPIPE
        account = world.buffers[peer * 2].truesize < limit
        if account and not (other.peer != sock and _queue_full(k, peer)):
            break
        if flags & MSG_DONTWAIT or file.flags & O_NONBLOCK:
            if account:
                _freed(k, sock)
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


def _freed(k: Kernel, sock: int) -> None:
    """A datagram was made and not sent: its room in the sender's account is free again (`unix_write_space`)."""
    if k.world.wait_queues[sock].head:
        k.wake(sock, WRITABLE)


def _disconnect(k: Kernel, row: Socket) -> None:
    """`unix_dgram_disconnected`: the peer is gone, and what it has sent goes with it."""
    k.emit(SocketConnected, row.id, CLOSE, row.local, "", 0)
    if k.world.rights:
        discard(k, row.id * 2)
    while k.world.buffers[row.id * 2].head:
        k.emit(DatagramTaken, row.id * 2, 0)


def _queue_full(k: Kernel, sock: int) -> bool:
    node, length = k.world.buffers[sock * 2].head, 0
    while node and length <= DGRAM_QUEUE:
        node, length = k.world.segments[node].next, length + 1
    return length > DGRAM_QUEUE


def unix_recvmsg(k: Kernel, file: OpenFile, row: Socket, n: int, flags: int, rights: list[int] | None = None) -> Result:
    """recvfrom(2): (length, (bytes, address, truncated)). Open files that came along are added to `rights`, and are the
    caller's to put; without it they are thrown away."""
    world = k.world
    sock = row.id
    rx = sock * 2
    dgram = row.type != SOCK_STREAM
    if row.type != SOCK_DGRAM and row.state != ESTABLISHED:
        return -EINVAL if row.type == SOCK_STREAM else -ENOTCONN
    nonblock = bool(flags & MSG_DONTWAIT or file.flags & O_NONBLOCK)
    target = n if flags & MSG_WAITALL else max(1, min(row.lowat, n))
    pieces: list[bytes] = []
    copied = 0
    until = -1
    while True:
        buffer = world.buffers[rx]
        if dgram and row.error:
            k.emit(SocketErrorSet, sock, 0)
            return -row.error
        if dgram and buffer.head:
            return _take_dgram(k, row, n, flags, rights)
        have = buffer.bytes - (copied if flags & MSG_PEEK else 0)
        if have:
            take = min(n - copied, have)
            if world.rights:
                take, carrier = readable_at_once(k, rx, take)
                if carrier:
                    target = 0  # nothing is read beyond a segment that brings files
                    receive(k, carrier, rights, bool(flags & MSG_PEEK))
            pieces.append(
                first_bytes(world, rx, copied + take)[copied:] if flags & MSG_PEEK else first_bytes(world, rx, take)
            )
            if not flags & MSG_PEEK:
                k.emit(BytesCopiedOut, rx, take)
                _room(k, row.peer, buffer.truesize, rx)
            copied += take
        if copied >= target or n == 0:
            break
        row = world.sockets[sock]
        if row.error:  # it is told once, and lost if there is data to give
            k.emit(SocketErrorSet, sock, 0)
            if not copied:
                return -row.error
            break
        if (row.shutdown & RCV_SHUTDOWN and not (row.type == SOCK_DGRAM and nonblock)) or (copied and nonblock):
            break
        if nonblock:
            return -EAGAIN
        if until < 0:
            until = deadline(k, sock, SO_RCVTIMEO)
        why = sleep_on(k, file, "unix_stream_data_wait", sock, EXCLUSIVE if dgram else 0, until)
        if why != "event":
            if copied:
                break
            return -EINTR if why == "signal" else -EAGAIN
    data = b"".join(pieces)
    return len(data), (data, None, False)


def _take_dgram(k: Kernel, row: Socket, n: int, flags: int, rights: list[int] | None) -> Result:
    world = k.world
    rx = row.id * 2
    head = world.buffers[rx].head
    data, sender = world.segments[head].data, world.senders[head]
    if head in world.rights:
        receive(k, head, rights, bool(flags & MSG_PEEK))
    if not flags & MSG_PEEK:
        before = world.buffers[rx].truesize
        k.emit(DatagramTaken, rx, min(n, len(data)))
        _room(k, row.peer, before, rx)
        k.wake(row.id, PEER_ROOM)
    length = len(data) if flags & MSG_TRUNC else min(n, len(data))
    return length, (data[:n], user_name(sender) if sender else None, len(data) > n)


def _room(k: Kernel, sender: int, before: int, rx: int) -> None:
    """An `sk_buff` was read and freed: its sender may write again (`unix_write_space`)."""
    world = k.world
    now = world.buffers[rx].truesize
    if now == before or sender not in world.sockets or not world.wait_queues[sender].head:
        return
    if now << 2 <= world.buffers[sender * 2 + 1].limit:
        k.wake(sender, WRITABLE)


def unix_poll(k: Kernel, row: Socket) -> int:
    """`unix_poll`."""
    world = k.world
    sock = row.id
    shutdown = row.shutdown
    mask = 0
    if row.error:
        mask |= POLLERR
    if shutdown == RCV_SHUTDOWN | SEND_SHUTDOWN:
        mask |= POLLHUP
    if shutdown & RCV_SHUTDOWN:
        mask |= POLLRDHUP | POLLIN | POLLRDNORM
    if row.state == LISTEN:
        return mask | POLLIN | POLLRDNORM if world.accept_queues[sock].head else mask
    if world.buffers[sock * 2].head:
        mask |= POLLIN | POLLRDNORM
    if row.type != SOCK_DGRAM and row.state == CLOSE:
        mask |= POLLHUP
    theirs = world.buffers.get(row.peer * 2) if row.peer else None
    if theirs is None or theirs.truesize << 2 <= world.buffers[sock * 2 + 1].limit:
        mask |= POLLOUT | POLLWRNORM | POLLWRBAND
    return mask


# -- the end


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


def _gone(k: Kernel, row: Socket, unread: bool) -> None:
    """`unix_release_sock`: the peer of a stream sees both halves shut, and an error if data was lost."""
    other = k.world.sockets.get(row.peer)
    cause = k.cause
    if k.world.rights:
        discard(k, row.id * 2)
    if row.type != SOCK_STREAM:
        k.wake(row.id, PEER_ROOM, everyone=True)
    unread = unread or bool(k.world.buffers[row.id * 2].head)
    seq = k.emit(SocketReleased, row.id)
    k.net.peers.pop(row.id, None)
    if other is not None and other.peer == row.id and row.type != SOCK_DGRAM:
        k.cause = k.emit(SocketShutdown, other.id, RCV_SHUTDOWN | SEND_SHUTDOWN)
        if unread:
            k.emit(SocketErrorSet, other.id, ECONNRESET)
        k.wake(other.id, 0, everyone=True)
    elif other is not None and other.peer == row.id:
        k.cause = seq
        if unread:  # what it had sent is freed and off its account
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
    _gone(k, row, bool(world.buffers[sock * 2].head))
