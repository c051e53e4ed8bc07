"""The socket calls: they find the socket behind a descriptor and hand over to its protocol.

Every argument and result is as in the table of `ioviz.machine.kernel.syscalls`. The hot calls (send, recv, poll) look
their rows up right here.
"""

from __future__ import annotations

from errno import (
    EAFNOSUPPORT,
    EAGAIN,
    EBADF,
    EINVAL,
    EMFILE,
    ENOTCONN,
    ENOTSOCK,
    EOPNOTSUPP,
    EPROTONOSUPPORT,
    ESOCKTNOSUPPORT,
)
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel import unix, unix_data, unix_names
from ioviz.machine.kernel.ancillary import check_socket_items
from ioviz.machine.kernel.files import O_CLOEXEC, O_NONBLOCK, FileOps, Result, no_ioctl
from ioviz.machine.kernel.inet import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    IPPROTO_TCP,
    IPPROTO_UDP,
    IPPROTO_UDPLITE,
    SOCK_DGRAM,
    SOCK_SEQPACKET,
    SOCK_STREAM,
    SOL_SOCKET,
    inet_bind,
    option,
    user_address,
)
from ioviz.machine.kernel.scm import MSG_CMSG_CLOEXEC, files_of, install
from ioviz.machine.kernel.sock import SO_OOBINLINE, create
from ioviz.machine.kernel.tcp import tcp_accept, tcp_close, tcp_connect, tcp_listen, tcp_shutdown
from ioviz.machine.kernel.tcp_data import bytes_to_mark, tcp_poll, tcp_recvmsg, tcp_sendmsg
from ioviz.machine.kernel.udp import (
    udp_close,
    udp_connect,
    udp_poll,
    udp_recvmsg,
    udp_sendmsg,
    udp_shutdown,
)
from ioviz.machine.kernel.urgent import receive_urgent, send_urgent
from ioviz.model.files import SOCKET, FdInstalled, OpenFile
from ioviz.model.socket import CLOSE, LISTEN, NOT_URGENT, SocketDisconnected

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.socket import Socket

FIONREAD: Final = 0x541B
SIOCOUTQ: Final = 0x5411
SIOCATMARK: Final = 0x8905
MSG_OOB: Final = 0x1
MSG_PEEK: Final = 0x2
MSG_TRUNC: Final = 0x20
MSG_ERRQUEUE: Final = 0x2000


def _find(k: Kernel, fd: int) -> tuple[OpenFile, Socket] | int:
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind != SOCKET:
        return -ENOTSOCK
    return file, k.world.sockets[file.obj]


def sys_socket(k: Kernel, family: int, kind: int, protocol: int) -> int:
    """socket(2)."""
    flags = kind & ~0xF
    kind &= 0xF
    if family not in (AF_UNIX, AF_INET, AF_INET6):
        return -EAFNOSUPPORT
    if kind not in (SOCK_STREAM, SOCK_DGRAM) and not (family == AF_UNIX and kind == SOCK_SEQPACKET):
        return -ESOCKTNOSUPPORT
    if family != AF_UNIX:
        protocol = protocol or (IPPROTO_TCP if kind == SOCK_STREAM else IPPROTO_UDP)
        if protocol not in ((IPPROTO_TCP,) if kind == SOCK_STREAM else (IPPROTO_UDP, IPPROTO_UDPLITE)):
            return -EPROTONOSUPPORT
    elif protocol not in (0, AF_UNIX):
        return -EPROTONOSUPPORT
    if k.full():
        return -EMFILE
    sock = create(k, family, kind, protocol)
    return k.install_fd(k.open_file(SOCKET, sock, flags & O_NONBLOCK | 2), bool(flags & O_CLOEXEC))


