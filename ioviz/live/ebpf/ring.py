"""The kernel's ring buffer, read through shared memory: no call and no copy a record.

Layout (kernel/bpf/ringbuf.c): a page that the reader writes (how far it has read), a page that the kernel writes (how
far it has written), then the data, mapped twice in a row so that no record is cut. A record is a length with two flags,
a page offset, the bytes, and padding to eight.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = mmap.PAGESIZE
BUSY: Final = 1 << 31
DISCARD: Final = 1 << 30
POSITION: Final = struct.Struct("<Q")
LENGTH: Final = struct.Struct("<I")
HEAD: Final = 8


class Ring:
    """The ring of map `fd`, of `size` bytes."""

    def __init__(self, fd: int, size: int) -> None:
        self._mask = size - 1
        self._mine = mmap.mmap(fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._theirs = mmap.mmap(fd, PAGE + 2 * size, mmap.MAP_SHARED, mmap.PROT_READ, offset=PAGE)
        (self._at,) = POSITION.unpack_from(self._mine)

    def records(self, limit: int) -> Iterator[bytes]:
        """The records that are there, at most `limit`, oldest first."""
        (end,) = POSITION.unpack_from(self._theirs)
        at = self._at
        theirs = self._theirs
        try:
            while at < end and limit:
                place = PAGE + (at & self._mask)
                (length,) = LENGTH.unpack_from(theirs, place)
                if length & BUSY:
                    return
                size = length & ~DISCARD
                if not length & DISCARD:
                    yield theirs[place + HEAD : place + HEAD + size]
                    limit -= 1
                at += (HEAD + size + 7) & ~7
        finally:
            self._at = at
            POSITION.pack_into(self._mine, 0, at)

    def close(self) -> None:
        """Unmap it."""
        self._mine.close()
        self._theirs.close()
