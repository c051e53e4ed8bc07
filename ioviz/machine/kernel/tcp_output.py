"""TCP over the link, outgoing: segments, windows, acknowledgements, retransmission.

Sources: Linux `net/ipv4/tcp_output.c`, `tcp_timer.c`; RFC 9293, 5681, 6298. Where Linux differs: it has SACK, delayed
acknowledgements and a choice of congestion control; here the receiver acknowledges once a softirq, and after a loss the
sender goes back to the first byte that was not acknowledged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.hardware.nic import transmit
from ioviz.machine.kernel.inet import IPPROTO_TCP, option
from ioviz.machine.kernel.tcp_state import give_up, receive_reset, stop_timer, window
from ioviz.model.buffer import bytes_at
from ioviz.model.idt import TIMER
from ioviz.model.socket import (
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT1,
    FIN_WAIT2,
    LAST_ACK,
    SYN_RECV,
    SYN_SENT,
    RstSent,
)
from ioviz.model.softirq import TIMER as TIMER_SOFTIRQ
from ioviz.model.softirq import SoftirqEntered, SoftirqRaised, SoftirqRan
from ioviz.model.tcp import RetransmitStarted, SegmentSent, TcpOpened

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel

MSS: Final = 1460
INITIAL_WINDOW: Final = 10 * MSS
SNDBUF_LINK: Final = 87040
"""What Linux makes of the send buffer when a connection with this MSS is established."""
TCP_NODELAY: Final = 1
SYN_TIMEOUT: Final = 10**9
RTO: Final = 200_000_000
SYN_RETRIES: Final = 6
RETRIES: Final = 15
SENDING: Final = (ESTABLISHED, CLOSE_WAIT, FIN_WAIT1, CLOSING, LAST_ACK)


def open_connection(k: Kernel, sock: int, rcv_nxt: int) -> None:
    """Make the row of sequence numbers and the lookup."""
    row = k.world.sockets[sock]
    k.emit(TcpOpened, sock, rcv_nxt, min(65535, window(k.world.buffers[sock * 2].limit)), INITIAL_WINDOW)
    k.net.connections[(row.host, row.local, row.remote)] = sock


def send_syn(k: Kernel, sock: int) -> None:
    """The first segment of a handshake."""
    open_connection(k, sock, 0)
    send(k, sock, "S", 0, b"")
    start_timer(k, sock)


def send(k: Kernel, sock: int, flags: str, number: int, data: bytes) -> None:
    """Make a segment, with the acknowledgement and the window of this moment, and give it to the driver."""
    world = k.world
    row = world.sockets[sock]
    tcp = world.tcps[sock]
    buffer = world.buffers[sock * 2]
    whole = window(buffer.limit)
    free = whole - buffer.bytes
    edge = tcp.rcv_adv
    if free >= min(MSS, whole >> 1) and tcp.rcv_nxt + free > edge:
        edge = tcp.rcv_nxt + free
    packet = k.new_id()
    cause = k.cause
    k.cause = k.emit(SegmentSent, sock, packet, flags, number, len(data), edge, number < tcp.snd_max)
    k.net.acks.pop(sock, None)
    ack = tcp.rcv_nxt if flags != "S" else 0
    transmit(k, row.local, row.remote, flags, number, ack, edge - tcp.rcv_nxt, data, packet)
    k.cause = cause


def send_ack(k: Kernel, sock: int) -> None:
    """A segment with nothing but an acknowledgement and a window."""
    tcp = k.world.tcps.get(sock)
    if tcp is not None:
        send(k, sock, ".", tcp.snd_max, b"")


def send_reset(k: Kernel, sock: int, why: str) -> None:
    """Break the connection off."""
    row = k.world.sockets[sock]
    tcp = k.world.tcps.get(sock)
    if tcp is None:
        return
    cause = k.cause
    k.cause = k.emit(RstSent, sock, why)
    k.net.acks.pop(sock, None)
    transmit(k, row.local, row.remote, "R.", tcp.snd_max, tcp.rcv_nxt, 0, b"", k.new_id())
    k.cause = cause
    stop_timer(k, sock)
    k.net.connections.pop((row.host, row.local, row.remote), None)


def write_xmit(k: Kernel, sock: int) -> None:
    """Send what the windows allow (`tcp_write_xmit`), then the FIN if one is due."""
    world = k.world
    tcp = world.tcps.get(sock)
    row = world.sockets.get(sock)
    if tcp is None or row is None or row.state not in SENDING:
        return
    tx = sock * 2 + 1
    finishing = row.state in (FIN_WAIT1, CLOSING, LAST_ACK)
    nodelay = option(world, sock, IPPROTO_TCP, TCP_NODELAY)
    while True:
        tcp = world.tcps[sock]
        flying = tcp.snd_nxt - tcp.snd_una
        sent = tcp.snd_nxt - max(tcp.snd_una, 1)
        left = world.buffers[tx].bytes - sent
        if left > 0:
            n = left if left < MSS else MSS
            room = min(tcp.snd_wnd, tcp.cwnd) - flying
            if n > room:
                if flying or room <= 0:
                    break
                n = room
            if n < MSS and flying and not nodelay and not finishing:
                break  # Nagle: no second small segment before the first one is acknowledged
            send(k, sock, "P." if n == left else ".", tcp.snd_nxt, bytes_at(world, tx, sent, n))
        elif left == 0 and finishing and not (tcp.fin and tcp.snd_una > tcp.fin):
            send(k, sock, "F.", tcp.snd_nxt, b"")
            break
        else:
            break
    tcp = world.tcps[sock]
    if sock not in k.net.timers and (tcp.snd_nxt > tcp.snd_una or world.buffers[tx].bytes):
        start_timer(k, sock)


def window_update(k: Kernel, sock: int) -> None:
    """The program has read: tell the peer, if the window has grown enough to be worth it (`tcp_cleanup_rbuf`)."""
    tcp = k.world.tcps.get(sock)
    if tcp is None or k.world.sockets[sock].state not in (ESTABLISHED, FIN_WAIT1, FIN_WAIT2):
        return
    buffer = k.world.buffers[sock * 2]
    whole = window(buffer.limit)
    free = whole - buffer.bytes
    offered = tcp.rcv_adv - tcp.rcv_nxt
    if 2 * offered <= whole and free >= 2 * offered and free >= min(MSS, whole >> 1):
        send_ack(k, sock)


def start_timer(k: Kernel, sock: int) -> None:
    """(Re)start the retransmission timer; it doubles with each time-out."""
    stop_timer(k, sock)
    row = k.world.sockets[sock]
    first = SYN_TIMEOUT if row.state in (SYN_SENT, SYN_RECV) else RTO + 2 * k.config.latency
    delay = min(first << k.world.tcps[sock].backoff, 120 * SYN_TIMEOUT)
    k.net.timers[sock] = k.after(delay, row.host, _timer, k, sock)


def timer_interrupt(k: Kernel, host: int, fn: Callable[..., object], *args: Any) -> None:
    """Run `fn(*args)` as the timer softirq of a timer interrupt."""

    def handler() -> None:
        k.cause = k.emit(SoftirqRaised, TIMER_SOFTIRQ)
        k.cause = k.emit(SoftirqEntered, TIMER_SOFTIRQ)
        fn(*args)
        k.emit(SoftirqRan, TIMER_SOFTIRQ, 1)

    k.interrupt(host, TIMER, handler)


def _timer(k: Kernel, sock: int) -> None:
    k.net.timers.pop(sock, None)
    row = k.world.sockets.get(sock)
    if row is not None and sock in k.world.tcps:
        timer_interrupt(k, row.host, _retransmit, k, sock)


def _retransmit(k: Kernel, sock: int) -> None:
    """The time is over without an acknowledgement (`tcp_retransmit_timer`, `tcp_probe_timer`)."""
    row = k.world.sockets[sock]
    tcp = k.world.tcps[sock]
    handshake = row.state in (SYN_SENT, SYN_RECV)
    if tcp.backoff >= (SYN_RETRIES if handshake else RETRIES):
        if row.state == SYN_RECV:
            receive_reset(k, sock)
        else:
            give_up(k, sock)
        return
    probing = not handshake and tcp.snd_nxt == tcp.snd_una
    k.cause = k.emit(RetransmitStarted, sock, "timeout", MSS)
    if handshake:
        send(k, sock, "S" if row.state == SYN_SENT else "S.", 0, b"")
    elif probing:
        send(k, sock, ".", tcp.snd_una - 1, b"")
    else:
        write_xmit(k, sock)
    start_timer(k, sock)


def fast_retransmit(k: Kernel, sock: int) -> None:
    """Three acknowledgements without progress: something was lost, and what follows it arrives (RFC 5681)."""
    tcp = k.world.tcps[sock]
    cause = k.cause
    k.cause = k.emit(RetransmitStarted, sock, "fast", max(2 * MSS, min(tcp.cwnd, tcp.snd_nxt - tcp.snd_una) // 2))
    write_xmit(k, sock)
    k.cause = cause
