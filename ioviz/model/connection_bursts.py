"""The bursts of a connection's beginning and end, on loopback: socket, connect, accept4, ioctl, close, and the calls
that change nothing."""

from __future__ import annotations

from typing import ClassVar

from ioviz.model.buffer import BufferResized
from ioviz.model.burst import Burst
from ioviz.model.cpu import Arg, SyscallReturned, TrapEntered
from ioviz.model.event import Event
from ioviz.model.eventpoll import ReadyLinked
from ioviz.model.files import SOCKET, FdClosed, FdInstalled, FileFlagsSet, FileOpened, FileReleased
from ioviz.model.socket import (
    CLOSE_WAIT,
    ESTABLISHED,
    FIN_WAIT1,
    FIN_WAIT2,
    LAST_ACK,
    SYN_SENT,
    ConnectionAccepted,
    ConnectionCreated,
    ConnectionQueued,
    FinReceived,
    FinSent,
    SocketConnected,
    SocketCreated,
    SocketOrphaned,
    SocketReleased,
    SocketStateChanged,
    TimeWaitStarted,
)
from ioviz.model.syscalls import SYS
from ioviz.model.task import TaskWoken
from ioviz.model.telling import Telling


class Plain(Burst):
    """A call that only answers: getsockname(2), or recv(2) and accept(2) where there is nothing."""

    kinds: ClassVar = frozenset((TrapEntered, SyscallReturned))
    size: ClassVar = 2

    vector: int
    nr: int
    args: tuple[Arg, ...]
    ret: int
    out: Arg
    returning: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        trap = TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, self.nr, self.args)
        t += self.returning
        return [trap, SyscallReturned(seq + 1, t, cpu, task, seq, 0, at, self.nr, self.ret, self.out)]


class Opened(Burst):
    """socket(2) of TCP: its open file has the id after `sock`."""

    kinds: ClassVar = frozenset((TrapEntered, SocketCreated, FileOpened, FdInstalled, SyscallReturned))
    size: ClassVar = 5

    vector: int
    args: tuple[int, int, int]
    sock: int
    protocol: int
    rcvbuf: int
    sndbuf: int
    flags: int
    pid: int
    fd: int
    cloexec: bool
    returning: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at, sock = self.seq, self.t, self.cpu, self.task, self.at, self.sock
        family, kind, _ = self.args
        head = (seq + 1, t, cpu, task, seq, 0, at)
        return [
            TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.socket, self.args),
            SocketCreated(*head, sock, cpu, family, kind & 0xF, self.protocol, self.rcvbuf, self.sndbuf),
            FileOpened(seq + 2, t, cpu, task, seq, 0, at, sock + 1, SOCKET, sock, self.flags, 0),
            FdInstalled(seq + 3, t, cpu, task, seq, 0, at, self.pid, self.fd, sock + 1, self.cloexec),
            SyscallReturned(seq + 4, t + self.returning, cpu, task, seq, 0, at, SYS.socket, self.fd),
        ]


class Connected(Telling):
    """connect(2) that blocks, with room in the accept queue: SYN, SYN-ACK, ACK, and the listener's people are told."""

    kinds: ClassVar = frozenset(
        (
            TrapEntered,
            SocketConnected,
            ConnectionCreated,
            BufferResized,
            ConnectionQueued,
            ReadyLinked,
            TaskWoken,
            SyscallReturned,
        )
    )

    vector: int
    fd: int
    ip: str
    port: int
    sock: int
    local: str
    remote: str
    child: int
    listener: int
    sndbuf: int
    resized: int
    """The new limit of the send buffer; 0: the program had set it."""
    returning: int

    @property
    def count(self) -> int:
        return 6 + bool(self.resized) + self.told

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        sock, local, remote, child, listener = self.sock, self.local, self.remote, self.child, self.listener
        args = (self.fd, (self.ip, self.port))
        made, done = seq + 2, seq + 3
        events: list[Event] = [
            TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.connect, args),
            SocketConnected(seq + 1, t, cpu, task, seq, 0, at, sock, SYN_SENT, local, remote, 0),
            ConnectionCreated(made, t, cpu, task, seq, 0, at, child, listener, remote, local, sock, self.sndbuf),
            SocketConnected(done, t, cpu, task, made, 0, at, sock, ESTABLISHED, local, remote, child),
        ]
        if self.resized:
            events.append(BufferResized(seq + 4, t, cpu, task, done, 0, at, sock * 2 + 1, self.resized))
        queued = seq + len(events)
        events.append(ConnectionQueued(queued, t, cpu, task, done, 0, at, listener, child))
        t = self.tell(events, t, queued) + self.returning
        events.append(SyscallReturned(seq + len(events), t, cpu, task, seq, 0, at, SYS.connect, 0))
        return events


