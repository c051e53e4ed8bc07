"""Socket addresses as Python writes them and as they cross into the kernel; what `bind` and its like say of bad ones.

In the kernel an address is numeric: ("1.2.3.4", port), ("::1", port, flowinfo, scope), or a path (AF_UNIX).
Source: `getsockaddrarg` in `Modules/socketmodule.c`.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims.arguments import bytes_of
from ioviz.machine.user.shims.socket_names import AF_INET, AF_INET6, host_name

if TYPE_CHECKING:
    from ioviz.machine.user.shims.socket_names import Names

AF_UNIX: Final = 1
SUN_PATH: Final = 108
PAIR: Final = "AF_INET address must be a pair (host, port)"
FOUR: Final = "AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])"

Address = tuple[Any, ...] | str | bytes


def _port(value: Any, caller: str) -> int:
    if isinstance(value, float):
        raise TypeError("'float' object cannot be interpreted as an integer")
    number = index(value)
    if not 0 <= number <= 0xFFFF:
        raise OverflowError(f"{caller}(): port must be 0-65535.")
    return int(number)


def address_of(names: Names, family: int, address: Any, caller: str) -> Address:
    """The kernel's form of `address`, an argument of the method `caller`."""
    if family == AF_INET:
        if not isinstance(address, tuple):
            kind = type(address).__name__
            raise TypeError(f"{caller}(): AF_INET address must be tuple, not {kind}")
        if len(address) != 2:
            raise TypeError(PAIR)
        name = host_name(address[0])
        port = _port(address[1], caller)
        return names.address_of(name, AF_INET), port
    if family == AF_INET6:
        if not isinstance(address, tuple):
            kind = type(address).__name__
            raise TypeError(f"{caller}(): AF_INET6 address must be tuple, not {kind}")
        if not 2 <= len(address) <= 4:
            raise TypeError(FOUR)
        name = host_name(address[0])
        port = _port(address[1], caller)
        flow = index(address[2]) if len(address) > 2 else 0
        scope = index(address[3]) if len(address) > 3 else 0
        if not 0 <= flow <= 0xFFFFF:
            raise OverflowError(f"{caller}(): flowinfo must be 0-1048575.")
        return names.address_of(name, AF_INET6), port, flow, scope & 0xFFFF_FFFF
    if family == AF_UNIX:
        return _path_of(address)
    raise OSError(f"{caller}(): bad family")


def _path_of(address: Any) -> str | bytes:
    raw = address.encode("utf-8", "surrogateescape") if isinstance(address, str) else bytes_of(address)
    abstract = raw[:1] == b"\0"
    if len(raw) > SUN_PATH or (not abstract and len(raw) >= SUN_PATH):
        raise OSError("AF_UNIX path too long")
    if abstract:
        return raw
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
