"""Operations of random verification: what there is, and how one is made by system calls on either kernel.

An operation is (task, kind, arguments). Task 0 is the one that drives: it makes calls that never sleep. Tasks 1 to 3
make calls that may. Descriptors are named by numbers of their own ("slots"), which an operation that makes some states
itself: so an operation can be left out of a sequence and the rest still means the same. What an operation gives is a
number, an errno's name, bytes, or slots with their events: the same on both kernels, or the kernels differ.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable

    Syscall = Callable[..., Any]

O_NONBLOCK: Final = 0o4000
INET, UNIX, INET6 = 2, 1, 10
STREAM, DGRAM, SEQPACKET = 1, 2, 5
SOL_SOCKET, SOL_TCP = 1, 6
TCP_NODELAY, SO_TYPE, SO_ERROR, SO_LINGER = 1, 3, 4, 13
FIONREAD: Final = 0x541B
DONTWAIT: Final = 0x40
ALL: Final = 0x1 | 0x2 | 0x4 | 0x2000
KNOWN: Final = ALL | 0x8 | 0x10 | 0x20
"""The bits of poll that are compared: not those that only say how it was asked."""
RESET: Final = bytes((1, 0, 0, 0, 0, 0, 0, 0))
"""A `struct linger` that makes close send RST."""


class Op(NamedTuple):
    """One operation. `args` begin with the slots that it makes, then those that it uses, as `SLOTS` counts them."""

    task: int
    kind: str
    args: tuple[Any, ...]


SLOTS: Final[dict[str, tuple[int, int]]] = {
    "pipe": (2, 0),
    "pair": (2, 0),
    "tcp": (2, 0),
    "listener": (1, 0),
    "local": (1, 0),
    "udp": (1, 0),
    "eventfd": (1, 0),
    "epoll": (1, 0),
    "dup": (1, 1),
    "dup2": (1, 2),
    "connect": (1, 1),
    "accept": (1, 1),
    "again": (0, 2),
    "join": (0, 2),
    "send": (0, 1),
    "recv": (0, 1),
    "sendto": (0, 2),
    "write": (0, 1),
    "read": (0, 1),
    "shutdown": (0, 1),
    "close": (0, 1),
    "reset": (0, 1),
    "error": (0, 1),
    "queued": (0, 1),
    "set": (0, 1),
    "get": (0, 1),
    "listen": (0, 1),
    "ctl": (0, 2),
    "wait": (0, 1),
    "poll": (0, 0),
    "select": (0, 0),
    "look": (0, 0),
}
"""How many slots each kind makes and uses. `poll` and `select` have theirs in lists."""


def made_by(op: Op) -> tuple[int, ...]:
    """The slots that `op` makes."""
    slots: tuple[int, ...] = op.args[: SLOTS[op.kind][0]]
    return slots


def used_by(op: Op) -> set[int]:
    """The slots that `op` cannot do without."""
    makes, uses = SLOTS[op.kind]
    return set(op.args[makes : makes + uses])


def word(result: Any) -> Any:
    """A negative errno as its name."""
    return errno.errorcode.get(-result, result) if type(result) is int and result < 0 else result


class Table:
    """Which descriptor each slot is, on one kernel, and the operations on it."""

    def __init__(self, syscall: Syscall) -> None:
        self.syscall = syscall
        self.fds: dict[int, int] = {}

    def fd(self, slot: int) -> int:
        """The descriptor of a slot; -1 once it is closed."""
        return self.fds.get(slot, -1)

    def own(self, slot: int, fd: int) -> Any:
        """Slot `slot` is descriptor `fd` now; what the operation gives."""
        if fd < 0:
            return word(fd)
        self.fds[slot] = fd
        return "ok"

    def do(self, op: Op) -> Any:
        """Make the calls of `op`; what it gives."""
        return _DO[op.kind](self, *op.args)

    def end(self) -> None:
        """Close everything."""
        for fd in self.fds.values():
            self.syscall(SYS.close, fd)
        self.fds.clear()

    # -- what makes descriptors

    def pipe(self, r: int, w: int, flags: int) -> Any:
        reader, writer = self.syscall(SYS.pipe2, flags)[1]
        self.own(r, reader)
        return self.own(w, writer)

    def pair(self, a: int, b: int, kind: int) -> Any:
        one, other = self.syscall(SYS.socketpair, UNIX, kind, 0)[1]
        self.own(a, one)
        return self.own(b, other)

    def tcp(self, a: int, b: int, flags: int) -> Any:
        """A connected pair: the client and what was accepted."""
        s = self.syscall
        server = s(SYS.socket, INET, STREAM, 0)
        s(SYS.bind, server, ("127.0.0.1", 0))
        s(SYS.listen, server, 4)
        client = s(SYS.socket, INET, STREAM, 0)
        result = s(SYS.connect, client, s(SYS.getsockname, server)[1])
        if result:
            return word(result)
        accepted = s(SYS.accept4, server, flags)[0]
        s(SYS.fcntl, client, 4, flags)
        s(SYS.close, server)
        for slot, fd in ((a, client), (b, accepted)):
            s(SYS.setsockopt, fd, SOL_TCP, TCP_NODELAY, 1)  # else the acknowledgements' time decides
            self.own(slot, fd)
        return "ok"

    def listener(self, slot: int, backlog: int, flags: int) -> Any:
        fd = self.syscall(SYS.socket, INET, STREAM | flags, 0)
        self.syscall(SYS.bind, fd, ("127.0.0.1", 0))
        self.own(slot, fd)
        return word(self.syscall(SYS.listen, fd, backlog))

    def local(self, slot: int, kind: int, backlog: int) -> Any:
        """A listening Unix socket with a name of the kernel's choice."""
        fd = self.syscall(SYS.socket, UNIX, kind, 0)
        self.syscall(SYS.bind, fd, b"")
        self.own(slot, fd)
        return word(self.syscall(SYS.listen, fd, backlog))

    def udp(self, slot: int, flags: int, family: int = INET) -> Any:
        fd = self.syscall(SYS.socket, family, DGRAM | flags, 0)
        self.own(slot, fd)
        return word(self.syscall(SYS.bind, fd, ("127.0.0.1", 0) if family == INET else ("::1", 0, 0, 0)))

    def eventfd(self, slot: int, count: int, flags: int) -> Any:
        return self.own(slot, self.syscall(SYS.eventfd2, count, flags))

    def epoll(self, slot: int) -> Any:
        return self.own(slot, self.syscall(SYS.epoll_create1, 0))

    def dup(self, slot: int, old: int) -> Any:
        return self.own(slot, self.syscall(SYS.dup, self.fd(old)))

    def dup2(self, slot: int, old: int, over: int) -> Any:
        """dup2(2): the descriptor that slot `over` was is slot `slot` now."""
        fd = self.syscall(SYS.dup2, self.fd(old), self.fd(over))
        if fd >= 0:
            del self.fds[over]
        return self.own(slot, fd)

    def connect(self, slot: int, to: int) -> Any:
        """A new client of the listener `to`, which does not wait."""
        name = self._name(to)
        if isinstance(name, bytes):
            kind = self.syscall(SYS.getsockopt, self.fd(to), SOL_SOCKET, SO_TYPE, 0)[1]
            fd = self.syscall(SYS.socket, UNIX, kind | O_NONBLOCK, 0)
            self.own(slot, fd)
            return word(self.syscall(SYS.connect, fd, name))
        fd = self.syscall(SYS.socket, INET, STREAM | O_NONBLOCK, 0)
        self.own(slot, fd)
        self.syscall(SYS.setsockopt, fd, SOL_TCP, TCP_NODELAY, 1)
        return "no name" if name is None else word(self.syscall(SYS.connect, fd, name))

    def accept(self, slot: int, listener: int, flags: int) -> Any:
        got = self.syscall(SYS.accept4, self.fd(listener), flags)
        if type(got) is int:
            return word(got)
        self.syscall(SYS.setsockopt, got[0], SOL_TCP, TCP_NODELAY, 1)
        return self.own(slot, got[0])

    def _name(self, slot: int) -> Any:
        got = self.syscall(SYS.getsockname, self.fd(slot))
        name = None if type(got) is int else got[1]
        return name if isinstance(name, bytes) or (isinstance(name, tuple) and name[1]) else None

    # -- what uses them

    def again(self, slot: int, to: int) -> Any:
        """connect(2) of a socket that there is."""
        name = self._name(to)
        return "no name" if name is None else word(self.syscall(SYS.connect, self.fd(slot), name))

    def sendto(self, slot: int, to: int, tag: int, size: int, flags: int) -> Any:
        name = self._name(to)
        data = bytes((tag,)) * size
        return "no name" if name is None else word(self.syscall(SYS.sendto, self.fd(slot), data, flags, name))

    def send(self, slot: int, tag: int, size: int, flags: int) -> Any:
        return word(self.syscall(SYS.sendto, self.fd(slot), bytes((tag,)) * size, flags, None))

    def recv(self, slot: int, n: int, flags: int) -> Any:
        got = self.syscall(SYS.recvfrom, self.fd(slot), n, flags)
        return word(got) if type(got) is int else got[1][0]

    def write(self, slot: int, tag: int, size: int) -> Any:
        """write(2); to an eventfd a number of 8 bytes, since that is what there may be."""
        data = bytes((tag % 3 + 1,)) + bytes(7) if size == 8 else bytes((tag,)) * size
        return word(self.syscall(SYS.write, self.fd(slot), data))

    def read(self, slot: int, n: int) -> Any:
        got = self.syscall(SYS.read, self.fd(slot), n)
        return got[1] if type(got) is tuple else word(got) if got else b""

    def shutdown(self, slot: int, how: int) -> Any:
        return word(self.syscall(SYS.shutdown, self.fd(slot), how))

    def close(self, slot: int) -> Any:
        return word(self.syscall(SYS.close, self.fds.pop(slot, -1)))

    def reset(self, slot: int) -> Any:
        """close(2) that sends RST."""
        self.syscall(SYS.setsockopt, self.fd(slot), SOL_SOCKET, SO_LINGER, RESET)
        return self.close(slot)

    def error(self, slot: int) -> Any:
        got = self.syscall(SYS.getsockopt, self.fd(slot), SOL_SOCKET, SO_ERROR, 0)
        return word(got) if type(got) is int else word(-got[1])

    def queued(self, slot: int) -> Any:
        got = self.syscall(SYS.ioctl, self.fd(slot), FIONREAD, 0)
        return word(got) if type(got) is int else got[1]

    def set(self, slot: int, level: int, option: int, value: int) -> Any:
        return word(self.syscall(SYS.setsockopt, self.fd(slot), level, option, value))

    def get(self, slot: int, level: int, option: int) -> Any:
        got = self.syscall(SYS.getsockopt, self.fd(slot), level, option, 0)
        return word(got) if type(got) is int else got[1]

    def listen(self, slot: int, backlog: int) -> Any:
        return word(self.syscall(SYS.listen, self.fd(slot), backlog))

    def ctl(self, ep: int, slot: int, op: int, mask: int) -> Any:
        return word(self.syscall(SYS.epoll_ctl, self.fd(ep), op, self.fd(slot), mask, slot))

    def wait(self, ep: int, most: int, timeout: int) -> Any:
        got = self.syscall(SYS.epoll_wait, self.fd(ep), most, timeout)
        return list(got[1]) if type(got) is tuple else word(got) if got else []

    def poll(self, slots: tuple[tuple[int, int], ...], timeout: int | None) -> Any:
        wanted = [(self.fd(slot), mask, slot) for slot, mask in slots]
        got = self.syscall(SYS.poll, tuple((fd, mask) for fd, mask, _ in wanted), timeout)
        if type(got) is int:
            return word(got) if got else []
        found = iter(got[1])
        row = next(found, None)
        out = []
        for fd, mask, slot in wanted:  # a descriptor may be asked for twice: the rows come in order
            if row is not None and fd == row[0] and row[1] & (mask | 0x38):
                out.append((slot, row[1] & KNOWN))
                row = next(found, None)
        return out

    def select(self, reads: Any, writes: Any, excepts: Any, timeout: int | None) -> Any:
        sets = [{self.fd(slot): slot for slot in slots if slot in self.fds} for slots in (reads, writes, excepts)]
        nfds = max((fd for each in sets for fd in each), default=-1) + 1
        got = self.syscall(SYS.select, nfds, *(tuple(sorted(each)) for each in sets), timeout)
        if type(got) is int:
            return word(got) if got else "nothing"
        return [sorted(each[fd] for fd in fds) for each, fds in zip(sets, got[1], strict=True)] if got[0] else "nothing"

    def look(self) -> Any:
        """What poll says of everything that is open."""
        return self.poll(tuple((slot, ALL) for slot in sorted(self.fds)), 0)


_DO: Final = {kind: getattr(Table, kind if kind != "join" else "again") for kind in SLOTS}
