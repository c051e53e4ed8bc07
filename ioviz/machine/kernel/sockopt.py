"""setsockopt(2) and getsockopt(2): which options there are, what is kept, what an answer looks like.

Values are ints or, for structures, packed bytes. Every option that was set is in `World.options`; the sizes of buffers
are in their rows. Source: Linux `net/core/sock.c`, socket(7), tcp(7), ip(7), ipv6(7).
"""

from __future__ import annotations

import struct
from errno import EBADF, EDOM, EINVAL, ENOPROTOOPT, ENOTCONN, ENOTSOCK, EOPNOTSUPP
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.inet import (
    AF_INET6,
    AF_UNIX,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    SO_REUSEADDR,
    SO_REUSEPORT,
    SOCK_STREAM,
    SOL_SOCKET,
    option,
)
from ioviz.machine.kernel.sock import SO_LINGER, SO_RCVTIMEO, SO_SNDTIMEO
from ioviz.machine.kernel.socket import MIN_RCVBUF, MIN_SNDBUF
from ioviz.machine.kernel.tcp_state import SO_SNDBUF, write_space
from ioviz.model.buffer import BufferResized
from ioviz.model.files import SOCKET
from ioviz.model.socket import LISTEN, LowatSet, OptionSet, SocketErrorSet

if TYPE_CHECKING:
    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.socket import Socket

SO_DEBUG, SO_TYPE, SO_ERROR, SO_DONTROUTE, SO_BROADCAST = 1, 3, 4, 5, 6
SO_RCVBUF, SO_KEEPALIVE, SO_OOBINLINE, SO_PRIORITY, SO_PASSCRED = 8, 9, 10, 12, 16
SO_PEERCRED, SO_RCVLOWAT, SO_SNDLOWAT, SO_TIMESTAMP, SO_ACCEPTCONN = 17, 18, 19, 29, 30
SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_MARK, SO_PROTOCOL, SO_DOMAIN = 32, 33, 36, 38, 39
SO_INCOMING_CPU, SO_BUSY_POLL, SO_INCOMING_NAPI_ID, SO_BINDTODEVICE = 49, 46, 56, 25
MEM_MAX: Final = 4194304
SWITCHES: Final = (
    SO_DEBUG,
    SO_REUSEADDR,
    SO_DONTROUTE,
    SO_BROADCAST,
    SO_KEEPALIVE,
    SO_OOBINLINE,
    SO_REUSEPORT,
    SO_PASSCRED,
    SO_TIMESTAMP,
)
TCP_MAXSEG, TCP_DEFER_ACCEPT, TCP_INFO, TCP_CONGESTION = 2, 9, 11, 13
TCP_DEFAULTS: Final = {
    1: 0,  # TCP_NODELAY
    TCP_MAXSEG: 536,
    3: 0,  # TCP_CORK
    4: 7200,  # TCP_KEEPIDLE
    5: 75,  # TCP_KEEPINTVL
    6: 9,  # TCP_KEEPCNT
    7: 6,  # TCP_SYNCNT
    8: 60,  # TCP_LINGER2
    TCP_DEFER_ACCEPT: 0,
    10: 0,  # TCP_WINDOW_CLAMP
    12: 1,  # TCP_QUICKACK
    18: 0,  # TCP_USER_TIMEOUT
    23: 0,  # TCP_FASTOPEN
    25: 0,  # TCP_NOTSENT_LOWAT
}
IP_DEFAULTS: Final = {1: 0, 2: 64, 8: 0, 10: 1, 11: 0, 15: 0, 24: 0, 33: 1, 34: 1}
"""IP_TOS, IP_TTL, IP_PKTINFO, IP_MTU_DISCOVER, IP_RECVERR, IP_FREEBIND, IP_BIND_ADDRESS_NO_PORT, IP_MULTICAST_*."""
IPV6_DEFAULTS: Final = {16: 64, 17: 1, 18: 1, 19: 1, 26: 0, 49: 0, 51: 0, 66: 0, 67: 0}
"""IPV6_UNICAST_HOPS, IPV6_MULTICAST_*, IPV6_MTU_DISCOVER …, IPV6_V6ONLY, IPV6_RECVPKTINFO, …, IPV6_TCLASS."""


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
    if level == IPPROTO_TCP and name == TCP_CONGESTION:
        return 0
    if name not in known:
        # Multicast groups and the like: there is no such traffic here.
        return 0 if level in (0, IPPROTO_IPV6) else -ENOPROTOOPT
    number = _number(value)
    if level == IPPROTO_IPV6 and name == 26 and row.local:
        return -EINVAL
    if level == IPPROTO_TCP and name in (1, 3):
        number = int(number != 0)
    k.emit(OptionSet, row.id, level, name, number)
    return 0


