"""The C module `_socket`: sockets on the simulated kernel.

Here are the hot paths of a server: `recv`, `send`, `sendall`, `_accept` are, for the usual arguments, one system call
and a check of its result's type, in closures over the guest's way into the kernel. Whatever is unusual (a time-out, a
buffer that is not bytes, flags that are an enum, an error) goes the general way of `socket_base`.
"""

from __future__ import annotations

import _socket as host
from errno import ECONNRESET, EINTR
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims import module_from
from ioviz.machine.user.shims.arguments import bytes_of, c_int, c_size, failure, writable
from ioviz.machine.user.shims.socket_base import SOCK_CLOEXEC, SOCK_STREAM, SocketBase, timeout_of
from ioviz.machine.user.shims.socket_constants import CONSTANTS
from ioviz.machine.user.shims.socket_messages import cmsg_len, cmsg_space, recvmsg, recvmsg_into, sendmsg
from ioviz.machine.user.shims.socket_port import Port
from ioviz.machine.user.shims.socket_services import gaierror, herror
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

F_DUPFD_CLOEXEC: Final = 1030
HOST_FUNCTIONS: Final = (*("htonl", "htons", "inet_aton", "inet_ntoa", "inet_ntop", "inet_pton", "ntohl", "ntohs"),)
"""These only compute; being C functions, they do not bind."""


def make_socket(guest: Guest, port: Port) -> type[Any]:
    """The class `_socket.socket` of one guest."""
    syscall = guest.syscall
    recvfrom, send_to, accept4 = SYS.recvfrom, SYS.sendto, SYS.accept4
    receive, transmit = guest.kernel.door(recvfrom), guest.kernel.door(send_to, None)

    class socket(SocketBase):
        """socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None) -> socket object"""

        __module__ = "_socket"
        __slots__ = ()
        port_ = port

        def fileno(self) -> int:
            """The descriptor of the socket; -1 once it is closed."""
            return self.sock_fd_

        def _accept(self) -> tuple[int, Any]:
            """Accept a connection: (descriptor, address of the client)."""
            if self.sock_timeout_ <= 0:
                result = syscall(accept4, self.sock_fd_, SOCK_CLOEXEC)
                if type(result) is tuple:
                    return result
                self.sock_failed_(result)
            return self.sock_call_(False, accept4, self.sock_fd_, SOCK_CLOEXEC)  # type: ignore[no-any-return]

        def sock_failed_(self, result: int) -> None:
            """A call failed: raise, unless a signal interrupted it, when its handler runs and the call is due again."""
            if result == -EINTR:
                port.check_signals()
            else:
                raise failure(result)

        def recv(self, bufsize: Any, flags: Any = 0, /) -> bytes:
            """Receive up to `bufsize` bytes; b"" at the end of the stream."""
            usual = self.sock_timeout_ <= 0 and self.sock_type_ == SOCK_STREAM
            if usual and type(bufsize) is int and bufsize > 0 and type(flags) is int:
                result = receive(self.sock_fd_, bufsize, flags)
                if type(result) is tuple:
                    return result[1][0]  # type: ignore[no-any-return]
                self.sock_failed_(result)
            size = c_size(bufsize)
            if size < 0:
                raise ValueError("negative buffersize in recv")
            number = c_int(flags)
            if not size:
                return b""
            return self.sock_receive_(size, number)

        def recv_into(self, buffer: Any, nbytes: Any = 0, flags: Any = 0) -> int:
            """Receive up to `nbytes` bytes (0: as many as fit) into a buffer."""
            view = memoryview(buffer) if type(buffer) is bytearray else writable(buffer, "recv_into")
            size = nbytes if type(nbytes) is int else c_size(nbytes)
            if size < 0:
                raise ValueError("negative buffersize in recv_into")
            room = len(view)
            if size > room:
                raise ValueError("buffer too small for requested bytes")
            number = flags if type(flags) is int else c_int(flags)
            size = size or room
            if not size:
                return 0
            if self.sock_timeout_ <= 0 and self.sock_type_ == SOCK_STREAM:
                result = receive(self.sock_fd_, size, number)
                if type(result) is tuple:
                    data = result[1][0]
                else:
                    self.sock_failed_(result)
                    data = self.sock_receive_(size, number)
            else:
                data = self.sock_receive_(size, number)
            got = len(data)
            view[:got] = data
            return got

        def sock_receive_(self, size: int, flags: int) -> bytes:
            """Receive, and do not ask who sent it."""
            nameless = () if self.sock_type_ == SOCK_STREAM else (True,)
            data: bytes = self.sock_call_(False, recvfrom, self.sock_fd_, size, flags, *nameless)[1][0]
            return data

        def send(self, data: Any, flags: Any = 0, /) -> int:
            """Send data; returns how many bytes the kernel took."""
            if self.sock_timeout_ <= 0 and type(data) is bytes and type(flags) is int:
                result = transmit(self.sock_fd_, data, flags)
                if result >= 0:
                    return result  # type: ignore[no-any-return]
                self.sock_failed_(result)
            raw = bytes_of(data)
            return self.sock_call_(True, send_to, self.sock_fd_, raw, c_int(flags), None)  # type: ignore[no-any-return]

        def sendall(self, data: Any, flags: Any = 0, /) -> None:
            """Send all of the data. After an error nobody knows how much was sent."""
            if self.sock_timeout_ <= 0 and type(data) is bytes and type(flags) is int:
                sent = transmit(self.sock_fd_, data, flags)
                if sent == len(data):
                    return
                if sent < 0:
                    self.sock_failed_(sent)
                    sent = 0
                else:
                    port.check_signals()
            else:
                data, flags, sent = bytes_of(data), c_int(flags), -1
            self.sock_send_rest_(data, flags, sent)

        def sock_send_rest_(self, data: bytes, flags: int, sent: int) -> None:
            """`sendall` of what is behind the first `sent` bytes (-1: nothing was tried), in one time-out."""
            timeout = self.sock_timeout_
            deadline = port.clock(1) + timeout if timeout > 0 else 0
            try:
                while sent < len(data):
                    if deadline:
                        self.sock_timeout_ = deadline - port.clock(1)
                        if self.sock_timeout_ <= 0:
                            raise TimeoutError("timed out")
                    sent = max(sent, 0)
                    sent += self.sock_call_(True, send_to, self.sock_fd_, data[sent:], flags, None)
                    if deadline:
                        self.sock_timeout_ = timeout
                    port.check_signals()
            finally:
                if deadline:
                    self.sock_timeout_ = timeout

        def sendmsg(self, buffers: Any, ancdata: Any = (), flags: Any = 0, address: Any = None, /) -> int:
            """Send normal and ancillary data."""
            return sendmsg(self, buffers, ancdata, flags, address)

        def recvmsg(self, bufsize: Any, ancbufsize: Any = 0, flags: Any = 0, /) -> Any:
            """Receive normal data and ancillary data."""
            return recvmsg(self, bufsize, ancbufsize, flags)

        def recvmsg_into(self, buffers: Any, ancbufsize: Any = 0, flags: Any = 0, /) -> Any:
            """Receive normal data into buffers, and ancillary data."""
            return recvmsg_into(self, buffers, ancbufsize, flags)

    socket.__qualname__ = "socket"
    return socket


