"""UDP and UDP-Lite: datagrams, whole or not at all. On loopback they arrive at once; over the link as packets.

A receive buffer that is full drops what comes, and the sender is not told. A datagram for a port that nobody has comes
back as an ICMP message, which a connected sender finds as ECONNREFUSED. UDP-Lite has ports of its own; how much of a
datagram its checksum covers makes no difference where no bit is ever wrong. Source: Linux `net/ipv4/udp.c`.
"""

from __future__ import annotations

from errno import EAGAIN, ECONNREFUSED, EDESTADDRREQ, EINTR, EINVAL, EMSGSIZE, ENOTCONN, EPIPE
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.hardware.nic import transmit
from ioviz.machine.kernel.ancillary import HOPS, LINK, LOOPBACK, Arrival, collect, marks_of
from ioviz.machine.kernel.files import O_NONBLOCK
from ioviz.machine.kernel.inet import (
    AF_INET6,
    IPPROTO_UDP,
    IPPROTO_UDPLITE,
    SO_REUSEPORT,
    SOL_SOCKET,
    bind_port,
    from_user,
    matches,
    option,
    parse,
    release_port,
    route,
    show,
    user_address,
)
from ioviz.machine.kernel.sock import MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, SO_RCVTIMEO, deadline, sleep_for_packet
from ioviz.machine.kernel.tcp_state import READABLE, WRITABLE
from ioviz.model.buffer import DatagramDropped, DatagramReceived, DatagramTaken
from ioviz.model.poll_bits import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM
from ioviz.model.socket import (
    CLOSE,
    ESTABLISHED,
    RCV_SHUTDOWN,
    SEND_SHUTDOWN,
    SocketConnected,
    SocketErrorSet,
    SocketReleased,
    SocketShutdown,
)

if TYPE_CHECKING:
    from ioviz.machine.kernel.ancillary import Marks
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.machine.kernel.scm import Item
    from ioviz.model.files import OpenFile
    from ioviz.model.nic import Packet
    from ioviz.model.socket import Socket

LARGEST: Final = 65507
FLAGS: Final = {IPPROTO_UDP: "U", IPPROTO_UDPLITE: "UDP-Lite"}
"""How packets of a protocol are marked on the link, and those that say that one was not wanted."""
UNREACHABLE: Final = {IPPROTO_UDP: "unreachable", IPPROTO_UDPLITE: "unreachable (UDP-Lite)"}
PROTOCOLS: Final = {
    mark: (of, arrived) for arrived, by in ((True, FLAGS), (False, UNREACHABLE)) for of, mark in by.items()
}
"""The protocol of a mark, and whether the packet is a datagram."""


def truesize(n: int) -> int:
    """What a datagram of `n` bytes is charged: the `sk_buff` and the power of two that holds data, headers and its
    end."""
    if n + 44 >= 16064:
        return 832 + n  # the data is in pages of its own
    size = (n + 44 + 63 & ~63) + 320
    return 256 + (576 if size <= 576 else 1 << (size - 1).bit_length())


def udp_connect(k: Kernel, row: Socket, address: Any) -> int:
    """Remember the peer: only its datagrams are taken from now on, and `send` needs no address."""
    place = from_user(row, address)
    if isinstance(place, int):
        return place
    ip, port = place
    ip = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ip, ip)
    there = route(k, row.host, ip)
    if there < 0:
        return there
    local = _bound(k, row, ip, there)
    if isinstance(local, int):
        return local
    k.emit(SocketConnected, row.id, ESTABLISHED, local, show(ip, port), 0)
    return 0


def _autobind(k: Kernel, row: Socket) -> int:
    """The port of a socket, which gets one if it has none (`inet_autobind`); or an errno."""
    port = parse(row.local)[1]
    if not port:
        ip = "::" if row.family == AF_INET6 else "0.0.0.0"
        port = bind_port(k, row, ip, 0)
        if port >= 0:
            k.emit(SocketConnected, row.id, row.state, show(ip, port), "", 0)
    return port


def _bound(k: Kernel, row: Socket, ip: str, there: int) -> str | int:
    """The local address for sending to `ip`; the socket gets a port if it has none."""
    port = _autobind(k, row)
    if port < 0:
        return port
    source = parse(k.world.sockets[row.id].local)[0]
    if source in ("0.0.0.0", "::"):
        source = k.world.hosts[row.host].address if there != row.host else "::1" if ":" in ip else ip
        if source.startswith("127."):
            source = "127.0.0.1"
    return show(source, port)


def udp_sendmsg(k: Kernel, row: Socket, data: bytes, address: Any, items: tuple[Item, ...] = ()) -> int:
    """send(2) and sendto(2); `items` are ancillary."""
    port = _autobind(k, row)
    if port < 0:
        return port
    row = k.world.sockets[row.id]
    if len(data) > LARGEST:
        return -EMSGSIZE
    if address is None:
        if not row.remote:
            return -EDESTADDRREQ
        ip, port = parse(row.remote)
    else:
        place = from_user(row, address)
        if isinstance(place, int):
            return place
        ip, port = place
        if not port:
            return -EINVAL
        ip = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ip, ip)
    there = route(k, row.host, ip)
    if there < 0:
        return there
    local = _bound(k, row, ip, there)
    if isinstance(local, int):
        return local
    marks = marks_of(k, row, items)
    if isinstance(marks, int):
        return marks
    if marks.source:
        local = show(marks.source, parse(local)[1])
    if row.error:  # these two are looked at where the sk_buff is made: sock_alloc_send_skb()
        k.emit(SocketErrorSet, row.id, 0)
        return -row.error
    if row.shutdown & SEND_SHUTDOWN:
        return -EPIPE
    cause = k.cause
    if k.world.wait_queues[row.id].head:
        k.wake(row.id, WRITABLE)  # the driver takes the sk_buff from the sender's account: sock_wfree()
    if there == row.host:
        if not _deliver(k, row.host, row.protocol, local, show(ip, port), data, marks):
            _unreachable(k, row.host, row.protocol, local, show(ip, port))
    else:
        transmit(k, local, show(ip, port), FLAGS[row.protocol], 0, 0, 0, data, k.new_id())
    k.cause = cause
    return len(data)


