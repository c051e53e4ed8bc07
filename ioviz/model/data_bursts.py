"""The bursts of a busy connection: send, recv, epoll_wait."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from ioviz.model.buffer import BytesCopiedIn, BytesCopiedOut, SegmentDelivered
from ioviz.model.burst import Burst
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import Event
from ioviz.model.eventpoll import EventDelivered, ReadyDropped, ReadyLinked
from ioviz.model.shown import SHOWN, received, sent
from ioviz.model.syscalls import SYS
from ioviz.model.task import TaskSlept, TaskSwitched, TaskWoken
from ioviz.model.telling import Telling
from ioviz.model.wait import SHARED


class Sent(Telling):
    """send(2) on loopback, with room at the other end: in, delivered, told."""

    kinds: ClassVar = frozenset((TrapEntered, BytesCopiedIn, SegmentDelivered, ReadyLinked, TaskWoken, SyscallReturned))

    vector: int
    fd: int
    flags: int
    data: bytes
    truesize: int
    tx: int
    segment: int
    rx: int
    copying: int
    returning: int

    @property
    def count(self) -> int:
        return 4 + self.told

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        data, tx = self.data, self.tx
        args = sent((self.fd, data, self.flags, None))
        events: list[Event] = [TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.sendto, args)]
        t += self.copying
        events.append(BytesCopiedIn(seq + 1, t, cpu, task, seq, 0, at, tx, self.segment, data, self.truesize))
        events.append(SegmentDelivered(seq + 2, t, cpu, task, seq + 1, 0, at, tx, self.rx))
        t = self.tell(events, t, seq + 2) + self.returning
        events.append(SyscallReturned(seq + len(events), t, cpu, task, seq, 0, at, SYS.sendto, len(data)))
        return events


class Received(Burst):
    """recv(2) of what is there, with nothing behind it that waits for room."""

    kinds: ClassVar = frozenset((TrapEntered, BytesCopiedOut, SyscallReturned))
    size: ClassVar = 3

    vector: int
    fd: int
    asked: int
    flags: int
    rx: int
    taken: int
    data: bytes
    """As much of it as the log shows."""
    copying: int
    returning: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        args = (self.fd, self.asked, self.flags)
        trap = TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.recvfrom, args)
        t += self.copying
        copied = BytesCopiedOut(seq + 1, t, cpu, task, seq, 0, at, self.rx, self.taken)
        t += self.returning
        out = received((self.data, None))
        back = SyscallReturned(seq + 2, t, cpu, task, seq, 0, at, SYS.recvfrom, self.taken, out)
        return [trap, copied, back]


class Blocked(Burst):
    """recv(2) that finds nothing, as far as the switch to the task `next`."""

    kinds: ClassVar = frozenset((TrapEntered, TaskSlept, TaskSwitched))
    size: ClassVar = 3

    vector: int
    fd: int
    asked: int
    flags: int
    sock: int
    entry: int
    next: int
    switching: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        args = (self.fd, self.asked, self.flags)
        then = t + self.switching
        return [
            TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.recvfrom, args),
            TaskSlept(seq + 1, t, cpu, task, seq, 0, at, "sk_wait_data", (self.sock,), self.entry, SHARED, 0),
            TaskSwitched(seq + 2, then, cpu, task, seq, 0, at, task, self.next),
        ]


class Resumed(Burst):
    """recv(2) that slept, from the bytes that woke it to its end."""

    kinds: ClassVar = frozenset((BytesCopiedOut, SyscallReturned))
    size: ClassVar = 2

    rx: int
    taken: int
    data: bytes
    """As much of it as the log shows."""
    returning: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, cause, at = self.seq, self.t, self.cpu, self.task, self.cause, self.at
        copied = BytesCopiedOut(seq, t, cpu, task, cause, 0, at, self.rx, self.taken)
        t += self.returning
        out = received((self.data, None))
        return [copied, SyscallReturned(seq + 1, t, cpu, task, cause, 0, at, SYS.recvfrom, self.taken, out)]


LOOKS: Final = 256
"""The most items of one `Polled`, so that unfolding one is never long."""


class Polled(Burst):
    """epoll_wait(2) that finds something ready: a part of its way along the ready list, where only TCP sockets stand.

    A long way is several of them: the first has the trap (`enters`), the last the return (`ret` is not negative)."""

    kinds: ClassVar = frozenset((TrapEntered, EventDelivered, ReadyDropped, SyscallReturned))

    enters: bool
    vector: int
    args: tuple[int, ...]
    ep: int
    handling: int
    items: list[int]
    marks: list[int]
    """Of each item: 0 if it was dropped, else the events that were reported times 2, and 1 if it went back."""
    ret: int
    out: tuple[tuple[int, int], ...]
    returning: int

    @property
    def count(self) -> int:
        return self.enters + len(self.items) + (self.ret >= 0)

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, cause, at = self.seq, self.t, self.cpu, self.task, self.cause, self.at
        ep, handling = self.ep, self.handling
        events: list[Event] = []
        if self.enters:
            events.append(TrapEntered(seq, t, cpu, task, cause, 0, at, self.vector, SYS.epoll_wait, self.args))
            cause, seq = seq, seq + 1
        for item, mark in zip(self.items, self.marks, strict=True):
            t += handling
            if mark:
                events.append(EventDelivered(seq, t, cpu, task, cause, 0, at, ep, item, mark >> 1, bool(mark & 1)))
            else:
                events.append(ReadyDropped(seq, t, cpu, task, cause, 0, at, ep, item))
            seq += 1
        if self.ret >= 0:
            t += self.returning
            out: Any = self.out[:SHOWN]
            events.append(SyscallReturned(seq, t, cpu, task, cause, 0, at, SYS.epoll_wait, self.ret, out))
        return events
