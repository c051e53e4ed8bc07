"""setsockopt(2) and getsockopt(2): which options there are, what is kept, what an answer looks like.

Values are ints or, for structures, packed bytes. Every option that was set is in `World.options`; the sizes of buffers
are in their rows. Source: Linux `net/core/sock.c`, socket(7), tcp(7), ip(7), ipv6(7).
"""

from __future__ import annotations

import struct
from errno import (
    EBADF,
    EDOM,
    EINVAL,
    ENODEV,
    ENOENT,
    ENOPROTOOPT,
    ENOTCONN,
    ENOTSOCK,
    EOPNOTSUPP,
    EPROTO,
)
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.cork import TCP_CORK, cork_set
from ioviz.machine.kernel.inet import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    IPPROTO_UDP,
    IPPROTO_UDPLITE,
    IPV6_V6ONLY,
    SO_REUSEPORT,
    SOCK_DGRAM,
    SOCK_STREAM,
    SOL_SOCKET,
    is_local,
    option,
    parse,
)
from ioviz.machine.kernel.options import (
    GROUPS,
    INT_MAX,
    IP,
    IP_DATAGRAM,
    IPV6,
    IPV6_DATAGRAM,
    NEEDS_A_BYTE,
    TCP,
    UDP,
    UDPLITE,
    Errno,
    Option,
)
from ioviz.machine.kernel.options import SOCKET as SOCKET_OPTIONS
from ioviz.machine.kernel.sock import MIN_RCVBUF, MIN_SNDBUF, SO_LINGER, SO_PASSCRED, SO_RCVTIMEO, SO_SNDTIMEO
from ioviz.machine.kernel.tcp_state import SO_SNDBUF, write_space
from ioviz.model.buffer import BufferResized
from ioviz.model.files import SOCKET
from ioviz.model.socket import CLOSE, LISTEN, LowatSet, OptionSet, SocketErrorSet

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.socket import Socket

SO_TYPE, SO_ERROR, SO_PEERCRED, SO_RCVBUF, SO_RCVLOWAT, SO_ACCEPTCONN = 3, 4, 17, 8, 18, 30
SO_BINDTODEVICE, SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_PROTOCOL, SO_DOMAIN = 25, 32, 33, 38, 39
SO_INCOMING_CPU: Final = 49
MEM_MAX: Final = 4194304
TCP_RMEM_MAX: Final = 33554432
DEVICES: Final = (b"", b"lo", b"eth0")
"""By their index."""
TCP_MAXSEG, TCP_DEFER_ACCEPT, TCP_INFO, TCP_CONGESTION = 2, 9, 11, 13
ALGORITHMS: Final = (b"reno", b"cubic")
"""Names of congestion controls that are taken; all are the same one here."""
IP_TOS, IP_MTU, IPV6_MTU, IPV6_TCLASS = 1, 14, 24, 67
LOOPBACK_MTU, LINK_MTU = 65536, 1500
TCP_NODELAY, TCP_FASTOPEN, IP_MULTICAST_ALL = 1, 23, 49
LENIENT: Final = frozenset({(41, 62), (41, 70)})
"""Options of IPv6 that take a value of any size."""
UDP_LEVELS: Final = {IPPROTO_UDPLITE: IPPROTO_UDP}
"""The two levels are the same."""
INT: Final = 4


def _number(value: int | bytes) -> int:
    return value if isinstance(value, int) else int.from_bytes(value[:4], "little", signed=True)


def _seconds_and_micros(value: int | bytes) -> int | None:
    """A struct timeval as nanoseconds; None if it is none."""
    if isinstance(value, int) or len(value) < 16:
        return None
    seconds, micros = struct.unpack("ll", value[:16])
    if not 0 <= micros < 1_000_000:
        return None
    return max(0, int(seconds)) * 10**9 + int(micros) * 1000


