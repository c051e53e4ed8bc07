"""TCP's connections: connect, listen, accept, shutdown, close.

Everything here holds on loopback and over the link alike; how segments travel is in `loopback` and `tcp_output`, what
is in them in `tcp_data`. Sources: Linux `net/ipv4/tcp.c` (`__tcp_close`), `net/ipv4/af_inet.c`,
`net/ipv4/inet_connection_sock.c`.
"""

from __future__ import annotations

from errno import EADDRINUSE, EAGAIN, EALREADY, ECONNABORTED, ECONNRESET, EINPROGRESS, EINTR, EINVAL, EISCONN, ENOTCONN
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel import loopback, tcp_output
from ioviz.machine.kernel.files import O_NONBLOCK
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
)
from ioviz.machine.kernel.sock import SO_LINGER, SO_RCVTIMEO, SO_SNDTIMEO, deadline, sleep_on
from ioviz.machine.kernel.tcp_state import give_up, receive_reset, release_socket, stop_timer
from ioviz.model.buffer import BufferDiscarded
from ioviz.model.poll_bits import POLLERR
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
    SocketBound,
    SocketConnected,
    SocketDisconnected,
    SocketErrorSet,
    SocketListening,
    SocketOrphaned,
    SocketShutdown,
)
from ioviz.model.wait import EXCLUSIVE

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket

SYN_RETRIES: Final = 6
SECOND: Final = 10**9


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


def tcp_accept(k: Kernel, file: OpenFile, row: Socket) -> int:
    """`inet_csk_accept`: the first connection of the queue, which is no longer in it; or an errno."""
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
    return child


def tcp_connect(k: Kernel, file: OpenFile, row: Socket, address: Any) -> int:
    """connect(2), blocking or not."""
    world = k.world
    sock = row.id
    state = row.state
    nonblock = bool(file.flags & O_NONBLOCK)
    if sock in k.net.disconnecting:
        return -EINVAL
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
    if not own or not row.bound:
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
        if not row.bound:  # its name stays, without the port
            release_port(k, row.host, row.protocol, local, sock)
        if world.buffers[sock * 2].bytes:  # it had been connected, and nobody had read
            k.emit(BufferDiscarded, sock * 2)
        k.emit(SocketDisconnected, sock, local)
        k.wake(sock, POLLERR)  # tcp_disconnect() ends with sk_error_report(), error or not
        return -error
    return 0


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
        if state == SYN_SENT or bits & RCV_SHUTDOWN:
            if state == LISTEN:
                _unlisten(k, row)
            stop_timer(k, sock)
            k.emit(SocketDisconnected, sock, row.local)
        if state == SYN_SENT:  # `tcp_disconnect`
            k.emit(SocketErrorSet, sock, ECONNRESET)
        k.wake(sock, 0, everyone=True)
        return 0
    if row.connecting:
        if state in (SYN_RECV, CLOSE):
            k.net.disconnecting.add(sock)
        else:
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
