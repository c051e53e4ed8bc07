"""timerfd: a timer that can be read and waited for. Its wait queue has the timer's own id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World


class Timerfd(msgspec.Struct, frozen=True, gc=False):
    """`due`: when it rings next (ns since the start of the machine; 0: it is not set), then every `interval` ns (0: not
    again). `ticks`: how often it rang since it was read; while that is not 0 it does not ring again, and what it missed
    is counted when it is read."""

    id: int
    host: int
    clock: int
    due: int = 0
    interval: int = 0
    ticks: int = 0


class TimerfdCreated(Event):
    """`timerfd_create`."""

    timerfd: int
    host: int
    clock: int

    def apply(self, world: World) -> None:
        world.timerfds[self.timerfd] = Timerfd(self.timerfd, self.host, self.clock)
        world.wait_queues[self.timerfd] = EMPTY


class TimerfdSet(Event):
    """`timerfd_settime`, or it goes on after it was read: it rings at `due` (0: never)."""

    timerfd: int
    due: int
    interval: int

    def apply(self, world: World) -> None:
        row = world.timerfds[self.timerfd]
        world.timerfds[self.timerfd] = replace(row, due=self.due, interval=self.interval, ticks=0)


class TimerfdExpired(Event):
    """It rang."""

    timerfd: int

    def apply(self, world: World) -> None:
        row = world.timerfds[self.timerfd]
        world.timerfds[self.timerfd] = replace(row, ticks=row.ticks + 1)


class TimerfdReleased(Event):
    """The last reference is gone."""

    timerfd: int

    def apply(self, world: World) -> None:
        del world.timerfds[self.timerfd]
        world.wait_queues.pop(self.timerfd, None)