def sys_setsockopt(k: Kernel, fd: int, level: int, name: int, value: int | bytes) -> int:
    """setsockopt(2)."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind != SOCKET:
        return -ENOTSOCK
    row = k.world.sockets[file.obj]
    if level == SOL_SOCKET:
        return _set_socket(k, row, name, value)
    if row.family == AF_UNIX:
        return -EOPNOTSUPP
    known = _table(row, level)
    if known is None:
        return -ENOPROTOOPT
    size = INT if isinstance(value, int) else len(value)
    if level == IPPROTO_TCP and name == TCP_CONGESTION:
        return _set_congestion(k, row, value)
    if (level, name) in GROUPS:
        if row.type == SOCK_STREAM:
            return -(EPROTO if level == 0 else EINVAL)
        return 0 if size >= GROUPS[level, name] else -EINVAL
    if size < INT and level != 0 and (name in known or level != IPPROTO_IPV6) and (level, name) not in LENIENT:
        return -EINVAL
    if level == 0 and name in NEEDS_A_BYTE and not size:
        return -EINVAL
    option_row = known.get(name)
    if option_row is None or option_row.rule is None:
        return -ENOPROTOOPT
    if row.type == SOCK_STREAM and name in (
        IP_DATAGRAM if level == 0 else IPV6_DATAGRAM if level != IPPROTO_TCP else ()
    ):
        return -EINVAL if level == 0 else -ENOPROTOOPT
    number = _number(value) if size >= INT or level == 0 else 0
    if level == IPPROTO_IPV6 and name == IPV6_V6ONLY and row.local:
        return -EINVAL
    if level == IPPROTO_TCP and name == TCP_FASTOPEN and row.state not in (CLOSE, LISTEN):
        return -EINVAL
    kept = option_row.rule(number)
    if isinstance(kept, Errno):
        return -kept
    if row.type == SOCK_STREAM and (level, name) in ((0, IP_TOS), (IPPROTO_IPV6, IPV6_TCLASS)):
        kept &= ~3  # the two bits are the network's: ECN
    k.emit(OptionSet, row.id, UDP_LEVELS.get(level, level), name, kept)
    if level == IPPROTO_TCP and (name == TCP_CORK or (name == TCP_NODELAY and kept)):
        cork_set(k, row.id, name == TCP_CORK and bool(kept))
    return 0


def _set_congestion(k: Kernel, row: Socket, value: int | bytes) -> int:
    name = value.to_bytes(INT, "little", signed=True) if isinstance(value, int) else value
    if not name:
        return -EINVAL
    name = name[:15].partition(b"\0")[0]
    if name not in ALGORITHMS:
        return -ENOENT
    k.emit(OptionSet, row.id, IPPROTO_TCP, TCP_CONGESTION, ALGORITHMS.index(name))
    return 0


def _set_socket(k: Kernel, row: Socket, name: int, value: int | bytes) -> int:
    sock = row.id
    if name == SO_BINDTODEVICE:
        device = value.to_bytes(INT, "little", signed=True) if isinstance(value, int) else value
        device = device[:15].partition(b"\0")[0]
        if device not in DEVICES:
            return -ENODEV
        k.emit(OptionSet, sock, SOL_SOCKET, name, DEVICES.index(device))
        return 0
    if not isinstance(value, int) and len(value) < INT:
        return -EINVAL
    number = _number(value)
    if name == SO_REUSEPORT and row.family == AF_UNIX and number:
        return -EOPNOTSUPP
    if name == SO_PASSCRED and row.family != AF_UNIX:
        return -EOPNOTSUPP
    if name in (SO_SNDBUF, SO_SNDBUFFORCE):
        wanted = min(number & 0xFFFFFFFF, MEM_MAX) if name == SO_SNDBUF else min(max(number, 0), 0x3FFF_FFFF)
        size = max(wanted * 2, MIN_SNDBUF)
        k.emit(OptionSet, sock, SOL_SOCKET, SO_SNDBUF, size)
        k.emit(BufferResized, sock * 2 + 1, size)
        write_space(k, sock)
    elif name in (SO_RCVBUF, SO_RCVBUFFORCE):
        wanted = min(number & 0xFFFFFFFF, MEM_MAX) if name == SO_RCVBUF else min(max(number, 0), 0x3FFF_FFFF)
        size = max(wanted * 2, MIN_RCVBUF)
        k.emit(OptionSet, sock, SOL_SOCKET, SO_RCVBUF, size)
        k.emit(BufferResized, sock * 2, size)
    elif name == SO_LINGER:
        if isinstance(value, int) or len(value) < 8:
            return -EINVAL
        on, seconds = struct.unpack("ii", value[:8])
        k.emit(OptionSet, sock, SOL_SOCKET, SO_LINGER, seconds if on else -1)
    elif name in (SO_RCVTIMEO, SO_SNDTIMEO):
        timeout = _seconds_and_micros(value)
        if timeout is None:
            return -EINVAL if isinstance(value, int) or len(value) < 16 else -EDOM
        k.emit(OptionSet, sock, SOL_SOCKET, name, timeout)
    elif name == SO_RCVLOWAT:
        lowat = INT_MAX if number < 0 else number or 1
        if row.family != AF_UNIX and row.type == SOCK_STREAM:
            locked = option(k.world, sock, SOL_SOCKET, SO_RCVBUF)
            lowat = min(lowat, (locked or TCP_RMEM_MAX) >> 1)
        k.emit(LowatSet, sock, lowat)
    else:
        known = SOCKET_OPTIONS.get(name)
        if known is None or known.rule is None:
            return -ENOPROTOOPT
        kept = known.rule(number)
        if isinstance(kept, Errno):
            return -kept
        k.emit(OptionSet, sock, SOL_SOCKET, name, kept)
    return 0


def _table(row: Socket, level: int) -> dict[int, Option] | None:
    """The options of a level; None if the socket has no such level."""
    if level == IPPROTO_TCP and row.type == SOCK_STREAM:
        return TCP
    if level in (IPPROTO_UDP, IPPROTO_UDPLITE) and row.type == SOCK_DGRAM:
        return UDP | UDPLITE if row.protocol == IPPROTO_UDPLITE else UDP
    if level == 0:
        return IP
    if level == IPPROTO_IPV6 and row.family == AF_INET6:
        return IPV6
    return None


def sys_getsockopt(k: Kernel, fd: int, level: int, name: int, size: int) -> Result:
    """getsockopt(2): an int if `size` is 0, else at most `size` bytes."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind != SOCKET:
        return -ENOTSOCK
    row = k.world.sockets[file.obj]
    answer: Any
    if level == SOL_SOCKET:
        answer = _get_socket(k, row, name)
    elif row.family == AF_UNIX:
        return -EOPNOTSUPP
    else:
        known = _table(row, level)
        if known is None:
            return -EOPNOTSUPP if row.family == AF_INET else -ENOPROTOOPT
        answer = _get_protocol(k, row, level, name, known)
    if answer is None:
        return -ENOPROTOOPT
    if isinstance(answer, OSError):
        return -(answer.errno or EINVAL)
    if size:
        packed = answer if isinstance(answer, bytes) else struct.pack("i", answer)
        return 0, packed[:size]
    return 0, int.from_bytes(answer[:4], "little", signed=True) if isinstance(answer, bytes) else answer


