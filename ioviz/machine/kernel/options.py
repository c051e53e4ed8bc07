"""The options of sockets: by level and number, what each is at first, and what may be set.

A rule takes the number that a program sets and gives what is kept, or the `Errno` by which it is refused.
The tables hold what programs set; a number that is in none of them is answered as Linux answers an unknown one.
Sources: Linux `net/core/sock.c`, `net/ipv4/tcp.c`, `net/ipv4/ip_sockglue.c`, `net/ipv6/ipv6_sockglue.c`,
`net/ipv4/udp.c`; tried value by value on Linux 6.18 (`tests/guests/socket_options.py`).

Which of them do something here: see each protocol. The others are kept and given back.
"""

from __future__ import annotations

from errno import EADDRNOTAVAIL, EINVAL, ENODEV
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

INT_MAX: Final = 0x7FFF_FFFF
SOMAXCONN: Final = 4096
MIN_RCVBUF: Final = 2304
INTERFACES: Final = (1, 2)
"""lo and eth0."""


class Errno(int):
    """What a rule gives for a value that is refused: the errno."""


INVALID: Final = Errno(EINVAL)


class Option(NamedTuple):
    """`rule` is None if it can only be read."""

    default: int
    rule: Callable[[int], int] | None


def _switch(value: int) -> int:
    return int(value != 0)


def _whole(value: int) -> int:
    return value


def _between(lowest: int, highest: int) -> Callable[[int], int]:
    return lambda value: value if lowest <= value <= highest else INVALID


def _hops(default: int, lowest: int) -> Callable[[int], int]:
    """-1 is the default."""
    return lambda value: default if value == -1 else value if lowest <= value <= 255 else INVALID


def _max_segment(value: int) -> int:
    return value if not value or 88 <= value <= 32767 else INVALID


def _linger2(value: int) -> int:
    return -1 if value < 0 else min(value, 120) or 60


def defer_accept(seconds: int) -> int:
    """`secs_to_retrans` and back: the SYN-ACK is sent again after 1, 2, 4 … 120 s, and so many of these are waited
    for as make up the time that was asked for."""
    if seconds <= 0:
        return 0
    total = timeout = 1
    while total < seconds and total < 29887:
        timeout = min(timeout * 2, 120)
        total += timeout
    return total


