"""The file system in memory: inodes, their pages, and the names of each host.

Names are whole absolute paths, so that a look-up is one step; a name whose inode is 0 hides a file of the layer below
(the program's own folder on the real disk, which is only ever read). Invariants: the folder of a name is an inode of a
folder, or below; `links` counts the names of an inode; an inode goes when it has neither a name nor an open file.

Where Linux differs: its names stand in their folders, as trees of entries; it knows hard and symbolic links, owners,
times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World

PAGE: Final = 4096


class Inode(msgspec.Struct, frozen=True, gc=False):
    """A file, folder or device: `mode` as in stat(2), size in bytes, number of names; `device` names a device's
    driver."""

    id: int
    mode: int
    size: int
    links: int
    device: str = ""


def page_key(inode: int, number: int) -> int:
    """The key in `World.pages` of page `number` of a file."""
    return inode << 24 | number


class InodeCreated(Event):
    """A file, folder or device came into being, under a name."""

    host: int
    path: str
    inode: int
    mode: int
    device: str

    def apply(self, world: World) -> None:
        world.inodes[self.inode] = Inode(self.inode, self.mode, 0, 1, self.device)
        world.names[(self.host, self.path)] = self.inode


class NameRemoved(Event):
    """A name is gone (`unlink`, `rmdir`, or `rename` over it); `hidden` if the layer below has that name too."""

    host: int
    path: str
    hidden: bool

    def apply(self, world: World) -> None:
        key = (self.host, self.path)
        inode = world.names.pop(key, 0)
        if inode:
            row = world.inodes[inode]
            world.inodes[inode] = Inode(row.id, row.mode, row.size, row.links - 1, row.device)
        if self.hidden:
            world.names[key] = 0


class NameMoved(Event):
    """`rename` of one name; `hidden` if the layer below has the old one."""

    host: int
    old: str
    new: str
    hidden: bool

    def apply(self, world: World) -> None:
        world.names[(self.host, self.new)] = world.names.pop((self.host, self.old))
        if self.hidden:
            world.names[(self.host, self.old)] = 0


class FileWritten(Event):
    """Bytes were stored in the pages of a file, from `offset` on."""

    inode: int
    offset: int
    data: bytes

    def apply(self, world: World) -> None:
        row = world.inodes[self.inode]
        end = self.offset + len(self.data)
        place = self.offset
        while place < end:
            number, start = divmod(place, PAGE)
            stop = min(PAGE, start + end - place)
            key = page_key(self.inode, number)
            page = world.pages.get(key, b"").ljust(start, b"\0")
            first = place - self.offset
            world.pages[key] = page[:start] + self.data[first : first + stop - start] + page[stop:]
            place += stop - start
        if end > row.size:
            world.inodes[self.inode] = Inode(row.id, row.mode, end, row.links, row.device)


class FileTruncated(Event):
    """A file has `size` bytes now; what it gained reads as zeros."""

    inode: int
    size: int

    def apply(self, world: World) -> None:
        row = world.inodes[self.inode]
        if self.size < row.size:
            number, start = divmod(self.size, PAGE)
            _drop_pages(world, self.inode, number + (start > 0), -(-row.size // PAGE))
            key = page_key(self.inode, number)
            if start and key in world.pages:
                world.pages[key] = world.pages[key][:start]
        world.inodes[self.inode] = Inode(row.id, row.mode, self.size, row.links, row.device)


class FileModeSet(Event):
    """`chmod`: kind and permissions of a file are `mode` now."""

    inode: int
    mode: int

    def apply(self, world: World) -> None:
        row = world.inodes[self.inode]
        world.inodes[self.inode] = Inode(row.id, self.mode, row.size, row.links, row.device)


class InodeFreed(Event):
    """An inode without names and open files is gone, and its pages with it."""

    inode: int

    def apply(self, world: World) -> None:
        row = world.inodes.pop(self.inode)
        _drop_pages(world, self.inode, 0, -(-row.size // PAGE))


def _drop_pages(world: World, inode: int, first: int, last: int) -> None:
    """Forget the pages from `first` up to, not including, `last`; a file with holes may have far fewer."""
    pages = world.pages
    if last - first <= len(pages):
        for number in range(first, last):
            pages.pop(page_key(inode, number), None)
    else:
        low, high = page_key(inode, first), page_key(inode, last)
        for key in [key for key in pages if low <= key < high]:
            del pages[key]


def read_pages(world: World, inode: int, offset: int, n: int) -> bytes:
    """Up to `n` bytes of a file from `offset` on."""
    end = min(offset + n, world.inodes[inode].size)
    parts = []
    while offset < end:
        number, start = divmod(offset, PAGE)
        stop = min(PAGE, start + end - offset)
        parts.append(world.pages.get(page_key(inode, number), b"").ljust(stop, b"\0")[start:stop])
        offset += stop - start
    return b"".join(parts)
