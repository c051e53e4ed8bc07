"""Signals: pending, delivered, and what they do to a sleeping call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World


class PendingSignals(msgspec.Struct, frozen=True, gc=False):
    """The signals that process `pid` has not yet handled, in order of arrival."""

    pid: int
    numbers: tuple[int, ...]


class SignalSent(Event):
    """Signal `number` was sent to process `pid` (and to its task `tid` alone, if that is not 0)."""

    pid: int
    tid: int
    number: int

    def apply(self, world: World) -> None:
        row = world.signals.get(self.pid)
        numbers = row.numbers if row else ()
        if self.number not in numbers:
            world.signals[self.pid] = PendingSignals(self.pid, (*numbers, self.number))


class SignalDelivered(Event):
    """Process `pid` takes signal `number`; `action`: handler, ignored or killed."""

    pid: int
    number: int
    action: str

    def apply(self, world: World) -> None:
        row = world.signals.get(self.pid)
        if row is not None:
            rest = tuple(number for number in row.numbers if number != self.number)
            world.signals[self.pid] = PendingSignals(self.pid, rest)
