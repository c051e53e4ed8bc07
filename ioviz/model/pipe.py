"""Pipes: one buffer (key `2 * id`), 16 slots of a page, a wait queue with the pipe's own id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ioviz.model.buffer import Buffer
from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World


class Pipe(msgspec.Struct, frozen=True, gc=False):
    """How many open files read from it and write to it, and the slots in use."""

    id: int
    host: int
    readers: int
    writers: int
    slots: int


class PipeCreated(Event):
    """An empty pipe with one reader and one writer."""

    pipe: int
    host: int
    capacity: int

    def apply(self, world: World) -> None:
        world.pipes[self.pipe] = Pipe(self.pipe, self.host, 1, 1, 0)
        world.buffers[self.pipe * 2] = Buffer(0, 0, 0, 0, self.capacity, 0)
        world.wait_queues[self.pipe] = EMPTY


class PipeSlotsUsed(Event):
    """The number of slots in use changed."""

    pipe: int
    slots: int

    def apply(self, world: World) -> None:
        world.pipes[self.pipe] = replace(world.pipes[self.pipe], slots=self.slots)


class PipeEndClosed(Event):
    """A reading or writing end was released; with both gone, the pipe is."""

    pipe: int
    readers: int
    writers: int

    def apply(self, world: World) -> None:
        if self.readers or self.writers:
            row = world.pipes[self.pipe]
            world.pipes[self.pipe] = replace(row, readers=self.readers, writers=self.writers)
            return
        del world.pipes[self.pipe]
        node = world.buffers.pop(self.pipe * 2).head
        while node:
            node = world.segments.pop(node).next
        world.wait_queues.pop(self.pipe, None)
