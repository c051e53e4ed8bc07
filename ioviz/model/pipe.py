"""Pipes: one buffer (key `2 * id`), slots of a page, two wait queues: readers wait on `id`, writers on `wr_wait`.

A slot is a segment of the buffer, charged as a whole page; it becomes free when all its bytes have been read. There are
16 slots unless F_SETPIPE_SZ says otherwise: the buffer's limit. A slot that was written with O_DIRECT is a packet (its
segment is in `World.senders`, as a datagram's is).
Invariant: no segment is longer than a page, and they are charged for no more than the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from ioviz.model.buffer import Buffer, Segment, push
from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World

PAGE: Final = 4096
SLOTS: Final = 16


class Pipe(msgspec.Struct, frozen=True, gc=False):
    """How many open files read from it and write to it."""

    id: int
    host: int
    readers: int
    writers: int
    wr_wait: int
    packets: bool = False
    """Whether a packet was ever written to it."""


def slots_used(world: World, pipe: int) -> int:
    """How many of the pipe's slots hold unread bytes."""
    return world.buffers[pipe * 2].truesize // PAGE


class PipeCreated(Event):
    """An empty pipe with one reader and one writer."""

    pipe: int
    host: int
    wr_wait: int

    def apply(self, world: World) -> None:
        world.pipes[self.pipe] = Pipe(self.pipe, self.host, 1, 1, self.wr_wait)
        world.buffers[self.pipe * 2] = Buffer(0, 0, 0, 0, SLOTS * PAGE, 0)
        world.wait_queues[self.pipe] = EMPTY
        world.wait_queues[self.wr_wait] = EMPTY


class PipePageFilled(Event):
    """User → kernel: the bytes of a small `write` fitted behind the last ones, into the page of the last slot."""

    pipe: int
    data: bytes

    def apply(self, world: World) -> None:
        row = world.buffers[self.pipe * 2]
        last = world.segments[row.tail]
        world.segments[row.tail] = Segment(last.next, last.start, last.truesize, last.data + self.data)
        n = len(self.data)
        world.buffers[self.pipe * 2] = Buffer(row.head, row.tail, row.bytes + n, row.truesize, row.limit, row.total + n)


class PipePacketWritten(Event):
    """User → kernel: the bytes of one `write` with O_DIRECT, or a page of them, are a packet in a slot of its own."""

    pipe: int
    segment: int
    data: bytes

    def apply(self, world: World) -> None:
        push(world, self.pipe * 2, self.segment, self.data, PAGE)
        world.senders[self.segment] = ""
        row = world.pipes[self.pipe]
        if not row.packets:
            world.pipes[self.pipe] = replace(row, packets=True)


class PipeEndClosed(Event):
    """A reading or writing end was released; with both gone, the pipe is."""

    pipe: int
    readers: int
    writers: int

    def apply(self, world: World) -> None:
        row = world.pipes[self.pipe]
        if self.readers or self.writers:
            world.pipes[self.pipe] = replace(row, readers=self.readers, writers=self.writers)
            return
        del world.pipes[self.pipe]
        node = world.buffers.pop(self.pipe * 2).head
        while node:
            world.senders.pop(node, None)
            node = world.segments.pop(node).next
        for queue in (self.pipe, row.wr_wait):
            world.wait_queues.pop(queue, None)
