"""Addresses and ports: who is bound to what, the ephemeral ports, and which socket a segment is for.

`Net` holds lookups that could be rebuilt from the world at any time; they spare a walk over every socket. An address in
a row is text, `1.2.3.4:80` or `[::1]:80`; hosts know 127.0.0.0/8, ::1 and their own address on the link.

Where Linux differs: its ephemeral ports start at a keyed hash of the addresses; here at an offset from the seed.
TIME-WAIT ends lazily here: a row whose 60 s are over is taken away when a port is wanted next.
"""

from __future__ import annotations

from collections import deque
from errno import EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EHOSTUNREACH, EINVAL, ENETUNREACH
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.socket import CLOSE, LISTEN, SocketBound, TimeWaitEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.ancillary import Arrival
    from ioviz.machine.kernel.core import Timer
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.socket import Socket
    from ioviz.model.world import World

AF_UNIX: Final = 1
AF_INET: Final = 2
AF_INET6: Final = 10
SOCK_STREAM: Final = 1
SOCK_DGRAM: Final = 2
SOCK_SEQPACKET: Final = 5
SOL_SOCKET: Final = 1
IPPROTO_TCP: Final = 6
IPPROTO_UDP: Final = 17
IPPROTO_IPV6: Final = 41
IPPROTO_UDPLITE: Final = 136
IPV6_V6ONLY: Final = 26
SO_REUSEADDR: Final = 2
SO_REUSEPORT: Final = 15

FIRST_PORT: Final = 32768
PORTS_OF_A_PARITY: Final = 14116
"""Ephemeral ports are 32768 to 60999; `connect` takes even ones first, `bind` to port 0 odd ones."""


class Net:
    """Lookups derived from the world. Keys start with the host."""

    def __init__(self, handler: Callable[[Kernel, int], None]) -> None:
        self.handler = handler
        """The driver's interrupt handler: kernel and host."""
        self.ports: dict[tuple[int, int, int], dict[int, None]] = {}
        """(host, protocol, port) → the sockets and TIME-WAITs that hold it."""
        self.taken: dict[tuple[int, int, int], int] = {}
        """(host, protocol, parity) → how many ephemeral ports of that parity are held."""
        self.listeners: dict[tuple[int, int], list[int]] = {}
        """(host, port) → listening sockets."""
        self.connections: dict[tuple[int, str, str], int] = {}
        """(host, local, remote) → connection over the link."""
        self.unix: dict[tuple[int, int | str], int] = {}
        """(host, inode or abstract name) → socket bound to it."""
        self.unix_names: dict[int, tuple[int, int | str]] = {}
        """Bound local socket → its key in `unix`."""
        self.peers: dict[int, int] = {}
        """Connected local socket → the process at the other end when they were connected (`sk_peer_cred`)."""
        self.arrivals: dict[int, Arrival] = {}
        """What can be asked of a datagram that waits to be received, by its segment."""
        self.corked: dict[int, Timer | None] = {}
        """Connections that do not send what is no full segment, each with the end of its waiting: see `cork`."""
        self.marks: dict[int, int] = {}
        """The place of the urgent byte in what a connection receives: see `urgent`."""
        self.next_port: dict[tuple[int, int], int] = {}
        self.time_waits: deque[tuple[int, int]] = deque()
        self.disconnecting: set[int] = set()
        """Sockets that were shut down once their connecting had failed: they connect no more (`SS_DISCONNECTING`)."""
        self.timers: dict[int, Timer] = {}
        """The retransmission timer of a socket."""
        self.qdisc: dict[int, deque[int]] = {}
        """Packets of a host that wait for a slot of the tx ring."""
        self.tx: dict[int, deque[tuple[int, int]]] = {}
        """What is in the tx ring of a host: packets, each with the event that queued it."""
        self.rx: dict[int, deque[int]] = {}
        """The packets in the rx ring of a host."""
        self.acks: dict[int, int] = {}
        """Connections that owe an acknowledgement at the end of this softirq, each with the event that asks for it."""
        self.routes: dict[str, int] = {}
        """Address on the link → host."""
        self.wire_free: dict[int, int] = {}
        """When the wire leaving a host is free again."""
        self.irq_free: dict[int, int] = {}
        """Before this time the card of a host raises no interrupt (moderation)."""


def option(world: World, sock: int, level: int, name: int, default: int = 0) -> int:
    """The value that was set for an option of a socket."""
    for row in world.options.get(sock, ()):
        if row[1] == name and row[0] == level:
            return row[2]
    return default