class Functions:
    """The functions of `_socket` that enter the kernel or set what all sockets of the guest share."""

    UNDERSCORED = ()

    def __init__(self, port: Port, made: type[Any]) -> None:
        self._port = port
        self._made = made

    def socketpair(self, family: Any = None, type: Any = None, proto: Any = 0, /) -> tuple[Any, Any]:
        """A pair of connected sockets."""
        of = 1 if family is None else c_int(family)
        kind = 1 if type is None else c_int(type)
        number = c_int(proto)
        first, second = self._port.call(SYS.socketpair, of, kind | SOCK_CLOEXEC, number)[1]
        return self._of(first, of, kind, number), self._of(second, of, kind, number)

    def _of(self, fd: int, family: int, kind: int, proto: int) -> Any:
        made: Any = self._made
        sock = made.__new__(made)
        sock.sock_fd_, sock.sock_family_, sock.sock_type_, sock.sock_proto_ = fd, family, kind, proto
        sock.sock_timeout_ = self._port.default_timeout
        return sock

    def close(self, fd: Any, /) -> None:
        """Close a descriptor of a socket."""
        result = self._port.syscall(SYS.close, c_int(fd))
        if result < 0 and result != -ECONNRESET:
            raise failure(result)

    def dup(self, fd: Any, /) -> int:
        """A second descriptor for the same socket."""
        return int(self._port.call(SYS.fcntl, c_int(fd), F_DUPFD_CLOEXEC, 0))

    def getdefaulttimeout(self) -> float | None:
        """The time-out of new sockets, in seconds."""
        ns = self._port.default_timeout
        return None if ns < 0 else ns / 1e9

    def setdefaulttimeout(self, timeout: Any, /) -> None:
        """Set the time-out of new sockets, in seconds; None: they block."""
        self._port.default_timeout = timeout_of(timeout)

    def CMSG_LEN(self, length: Any, /) -> int:
        """See `cmsg_len`."""
        return cmsg_len(length)

    def CMSG_SPACE(self, length: Any, /) -> int:
        """See `cmsg_space`."""
        return cmsg_space(length)


def build(guest: Guest) -> ModuleType:
    """The module `_socket` for one guest."""
    port = Port(guest)
    made = make_socket(guest, port)
    module = module_from("_socket", port.names, CONSTANTS)
    functions = module_from("_socket", Functions(port, made))
    del module.__dict__["address_of"]  # ours, not of the C module
    module.__dict__.update((name, value) for name, value in vars(functions).items() if not name.startswith("_"))
    module.__dict__.update((name, getattr(host, name)) for name in HOST_FUNCTIONS)
    module.__dict__.update(
        socket=made,
        SocketType=made,
        error=OSError,
        timeout=TimeoutError,
        gaierror=gaierror,
        herror=herror,
        has_ipv6=True,
        CAPI=None,
    )
    return module
