"""signalfd: a descriptor from which blocked signals are read. Its wait queue has the signalfd's own id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World


class Signalfd(msgspec.Struct, frozen=True, gc=False):
    """`numbers` are the signals that it gives; those of process `pid` wake who waits for it."""

    id: int
    pid: int
    numbers: tuple[int, ...]


class SignalfdCreated(Event):
    """`signalfd4` with no descriptor: a new one."""

    signalfd: int
    pid: int
    numbers: tuple[int, ...]

    def apply(self, world: World) -> None:
        world.signalfds[self.signalfd] = Signalfd(self.signalfd, self.pid, self.numbers)
        world.wait_queues[self.signalfd] = EMPTY


class SignalfdSet(Event):
    """`signalfd4` with a descriptor: it gives these signals from now on."""

    signalfd: int
    numbers: tuple[int, ...]

    def apply(self, world: World) -> None:
        row = world.signalfds[self.signalfd]
        world.signalfds[self.signalfd] = Signalfd(row.id, row.pid, self.numbers)


class SignalfdReleased(Event):
    """The last reference is gone."""

    signalfd: int

    def apply(self, world: World) -> None:
        del world.signalfds[self.signalfd]
        world.wait_queues.pop(self.signalfd, None)
