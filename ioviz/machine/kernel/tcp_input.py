"""TCP over the link, incoming: which connection a packet is for, what it acknowledges, what it brings.

Source: Linux `net/ipv4/tcp_input.c`, `tcp_ipv4.c`. Where Linux differs: it keeps segments that come out of order; here
they are dropped and sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz.machine.hardware.nic import transmit
from ioviz.machine.kernel.inet import SOL_SOCKET, find_listener, hold_port, option, parse
from ioviz.machine.kernel.tcp_output import (
    MSS,
    SNDBUF_LINK,
    fast_retransmit,
    open_connection,
    send,
    send_ack,
    send_reset,
    start_timer,
    write_xmit,
)
from ioviz.machine.kernel.tcp_state import (
    OVERHEAD,
    READABLE,
    SO_SNDBUF,
    closed,
    receive_reset,
    release_socket,
    stop_timer,
    time_wait,
    write_space,
)
from ioviz.model.buffer import BufferResized
from ioviz.model.socket import (
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT1,
    FIN_WAIT2,
    LAST_ACK,
    LISTEN,
    RCV_SHUTDOWN,
    SYN_RECV,
    SYN_SENT,
    ConnectionCreated,
    ConnectionQueued,
    FinReceived,
    SocketConnected,
    SocketStateChanged,
    SynDropped,
)
from ioviz.model.tcp import AckReceived, ControlReceived, SegmentReceived, SegmentRefused

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.nic import Packet

MOST_WINDOW = 1 << 20


def tcp_v4_rcv(k: Kernel, host: int, packet: Packet) -> None:
    """A packet came off the rx ring of `host`."""
    sock = k.net.connections.get((host, packet.target, packet.source), 0)
    flags = packet.flags
    if not sock:
        if flags == "S":
            _syn(k, host, packet)
        elif "R" not in flags:
            transmit(k, packet.target, packet.source, "R", packet.ack, 0, 0, b"", k.new_id())
        return
    row = k.world.sockets[sock]
    if "R" in flags:
        receive_reset(k, sock)
        return
    if row.state == SYN_SENT:
        if flags == "S.":
            _syn_acked(k, sock, packet)
        return
    if "S" in flags:  # our part of the handshake was lost
        if row.state == SYN_RECV:
            send(k, sock, "S.", 0, b"")
        else:
            send_ack(k, sock)
        return
    if row.state == SYN_RECV and not _established(k, sock, packet):
        return
    if not _ack(k, sock, packet):
        return
    if packet.data or "F" in flags:
        _data(k, sock, packet)
    elif packet.seq < k.world.tcps[sock].rcv_nxt:
        k.net.acks[sock] = k.cause  # a window probe
    if sock in k.world.tcps:
        write_xmit(k, sock)


def _syn(k: Kernel, host: int, packet: Packet) -> None:
    """Somebody wants to connect (`tcp_conn_request`)."""
    world = k.world
    ip, port = parse(packet.target)
    listener = find_listener(k, host, ip, port, parse(packet.source)[1])
    if not listener:
        transmit(k, packet.target, packet.source, "R.", 0, 1, 0, b"", k.new_id())
        return
    row = world.sockets[listener]
    if world.accept_queues[listener].count > row.backlog:
        k.emit(SynDropped, listener, packet.source)
        return
    child = k.new_id()
    locked = k.config.sndbuf or option(world, listener, SOL_SOCKET, SO_SNDBUF)
    sndbuf = world.buffers[listener * 2 + 1].limit if locked else SNDBUF_LINK
    k.cause = k.emit(ConnectionCreated, child, listener, packet.target, packet.source, 0, sndbuf)
    hold_port(k, host, row.protocol, port, child)
    open_connection(k, child, 1)
    send(k, child, "S.", 0, b"")
    start_timer(k, child)


def _syn_acked(k: Kernel, sock: int, packet: Packet) -> None:
    """The second segment of the handshake: this end is through."""
    row = k.world.sockets[sock]
    stop_timer(k, sock)
    k.emit(ControlReceived, sock)
    k.emit(AckReceived, sock, 1, 0, packet.window, k.world.tcps[sock].cwnd, 0)
    cause = k.cause
    k.cause = k.emit(SocketConnected, sock, ESTABLISHED, row.local, row.remote, 0)
    if not (k.config.sndbuf or option(k.world, sock, SOL_SOCKET, SO_SNDBUF)):
        k.emit(BufferResized, sock * 2 + 1, SNDBUF_LINK)
    send_ack(k, sock)
    k.wake(sock, 0, everyone=True)
    k.cause = cause


def _established(k: Kernel, sock: int, packet: Packet) -> bool:
    """The third segment: the connection goes to the accept queue, unless that is full."""
    world = k.world
    row = world.sockets[sock]
    listener = world.sockets.get(row.listener)
    if listener is None or listener.state != LISTEN:
        send_reset(k, sock, "listener closed")
        release_socket(k, row)
        return False
    if packet.ack < 1 or world.accept_queues[listener.id].count > listener.backlog:
        return False
    stop_timer(k, sock)
    cause = k.cause
    k.cause = k.emit(ConnectionQueued, listener.id, sock)
    k.wake(listener.id, READABLE)
    k.cause = cause
    return True


def _ack(k: Kernel, sock: int, packet: Packet) -> bool:
    """What the packet acknowledges and which window it offers; False if the socket is gone after it (`tcp_ack`)."""
    tcp = k.world.tcps[sock]
    ack = packet.ack
    flying = tcp.snd_max - tcp.snd_una
    if tcp.snd_una < ack <= tcp.snd_max:
        end = tcp.fin if tcp.fin and ack > tcp.fin else ack
        n = end - max(tcp.snd_una, 1)
        cwnd = min(tcp.cwnd + min(n, 2 * MSS), MOST_WINDOW)
        k.emit(AckReceived, sock, ack, max(n, 0), packet.window, cwnd, 0)
        stop_timer(k, sock)
        if n > 0:
            write_space(k, sock)
        if tcp.fin and ack > tcp.fin:
            state = k.world.sockets[sock].state
            if state == FIN_WAIT1:
                k.emit(SocketStateChanged, sock, FIN_WAIT2)
                k.wake(sock, 0, everyone=True)
            elif state == CLOSING:
                time_wait(k, sock)
                return False
            elif state == LAST_ACK:
                closed(k, sock)
                return False
        elif ack < tcp.snd_max:
            start_timer(k, sock)
    elif ack == tcp.snd_una:
        same = packet.window == tcp.snd_wnd
        duplicate = same and flying > 0 and not packet.data and "F" not in packet.flags
        if not same or duplicate:
            dupacks = tcp.dupacks + 1 if duplicate else tcp.dupacks
            k.emit(AckReceived, sock, ack, 0, packet.window, tcp.cwnd, dupacks)
            if duplicate and dupacks == 3:
                fast_retransmit(k, sock)
            elif not same and flying == 0:
                stop_timer(k, sock)
    return True


def _data(k: Kernel, sock: int, packet: Packet) -> None:
    """Payload and FIN, if they are what comes next (`tcp_data_queue`)."""
    world = k.world
    tcp = world.tcps[sock]
    row = world.sockets[sock]
    data = packet.data
    cause = k.cause
    if packet.seq != tcp.rcv_nxt:
        k.cause = k.emit(SegmentRefused, sock, packet.seq, "out of order" if packet.seq > tcp.rcv_nxt else "duplicate")
        send_ack(k, sock)
        k.cause = cause
        return
    if data:
        if row.orphan:
            send_reset(k, sock, "data after close")
            release_socket(k, row)
            return
        if row.shutdown & RCV_SHUTDOWN and row.state in (FIN_WAIT1, FIN_WAIT2):
            send_reset(k, sock, "data after shutdown")  # both directions were shut: RFC 1122, 4.2.2.13
            receive_reset(k, sock)
            return
        if tcp.rcv_nxt + len(data) > tcp.rcv_adv:
            k.emit(SegmentRefused, sock, packet.seq, "no window")
            k.net.acks[sock] = cause
            return
        k.cause = k.emit(SegmentReceived, sock, k.new_id(), data, len(data) + OVERHEAD)
        k.net.acks[sock] = k.cause
        if world.wait_queues[sock].head and world.buffers[sock * 2].bytes >= row.lowat:
            k.wake(sock, READABLE)
        k.cause = cause
    if "F" in packet.flags:
        k.emit(ControlReceived, sock)
        if row.state == FIN_WAIT2:
            send_ack(k, sock)
            time_wait(k, sock)
            return
        k.net.acks[sock] = cause
        if row.state in (ESTABLISHED, FIN_WAIT1):
            k.cause = k.emit(FinReceived, sock, CLOSE_WAIT if row.state == ESTABLISHED else CLOSING)
            k.wake(sock, 0, everyone=True)
            k.cause = cause
