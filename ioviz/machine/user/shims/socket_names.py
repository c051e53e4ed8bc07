"""Names of the network, resolved inside the simulation: `getaddrinfo` and its relatives, services, interfaces.

What exists: numeric addresses, `localhost`, the guest's own host and the other hosts of the run, by their names. There
is no resolver behind it, so every other name is unknown, and nothing here enters the kernel.
Source: `Modules/socketmodule.c`; results and errors are those of glibc with an /etc/hosts of these names.
"""

from __future__ import annotations

import _socket as host
import sys
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims.arguments import c_int, failure
from ioviz.machine.user.shims.socket_services import (
    PROTOCOLS,
    SERVICES,
    herror,
    kinds_of,
    no_address,
    port_of,
    ports_of,
    service_of,
)
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

AF_UNSPEC, AF_INET, AF_INET6 = 0, 2, 10
INTERFACES: Final = ((1, "lo"), (2, "eth0"))
UNSIGNED_INDEX: Final = sys.version_info >= (3, 13)
PASSIVE, CANONNAME, NUMERICHOST = 1, 2, 4
KNOWN_FLAGS: Final = 0x7FF
NI_NUMERICHOST, NI_NUMERICSERV, NI_NAMEREQD, NI_DGRAM = 1, 2, 8, 16
ENXIO: Final = 6
Found = tuple[int, int, int, str, tuple[Any, ...]]
"""(family, type, proto, canonname, sockaddr)."""
REMEMBERED: Final = 256
"""Answers of `getaddrinfo` that are kept."""


def host_name(name: Any) -> str:
    """idna_converter: a host name as text; str, bytes and bytearray will do."""
    if isinstance(name, bytes | bytearray):
        text = bytes(name).decode("latin-1")
    elif isinstance(name, str):
        text = name if name.isascii() else name.encode("idna").decode("ascii")
    else:
        raise TypeError(f"str, bytes or bytearray expected, not {type(name).__name__}")
    if "\0" in text:
        raise TypeError("host name must not contain null character")
    return text


def numeric(text: str) -> tuple[int, str] | None:
    """(family, canonical text) if `text` is an address in figures; the scope of an IPv6 address is left out."""
    try:
        return AF_INET, host.inet_ntoa(host.inet_aton(text))
    except (OSError, ValueError):
        pass
    plain, mark, scope = text.partition("%")
    if mark and scope_id(scope) is None:
        return None
    try:
        return AF_INET6, host.inet_ntop(host.AF_INET6, host.inet_pton(host.AF_INET6, plain))
    except (OSError, ValueError):
        return None


def scope_id(scope: str) -> int | None:
    """The index that stands behind the % of an IPv6 address, in figures or as an interface's name; "" is 0."""
    if not scope:
        return 0
    if scope.isascii() and scope.isdigit():
        return int(scope)
    return next((index for index, name in INTERFACES if name == scope), None)


def is_link_local(address: str) -> bool:
    """Whether the canonical IPv6 address `address` means nothing without its interface."""
    return address.startswith(("fe80:", "ff02:", "ff01:"))


