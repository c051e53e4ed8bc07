"""The slow half of `_socket.socket`: creating, naming, options, time-outs, and every call that is not on a hot path.

`sock_call_` is CPython's `sock_call_ex`: a time-out makes the descriptor non-blocking, waits by poll(2) for what is
left of the time, and makes the call; a call that a signal interrupts is made again after the signal's Python handler
(PEP 475).
Names of attributes that end in `_` are ours; they must not meet those of a guest's subclass.
Source: `Modules/socketmodule.c`.
"""

from __future__ import annotations

import struct
import sys
from errno import EAGAIN, EBADF, ECONNRESET, EINPROGRESS, EINTR, EISCONN, ENOTSOCK
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ioviz.machine.user.shims.arguments import (
    INT_MAX,
    MS,
    bytes_of,
    c_int,
    c_size,
    failure,
    nanoseconds,
    whole_ms,
    writable,
)
from ioviz.machine.user.shims.socket_address import AF_UNIX, Address, address_of
from ioviz.machine.user.shims.socket_names import AF_INET, AF_INET6
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.shims.socket_port import Port

SOCK_NONBLOCK: Final = 0o4000
SOCK_STREAM: Final = 1
SOCK_CLOEXEC: Final = 0o2000000
SOL_SOCKET, SO_TYPE, SO_ERROR, SO_PROTOCOL = 1, 3, 4, 38
FIONBIO: Final = 0x5421
POLLIN, POLLOUT, POLLERR = 1, 4, 8
ANY_FLAG: Final = sys.version_info >= (3, 12)
"""Whether `setblocking` takes any object for its truth."""


def timeout_of(value: Any) -> int:
    """socket_parse_timeout: None is -1 (for ever); otherwise ns."""
    if value is None:
        return -1
    ns = nanoseconds(value)
    if ns < 0:
        raise ValueError("Timeout value out of range")
    if ns // MS > INT_MAX * 1000:
        raise OverflowError("timeout doesn't fit into C timeval")
    return ns


