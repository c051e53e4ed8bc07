"""Services, protocols and the errors of the resolver: the parts of `getaddrinfo` that have to do with ports.

The tables are the usual lines of /etc/services and /etc/protocols; the rules are glibc's.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from ioviz.machine.user.shims.socket_constants import CONSTANTS

STREAM, DGRAM, RAW = 1, 2, 3
NUMERICSERV: Final = 1024
"""AI_NUMERICSERV."""
PROTOCOLS: Final = {"ip": 0, "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "ipv6": 41, "ipv6-icmp": 58, "sctp": 132}
SERVICES: Final = {
    "echo": (7, ("tcp", "udp")),
    "discard": (9, ("tcp", "udp")),
    "daytime": (13, ("tcp", "udp")),
    "ftp": (21, ("tcp",)),
    "ssh": (22, ("tcp",)),
    "telnet": (23, ("tcp",)),
    "smtp": (25, ("tcp",)),
    "time": (37, ("tcp", "udp")),
    "domain": (53, ("tcp", "udp")),
    "tftp": (69, ("udp",)),
    "http": (80, ("tcp",)),
    "pop3": (110, ("tcp",)),
    "ntp": (123, ("udp",)),
    "imap2": (143, ("tcp",)),
    "snmp": (161, ("tcp", "udp")),
    "https": (443, ("tcp", "udp")),
    "imaps": (993, ("tcp",)),
    "pop3s": (995, ("tcp",)),
}
EAI: Final = {
    "BADFLAGS": (-1, "Bad value for ai_flags"),
    "NONAME": (-2, "Name or service not known"),
    "FAMILY": (-6, "ai_family not supported"),
    "SOCKTYPE": (-7, "ai_socktype not supported"),
    "SERVICE": (-8, "Servname not supported for ai_socktype"),
    "ADDRFAMILY": (-9, "Address family for hostname not supported"),
}
ANY_PORT: Final = sys.version_info >= (3, 12)
"""Whether `getaddrinfo` takes ints of any size for a port."""


class gaierror(OSError):
    """An error of getaddrinfo(3)."""


class herror(OSError):
    """An error of gethostbyaddr(3)."""


gaierror.__module__ = herror.__module__ = "socket"


def no_address(reason: str) -> gaierror:
    """The error `EAI_<reason>`."""
    return gaierror(*EAI[reason])


def port_of(port: Any) -> int | str | None:
    """The port that `getaddrinfo` is given: a number from 0 to 2**31 - 1, or what it takes for a service's name."""
    if isinstance(port, int):
        number = int(port)
        if not -(1 << 63) <= number < 1 << 63 and not ANY_PORT:
            raise OverflowError("Python int too large to convert to C long")
        # glibc reads figures into an unsigned long and keeps them as an int; below zero that is no port.
        low = (number if abs(number) < 1 << 64 else -1) & 0xFFFF_FFFF
        return str(number) if low >> 31 else low
    if isinstance(port, str | bytes):
        text = port if isinstance(port, str) else port.decode()
        text.encode()  # raises what CPython raises for half a surrogate pair
        if "\0" in text:
            raise ValueError("embedded null character")
        return int(text) if text.isascii() and text.isdigit() else text
    if port is None:
        return None
    raise OSError("Int or String expected")


def kinds_of(kind: int, proto: int) -> list[tuple[int, int]]:
    """The (socket type, protocol) pairs that glibc's getaddrinfo considers."""
    table = ((STREAM, CONSTANTS["IPPROTO_TCP"]), (DGRAM, CONSTANTS["IPPROTO_UDP"]), (RAW, 0))
    found = [
        (each, number or proto) for each, number in table if kind in (0, each) and (proto in (0, number) or each == RAW)
    ]
    if not kind and proto and len(found) > 1:
        found = found[:1]
    if not found:
        raise no_address("SOCKTYPE")
    return found


def ports_of(service: int | str | None, kinds: list[tuple[int, int]], flags: int) -> list[tuple[int, int, int]]:
    """`kinds` with the port of `service` for each; those that lack the service fall out."""
    if service is not None and all(kind == RAW for kind, _ in kinds):
        raise no_address("SERVICE")
    if service is None or isinstance(service, int):
        return [(kind, proto, (service or 0) & 0xFFFF) for kind, proto in kinds]
    if flags & NUMERICSERV:
        raise no_address("NONAME")
    number, protocols = SERVICES.get(service, (0, ()))
    wanted = {STREAM: "tcp", DGRAM: "udp"}
    found = [(kind, proto, number) for kind, proto in kinds if wanted.get(kind) in protocols]
    if not found:
        raise no_address("SERVICE")
    return found


def service_of(port: int, proto: str | None) -> str | None:
    for name, (number, protocols) in SERVICES.items():
        if number == port and (proto is None or proto in protocols):
            return name
    return None