def _set_socket(k: Kernel, row: Socket, name: int, value: int | bytes) -> int:
    sock = row.id
    if name == SO_REUSEPORT and row.family == AF_UNIX and _number(value):
        return -EOPNOTSUPP
    if name in SWITCHES:
        k.emit(OptionSet, sock, SOL_SOCKET, name, int(_number(value) != 0))
    elif name in (SO_SNDBUF, SO_SNDBUFFORCE):
        size = max(min(_number(value) & 0xFFFFFFFF, MEM_MAX) * 2, MIN_SNDBUF)
        k.emit(OptionSet, sock, SOL_SOCKET, SO_SNDBUF, size)
        k.emit(BufferResized, sock * 2 + 1, size)
        write_space(k, sock)
    elif name in (SO_RCVBUF, SO_RCVBUFFORCE):
        size = max(min(_number(value) & 0xFFFFFFFF, MEM_MAX) * 2, MIN_RCVBUF)
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
        k.emit(LowatSet, sock, _number(value) or 1)
    elif name in (SO_PRIORITY, SO_MARK, SO_BUSY_POLL, SO_BINDTODEVICE, SO_INCOMING_CPU):
        k.emit(OptionSet, sock, SOL_SOCKET, name, _number(value))
    else:
        return -ENOPROTOOPT
    return 0


def _table(row: Socket, level: int) -> dict[int, int] | None:
    """The options of a level with their defaults; None if the socket has no such level."""
    if level == IPPROTO_TCP and row.type == SOCK_STREAM:
        return TCP_DEFAULTS
    if level == 0:
        return IP_DEFAULTS
    if level == IPPROTO_IPV6 and row.family == AF_INET6:
        return IPV6_DEFAULTS
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
        if known is not None and level == IPPROTO_TCP and name == TCP_CONGESTION:
            answer = b"reno".ljust(16, b"\0")
        elif known is not None and level == IPPROTO_TCP and name == TCP_INFO:
            answer = _tcp_info(row)
        elif known is None or name not in known:
            return -EOPNOTSUPP if known is None else -ENOPROTOOPT
        else:
            answer = option(k.world, row.id, level, name, _default(row, level, name, known))
    if answer is None:
        return -ENOPROTOOPT
    if isinstance(answer, OSError):
        return -(answer.errno or EINVAL)
    if size:
        packed = answer if isinstance(answer, bytes) else struct.pack("i", answer)
        return 0, packed[:size]
    return 0, int.from_bytes(answer[:4], "little", signed=True) if isinstance(answer, bytes) else answer


def _default(row: Socket, level: int, name: int, known: dict[int, int]) -> int:
    if level == IPPROTO_TCP and name == TCP_MAXSEG and row.remote:
        return 65483 if row.peer else 1460
    return known[name]


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
    if name in SWITCHES:
        return option(world, sock, SOL_SOCKET, name)
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
        return struct.pack("iii", k.pid, 0, 0) if row.family == AF_UNIX else OSError(ENOTCONN, "")
    simple = {
        SO_TYPE: row.type,
        SO_DOMAIN: row.family,
        SO_PROTOCOL: row.protocol,
        SO_ACCEPTCONN: int(row.state == LISTEN),
        SO_RCVLOWAT: row.lowat,
        SO_SNDLOWAT: 1,
    }
    if name in simple:
        return simple[name]
    if name in (SO_PRIORITY, SO_MARK, SO_BUSY_POLL, SO_INCOMING_NAPI_ID):
        return option(world, sock, SOL_SOCKET, name)
    if name == SO_INCOMING_CPU:
        return 0
    return None