def _find(k: Kernel, host: int, protocol: int, target: str, source: str) -> int:
    ip, port = parse(target)
    best, score = 0, -1
    group: list[int] = []
    for sock in k.net.ports.get((host, protocol, port), ()):
        row = k.world.sockets[sock]
        if row.remote and row.remote != source:
            continue
        if not matches(k.world, row, ip):
            continue
        points = 2 * bool(row.remote) + (parse(row.local)[0] == ip)
        if points > score:
            group.clear()
        if points >= score:
            best, score = sock, points
            group.append(sock)
    if len(group) > 1 and option(k.world, best, SOL_SOCKET, SO_REUSEPORT):
        return group[(parse(source)[1] * 40503 >> 3) % len(group)]
    return best


def _deliver(
    k: Kernel, host: int, protocol: int, source: str, target: str, data: bytes, marks: Marks | None = None
) -> bool:
    sock = _find(k, host, protocol, target, source)
    if not sock:
        return False
    rx = sock * 2
    buffer = k.world.buffers[rx]
    charge = truesize(len(data))
    if buffer.truesize and buffer.truesize + charge > buffer.limit:
        k.emit(DatagramDropped, rx, len(data))
        return True
    segment = k.new_id()
    k.net.arrivals[segment] = (
        Arrival(target, LINK, HOPS, 0) if marks is None else Arrival(target, LOOPBACK, marks.hops, marks.tclass)
    )
    k.cause = k.emit(DatagramReceived, rx, segment, data, charge, source)
    if k.world.wait_queues[sock].head:
        k.wake(sock, READABLE)
    return True


def _unreachable(k: Kernel, host: int, protocol: int, source: str, target: str) -> None:
    """ICMP says that nobody has the port `target`: `source`, if connected to it, is told by an error."""
    sock = _find(k, host, protocol, source, target)
    if sock and k.world.sockets[sock].remote == target:
        k.cause = k.emit(SocketErrorSet, sock, ECONNREFUSED)
        k.wake(sock, POLLERR)


def udp_rcv(k: Kernel, host: int, packet: Packet) -> None:
    """A datagram, or the message that one was not wanted, came over the link."""
    protocol, arrived = PROTOCOLS[packet.flags]
    if not arrived:
        _unreachable(k, host, protocol, packet.target, packet.source)
    elif not _deliver(k, host, protocol, packet.source, packet.target, packet.data):
        transmit(k, packet.target, packet.source, UNREACHABLE[protocol], 0, 0, 0, b"", k.new_id())


def udp_recvmsg(k: Kernel, file: OpenFile, row: Socket, n: int, flags: int, room: int = 0) -> Result:
    """recvmsg(2) with `room` bytes for ancillary data: (length, (bytes, address, truncated, items, flags)). The length
    is the datagram's own with MSG_TRUNC."""
    world = k.world
    sock = row.id
    until = -1
    while True:
        row = world.sockets[sock]
        if row.error:
            k.emit(SocketErrorSet, sock, 0)
            return -row.error
        if head := world.buffers[sock * 2].head:
            break
        if flags & MSG_DONTWAIT or file.flags & O_NONBLOCK:
            return -EAGAIN
        if row.shutdown & RCV_SHUTDOWN:
            return 0, (b"", None, False, (), 0)
        if until < 0:
            until = deadline(k, sock, SO_RCVTIMEO)
        why = sleep_for_packet(k, file, sock, until)
        if why != "event":
            return -EINTR if why == "signal" else -EAGAIN
    data = world.segments[head].data
    sender = world.senders[head]
    items, seen = collect(k, row, head, room)
    if not flags & MSG_PEEK:
        k.net.arrivals.pop(head, None)
        k.emit(DatagramTaken, sock * 2, min(n, len(data)))
    length = len(data) if flags & MSG_TRUNC else min(n, len(data))
    return length, (data[:n], user_address(row, sender), len(data) > n, items, seen)


def udp_poll(k: Kernel, row: Socket) -> int:
    """`udp_poll`: `datagram_poll`."""
    mask = POLLOUT | POLLWRNORM | POLLWRBAND
    if row.error:
        mask |= POLLERR
    if row.shutdown & RCV_SHUTDOWN:
        mask |= POLLRDHUP | POLLIN | POLLRDNORM
    if row.shutdown == RCV_SHUTDOWN | SEND_SHUTDOWN:
        mask |= POLLHUP
    if k.world.buffers[row.id * 2].head:
        mask |= POLLIN | POLLRDNORM
    return mask


def udp_shutdown(k: Kernel, row: Socket, how: int) -> int:
    """shutdown(2): of a connected socket only, though the bits are set in any case."""
    k.emit(SocketShutdown, row.id, row.shutdown | (how + 1))
    k.wake(row.id, 0, everyone=True)
    return -ENOTCONN if row.state == CLOSE else 0


def udp_close(k: Kernel, row: Socket) -> None:
    """The last reference is gone."""
    segment = k.world.buffers[row.id * 2].head
    while segment:
        k.net.arrivals.pop(segment, None)
        segment = k.world.segments[segment].next
    release_port(k, row.host, row.protocol, row.local, row.id)
    k.emit(SocketReleased, row.id)