class Names:
    """The functions of `_socket` that deal in names, for one guest."""

    UNDERSCORED = ()

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._known: dict[tuple[str | None, int | str | None, tuple[int, ...]], tuple[Found, ...]] = {}

    def _hosts(self) -> dict[str, str]:
        """Name → IPv4 address of every host of the run."""
        world = getattr(self._guest.kernel, "world", None)
        return {} if world is None else {row.name: row.address for row in world.hosts.values()}

    def _find(self, name: str, family: int) -> list[tuple[int, str]]:
        """The (family, address) pairs of a name, which must not be empty."""
        found = numeric(name)
        if found is not None:
            if family not in (AF_UNSPEC, found[0]):
                raise no_address("ADDRFAMILY")
            return [found]
        lower = name.lower().rstrip(".")
        if lower == "localhost" or lower.endswith(".localhost"):
            return [(AF_INET6, "::1")] if family == AF_INET6 else [(AF_INET, "127.0.0.1")]
        if lower in ("ip6-localhost", "ip6-loopback"):
            if family == AF_INET:
                raise no_address("ADDRFAMILY")
            return [(AF_INET6, "::1")]
        address = self._hosts().get(lower) or ("127.0.0.1" if lower == self._guest.host_name.lower() else None)
        if address is None:
            raise no_address("NONAME")
        if family == AF_INET6:
            raise no_address("ADDRFAMILY")
        return [(AF_INET, address)]

    def address_of(self, name: str, family: int) -> str:
        """setipaddr: the address that a socket address of `family` means by `name`; '' is any."""
        if not name:
            return "0.0.0.0" if family == AF_INET else "::"
        if name in ("<broadcast>", "255.255.255.255"):
            if family != AF_INET:
                raise OSError("address family mismatched")
            return "255.255.255.255"
        return self._find(name, family)[0][1]

    # -- getaddrinfo and getnameinfo

    def getaddrinfo(
        self, host: Any, port: Any, family: Any = AF_UNSPEC, type: Any = 0, proto: Any = 0, flags: Any = 0
    ) -> list[Found]:
        """Resolve host and port into a list of (family, type, proto, canonname, sockaddr)."""
        if host is not None and not isinstance(host, str | bytes):
            raise TypeError("getaddrinfo() argument 1 must be string or None")
        service = port_of(port)
        wanted = (c_int(family), c_int(type), c_int(proto), c_int(flags))
        name = None if host is None else host_name(host)
        # What a name stands for does not change: clients that connect often ask but once.
        known = self._known.get((name, service, wanted))
        if known is None:
            known = self._resolve(name, service, *wanted)
            if len(self._known) < REMEMBERED:
                self._known[(name, service, wanted)] = known
        return list(known)

    def _resolve(
        self, name: str | None, service: int | str | None, family: int, kind: int, proto: int, flags: int
    ) -> tuple[Found, ...]:
        if name is None and service is None:
            raise no_address("NONAME")
        if flags & ~KNOWN_FLAGS or (flags & CANONNAME and name is None):
            raise no_address("BADFLAGS")
        if family not in (AF_UNSPEC, AF_INET, AF_INET6):
            raise no_address("FAMILY")
        kinds = ports_of(service, kinds_of(kind, proto), flags)
        if name is None:
            both = (
                [(AF_INET, "0.0.0.0"), (AF_INET6, "::")]
                if flags & PASSIVE
                else [(AF_INET6, "::1"), (AF_INET, "127.0.0.1")]
            )
            found = [each for each in both if family in (AF_UNSPEC, each[0])]
        elif not name or (flags & NUMERICHOST and numeric(name) is None):
            raise no_address("NONAME")
        else:
            found = self._find(name, family)
        canonical = name if flags & CANONNAME and name is not None else ""
        scope = scope_id((name or "").partition("%")[2]) or 0
        rows: list[Found] = []
        for of, address in found:
            for each, protocol, number in kinds:
                place = (address, number) if of == AF_INET else (address, number, 0, scope)
                rows.append((of, each, protocol, canonical if not rows else "", place))
        return tuple(rows)

    def getnameinfo(self, sockaddr: Any, flags: Any, /) -> tuple[str, str]:
        """Get host and port for a sockaddr."""
        flags = c_int(flags)
        if not isinstance(sockaddr, tuple):
            del sockaddr  # a traceback is not to keep it alive
            raise TypeError("getnameinfo() argument 1 must be a tuple")
        if not 2 <= len(sockaddr) <= 4 or not isinstance(sockaddr[0], str):
            raise TypeError("getnameinfo() argument 1 must be a tuple (host, port[, flowinfo[, scopeid]])")
        port = c_int(sockaddr[1])
        if len(sockaddr) > 2 and not 0 <= c_int(sockaddr[2]) <= 0xFFFFF:
            raise OverflowError("getnameinfo(): flowinfo must be 0-1048575.")
        found = numeric(sockaddr[0])
        if found is None:
            raise no_address("NONAME")
        family, address = found
        if family == AF_INET and len(sockaddr) != 2:
            raise OSError("IPv4 sockaddr must be 2 tuple")
        scope = c_int(sockaddr[3]) if len(sockaddr) > 3 else 0
        known = None if flags & NI_NUMERICHOST else self._name(address)
        if known is None and flags & NI_NAMEREQD:
            raise no_address("NONAME")
        service = None
        if not flags & NI_NUMERICSERV:
            service = service_of(port & 0xFFFF, "udp" if flags & NI_DGRAM else "tcp")
        if scope:
            interface = next((name for number, name in INTERFACES if number == scope), None)
            address += f"%{interface if interface and is_link_local(address) else scope}"
        return known or address, service or str(port & 0xFFFF)

    def _name(self, address: str) -> str | None:
        if address in ("127.0.0.1", "::1"):
            return "localhost"
        return next((name for name, place in self._hosts().items() if place == address), None)

    # -- the older functions

    def gethostname(self) -> str:
        """Return the current host name, which glibc takes from uname(2)."""
        name: str = self._guest.syscall(SYS.uname)[1][1]
        return name

    def sethostname(self, name: Any, /) -> None:
        """Not permitted."""
        if not isinstance(name, str | bytes):
            raise TypeError(f"expected str, bytes or os.PathLike object, not {type(name).__name__}")
        raise failure(-1)

    def gethostbyname(self, name: Any, /) -> str:
        """The IPv4 address of a host."""
        return self.address_of(host_name(name), AF_INET)

    def gethostbyname_ex(self, name: Any, /) -> tuple[str, list[str], list[str]]:
        """(name, aliases, addresses) of a host."""
        text = host_name(name)
        return text, [], [self.address_of(text, AF_INET)]

    def gethostbyaddr(self, name: Any, /) -> tuple[str, list[str], list[str]]:
        """(name, aliases, addresses) of an address."""
        address = self._find(host_name(name), AF_UNSPEC)[0][1]
        known = self._name(address)
        if known is None:
            raise herror(1, "Unknown host")
        return known, [], [address]

    def getservbyname(self, name: str, proto: str | None = None, /) -> int:
        """The port of a service."""
        number, protocols = SERVICES.get(name, (0, ()))
        if not protocols or (proto is not None and proto not in protocols):
            raise OSError("service/proto not found")
        return number

    def getservbyport(self, port: Any, proto: str | None = None, /) -> str:
        """The service of a port."""
        number = c_int(port)
        if not 0 <= number <= 0xFFFF:
            raise OverflowError("getservbyport: port must be 0-65535.")
        service = service_of(number, proto)
        if service is None:
            raise OSError("port/proto not found")
        return service

    def getprotobyname(self, name: str, /) -> int:
        """The number of a protocol."""
        if name not in PROTOCOLS:
            raise OSError("protocol not found")
        return PROTOCOLS[name]

    def if_nameindex(self) -> list[tuple[int, str]]:
        """The network interfaces: (index, name)."""
        return list(INTERFACES)

    def if_nametoindex(self, name: Any, /) -> int:
        """The index of an interface."""
        text = name.decode() if isinstance(name, bytes) else name
        if not isinstance(text, str):
            raise TypeError(f"expected str, bytes or os.PathLike object, not {type(name).__name__}")
        for index, interface in INTERFACES:
            if interface == text:
                return index
        raise OSError("no interface with this name")

    def if_indextoname(self, index: Any, /) -> str:
        """The name of an interface."""
        if index < 0 and UNSIGNED_INDEX:
            raise OverflowError("can't convert negative value to unsigned int")
        number = c_int(index)
        for each, interface in INTERFACES:
            if each == number:
                return interface
        raise failure(-ENXIO)
