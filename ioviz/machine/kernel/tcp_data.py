"""TCP's bytes: send, receive, and what poll says of a socket.

Sources: Linux `net/ipv4/tcp.c` (`tcp_poll`, `tcp_sendmsg_locked`, `tcp_recvmsg_locked`).
"""

from __future__ import annotations

from errno import EAGAIN, EINTR, ENOTCONN, EPIPE
from typing import TYPE_CHECKING, Any

from ioviz.machine.kernel import cork, loopback, tcp_output
from ioviz.machine.kernel.files import O_NONBLOCK
from ioviz.machine.kernel.sock import (
    MSG_DONTWAIT,
    MSG_MORE,
    MSG_PEEK,
    MSG_WAITALL,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    deadline,
    or_sigpipe,
    sleep_on,
)
from ioviz.machine.kernel.tcp_state import MSS_LOOPBACK, OVERHEAD, READABLE, window
from ioviz.model.buffer import BytesCopiedIn, BytesCopiedOut, SegmentDelivered, first_bytes
from ioviz.model.poll_bits import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRNORM
from ioviz.model.socket import (
    CLOSE,
    CLOSE_WAIT,
    ESTABLISHED,
    LISTEN,
    NOT_URGENT,
    RCV_SHUTDOWN,
    SEND_SHUTDOWN,
    SYN_RECV,
    SYN_SENT,
    NoSpaceSet,
    SocketErrorSet,
    UrgentReceived,
)

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket


def tcp_sendmsg(k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int) -> int:
    """send(2): copy the bytes into the send buffer, as they fit; the rest when there is room again."""
    world = k.world
    sock = row.id
    peer = row.peer
    n = len(data)
    if (
        peer
        and 0 < n <= MSS_LOOPBACK
        and row.state == ESTABLISHED
        and not row.error
        and not row.shutdown
        and not flags & MSG_MORE
        and sock not in k.net.corked
    ):
        # On loopback, with nothing before it and room at the other end. The two events are made in place: this is hot.
        buffers = world.buffers
        tx, target = sock * 2 + 1, peer * 2
        other = world.sockets.get(peer)
        if other is not None and not other.orphan and not buffers[tx].bytes:
            theirs = buffers[target]
            limit = theirs.limit
            then = theirs.bytes + n
            if then <= (limit - (limit >> 3) if limit >= 32768 else limit >> 1):
                cause = k.cause
                if n > 64:
                    k.now += n * k.costs.kilobyte // 1000
                now, seq = k.now, k.seq
                k.seq = seq + 2
                k._last_id = segment = k._last_id + 1
                sink, cpu, task, at = k.sink, k.cpu, k.task, k.at
                copied = BytesCopiedIn(seq, now, cpu, task, cause, 0, at, tx, segment, data, n + OVERHEAD)
                copied.apply(world)
                sink(copied)
                delivered = SegmentDelivered(seq + 1, now, cpu, task, seq, 0, at, tx, target)
                delivered.apply(world)
                sink(delivered)
                if world.wait_queues[peer].head and then >= other.lowat:
                    k.cause = seq + 1
                    k.wake(peer, READABLE)
                    k.cause = cause
                return n
    nonblock = bool(flags & MSG_DONTWAIT or file.flags & O_NONBLOCK)
    return or_sigpipe(k, _send_slowly(k, file, sock, data, nonblock, bool(flags & MSG_MORE)), flags)


