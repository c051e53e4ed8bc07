"""Futexes: the wait queues behind the locks of threads. An uncontended lock never enters the kernel.

A futex is named by a key of its process (in Linux: a user address) and has a wait queue while anyone sleeps on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World


class Futex(msgspec.Struct, frozen=True, gc=False):
    """`queue` is the wait queue of the futex that process `pid` knows by `key`."""

    pid: int
    key: int
    queue: int


class FutexHashed(Event):
    """The first sleeper of a futex came: it gets a wait queue."""

    pid: int
    key: int
    queue: int

    def apply(self, world: World) -> None:
        world.futexes[(self.pid, self.key)] = Futex(self.pid, self.key, self.queue)
        world.wait_queues[self.queue] = EMPTY


class FutexForgotten(Event):
    """The last sleeper of a futex has gone."""

    pid: int
    key: int

    def apply(self, world: World) -> None:
        row = world.futexes.pop((self.pid, self.key))
        del world.wait_queues[row.queue]