def sys_socketpair(k: Kernel, family: int, kind: int, protocol: int) -> Result:
    """socketpair(2): of local sockets only."""
    flags = kind & ~0xF
    kind &= 0xF
    if family != AF_UNIX:
        return -EOPNOTSUPP if family in (AF_INET, AF_INET6) else -EAFNOSUPPORT
    if kind not in (SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET):
        return -ESOCKTNOSUPPORT
    if protocol not in (0, AF_UNIX):
        return -EPROTONOSUPPORT
    if k.full(2):
        return -EMFILE
    one, two = create(k, AF_UNIX, kind, 0), create(k, AF_UNIX, kind, 0)
    unix.join(k, one, two)
    cloexec, nonblock = bool(flags & O_CLOEXEC), flags & O_NONBLOCK | 2
    first = k.install_fd(k.open_file(SOCKET, one, nonblock), cloexec)
    return 0, (first, k.install_fd(k.open_file(SOCKET, two, nonblock), cloexec))


def sys_bind(k: Kernel, fd: int, address: Any) -> int:
    """bind(2)."""
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    row = found[1]
    return unix_names.unix_bind(k, row, address) if row.family == AF_UNIX else inet_bind(k, row, address)


def sys_listen(k: Kernel, fd: int, backlog: int) -> int:
    """listen(2)."""
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    row = found[1]
    if row.family == AF_UNIX:
        return unix.unix_listen(k, row, backlog)
    return tcp_listen(k, row, backlog) if row.type == SOCK_STREAM else -EOPNOTSUPP


def sys_accept4(k: Kernel, fd: int, flags: int) -> Result:
    """accept4(2)."""
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    file, row = found
    if flags & ~(O_NONBLOCK | O_CLOEXEC):
        return -EINVAL
    fd = k.reserve_fd()  # before it sleeps: whatever is opened meanwhile gets another number
    if fd < 0:
        return fd
    if row.family == AF_UNIX:
        child = unix.unix_accept(k, file, row)
    else:
        child = tcp_accept(k, file, row) if row.type == SOCK_STREAM else -EOPNOTSUPP
    if child < 0:
        k.unreserve_fd(fd)
        return child
    new = k.open_file(SOCKET, child, flags & O_NONBLOCK | 2)
    k.emit(FdInstalled, k.pid, fd, new, bool(flags & O_CLOEXEC))
    connection = k.world.sockets[child]
    named = (
        unix_names.user_name(connection.remote)
        if row.family == AF_UNIX
        else user_address(connection, connection.remote)
    )
    return fd, named


def sys_connect(k: Kernel, fd: int, address: Any) -> int:
    """connect(2)."""
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    file, row = found
    if row.family == AF_UNIX:
        return unix.unix_connect(k, file, row, address)
    if row.type == SOCK_STREAM:
        return tcp_connect(k, file, row, address)
    if address is None:
        k.emit(SocketDisconnected, row.id, row.local)
        return 0
    return udp_connect(k, row, address)


def sys_getsockname(k: Kernel, fd: int) -> Result:
    """getsockname(2): the wildcard and port 0 as long as nothing was chosen."""
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    row = found[1]
    return 0, unix_names.user_name(row.local) if row.family == AF_UNIX else user_address(row, row.local)


def sys_getpeername(k: Kernel, fd: int) -> Result:
    """getpeername(2)."""
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    row = found[1]
    if row.family == AF_UNIX:
        return (0, unix_names.user_name(row.remote)) if row.peer else -ENOTCONN
    if not row.remote or row.state in (CLOSE, LISTEN, "SYN-SENT"):
        return -ENOTCONN
    return 0, user_address(row, row.remote)


def sys_shutdown(k: Kernel, fd: int, how: int) -> int:
    """shutdown(2)."""
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    row = found[1]
    if how not in (0, 1, 2):
        return -EINVAL
    if row.family == AF_UNIX:
        return unix.unix_shutdown(k, row, how)
    return tcp_shutdown(k, row, how) if row.type == SOCK_STREAM else udp_shutdown(k, row, how)


# -- data