def _window_clamp(value: int) -> int:
    return value and max(value, MIN_RCVBUF // 2)


def _interface(value: int) -> int:
    return value if not value else INVALID if value in INTERFACES else Errno(ENODEV)


def _local_address(value: int) -> int:
    return value if not value or value & 0xFF == 127 else Errno(EADDRNOTAVAIL)


SWITCH: Final = Option(0, _switch)
ON: Final = Option(1, _switch)
NUMBER: Final = Option(0, _whole)
ZERO_OR_ONE: Final = Option(0, _between(0, 1))
ANY: Final = Option(0, _between(0, INT_MAX))

SOCKET: Final = {
    **dict.fromkeys((1, 2, 5, 6, 9, 10, 11, 15, 16), SWITCH),
    # SO_DEBUG, REUSEADDR, DONTROUTE, BROADCAST, KEEPALIVE, OOBINLINE, NO_CHECK, REUSEPORT, PASSCRED
    12: NUMBER,  # SO_PRIORITY
    14: Option(0, lambda value: 0),  # SO_BSDCOMPAT
    19: Option(1, None),  # SO_SNDLOWAT
    **dict.fromkeys(
        (29, 35, 40, 45, 69), SWITCH
    ),  # TIMESTAMP, TIMESTAMPNS, RXQ_OVFL, SELECT_ERR_QUEUE, PREFER_BUSY_POLL
    36: NUMBER,  # SO_MARK
    46: ANY,  # SO_BUSY_POLL
    49: Option(-1, _whole),  # SO_INCOMING_CPU
    56: Option(0, None),  # SO_INCOMING_NAPI_ID
}
TCP: Final = {
    1: SWITCH,  # TCP_NODELAY
    2: Option(536, _max_segment),  # TCP_MAXSEG
    3: SWITCH,  # TCP_CORK
    4: Option(7200, _between(1, 32767)),  # TCP_KEEPIDLE
    5: Option(75, _between(1, 32767)),  # TCP_KEEPINTVL
    6: Option(9, _between(1, 127)),  # TCP_KEEPCNT
    7: Option(6, _between(1, 127)),  # TCP_SYNCNT
    8: Option(60, _linger2),
    9: Option(0, defer_accept),
    10: Option(0, _window_clamp),
    12: ON,  # TCP_QUICKACK
    16: ZERO_OR_ONE,  # TCP_THIN_LINEAR_TIMEOUTS
    18: ANY,  # TCP_USER_TIMEOUT
    23: Option(0, lambda value: INVALID if value < 0 else min(value, SOMAXCONN)),  # TCP_FASTOPEN
    25: NUMBER,  # TCP_NOTSENT_LOWAT
}
UDP: Final = {
    101: SWITCH,  # UDP_NO_CHECK6_TX
    102: SWITCH,  # UDP_NO_CHECK6_RX
}
COVERAGE: Final = Option(0, lambda value: min(max(value, 8), 0xFFFF) if value else 0)
UDPLITE: Final = {10: COVERAGE, 11: COVERAGE}
"""UDPLITE_SEND_CSCOV, UDPLITE_RECV_CSCOV: bytes that the checksum covers."""
IP: Final = {
    1: Option(0, lambda value: value & 0xFF),  # IP_TOS
    2: Option(64, _hops(64, 1)),  # IP_TTL
    **dict.fromkeys((6, 7, 8, 11, 12, 13), SWITCH),  # RECVOPTS, RETOPTS, PKTINFO, RECVERR, RECVTTL, RECVTOS
    10: Option(1, _between(0, 5)),  # IP_MTU_DISCOVER
    15: SWITCH,  # IP_FREEBIND
    19: SWITCH,  # IP_TRANSPARENT
    20: SWITCH,  # IP_RECVORIGDSTADDR
    21: Option(0, _between(0, 255)),  # IP_MINTTL
    24: SWITCH,  # IP_BIND_ADDRESS_NO_PORT
    32: Option(0, _local_address),  # IP_MULTICAST_IF
    33: Option(1, _hops(1, 0)),  # IP_MULTICAST_TTL
    34: ON,  # IP_MULTICAST_LOOP
    49: Option(1, _between(0, 1)),  # IP_MULTICAST_ALL
}
IP_DATAGRAM: Final = frozenset({32, 33})
"""Not to be set for TCP."""
IPV6: Final = {
    16: Option(64, _hops(64, 0)),  # IPV6_UNICAST_HOPS
    17: Option(0, _interface),  # IPV6_MULTICAST_IF
    18: Option(1, _hops(1, 0)),  # IPV6_MULTICAST_HOPS
    19: Option(1, _between(0, 1)),  # IPV6_MULTICAST_LOOP
    23: Option(1, _between(0, 5)),  # IPV6_MTU_DISCOVER
    **dict.fromkeys((25, 26, 49, 51, 53, 56, 58, 60, 62, 66, 74, 78), SWITCH),
    # RECVERR, V6ONLY, RECVPKTINFO, RECVHOPLIMIT, RECVHOPOPTS, RECVRTHDR, RECVDSTOPTS, RECVPATHMTU, DONTFRAG,
    # RECVTCLASS, RECVORIGDSTADDR, FREEBIND
    29: ON,  # IPV6_MULTICAST_ALL
    67: Option(0, _hops(0, 0)),  # IPV6_TCLASS
    70: ON,  # IPV6_AUTOFLOWLABEL
    73: Option(0, _between(0, 255)),  # IPV6_MINHOPCOUNT
}
IPV6_DATAGRAM: Final = frozenset({17, 18})
NEEDS_A_BYTE: Final = frozenset({2, 15, 19, 21, 33, 34, 49})
"""Options of IP that take no empty value."""
GROUPS: Final = {(0, 35): 8, (0, 36): 8, (41, 20): 20, (41, 21): 20}
"""Joining and leaving a multicast group, and the size of what tells which: there is no such traffic here."""
