"""Bursts of a mirror: the calls of which a busy server makes most, each an entry of the log that stands for its events.

As on the machine (`ioviz.model.bursts`): `unfold` gives exactly the events that the mirror makes of the call one by one
(`ioviz.live.moves`; the tests fold every log both ways).
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from ioviz.model.buffer import BytesCopiedOut
from ioviz.model.burst import Burst
from ioviz.model.cpu import NO_VECTOR, SyscallReturned, TrapEntered
from ioviz.model.event import Event
from ioviz.model.eventpoll import EventDelivered, ReadyDropped, ReadyLinked
from ioviz.model.mirror import BytesArrived, BytesPassed
from ioviz.model.shown import text
from ioviz.model.syscalls import SYS

PLAIN: Final = -1
"""The flags of read and write, which have none."""


class RealReceived(Burst):
    """read or recv of a real process emptied `buffer`, into which `arrived` bytes had come unseen."""

    kinds: ClassVar = frozenset((TrapEntered, BytesArrived, BytesCopiedOut, SyscallReturned))

    fd: int
    asked: int
    flags: int
    buffer: int
    arrived: int
    taken: int
    data: bytes
    """As much of it as was seen, and the log shows."""
    took: int

    @property
    def count(self) -> int:
        return 4 if self.arrived else 3

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        args: tuple[Any, ...] = (self.fd, self.asked)
        out: Any = text(self.data)
        nr = SYS.read
        if self.flags != PLAIN:
            args, out, nr = (*args, self.flags), (out, None), SYS.recvfrom
        events: list[Event] = [TrapEntered(seq, t, cpu, task, self.cause, 1, at, NO_VECTOR, nr, args)]
        t += self.took
        if self.arrived:
            events.append(BytesArrived(seq + 1, t, cpu, task, seq, 2, at, self.buffer, self.arrived))
        last = seq + len(events)
        events.append(BytesCopiedOut(last, t, cpu, task, seq, 1, at, self.buffer, self.taken))
        events.append(SyscallReturned(last + 1, t, cpu, task, seq, 1, at, nr, self.taken, out))
        return events


class RealSent(Burst):
    """write or send of a real process put `given` bytes into `buffer`."""

    kinds: ClassVar = frozenset((TrapEntered, BytesPassed, SyscallReturned))
    size: ClassVar = 3

    fd: int
    offered: int
    flags: int
    buffer: int
    given: int
    data: bytes
    took: int

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        args: tuple[Any, ...] = (self.fd, text(self.data), self.offered)
        nr = SYS.write
        if self.flags != PLAIN:
            args, nr = (*args, self.flags, None), SYS.sendto
        trap = TrapEntered(seq, t, cpu, task, self.cause, 1, at, NO_VECTOR, nr, args)
        t += self.took
        passed = BytesPassed(seq + 1, t, cpu, task, seq, 1, at, self.buffer, self.given)
        return [trap, passed, SyscallReturned(seq + 2, t, cpu, task, seq, 1, at, nr, self.given, None)]


class RealPolled(Burst):
    """epoll_wait of a real process reported `items`, all of them known; `dropped` had nothing any more, and of `linked`
    it follows only now that they had been ready."""

    kinds: ClassVar = frozenset((TrapEntered, ReadyDropped, ReadyLinked, EventDelivered, SyscallReturned))

    nr: int
    args: tuple[int, ...]
    ep: int
    dropped: list[int]
    linked: list[int]
    items: list[int]
    marks: list[int]
    """Of each item: the events that were reported times 2, and 1 if it went back to the list."""
    out: tuple[tuple[int, int], ...]
    took: int

    @property
    def count(self) -> int:
        return 2 + len(self.dropped) + len(self.linked) + len(self.items)

    def unfold(self) -> list[Event]:
        cause, t, cpu, task, at, ep = self.seq, self.t, self.cpu, self.task, self.at, self.ep
        trap = TrapEntered(cause, t, cpu, task, self.cause, 1, at, NO_VECTOR, self.nr, self.args)
        events: list[Event] = [trap]
        t += self.took
        seq = cause + 1
        for item in self.dropped:
            events.append(ReadyDropped(seq, t, cpu, task, cause, 2, at, ep, item))
            seq += 1
        found = dict(zip(self.items, self.marks, strict=True))
        for item in self.linked:
            events.append(ReadyLinked(seq, t, cpu, task, cause, 2, at, ep, item, found[item] >> 1, "callback"))
            seq += 1
        for item, mark in found.items():
            events.append(EventDelivered(seq, t, cpu, task, cause, 1, at, ep, item, mark >> 1, bool(mark & 1)))
            seq += 1
        out: Any = self.out
        events.append(SyscallReturned(seq, t, cpu, task, cause, 1, at, self.nr, len(found), out))
        return events


MIRRORED: Final = (RealReceived, RealSent, RealPolled)
