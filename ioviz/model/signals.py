"""Signals: pending, blocked, delivered.

A pending signal belongs to a process, and any of its tasks may take it, or to one task alone. A signal below 32 is
pending once however often it was sent; those from 32 on queue up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World

SIGRTMIN: Final = 32


class PendingSignals(msgspec.Struct, frozen=True, gc=False):
    """The signals that process `pid` has not yet handled, in order of arrival: those for any of its tasks, and those
    for one, as (tid, number)."""

    pid: int
    numbers: tuple[int, ...]
    private: tuple[tuple[int, int], ...] = ()


class SignalSent(Event):
    """Signal `number` was sent to process `pid` (and to its task `tid` alone, if that is not 0)."""

    pid: int
    tid: int
    number: int

    def apply(self, world: World) -> None:
        row = world.signals.get(self.pid) or PendingSignals(self.pid, ())
        number = self.number
        if self.tid:
            if (self.tid, number) not in row.private or number >= SIGRTMIN:
                world.signals[self.pid] = PendingSignals(self.pid, row.numbers, (*row.private, (self.tid, number)))
        elif number not in row.numbers or number >= SIGRTMIN:
            world.signals[self.pid] = PendingSignals(self.pid, (*row.numbers, number), row.private)


class SignalDelivered(Event):
    """A signal left the pending ones of process `pid`, or of its task `tid` if that is not 0. `action`: handler,
    ignored, killed, or accepted (by a call that waited for it)."""

    pid: int
    number: int
    action: str
    tid: int = 0

    def apply(self, world: World) -> None:
        row = world.signals.get(self.pid)
        if row is None:
            return
        numbers, private = list(row.numbers), list(row.private)
        if self.tid:
            if (self.tid, self.number) in private:
                private.remove((self.tid, self.number))
        elif self.number in numbers:
            numbers.remove(self.number)
        world.signals[self.pid] = PendingSignals(self.pid, tuple(numbers), tuple(private))


class SignalMaskSet(Event):
    """The running task blocks these signals now, and no others."""

    numbers: tuple[int, ...]

    def apply(self, world: World) -> None:
        if self.numbers:
            world.sigmasks[self.task] = self.numbers
        else:
            world.sigmasks.pop(self.task, None)