class SocketBase:
    """Everything of `_socket.socket` but its hot paths."""

    __slots__ = (
        "sock_family_",
        "sock_fd_",
        "sock_proto_",
        "sock_serial_",
        "sock_timeout_",
        "sock_type_",
    )
    port_: ClassVar[Port]
    """Set in the class that a guest gets."""

    sock_fd_: int
    sock_timeout_: int
    """-1: blocks; 0: does not; else the time-out in ns."""
    sock_family_: int
    sock_type_: int
    sock_proto_: int
    sock_serial_: int

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = object.__new__(cls)
        self.sock_fd_ = -1
        self.sock_timeout_ = -1
        self.sock_family_ = self.sock_type_ = self.sock_proto_ = 0
        self.sock_serial_ = cls.port_.serial()
        return self

    def __init__(self, family: Any = -1, type: Any = -1, proto: Any = -1, fileno: Any = None) -> None:
        port = self.port_
        if port.lost:
            port.close_lost()
        family, kind, proto = c_int(family), c_int(type), c_int(proto)
        if fileno is None:
            family = AF_INET if family == -1 else family
            kind = 1 if kind == -1 else kind
            proto = 0 if proto == -1 else proto
            fd = port.syscall(SYS.socket, family, kind | SOCK_CLOEXEC, proto)
            if fd < 0:
                raise failure(fd)
        else:
            if isinstance(fileno, float):
                raise TypeError("'float' object cannot be interpreted as an integer")
            fd = c_int(fileno)
            if fd < 0:
                raise ValueError("negative file descriptor")
            named = port.syscall(SYS.getsockname, fd)
            if not isinstance(named, tuple):
                if family == -1 or named in (-EBADF, -ENOTSOCK):
                    raise failure(named)
            elif family == -1:
                family = _family_of(named[1])
            if kind == -1:
                kind = port.call(SYS.getsockopt, fd, SOL_SOCKET, SO_TYPE, 0)[1]
            if proto == -1:
                proto = port.call(SYS.getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, 0)[1]
        self.sock_fd_ = fd
        self.sock_family_ = family
        self.sock_type_ = kind & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)
        self.sock_proto_ = proto
        if kind & SOCK_NONBLOCK:
            self.sock_timeout_ = 0
        else:
            self.sock_timeout_ = port.default_timeout
            if port.default_timeout >= 0:
                port.call(SYS.ioctl, fd, FIONBIO, 1)

    def __del__(self) -> None:
        fd = self.sock_fd_
        if fd != -1:
            self.port_.abandon(self, fd)

    def __hash__(self) -> int:
        return self.sock_serial_

    def __repr__(self) -> str:
        return (
            f"<socket object, fd={self.sock_fd_}, family={self.sock_family_}, "
            f"type={self.sock_type_}, proto={self.sock_proto_}>"
        )

    @property
    def family(self) -> int:
        """the socket family"""
        return self.sock_family_

    @property
    def type(self) -> int:
        """the socket type"""
        return self.sock_type_

    @property
    def proto(self) -> int:
        """the socket protocol"""
        return self.sock_proto_

    @property
    def timeout(self) -> float | None:
        """the socket timeout"""
        return self.gettimeout()

    # -- the general way into the kernel

    def sock_call_(self, writing: bool, nr: int, *args: Any) -> Any:
        """sock_call_ex: wait if there is a time-out, call, and again after false alarms and signals."""
        port = self.port_
        timeout = self.sock_timeout_
        deadline = port.clock(1) + timeout if timeout > 0 else 0
        while True:
            if timeout > 0 and not self.sock_wait_(POLLOUT if writing else POLLIN, deadline):
                raise TimeoutError("timed out")
            result = port.syscall(nr, *args)
            if type(result) is tuple or result >= 0:
                return result
            if result == -EINTR:
                port.check_signals()
            elif result != -EAGAIN or timeout <= 0:
                raise failure(result)

    def sock_wait_(self, events: int, deadline: int) -> bool:
        """internal_select: poll for `events`; False when `deadline` (0: none) has passed."""
        port = self.port_
        if self.sock_fd_ < 0:
            return True  # the call itself will say what is wrong
        while True:
            wait = None if not deadline else whole_ms(deadline - port.clock(1))
            if wait is not None and wait < 0:
                return False
            result = port.syscall(SYS.poll, ((self.sock_fd_, events),), wait)
            if type(result) is tuple:
                return bool(result[0])
            if result != -EINTR:
                raise failure(result)
            port.check_signals()

    def sock_address_(self, address: Any, caller: str) -> Address:
        """The kernel's form of an address given to the method `caller`."""
        return address_of(self.port_.names, self.sock_family_, address, caller)

    # -- names and connections

    def bind(self, address: Any, /) -> None:
        """Bind the socket to a local address."""
        place = self.sock_address_(address, "bind")
        self.port_.call(SYS.bind, self.sock_fd_, place)

    def connect(self, address: Any, /) -> None:
        """Connect the socket to a remote address."""
        error = self.sock_connect_(self.sock_address_(address, "connect"), True)
        if error:
            raise failure(-error)

    def connect_ex(self, address: Any, /) -> int:
        """Like connect(address), but returns an error code instead of raising."""
        return self.sock_connect_(self.sock_address_(address, "connect_ex"), False)

    def sock_connect_(self, place: Address, raises: bool) -> int:
        """internal_connect: 0 or an errno. An interrupted or pending connect goes on without us: wait for its end."""
        port = self.port_
        error = -port.syscall(SYS.connect, self.sock_fd_, place)
        timeout = self.sock_timeout_
        if error <= 0:
            return 0
        if error == EINTR:
            port.check_signals()
            waits = timeout != 0
        else:
            waits = timeout > 0 and error == EINPROGRESS
        if not waits:
            return int(error)
        if not self.sock_wait_(POLLOUT | POLLERR, port.clock(1) + timeout if timeout > 0 else 0):
            if raises:
                raise TimeoutError("timed out")
            return EAGAIN
        error = int(port.call(SYS.getsockopt, self.sock_fd_, SOL_SOCKET, SO_ERROR, 0)[1])
        return 0 if error == EISCONN else error

    def listen(self, backlog: Any = 128, /) -> None:
        """Enable a server to accept connections."""
        self.port_.call(SYS.listen, self.sock_fd_, max(c_int(backlog), 0))

    def shutdown(self, how: Any, /) -> None:
        """Shut down the reading side, the writing side, or both."""
        self.port_.call(SYS.shutdown, self.sock_fd_, c_int(how))

    def getsockname(self) -> Any:
        """The address of the local endpoint."""
        return self.port_.call(SYS.getsockname, self.sock_fd_)[1]

    def getpeername(self) -> Any:
        """The address of the remote endpoint."""
        return self.port_.call(SYS.getpeername, self.sock_fd_)[1]

    def detach(self) -> int:
        """Close the socket object without closing the descriptor, which is returned."""
        fd = self.sock_fd_
        self.sock_fd_ = -1
        return fd

    def close(self) -> None:
        """Close the socket. It cannot be used after this call."""
        fd = self.sock_fd_
        if fd != -1:
            self.sock_fd_ = -1
            result = self.port_.syscall(SYS.close, fd)
            if result < 0 and result != -ECONNRESET:
                raise failure(result)

    # -- options and time-outs

    def getsockopt(self, level: Any, option: Any, buflen: Any = 0, /) -> int | bytes:
        """Get a socket option: an int, or up to `buflen` bytes."""
        level, option, size = c_int(level), c_int(option), c_int(buflen)
        if size < 0 or size > 1024:
            raise OSError("getsockopt buflen out of range")
        value: int | bytes = self.port_.call(SYS.getsockopt, self.sock_fd_, level, option, size)[1]
        if size and isinstance(value, int):
            return struct.pack("i", value)[:size]
        return value

    def setsockopt(self, *args: Any) -> None:
        """setsockopt(level, option, value: int), (level, option, value: buffer) or (level, option, None, optlen)."""
        if len(args) == 4 and args[2] is None:
            level, option = c_int(args[0]), c_int(args[1])
            value: int | bytes = b"\0" * c_int(args[3])
        elif len(args) != 3:
            raise TypeError(f"setsockopt() takes exactly 3 arguments ({len(args)} given)")
        else:
            level, option = c_int(args[0]), c_int(args[1])
            value = c_int(args[2]) if isinstance(args[2], int) else bytes_of(args[2])
        self.port_.call(SYS.setsockopt, self.sock_fd_, level, option, value)

    def settimeout(self, timeout: Any, /) -> None:
        """Set a time-out in seconds; None: block."""
        self.sock_timeout_ = timeout_of(timeout)
        self.port_.call(SYS.ioctl, self.sock_fd_, FIONBIO, int(self.sock_timeout_ >= 0))

    def gettimeout(self) -> float | None:
        """The time-out in seconds, or None."""
        return None if self.sock_timeout_ < 0 else self.sock_timeout_ / 1e9

    def setblocking(self, flag: Any, /) -> None:
        """True: as settimeout(None); False: as settimeout(0.0)."""
        self.sock_timeout_ = -1 if (flag if ANY_FLAG else c_size(flag)) else 0
        self.port_.call(SYS.ioctl, self.sock_fd_, FIONBIO, int(self.sock_timeout_ >= 0))

    def getblocking(self) -> bool:
        """Whether the socket blocks (a time-out counts as blocking)."""
        return self.sock_timeout_ != 0

    # -- datagrams, and data into buffers

    def recvfrom(self, bufsize: Any, flags: Any = 0, /) -> tuple[bytes, Any]:
        """Receive data and the sender's address."""
        size = c_size(bufsize)
        if size < 0:
            raise ValueError("negative buffersize in recvfrom")
        data, sender = self.sock_call_(False, SYS.recvfrom, self.sock_fd_, size, c_int(flags))[1]
        return data, sender

    def recvfrom_into(self, buffer: Any, nbytes: Any = 0, flags: Any = 0) -> tuple[int, Any]:
        """Receive data into a buffer; the number of bytes and the sender's address."""
        view = writable(buffer, "recvfrom_into")
        size = c_size(nbytes)
        if size < 0:
            raise ValueError("negative buffersize in recvfrom_into")
        if size > len(view):
            raise ValueError("nbytes is greater than the length of the buffer")
        data, sender = self.sock_call_(False, SYS.recvfrom, self.sock_fd_, size or len(view), c_int(flags))[1]
        view[: len(data)] = data
        return len(data), sender

    def sendto(self, *args: Any) -> int:
        """sendto(data[, flags], address): send data to an address."""
        if len(args) not in (2, 3):
            raise TypeError(f"sendto() takes 2 or 3 arguments ({len(args)} given)")
        data = bytes_of(args[0])
        flags = c_int(args[1]) if len(args) == 3 else 0
        place = self.sock_address_(args[-1], "sendto")
        return int(self.sock_call_(True, SYS.sendto, self.sock_fd_, data, flags, place))


def _family_of(address: Any) -> int:
    """The family of an address as the kernel gives it."""
    if isinstance(address, tuple):
        return AF_INET if len(address) == 2 else AF_INET6
    return AF_UNIX
