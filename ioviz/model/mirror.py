"""What only a mirror of real processes has: where its events come from, how far it can be trusted, bytes nobody saw.

`World.mirrors` has the one row 1 if the world mirrors something real, and is empty on the simulated machine. The kernel
does not show what is in a real socket's queues, only how much; so a mirrored buffer has no segments, and its `bytes` is
what was measured, or what follows from the calls seen since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ioviz.model.buffer import Buffer
from ioviz.model.event import Event
from ioviz.model.host import Run

if TYPE_CHECKING:
    from ioviz.model.world import World


class Mirror(msgspec.Struct, frozen=True, gc=False):
    """`source` as in `--source`; `gaps` and `lost`: how often the source dropped something, and how many; `checks` of
    the kernel's own tables, which had `compared` items and `differences` to the mirror's, all checks together; `queues`
    whose size was compared, `queues_off` that differed (those are not faults: nobody saw the bytes come). `blind` is
    why the interest lists are not claimed (io_uring adds to them unseen), empty if they are. `left_out`: calls that
    only moved bytes and were passed over, because there were too many of them to show."""

    id: int
    source: str
    gaps: int = 0
    lost: int = 0
    checks: int = 0
    compared: int = 0
    differences: int = 0
    queues: int = 0
    queues_off: int = 0
    blind: str = ""
    left_out: int = 0


class MirrorStarted(Event):
    """The first event of a mirrored run. `how` is a sentence's worth of detail (the command, the file)."""

    source: str
    how: str

    def apply(self, world: World) -> None:
        world.mirrors[1] = Mirror(1, self.source)
        world.runs[1] = Run(0, (("entry", "syscall"),))


class MirrorChecked(Event):
    """The interest lists were compared with `fdinfo`, item by item, and the queues with the kernel's sizes."""

    compared: int
    differences: int
    queues: int
    queues_off: int

    def apply(self, world: World) -> None:
        row = world.mirrors[1]
        world.mirrors[1] = replace(
            row,
            checks=row.checks + 1,
            compared=row.compared + self.compared,
            differences=row.differences + self.differences,
            queues=row.queues + self.queues,
            queues_off=row.queues_off + self.queues_off,
        )


class CallsLeftOut(Event):
    """`n` calls that only moved bytes, or waited, were passed over: there were too many to show. Nothing else was."""

    n: int

    def apply(self, world: World) -> None:
        row = world.mirrors[1]
        world.mirrors[1] = replace(row, left_out=row.left_out + self.n)


class MirrorBlinded(Event):
    """From here on something changes the interest lists that the source does not see."""

    why: str

    def apply(self, world: World) -> None:
        world.mirrors[1] = replace(world.mirrors[1], blind=self.why)


class BytesArrived(Event):
    """`n` bytes must have come into `buffer`, since a call took them, or since the other end was seen to send them."""

    buffer: int
    n: int

    def apply(self, world: World) -> None:
        row = world.buffers[self.buffer]
        world.buffers[self.buffer] = Buffer(
            row.head, row.tail, row.bytes + self.n, row.truesize, row.limit, row.total + self.n
        )


class BytesPassed(Event):
    """User → kernel: `n` bytes of a real send went into `buffer`. Only the kernel knows how long they stay."""

    buffer: int
    n: int

    def apply(self, world: World) -> None:
        row = world.buffers[self.buffer]
        world.buffers[self.buffer] = Buffer(row.head, row.tail, row.bytes, row.truesize, row.limit, row.total + self.n)


class QueueMeasured(Event):
    """The kernel says that `buffer` holds `n` bytes (or a call that found nothing says that it holds none)."""

    buffer: int
    n: int

    def apply(self, world: World) -> None:
        row = world.buffers[self.buffer]
        world.buffers[self.buffer] = Buffer(0, 0, self.n, 0, row.limit, row.total)
