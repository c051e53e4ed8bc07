"""Ancillary data of datagrams: where one went, how many hops it had left, its traffic class.

A sender may set them for one datagram (`sendmsg`), a receiver that asked by an option gets them (`recvmsg`), in Linux's
order. Sources: Linux `net/ipv4/ip_sockglue.c` (`ip_cmsg_send`, `ip_cmsg_recv_offset`), `net/ipv6/datagram.c`
(`ip6_datagram_send_ctl`, `ip6_datagram_recv_ctl`), `net/core/scm.c` (`put_cmsg`), RFC 3542.

Where Linux differs: over the link every datagram arrives with 64 hops and class 0; extension headers (IPV6_HOPOPTS,
IPV6_DSTOPTS, IPV6_RTHDR) cannot be sent.
"""

from __future__ import annotations

import _socket as text  # only its texts of addresses; `socket` takes 3 ms to import
import struct
from errno import EINVAL, ENETUNREACH
from typing import TYPE_CHECKING, Final, NamedTuple

from ioviz.machine.kernel.errors import Unsupported
from ioviz.machine.kernel.inet import AF_INET, AF_INET6, IPPROTO_IPV6, SOL_SOCKET, is_local, option, parse
from ioviz.machine.kernel.scm import HEADER, MSG_CTRUNC, SCM_RIGHTS

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.machine.kernel.scm import Item
    from ioviz.model.socket import Socket

IPPROTO_IP: Final = 0
IP_TOS, IP_TTL, IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR = 1, 2, 8, 12, 13, 20
IPV6_UNICAST_HOPS, IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT = 16, 49, 50, 51, 52
IPV6_DONTFRAG, IPV6_RECVTCLASS, IPV6_TCLASS = 62, 66, 67
EXTENSIONS: Final = frozenset({54, 55, 57, 59})
"""IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, IPV6_RTHDR, IPV6_DSTOPTS."""
SCM_CREDENTIALS: Final = 2
SO_MARK: Final = 36
HOPS: Final = 64
LOOPBACK, LINK = 1, 2
"""Indices of the interfaces lo and eth0."""


class Marks(NamedTuple):
    """What a datagram carries beside its data; `source` is the address that its sender chose for it."""

    hops: int
    tclass: int
    source: str = ""


class Arrival(NamedTuple):
    """What a receiver may ask of a datagram that waits for it: the address it was sent to, interface, hops, class."""

    target: str
    interface: int
    hops: int
    tclass: int


def check_socket_items(items: tuple[Item, ...]) -> int:
    """`sock_cmsg_send`, for sockets that carry no files: 0 or an errno. Items of other levels are passed over."""
    for level, kind, data in items:
        if level != SOL_SOCKET or kind in (SCM_RIGHTS, SCM_CREDENTIALS):
            continue
        if kind != SO_MARK or len(data) != 4:
            return -EINVAL
    return 0


def marks_of(k: Kernel, row: Socket, items: tuple[Item, ...]) -> Marks | int:
    """What the ancillary items of a `sendmsg` make of a datagram of this socket, or an errno."""
    world, sock = k.world, row.id
    v6 = row.family == AF_INET6
    hops = option(world, sock, IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOPS) if v6 else option(world, sock, 0, IP_TTL, HOPS)
    tclass = option(world, sock, IPPROTO_IPV6, IPV6_TCLASS) if v6 else option(world, sock, 0, IP_TOS)
    source = ""
    wrong = check_socket_items(items)
    if wrong:
        return wrong
    for level, kind, data in items:
        if level != (IPPROTO_IPV6 if v6 else IPPROTO_IP):
            continue
        if v6 and kind in EXTENSIONS:
            raise Unsupported("extension headers of IPv6 (IPV6_HOPOPTS, IPV6_DSTOPTS, IPV6_RTHDR)")
        number = int.from_bytes(data[:4], "little", signed=True)
        if kind == (IPV6_PKTINFO if v6 else IP_PKTINFO):
            chosen = _source(k, row, data)
            if isinstance(chosen, int):
                return chosen
            source = chosen
        elif kind == (IPV6_HOPLIMIT if v6 else IP_TTL):
            if len(data) != 4 or not (-1 if v6 else 1) <= number <= 255:
                return -EINVAL
            hops = HOPS if number == -1 else number
        elif kind == (IPV6_TCLASS if v6 else IP_TOS):
            if not v6 and len(data) == 1:
                number = data[0]
            elif len(data) != 4 or not (-1 if v6 else 0) <= number <= 255:
                return -EINVAL
            tclass = max(number, 0)
        elif not v6 or kind != IPV6_DONTFRAG or len(data) != 4 or number not in (0, 1):
            return -EINVAL
    return Marks(hops, tclass, source)


