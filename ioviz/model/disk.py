"""The disk: what lies on it, what it is reading, and what has come into memory.

The controller writes what it reads straight into memory (DMA) and interrupts the CPU when it is done; firmware and boot
loader, which have no interrupt table of the kernel's yet, ask until it is. What was read once stays in the page cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World

BLOCK: Final = 4096
"""Bytes of a block."""
BOOT_LOADER: Final = "boot loader"
KERNEL: Final = "kernel"


class Disk(msgspec.Struct, frozen=True, gc=False):
    """The disk of host `host`. `files`: (name, first block, blocks) of each; `reading`: the one that is being read."""

    host: int
    files: tuple[tuple[str, int, int], ...]
    reading: str = ""
    loaded: tuple[str, ...] = ()

    def place(self, name: str) -> tuple[int, int]:
        """(first block, blocks) of a file."""
        return next((first, count) for found, first, count in self.files if found == name)


class BlocksRequested(Event):
    """A command for the disk: read `count` blocks from `block` on, which belong to `name`."""

    host: int
    name: str
    block: int
    count: int

    def apply(self, world: World) -> None:
        world.disks[self.host] = replace(world.disks[self.host], reading=self.name)


class BlocksLoaded(Event):
    """The disk has written what it read into memory, by DMA: `name` is there."""

    host: int
    name: str

    def apply(self, world: World) -> None:
        row = world.disks[self.host]
        world.disks[self.host] = replace(row, reading="", loaded=(*row.loaded, self.name))