def sys_sendto(k: Kernel, fd: int, data: bytes, flags: int, address: Any) -> int:
    """sendto(2), and send(2) with no address."""
    world = k.world
    entry = world.fds.get(k.pid << 24 | fd)
    if entry is None:
        return -EBADF
    file = world.files[entry.file]
    if file.kind != SOCKET:
        return -ENOTSOCK
    row = world.sockets[file.obj]
    if row.family != AF_UNIX and row.type == SOCK_STREAM:
        if flags & MSG_OOB:
            return send_urgent(k, file, row, data, flags & ~MSG_OOB)
        return tcp_sendmsg(k, file, row, data, flags)
    return _send(k, file, row, data, flags, address)


def _send(k: Kernel, file: OpenFile, row: Socket, data: bytes, flags: int, address: Any) -> int:
    if flags & MSG_OOB:
        return -EOPNOTSUPP
    if row.family == AF_UNIX:
        return unix_data.unix_sendmsg(k, file, row, data, flags, address)
    return udp_sendmsg(k, row, data, address)


def sys_recvfrom(k: Kernel, fd: int, n: int, flags: int, nameless: bool = False) -> Result:
    """recvfrom(2): (length, (bytes, address)); a stream has no address, and a `nameless` call has no room for one."""
    world = k.world
    entry = world.fds.get(k.pid << 24 | fd)
    if entry is None:
        return -EBADF
    file = world.files[entry.file]
    if file.kind != SOCKET:
        return -ENOTSOCK
    row = world.sockets[file.obj]
    if row.family != AF_UNIX and row.type == SOCK_STREAM:
        if flags & (MSG_OOB | MSG_ERRQUEUE):
            return _out_of_band(k, row, flags)
        got: Any = tcp_recvmsg(k, file, row, n, flags)
        return got if type(got) is int else (got[0], (got[1], None))
    got = _receive(k, file, row, n, flags)
    return got if isinstance(got, int) else (got[0], (got[1][0], None if nameless else got[1][1]))


def _out_of_band(k: Kernel, row: Socket, flags: int) -> Result:
    if flags & MSG_ERRQUEUE:
        return -EAGAIN  # nothing of what would come there is modelled
    got = receive_urgent(k, row, bool(flags & MSG_PEEK))
    return got if isinstance(got, int) else (got[0], (got[1], None))


def _receive(k: Kernel, file: OpenFile, row: Socket, n: int, flags: int) -> Result:
    if flags & MSG_OOB:
        return -EOPNOTSUPP
    if flags & MSG_ERRQUEUE:
        return -EAGAIN
    if row.family == AF_UNIX:
        return unix_data.unix_recvmsg(k, file, row, n, flags)
    return udp_recvmsg(k, file, row, n, flags)


def sys_sendmsg(k: Kernel, fd: int, data: bytes, ancillary: tuple[Any, ...], flags: int, address: Any) -> int:
    """sendmsg(2), its pieces already joined; ancillary data is (level, type, bytes) each."""
    if not ancillary:
        return sys_sendto(k, fd, data, flags, address)
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    file, row = found
    if row.family != AF_UNIX:
        if row.type == SOCK_DGRAM:
            return -EOPNOTSUPP if flags & MSG_OOB else udp_sendmsg(k, row, data, address, ancillary)
        return check_socket_items(ancillary) or sys_sendto(k, fd, data, flags, address)
    rights = files_of(k, ancillary)
    return rights if isinstance(rights, int) else unix_data.unix_sendmsg(k, file, row, data, flags, address, rights)


