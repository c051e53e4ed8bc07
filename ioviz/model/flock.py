"""flock: locks of files by open file description. Whoever waits for one stands on the queue of the file's locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World


class Flock(msgspec.Struct, frozen=True, gc=False):
    """The locks on one object: the open files that hold it; all shared, or one `exclusive`. `queue` is the wait
    queue."""

    obj: int
    queue: int
    holders: tuple[int, ...]
    exclusive: bool


class FileLocked(Event):
    """Open file `file` has the lock of `obj` now, by itself if it is `exclusive`."""

    obj: int
    file: int
    exclusive: bool
    queue: int

    def apply(self, world: World) -> None:
        row = world.flocks.get(self.obj)
        holders = () if row is None else row.holders
        world.flocks[self.obj] = Flock(self.obj, self.queue, (*holders, self.file), self.exclusive)
        world.wait_queues.setdefault(self.queue, EMPTY)


class FileUnlocked(Event):
    """Open file `file` has given the lock of `obj` back."""

    obj: int
    file: int

    def apply(self, world: World) -> None:
        row = world.flocks[self.obj]
        holders = tuple(file for file in row.holders if file != self.file)
        if holders:
            world.flocks[self.obj] = Flock(row.obj, row.queue, holders, row.exclusive)
        else:
            del world.flocks[self.obj]
            world.wait_queues.pop(row.queue, None)
