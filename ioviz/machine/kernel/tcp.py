"""TCP's system calls: connect, listen, accept, send, receive, poll, shutdown, close.

Everything here holds on loopback and over the link alike; how segments travel is in `loopback` and `tcp_output`.
Sources: Linux `net/ipv4/tcp.c` (`tcp_poll`, `tcp_sendmsg_locked`, `tcp_recvmsg_locked`, `__tcp_close`),
`net/ipv4/af_inet.c`, `net/ipv4/inet_connection_sock.c`.
"""

from __future__ import annotations

from errno import (
    EADDRINUSE,
    EAGAIN,
    EALREADY,
    ECONNABORTED,
    EINPROGRESS,
    EINTR,
    EINVAL,
    EISCONN,
    ENOTCONN,
    EPIPE,
)
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel import loopback, tcp_output
from ioviz.machine.kernel.errors import Unsupported
from ioviz.machine.kernel.files import O_CLOEXEC, O_NONBLOCK
from ioviz.machine.kernel.inet import (
    AF_INET6,
    SOL_SOCKET,
    bind_port,
    from_user,
    may_listen,
    option,
    parse,
    release_port,
    route,
    show,
    user_address,
)
from ioviz.machine.kernel.signals import broken_pipe
from ioviz.machine.kernel.tcp_state import (
    MSS_LOOPBACK,
    OVERHEAD,
    READABLE,
    give_up,
    receive_reset,
    release_socket,
    stop_timer,
    window,
)
from ioviz.model.buffer import BytesCopiedIn, BytesCopiedOut, SegmentDelivered, first_bytes
from ioviz.model.files import SOCKET
from ioviz.model.poll_bits import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRNORM
from ioviz.model.socket import (
    CLOSE,
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT1,
    LAST_ACK,
    LISTEN,
    RCV_SHUTDOWN,
    SEND_SHUTDOWN,
    SYN_RECV,
    SYN_SENT,
    ConnectFinished,
    ConnectionAborted,
    ConnectionAccepted,
    ConnectPending,
    FinSent,
    NoSpaceSet,
    SocketBound,
    SocketConnected,
    SocketDisconnected,
    SocketErrorSet,
    SocketListening,
    SocketOrphaned,
    SocketShutdown,
    UrgentReceived,
)
from ioviz.model.wait import EXCLUSIVE

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket

MSG_PEEK: Final = 0x2
MSG_TRUNC: Final = 0x20
MSG_DONTWAIT: Final = 0x40
MSG_WAITALL: Final = 0x100
MSG_NOSIGNAL: Final = 0x4000
SO_OOBINLINE: Final = 10
SO_LINGER: Final = 13
SO_RCVTIMEO: Final = 20
SO_SNDTIMEO: Final = 21
SYN_RETRIES: Final = 6
SECOND: Final = 10**9


def deadline(k: Kernel, sock: int, name: int) -> int:
    """The time at which a call that begins to sleep now gives up, by SO_RCVTIMEO or SO_SNDTIMEO (0: never)."""
    timeout = option(k.world, sock, SOL_SOCKET, name)
    return k.now + timeout if timeout else 0


def sleep_on(k: Kernel, file: OpenFile, wchan: str, sock: int, mode: int, until: int) -> str:
    """Sleep in a call on `file`, which keeps a reference."""
    k.hold(file)
    return k.sleep(wchan, (sock,), mode, until)


# -- connections


def tcp_listen(k: Kernel, row: Socket, backlog: int) -> int:
    """listen(2)."""
    if row.state not in (CLOSE, LISTEN) or row.connecting:
        return -EINVAL
    sock = row.id
    if not row.local:
        ip = "::" if row.family == AF_INET6 else "0.0.0.0"
        port = bind_port(k, row, ip, 0)
        if port < 0:
            return port
        k.emit(SocketBound, sock, show(ip, port))
        row = k.world.sockets[sock]
    if row.state != LISTEN:
        if not may_listen(k, row):
            return -EADDRINUSE
        k.net.listeners.setdefault((row.host, parse(row.local)[1]), []).append(sock)
    k.emit(SocketListening, sock, min(backlog & 0xFFFFFFFF, k.config.somaxconn))
    return 0


def _unlisten(k: Kernel, row: Socket) -> None:
    """`inet_csk_listen_stop`: who waits on the accept queue gets an RST."""
    world = k.world
    sock = row.id
    key = (row.host, parse(row.local)[1])
    found = k.net.listeners.get(key, [])
    if sock in found:
        found.remove(sock)
        if not found:
            del k.net.listeners[key]
    while (child := world.accept_queues[sock].head) != 0:
        _reset(k, world.sockets[child], "listener closed")
        k.emit(ConnectionAborted, sock, child)
        release_socket(k, world.sockets[child])


