"""AF_UNIX bytes: send, receive, and what poll says of a socket. They go straight into the peer's receive buffer.
Source: Linux `net/unix/af_unix.c` (`unix_stream_sendmsg`, `unix_stream_read_generic`, `unix_poll`).
"""

from __future__ import annotations

from errno import EAGAIN, EINTR, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE
from typing import TYPE_CHECKING, Any

from ioviz.machine.kernel.files import O_NONBLOCK
from ioviz.machine.kernel.inet import SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM
from ioviz.machine.kernel.scm import attach, readable_at_once, receive
from ioviz.machine.kernel.sock import (
    MSG_DONTWAIT,
    MSG_PEEK,
    MSG_WAITALL,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    deadline,
    or_sigpipe,
    sleep_for_packet,
    sleep_on,
)
from ioviz.machine.kernel.tcp_state import READABLE
from ioviz.machine.kernel.unix_dgram import send_dgram, take_dgram
from ioviz.machine.kernel.unix_space import LARGEST_PIECE, room, stream_truesize
from ioviz.model.buffer import BytesCopiedIn, BytesCopiedOut, first_bytes
from ioviz.model.poll_bits import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM
from ioviz.model.socket import CLOSE, ESTABLISHED, LISTEN, RCV_SHUTDOWN, SEND_SHUTDOWN, SocketErrorSet

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket


def unix_sendmsg(
    k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int, address: Any, rights: tuple[int, ...] = ()
) -> int:
    """send(2) and sendto(2), with the open files `rights` if they are to travel along."""
    if row.type == SOCK_DGRAM:
        return send_dgram(k, file, row, data, flags, address, rights)
    if row.type == SOCK_SEQPACKET and row.error:
        k.emit(SocketErrorSet, row.id, 0)
        return -row.error
    if address is not None and row.type == SOCK_STREAM:
        return -EISCONN if row.state == ESTABLISHED else -EOPNOTSUPP
    if row.state != ESTABLISHED:
        return -ENOTCONN
    if row.type == SOCK_SEQPACKET:
        return send_dgram(k, file, row, data, flags, None, rights)
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
        if row.error:  # the peer was closed while this slept, with data that it had not read
            k.emit(SocketErrorSet, sock, 0)
            return copied or -row.error
        if row.shutdown & SEND_SHUTDOWN:
            return copied or -EPIPE
        other = world.sockets.get(peer)
        if other is None or other.shutdown & RCV_SHUTDOWN:
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
            return take_dgram(k, row, n, flags, rights)
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
                room(k, row.peer, buffer.truesize, rx)
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
        if dgram:
            why = sleep_for_packet(k, file, sock, until)
        else:
            why = sleep_on(k, file, "unix_stream_data_wait", sock, 0, until)
        if why != "event":
            if copied:
                break
            return -EINTR if why == "signal" else -EAGAIN
    data = b"".join(pieces)
    return len(data), (data, None, False)


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