class Accepted(Burst):
    """accept4(2) of a connection that waits already."""

    kinds: ClassVar = frozenset((TrapEntered, ConnectionAccepted, FileOpened, FdInstalled, SyscallReturned))
    size: ClassVar = 5

    vector: int
    asked: int
    """The listener's descriptor."""
    given: int
    """The flags of the call."""
    listener: int
    child: int
    file: int
    flags: int
    pid: int
    fd: int
    cloexec: bool
    ip: str
    port: int
    returning: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at, fd = self.seq, self.t, self.cpu, self.task, self.at, self.fd
        args, out = (self.asked, self.given), (self.ip, self.port)
        return [
            TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.accept4, args),
            ConnectionAccepted(seq + 1, t, cpu, task, seq, 0, at, self.listener, self.child),
            FileOpened(seq + 2, t, cpu, task, seq, 0, at, self.file, SOCKET, self.child, self.flags, 0),
            FdInstalled(seq + 3, t, cpu, task, seq, 0, at, self.pid, fd, self.file, self.cloexec),
            SyscallReturned(seq + 4, t + self.returning, cpu, task, seq, 0, at, SYS.accept4, fd, out),
        ]


class NonblockSet(Burst):
    """ioctl(FIONBIO) that changes the flags of the open file."""

    kinds: ClassVar = frozenset((TrapEntered, FileFlagsSet, SyscallReturned))
    size: ClassVar = 3

    vector: int
    args: tuple[int, int, int]
    file: int
    flags: int
    returning: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        return [
            TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.ioctl, self.args),
            FileFlagsSet(seq + 1, t, cpu, task, seq, 0, at, self.file, self.flags),
            SyscallReturned(seq + 2, t + self.returning, cpu, task, seq, 0, at, SYS.ioctl, 0),
        ]


class ClosedFirst(Telling):
    """close(2) of a connection whose peer has not closed: the FIN is sent, told and acknowledged."""

    kinds: ClassVar = frozenset(
        (
            TrapEntered,
            FdClosed,
            SocketOrphaned,
            FinSent,
            FinReceived,
            ReadyLinked,
            TaskWoken,
            SocketStateChanged,
            FileReleased,
            SyscallReturned,
        )
    )

    vector: int
    pid: int
    fd: int
    sock: int
    peer: int
    file: int
    returning: int

    @property
    def count(self) -> int:
        return 8 + self.told

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        sock, peer = self.sock, self.peer
        sent, got = seq + 3, seq + 4
        events: list[Event] = [
            TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.close, (self.fd,)),
            FdClosed(seq + 1, t, cpu, task, seq, 0, at, self.pid, self.fd),
            SocketOrphaned(seq + 2, t, cpu, task, seq, 0, at, sock),
            FinSent(sent, t, cpu, task, seq + 2, 0, at, sock, FIN_WAIT1),
            FinReceived(got, t, cpu, task, sent, 0, at, peer, CLOSE_WAIT),
        ]
        t = self.tell(events, t, got)
        last = seq + len(events)
        events.append(SocketStateChanged(last, t, cpu, task, sent, 0, at, sock, FIN_WAIT2))
        events.append(FileReleased(last + 1, t, cpu, task, seq, 0, at, self.file))
        t += self.returning
        events.append(SyscallReturned(last + 2, t, cpu, task, seq, 0, at, SYS.close, 0))
        return events


class ClosedLast(Burst):
    """close(2) of a connection whose peer has closed and is gone: both sockets go, and the peer's TIME-WAIT stays."""

    kinds: ClassVar = frozenset(
        (
            TrapEntered,
            FdClosed,
            SocketOrphaned,
            FinSent,
            TimeWaitStarted,
            SocketReleased,
            FileReleased,
            SyscallReturned,
        )
    )
    size: ClassVar = 9

    vector: int
    pid: int
    fd: int
    sock: int
    peer: int
    file: int
    wait: int
    until: int
    reuse: bool
    returning: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        sock, peer = self.sock, self.peer
        sent, waits = seq + 3, seq + 4
        return [
            TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.close, (self.fd,)),
            FdClosed(seq + 1, t, cpu, task, seq, 0, at, self.pid, self.fd),
            SocketOrphaned(seq + 2, t, cpu, task, seq, 0, at, sock),
            FinSent(sent, t, cpu, task, seq + 2, 0, at, sock, LAST_ACK),
            TimeWaitStarted(waits, t, cpu, task, sent, 0, at, peer, self.wait, self.until, self.reuse),
            SocketReleased(seq + 5, t, cpu, task, waits, 0, at, peer),
            SocketReleased(seq + 6, t, cpu, task, sent, 0, at, sock),
            FileReleased(seq + 7, t, cpu, task, seq, 0, at, self.file),
            SyscallReturned(seq + 8, t + self.returning, cpu, task, seq, 0, at, SYS.close, 0),
        ]
