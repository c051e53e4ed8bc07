"""eventfd: a counter that can be waited for. Its wait queue has the eventfd's own id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World


class Eventfd(msgspec.Struct, frozen=True, gc=False):
    """`count` is what a read takes: all of it, or one if it is a `semaphore`."""

    id: int
    host: int
    count: int
    semaphore: bool


class EventfdCreated(Event):
    """`eventfd2`."""

    eventfd: int
    host: int
    count: int
    semaphore: bool

    def apply(self, world: World) -> None:
        world.eventfds[self.eventfd] = Eventfd(self.eventfd, self.host, self.count, self.semaphore)
        world.wait_queues[self.eventfd] = EMPTY


class EventfdCounted(Event):
    """A write added to the counter, or a read took from it: it is `count` now."""

    eventfd: int
    count: int

    def apply(self, world: World) -> None:
        row = world.eventfds[self.eventfd]
        world.eventfds[self.eventfd] = Eventfd(row.id, row.host, self.count, row.semaphore)


class EventfdReleased(Event):
    """The last reference is gone."""

    eventfd: int

    def apply(self, world: World) -> None:
        del world.eventfds[self.eventfd]
        world.wait_queues.pop(self.eventfd, None)