def _source(k: Kernel, row: Socket, data: bytes) -> str | int:
    """The address in a struct in_pktinfo or in6_pktinfo, "" for any; an errno if it is none of this host."""
    if row.family == AF_INET:
        if len(data) != 12:
            return -EINVAL
        ip = text.inet_ntop(text.AF_INET, data[4:8])
    else:
        if len(data) < 20:
            return -EINVAL
        ip = text.inet_ntop(text.AF_INET6, data[:16])
    if ip in ("0.0.0.0", "::"):
        return ""
    return ip if is_local(k.world, row.host, ip) else -(ENETUNREACH if row.family == AF_INET else EINVAL)


def collect(k: Kernel, row: Socket, segment: int, room: int) -> tuple[tuple[Item, ...], int]:
    """What socket `row` has asked to be told of the datagram `segment`: the items that fit into `room` bytes, the last
    one perhaps cut, and MSG_CTRUNC if anything is missing."""
    arrival = k.net.arrivals.get(segment)
    asked = k.world.options.get(row.id)
    if arrival is None or asked is None:
        return (), 0
    on = {(level, name) for level, name, value in asked if value}
    wanted = [*_of_ipv6(on, arrival)] if row.family == AF_INET6 else []
    if ":" not in parse(arrival.target)[0]:
        wanted += _of_ipv4(on, arrival)
    items: list[Item] = []
    seen = 0
    for level, kind, data in wanted:
        if room < HEADER:
            seen = MSG_CTRUNC
            break
        fits = min(len(data), room - HEADER)
        if fits < len(data):
            seen = MSG_CTRUNC
        items.append((level, kind, data[:fits]))
        room = max(room - HEADER - (len(data) + 7 & ~7), 0)
    return tuple(items), seen


def _of_ipv4(on: set[tuple[int, int]], arrival: Arrival) -> list[Item]:
    ip, port = parse(arrival.target)
    place = text.inet_aton(ip)
    items: list[Item] = []
    if (IPPROTO_IP, IP_PKTINFO) in on:
        items.append((IPPROTO_IP, IP_PKTINFO, struct.pack("i", arrival.interface) + place + place))
    if (IPPROTO_IP, IP_RECVTTL) in on:
        items.append((IPPROTO_IP, IP_TTL, struct.pack("i", arrival.hops)))
    if (IPPROTO_IP, IP_RECVTOS) in on:
        items.append((IPPROTO_IP, IP_TOS, bytes((arrival.tclass,))))
    if (IPPROTO_IP, IP_RECVORIGDSTADDR) in on:
        sockaddr = struct.pack("<H", AF_INET) + struct.pack(">H", port) + place + bytes(8)
        items.append((IPPROTO_IP, IP_RECVORIGDSTADDR, sockaddr))
    return items


def _of_ipv6(on: set[tuple[int, int]], arrival: Arrival) -> list[Item]:
    ip = parse(arrival.target)[0]
    mapped = ":" not in ip
    items: list[Item] = []
    if (IPPROTO_IPV6, IPV6_RECVPKTINFO) in on:
        place = text.inet_pton(text.AF_INET6, f"::ffff:{ip}" if mapped else ip)
        items.append((IPPROTO_IPV6, IPV6_PKTINFO, place + struct.pack("i", arrival.interface)))
    if not mapped and (IPPROTO_IPV6, IPV6_RECVHOPLIMIT) in on:
        items.append((IPPROTO_IPV6, IPV6_HOPLIMIT, struct.pack("i", arrival.hops)))
    if not mapped and (IPPROTO_IPV6, IPV6_RECVTCLASS) in on:
        items.append((IPPROTO_IPV6, IPV6_TCLASS, struct.pack("i", arrival.tclass)))
    return items