def show(ip: str, port: int) -> str:
    """An address as rows have it."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def parse(address: str) -> tuple[str, int]:
    """What `show` made, taken apart. An empty text is the wildcard."""
    if not address:
        return "0.0.0.0", 0
    ip, _, port = address.rpartition(":")
    return ip.strip("[]"), int(port)


def user_address(row: Socket, address: str) -> tuple[Any, ...]:
    """An address as a program sees it: (ip, port), and for IPv6 flow and scope."""
    ip, port = parse(address)
    if row.family == AF_INET6:
        if ":" not in ip:
            ip = "::" if ip == "0.0.0.0" else f"::ffff:{ip}"
        return ip, port, 0, 0
    return ip, port


def from_user(row: Socket, address: Any) -> tuple[str, int] | int:
    """The (ip, port) that a program gave, checked; an errno if it can't be one of the socket's family."""
    if not isinstance(address, tuple) or len(address) < 2:
        return -EINVAL
    ip, port = str(address[0]), int(address[1])
    if row.family == AF_INET and ":" in ip:
        return -EAFNOSUPPORT
    if ip.lower().startswith("::ffff:") and "." in ip:
        ip = ip[7:]
    return ip, port


def is_local(world: World, host: int, ip: str) -> bool:
    """Whether `ip` is an address of `host` itself."""
    return ip.startswith("127.") or ip == "::1" or ip == world.hosts[host].address


def route(k: Kernel, host: int, ip: str) -> int:
    """The host that `ip` leads to, or an errno."""
    if is_local(k.world, host, ip):
        return host
    there = k.net.routes.get(ip)
    if there:
        return there
    own = k.world.hosts[host].address
    same_link = bool(own) and ip.rpartition(".")[0] == own.rpartition(".")[0] and ":" not in ip
    return -EHOSTUNREACH if same_link and k.net.routes else -ENETUNREACH


def _overlap(a: str, b: str, a_v6only: bool, b_v6only: bool) -> bool:
    if a == b:
        return True
    a6, b6 = ":" in a, ":" in b
    if a6 == b6:
        return a in ("0.0.0.0", "::") or b in ("0.0.0.0", "::")
    return (a == "::" and not a_v6only) or (b == "::" and not b_v6only)


def _conflict(k: Kernel, row: Socket, ip: str, holders: dict[int, None]) -> bool:
    """Whether any holder of the port forbids `row` to bind it too (`inet_csk_bind_conflict`)."""
    world = k.world
    sock = row.id
    reuse = bool(option(world, sock, SOL_SOCKET, SO_REUSEADDR))
    reuseport = bool(option(world, sock, SOL_SOCKET, SO_REUSEPORT))
    v6only = bool(option(world, sock, IPPROTO_IPV6, IPV6_V6ONLY))
    udp = row.type == SOCK_DGRAM
    for holder in holders:
        if holder == sock:
            continue
        other = world.sockets.get(holder)
        if other is None:
            gone = world.time_waits.get(holder)
            if gone is None or (reuse and gone.reuse):
                continue
            if _overlap(ip, parse(gone.local)[0], v6only, False):
                return True
            continue
        other_v6only = bool(option(world, holder, IPPROTO_IPV6, IPV6_V6ONLY))
        if not _overlap(ip, parse(other.local)[0], v6only, other_v6only):
            continue
        if reuse and option(world, holder, SOL_SOCKET, SO_REUSEADDR) and (udp or other.state != LISTEN):
            continue
        if reuseport and option(world, holder, SOL_SOCKET, SO_REUSEPORT):
            continue
        return True
    return False


def bind_port(k: Kernel, row: Socket, ip: str, port: int, parity: int = 1) -> int:
    """Take `port` (0: any) for a socket; the port, or an errno (`inet_csk_get_port`)."""
    net, host, protocol = k.net, row.host, row.protocol
    _end_time_waits(k)
    if port:
        holders = net.ports.get((host, protocol, port))
        if holders and _conflict(k, row, ip, holders):
            return -EADDRINUSE
    else:
        port = _ephemeral(k, host, protocol, parity)
        if port < 0:
            return port
    hold_port(k, host, protocol, port, row.id)
    return port


def _ephemeral(k: Kernel, host: int, protocol: int, parity: int) -> int:
    net = k.net
    ports = net.ports
    for wanted in (parity, 1 - parity):
        if net.taken.get((host, protocol, wanted), 0) >= PORTS_OF_A_PARITY:
            continue
        start = net.next_port.get((host, wanted))
        if start is None:
            start = k.random.randrange(PORTS_OF_A_PARITY)
        for step in range(PORTS_OF_A_PARITY):
            at = (start + step) % PORTS_OF_A_PARITY
            port = FIRST_PORT + wanted + 2 * at
            if not ports.get((host, protocol, port)):
                net.next_port[(host, wanted)] = at + 1
                return port
    # tcp_tw_reuse: rather than fail, take the port of the oldest TIME-WAIT.
    while net.time_waits:
        gone = k.world.time_waits.get(net.time_waits.popleft()[1])
        if gone is not None:
            port = parse(gone.local)[1]
            _end_time_wait(k, gone.id)
            if not ports.get((host, protocol, port)):
                return port
    return -EADDRNOTAVAIL


def _end_time_waits(k: Kernel) -> None:
    """Take away the TIME-WAITs whose time is over. Amortised O(1)."""
    rows = k.net.time_waits
    while rows and rows[0][0] <= k.now:
        _end_time_wait(k, rows.popleft()[1])


def _end_time_wait(k: Kernel, id: int) -> None:
    row = k.world.time_waits.get(id)
    if row is not None:
        k.emit(TimeWaitEnded, id)
        release_port(k, row.host, IPPROTO_TCP, row.local, id)


def hold_port(k: Kernel, host: int, protocol: int, port: int, holder: int) -> None:
    """A connection or a TIME-WAIT holds a port too."""
    net = k.net
    holders = net.ports.get((host, protocol, port))
    if holders is None:
        net.ports[(host, protocol, port)] = {holder: None}
        if FIRST_PORT <= port < FIRST_PORT + 2 * PORTS_OF_A_PARITY:
            key = (host, protocol, port & 1)
            net.taken[key] = net.taken.get(key, 0) + 1
    else:
        holders[holder] = None


def release_port(k: Kernel, host: int, protocol: int, local: str, holder: int) -> None:
    """`holder` does not hold the port of `local` any more."""
    if not local:
        return
    key = (host, protocol, int(local.rpartition(":")[2]))
    holders = k.net.ports.get(key)
    if holders is not None:
        holders.pop(holder, None)
        if not holders:
            del k.net.ports[key]
            if FIRST_PORT <= key[2] < FIRST_PORT + 2 * PORTS_OF_A_PARITY:
                k.net.taken[(host, protocol, key[2] & 1)] -= 1


def may_listen(k: Kernel, row: Socket) -> bool:
    """Whether nobody forbids a bound socket to listen: bind(2) is asked again (`inet_csk_listen_start`)."""
    ip, port = parse(row.local)
    return not _conflict(k, row, ip, k.net.ports[(row.host, row.protocol, port)])


def _may_bind_any(k: Kernel, row: Socket) -> bool:
    """Whether the socket may have an address that is not this host's."""
    freebind, v6_freebind, transparent = (0, 15), (IPPROTO_IPV6, 78), (0, 19)
    return any(option(k.world, row.id, *each) for each in (freebind, v6_freebind, transparent))