def tcp_accept(k: Kernel, file: OpenFile, row: Socket, flags: int) -> Result:
    """accept4(2): the first connection of the queue."""
    world = k.world
    sock = row.id
    until = -1
    while not (child := world.accept_queues[sock].head if row.state == LISTEN else 0):
        if row.state != LISTEN:
            return -EINVAL
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        if until < 0:
            until = deadline(k, sock, SO_RCVTIMEO)
        why = sleep_on(k, file, "inet_csk_accept", sock, EXCLUSIVE, until)
        if why == "timeout":
            return -EAGAIN
        if why == "signal":
            return -EINTR
        row = world.sockets.get(sock, row)
    k.emit(ConnectionAccepted, sock, child)
    new = k.open_file(SOCKET, child, flags & O_NONBLOCK | 2)
    fd = k.install_fd(new, bool(flags & O_CLOEXEC))
    connection = world.sockets[child]
    return fd, user_address(connection, connection.remote)


def tcp_connect(k: Kernel, file: OpenFile, row: Socket, address: Any) -> int:
    """connect(2), blocking or not."""
    world = k.world
    sock = row.id
    state = row.state
    nonblock = bool(file.flags & O_NONBLOCK)
    if row.connecting:
        if state == SYN_SENT and nonblock:
            return -EALREADY
        return _finish_connect(k, file, sock)
    if state != CLOSE or row.remote:
        return -EISCONN if state != SYN_SENT else -EALREADY
    if row.shutdown:
        k.emit(SocketDisconnected, sock, row.local)
    place = from_user(row, address)
    if isinstance(place, int):
        return place
    ip, port = place
    if ip in ("0.0.0.0", "::"):
        ip = "127.0.0.1" if ip == "0.0.0.0" else "::1"
    there = route(k, row.host, ip)
    if there < 0:
        return there
    local = row.local
    source, own = parse(local)
    if source in ("0.0.0.0", "::"):
        source = "::1" if ":" in ip else world.hosts[row.host].address if there != row.host else ip
        if source.startswith("127."):
            source = "127.0.0.1"
    if not own:
        own = bind_port(k, row, source, 0, 0)
        if own < 0:
            return own
    k.emit(SocketConnected, sock, SYN_SENT, show(source, own), show(ip, port), 0)
    if there != row.host:
        tcp_output.send_syn(k, sock)
    else:
        _try_syn(k, sock, 0)
    if nonblock:
        k.emit(ConnectPending, sock)
        return -EINPROGRESS
    return _finish_connect(k, file, sock)


def _try_syn(k: Kernel, sock: int, tries: int) -> None:
    """A SYN on loopback. If the accept queue is full it is sent again after 1, 2, 4 … seconds."""
    row = k.world.sockets.get(sock)
    if row is None or row.state != SYN_SENT:
        return
    got = loopback.send_syn(k, sock)
    if got == loopback.REFUSED:
        receive_reset(k, sock)
    elif got == loopback.DROPPED:
        if tries == SYN_RETRIES + 1:
            give_up(k, sock)
        else:
            k.net.timers[sock] = k.after(SECOND << tries, row.host, _syn_timer, k, sock, tries + 1)


def _syn_timer(k: Kernel, sock: int, tries: int) -> None:
    k.net.timers.pop(sock, None)
    row = k.world.sockets.get(sock)
    if row is not None:
        tcp_output.timer_interrupt(k, row.host, _try_syn, k, sock, tries)


def _finish_connect(k: Kernel, file: OpenFile, sock: int) -> int:
    """Wait for the end of the handshake and say how it went."""
    world = k.world
    until = -1
    while (row := world.sockets[sock]).state in (SYN_SENT, SYN_RECV):
        if until < 0:
            until = deadline(k, sock, SO_SNDTIMEO)
        why = sleep_on(k, file, "inet_wait_for_connect", sock, 0, until)
        if why != "event":
            if sock in world.sockets and not world.sockets[sock].connecting:
                k.emit(ConnectPending, sock)
            return -EINTR if why == "signal" else -EINPROGRESS
    if row.connecting:
        k.emit(ConnectFinished, sock)
    if row.state == CLOSE and (row.error or row.shutdown == RCV_SHUTDOWN | SEND_SHUTDOWN):
        error = row.error or ECONNABORTED
        local = row.local
        if not row.bound:
            release_port(k, row.host, row.protocol, local, sock)
            local = ""
        k.emit(SocketDisconnected, sock, local)
        return -error
    return 0


# -- data


def tcp_sendmsg(k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int) -> int:
    """send(2): copy the bytes into the send buffer, as they fit; the rest when there is room again."""
    world = k.world
    sock = row.id
    peer = row.peer
    n = len(data)
    if peer and 0 < n <= MSS_LOOPBACK and row.state == ESTABLISHED and not row.error and not row.shutdown:
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
    return or_sigpipe(
        k, _send_slowly(k, file, sock, data, bool(flags & MSG_DONTWAIT or file.flags & O_NONBLOCK)), flags
    )


def or_sigpipe(k: Kernel, sent: int, flags: int) -> int:
    """`sk_stream_error`: the result `sent` of a send; where it is EPIPE, SIGPIPE comes too."""
    if sent == -EPIPE and not flags & MSG_NOSIGNAL:
        broken_pipe(k)
    return sent