def sys_recvmsg(k: Kernel, fd: int, n: int, anclen: int, flags: int) -> Result:
    """recvmsg(2): (length, (bytes, ancillary, flags, address))."""
    found = _find(k, fd)
    if isinstance(found, int):
        return found
    file, row = found
    if row.family != AF_UNIX and row.type == SOCK_STREAM:
        if flags & (MSG_OOB | MSG_ERRQUEUE):
            got = _out_of_band(k, row, flags)
            return got if isinstance(got, int) else (got[0], (got[1][0], (), MSG_OOB, None))
        got = tcp_recvmsg(k, file, row, n, flags)
        return got if isinstance(got, int) else (got[0], (got[1], (), 0, None))
    rights: list[int] = []
    if row.family == AF_UNIX and not flags & (MSG_OOB | MSG_ERRQUEUE):
        got = unix_data.unix_recvmsg(k, file, row, n, flags & ~MSG_CMSG_CLOEXEC, rights)
    elif row.family != AF_UNIX and not flags & (MSG_OOB | MSG_ERRQUEUE):
        got = udp_recvmsg(k, file, row, n, flags, anclen)
        if isinstance(got, int):
            return got
        data, address, cut, items, seen = got[1]
        return got[0], (data, items, seen | (MSG_TRUNC if cut else 0), address)
    else:
        got = _receive(k, file, row, n, flags)
    if isinstance(got, int):
        return got
    data, address, cut = got[1]
    items, seen = install(k, rights, anclen, flags)
    return got[0], (data, items, seen | (MSG_TRUNC if cut else 0), address)


# -- as files


def sock_read(k: Kernel, file: OpenFile, n: int) -> Result:
    """read(2)."""
    row = k.world.sockets[file.obj]
    if row.family != AF_UNIX and row.type == SOCK_STREAM:
        return tcp_recvmsg(k, file, row, n, 0)
    got = _receive(k, file, row, n, 0)
    return got if isinstance(got, int) else (got[0], got[1][0])


def sock_write(k: Kernel, file: OpenFile, data: bytes) -> int:
    """write(2)."""
    row = k.world.sockets[file.obj]
    if row.family != AF_UNIX and row.type == SOCK_STREAM:
        return tcp_sendmsg(k, file, row, data, 0)
    return _send(k, file, row, data, 0, None)


def sock_poll(k: Kernel, file: OpenFile) -> int:
    """The mask of what holds now."""
    row = k.world.sockets[file.obj]
    if row.family != AF_UNIX:
        return tcp_poll(k, row) if row.type == SOCK_STREAM else udp_poll(k, row)
    return unix_data.unix_poll(k, row)


def sock_release(k: Kernel, file: OpenFile) -> None:
    """The last reference is gone."""
    row = k.world.sockets[file.obj]
    if row.family == AF_UNIX:
        unix.unix_close(k, row)
    elif row.type == SOCK_STREAM:
        tcp_close(k, file, row)
    else:
        udp_close(k, row)


def sock_ioctl(k: Kernel, file: OpenFile, request: int, arg: int) -> Result:
    """FIONREAD, SIOCOUTQ."""
    row = k.world.sockets[file.obj]
    buffers = k.world.buffers
    if request == FIONREAD:
        if row.state == LISTEN:
            return -EINVAL
        buffer = buffers[row.id * 2]
        if row.type == SOCK_DGRAM:
            return 0, len(k.world.segments[buffer.head].data) if buffer.head else 0
        if row.urgent != NOT_URGENT and not option(k.world, row.id, SOL_SOCKET, SO_OOBINLINE):
            return 0, bytes_to_mark(k, row.id)
        return 0, buffer.bytes
    if request == SIOCOUTQ:
        if row.state == LISTEN:
            return -EINVAL
        if row.family == AF_UNIX:
            theirs = buffers.get(row.peer * 2)
            return 0, theirs.truesize if theirs is not None else 0
        return 0, buffers[row.id * 2 + 1].bytes
    if request == SIOCATMARK:
        return 0, int(row.urgent != NOT_URGENT and not bytes_to_mark(k, row.id))
    return no_ioctl(k, file, request, arg)


OPS = FileOps(sock_read, sock_write, sock_poll, sock_release, sock_ioctl, lambda k, file: file.obj)