def inet_bind(k: Kernel, row: Socket, address: Any) -> int:
    """bind(2) for TCP and UDP."""
    place = from_user(row, address)
    if isinstance(place, int):
        return place
    ip, port = place
    if row.local and (row.bound or row.state != CLOSE or row.type == SOCK_DGRAM):
        return -EINVAL
    if ip not in ("0.0.0.0", "::") and not is_local(k.world, row.host, ip) and not _may_bind_any(k, row):
        return -EADDRNOTAVAIL
    got = bind_port(k, row, ip, port)
    if got < 0:
        return got
    k.emit(SocketBound, row.id, show(ip, got))
    return 0


def matches(world: World, row: Socket, ip: str) -> bool:
    """Whether a socket bound as `row` is takes what comes for address `ip`."""
    local = parse(row.local)[0]
    if local == ip:
        return True
    if ":" in ip:
        return local == "::"
    return local == "0.0.0.0" or (local == "::" and not option(world, row.id, IPPROTO_IPV6, IPV6_V6ONLY))


def find_listener(k: Kernel, host: int, ip: str, port: int, remote_port: int) -> int:
    """The listening socket for `ip`:`port` (0: none). Of several with SO_REUSEPORT the remote port chooses."""
    found = k.net.listeners.get((host, port))
    if not found:
        return 0
    world = k.world
    fitting = [sock for sock in found if matches(world, world.sockets[sock], ip)]
    if len(fitting) < 2:
        return fitting[0] if fitting else 0
    exact = [sock for sock in fitting if parse(world.sockets[sock].local)[0] == ip] or fitting
    return exact[(remote_port * 40503 >> 3) % len(exact)]