def _send_slowly(k: Kernel, file: OpenFile, sock: int, data: bytes, nonblock: bool) -> int:
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
                if row.peer:
                    # Behind other data, or with no window: it stays where it is until the peer has read.
                    if not mine.bytes:
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
    if have and not flags and (row.lowat == 1 or have >= n) and n > 0:
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
    return _recv_slowly(k, file, sock, n, flags)


class _Nothing:
    bytes = 0


_NOTHING: Any = _Nothing()


def _recv_slowly(k: Kernel, file: OpenFile, sock: int, n: int, flags: int) -> Result:
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


def send_urgent(k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int) -> int:
    """send(2) with MSG_OOB: the last byte is urgent and does not enter the stream, unless the receiver wants it to."""
    before = tcp_sendmsg(k, file, row, data[:-1], flags) if len(data) != 1 else 0
    if before < len(data) - 1:
        return before
    row = k.world.sockets[row.id]
    other = k.world.sockets.get(row.peer)
    if other is None or row.shutdown & SEND_SHUTDOWN:
        if row.id in k.world.tcps:
            raise Unsupported("urgent data (MSG_OOB) to another host")
        return or_sigpipe(k, before or -EPIPE, flags)
    if option(k.world, other.id, SOL_SOCKET, SO_OOBINLINE):
        return before + max(0, tcp_sendmsg(k, file, row, data[-1:], flags))
    cause = k.cause
    k.cause = k.emit(UrgentReceived, other.id, data[-1])
    k.wake(other.id, READABLE)
    k.cause = cause
    return len(data)


def receive_urgent(k: Kernel, row: Socket, peek: bool) -> Result:
    """recv(2) with MSG_OOB."""
    if row.urgent < 0:
        return -EINVAL
    if not peek:
        k.emit(UrgentReceived, row.id, -1)
    return 1, bytes((row.urgent,))


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


# -- the end


def _reset(k: Kernel, row: Socket, why: str) -> None:
    if row.peer:
        loopback.send_reset(k, row.id, why)
    elif row.remote and row.state != CLOSE:
        tcp_output.send_reset(k, row.id, why)


def _send_fin(k: Kernel, row: Socket) -> None:
    """`tcp_close_state` and `tcp_send_fin`, if this end has not said FIN before."""
    if row.state == ESTABLISHED or row.state == SYN_RECV:
        state = FIN_WAIT1
    elif row.state == CLOSE_WAIT:
        state = LAST_ACK
    else:
        return
    cause = k.cause
    k.cause = k.emit(FinSent, row.id, state)
    if row.peer:
        loopback.push(k, row.id)
    else:
        tcp_output.write_xmit(k, row.id)
    k.cause = cause


def tcp_shutdown(k: Kernel, row: Socket, how: int) -> int:
    """shutdown(2); `how` 0, 1, 2."""
    sock = row.id
    bits = how + 1
    state = row.state
    if state in (LISTEN, SYN_SENT):
        if state == LISTEN:
            if not bits & RCV_SHUTDOWN:
                return 0
            _unlisten(k, row)
        stop_timer(k, sock)
        k.emit(SocketDisconnected, sock, row.local)
        k.wake(sock, 0, everyone=True)
        return 0
    if row.connecting and state not in (SYN_RECV, CLOSE):
        k.emit(ConnectFinished, sock)
    if row.shutdown | bits != row.shutdown:
        if bits & SEND_SHUTDOWN and state in (ESTABLISHED, CLOSE_WAIT):
            if bits & RCV_SHUTDOWN and not row.shutdown & RCV_SHUTDOWN:
                k.emit(SocketShutdown, sock, row.shutdown | RCV_SHUTDOWN)
            _send_fin(k, k.world.sockets[sock])
        else:
            k.emit(SocketShutdown, sock, row.shutdown | bits)
    if sock in k.world.sockets:
        k.wake(sock, 0, everyone=True)
    return -ENOTCONN if state == CLOSE else 0


def tcp_close(k: Kernel, file: OpenFile, row: Socket) -> None:
    """The last reference is gone (`__tcp_close`)."""
    world = k.world
    sock = row.id
    if row.state == LISTEN:
        _unlisten(k, row)
        release_socket(k, row)
        return
    if row.state in (CLOSE, SYN_SENT):
        release_socket(k, row)
        return
    linger = option(world, sock, SOL_SOCKET, SO_LINGER, -1)
    if world.buffers[sock * 2].bytes:
        _reset(k, row, "unread data")
        release_socket(k, world.sockets[sock])
        return
    if linger == 0:
        _reset(k, row, "linger 0")
        release_socket(k, world.sockets[sock])
        return
    if linger > 0 and not k.processes[k.pid].exiting:
        _send_fin(k, row)
        until = k.now + linger * SECOND
        while world.sockets[sock].state in (FIN_WAIT1, CLOSING, LAST_ACK):
            if k.sleep("sk_stream_wait_close", (sock,), 0, until) != "event":
                break
        row = world.sockets[sock]
        if row.state == CLOSE:
            release_socket(k, row)
        else:
            k.emit(SocketOrphaned, sock)
        return
    cause = k.cause
    k.cause = k.emit(SocketOrphaned, sock)
    _send_fin(k, row)
    k.cause = cause