def _get_protocol(k: Kernel, row: Socket, level: int, name: int, known: dict[int, Option]) -> Any:
    if level == IPPROTO_TCP and name == TCP_CONGESTION:
        return ALGORITHMS[option(k.world, row.id, level, name)].ljust(16, b"\0")
    if level == IPPROTO_TCP and name == TCP_INFO:
        return _tcp_info(row)
    if (level, name) in ((0, IP_MTU), (IPPROTO_IPV6, IPV6_MTU)):
        if not row.remote:
            return OSError(ENOTCONN, "")
        return LOOPBACK_MTU if is_local(k.world, row.host, parse(row.remote)[0]) else LINK_MTU
    if name not in known:
        return 0 if level in (IPPROTO_UDP, IPPROTO_UDPLITE) and name in UDPLITE else None
    default = known[name].default
    if level == IPPROTO_TCP and name == TCP_MAXSEG:
        default = 65483 if row.peer else 1460 if row.remote else default
        return option(k.world, row.id, level, name) or default
    if level == 0 and name == IP_MULTICAST_ALL and row.family == AF_INET6:
        default = 0
    return option(k.world, row.id, UDP_LEVELS.get(level, level), name, default)


STATES: Final = ("", "ESTABLISHED", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSE")
"""The numbers that TCP_INFO has for states; CLOSE-WAIT, LAST-ACK, LISTEN and CLOSING follow."""


def _tcp_info(row: Socket) -> bytes:
    states = (*STATES, "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING")
    return bytes([states.index(row.state)]).ljust(104, b"\0")


def _get_socket(k: Kernel, row: Socket, name: int) -> Any:
    sock = row.id
    world = k.world
    if name == SO_ERROR:
        if row.error:
            k.emit(SocketErrorSet, sock, 0)
        return row.error
    if name == SO_SNDBUF:
        return world.buffers[sock * 2 + 1].limit
    if name == SO_RCVBUF:
        return world.buffers[sock * 2].limit
    if name == SO_LINGER:
        seconds = option(world, sock, SOL_SOCKET, SO_LINGER, -1)
        return struct.pack("ii", int(seconds >= 0), max(seconds, 0))
    if name in (SO_RCVTIMEO, SO_SNDTIMEO):
        timeout = option(world, sock, SOL_SOCKET, name)
        return struct.pack("ll", timeout // 10**9, timeout % 10**9 // 1000)
    if name == SO_PEERCRED:
        pid = k.net.peers.get(sock, 0)
        return struct.pack("iii", pid, 0, 0) if pid else struct.pack("iii", 0, -1, -1)
    if name == SO_PASSCRED and row.family != AF_UNIX:
        return OSError(EOPNOTSUPP, "")
    if name == SO_BINDTODEVICE:
        device = DEVICES[option(world, sock, SOL_SOCKET, name)]
        return device + b"\0" if device else b""
    simple = {
        SO_TYPE: row.type,
        SO_DOMAIN: row.family,
        SO_PROTOCOL: row.protocol,
        SO_ACCEPTCONN: int(row.state == LISTEN),
        SO_RCVLOWAT: row.lowat,
    }
    if name in simple:
        return simple[name]
    if name == SO_INCOMING_CPU:
        return option(world, sock, SOL_SOCKET, name, 0 if row.remote else -1)
    known = SOCKET_OPTIONS.get(name)
    return None if known is None else option(world, sock, SOL_SOCKET, name, known.default)