def _send_slowly(k: Kernel, file: OpenFile, sock: int, data: bytes, nonblock: bool, more: bool) -> int:
    world = k.world
    buffers = world.buffers
    tx = sock * 2 + 1
    until = -1
    copied, n = 0, len(data)
    while True:
        row = world.sockets[sock]
        if row.state in (SYN_SENT, SYN_RECV):
            wchan = "sk_stream_wait_connect"
        else:
            if row.error or row.shutdown & SEND_SHUTDOWN or row.state not in (ESTABLISHED, CLOSE_WAIT):
                if copied:
                    return copied
                if row.error and row.error != EPIPE:
                    k.emit(SocketErrorSet, sock, 0)
                    return -row.error
                if row.error:
                    k.emit(SocketErrorSet, sock, 0)
                return -EPIPE
            if copied == n:
                return n
            mine = buffers[tx]
            room = mine.limit - mine.truesize
            if room > 0:
                theirs = buffers.get(row.peer * 2) if row.peer else None
                goal = MSS_LOOPBACK if theirs is None else max(window(theirs.limit) >> 1, 536)
                chunk = data[copied : copied + min(goal, max(room - OVERHEAD, 512), MSS_LOOPBACK)]
                cause = k.cause
                k.spend(len(chunk) * k.costs.kilobyte // 1000)
                k.cause = k.emit(BytesCopiedIn, tx, k.new_id(), chunk, len(chunk) + OVERHEAD)
                copied += len(chunk)
                held = sock in k.net.corked
                if (held or more) and cork.hold(k, sock, more):
                    pass
                elif row.peer:
                    # Behind other data, or with no window: it stays where it is until the peer has read.
                    if held or not mine.bytes:
                        loopback.push(k, sock)
                else:
                    tcp_output.write_xmit(k, sock)
                k.cause = cause
                continue
            wchan = "sk_stream_wait_memory"
            if not row.nospace:
                k.emit(NoSpaceSet, sock, True)
        if nonblock:
            return copied or -EAGAIN
        if until < 0:
            until = deadline(k, sock, SO_SNDTIMEO)
        why = sleep_on(k, file, wchan, sock, 0, until)
        if why == "signal":
            return copied or -EINTR
        if why == "timeout":
            return copied or -EAGAIN


def tcp_recvmsg(k: Kernel, file: OpenFile, row: Socket, n: int, flags: int) -> Result:
    """recv(2): (length, bytes); an empty result is the end of the stream."""
    world = k.world
    sock = row.id
    rx = sock * 2
    buffer = world.buffers[rx]
    have = buffer.bytes
    if have and not flags and (row.lowat == 1 or have >= n) and n > 0 and row.urgent == NOT_URGENT:
        take = have if have < n else n
        data = world.segments[buffer.head].data
        if len(data) != take or buffer.head != buffer.tail:
            data = first_bytes(world, rx, take)
        if take > 64:
            k.now += take * k.costs.kilobyte // 1000
        seq = k.seq
        k.seq = seq + 1
        event = BytesCopiedOut(seq, k.now, k.cpu, k.task, k.cause, 0, k.at, rx, take)
        event.apply(world)
        k.sink(event)
        peer = row.peer
        if not peer:
            if world.tcps:
                tcp_output.window_update(k, sock)
        elif world.buffers.get(peer * 2 + 1, _NOTHING).bytes:
            cause = k.cause
            k.cause = seq
            loopback.open_window(k, sock)
            k.cause = cause
        return take, data
    return recv_slowly(k, file, sock, n, flags)


class _Nothing:
    bytes = 0


_NOTHING: Any = _Nothing()


def recv_slowly(k: Kernel, file: OpenFile, sock: int, n: int, flags: int) -> Result:
    """recv(2) on every way but the usual one."""
    world = k.world
    buffers = world.buffers
    rx = sock * 2
    row = world.sockets[sock]
    if row.state == LISTEN:
        return -ENOTCONN
    if n == 0:
        return 0, b""
    nonblock = bool(flags & MSG_DONTWAIT or file.flags & O_NONBLOCK)
    peek = flags & MSG_PEEK
    target = n if flags & MSG_WAITALL else max(1, min(row.lowat, n))
    pieces: list[bytes] = []
    copied = 0
    until = -1
    while True:
        have = buffers[rx].bytes - (copied if peek else 0)
        if world.sockets[sock].urgent != NOT_URGENT and not peek:
            ahead = bytes_to_mark(k, sock)
            if ahead:
                have = min(have, ahead)
            elif copied:
                break
            else:
                k.emit(UrgentReceived, sock, NOT_URGENT)
        if have:
            take = min(n - copied, have)
            if peek:
                pieces.append(first_bytes(world, rx, copied + take)[copied:])
            else:
                pieces.append(first_bytes(world, rx, take))
                k.spend(take * k.costs.kilobyte // 1000)
                cause = k.cause
                k.cause = k.emit(BytesCopiedOut, rx, take)
                if row.peer:
                    loopback.open_window(k, sock)
                else:
                    tcp_output.window_update(k, sock)
                k.cause = cause
            copied += take
        if copied >= target:
            break
        row = world.sockets[sock]
        over = row.error or row.shutdown & RCV_SHUTDOWN or row.state == CLOSE
        if copied:
            if over or nonblock:
                break
        else:
            if row.done:
                break
            if row.error:
                k.emit(SocketErrorSet, sock, 0)
                return -row.error
            if row.shutdown & RCV_SHUTDOWN:
                break
            if row.state == CLOSE:
                return -ENOTCONN
            if nonblock:
                return -EAGAIN
        if until < 0:
            until = deadline(k, sock, SO_RCVTIMEO)
        why = sleep_on(k, file, "sk_wait_data", sock, 0, until)
        if why != "event":
            if copied:
                break
            return -EINTR if why == "signal" else -EAGAIN
    data = b"".join(pieces)
    return len(data), data


def bytes_to_mark(k: Kernel, sock: int) -> int:
    """How many bytes are still to be read before the urgent one."""
    buffer = k.world.buffers[sock * 2]
    return k.net.marks.get(sock, 0) - (buffer.total - buffer.bytes)


def tcp_poll(k: Kernel, row: Socket) -> int:
    """The mask of what holds now, as `tcp_poll` works it out."""
    world = k.world
    state = row.state
    sock = row.id
    if state == LISTEN:
        return POLLIN | POLLRDNORM if world.accept_queues[sock].head else 0
    shutdown = row.shutdown
    mask = 0
    if shutdown == RCV_SHUTDOWN | SEND_SHUTDOWN or state == CLOSE:
        mask = POLLHUP
    if shutdown & RCV_SHUTDOWN:
        mask |= POLLIN | POLLRDNORM | POLLRDHUP
    if state != SYN_SENT and state != SYN_RECV:
        buffers = world.buffers
        if buffers[sock * 2].bytes >= row.lowat:
            mask |= POLLIN | POLLRDNORM
        if shutdown & SEND_SHUTDOWN:
            mask |= POLLOUT | POLLWRNORM
        else:
            mine = buffers[sock * 2 + 1]
            used = mine.truesize
            if mine.limit - used >= used >> 1:
                mask |= POLLOUT | POLLWRNORM
            elif not row.nospace:
                k.emit(NoSpaceSet, sock, True)
        if row.urgent >= 0:
            mask |= POLLPRI
    if row.error:
        mask |= POLLERR
    return mask
