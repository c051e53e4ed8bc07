"""mmap(2): anonymous private memory, and nothing else. No page of it is present before it is touched."""

from __future__ import annotations

from errno import EINVAL, ENODEV, ENOMEM
from typing import TYPE_CHECKING, Final

from ioviz.model.memory import PAGE_SIZE, ImageReleased, MemoryMapped, MemoryUnmapped, free_range

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

MAP_PRIVATE, MAP_ANONYMOUS = 0x02, 0x20
LIMIT: Final = 1 << 16
"""Pages of one mapping (256 MiB)."""


def sys_mmap(k: Kernel, address: int, length: int, prot: int, flags: int, fd: int, offset: int) -> int:
    """mmap(2): the address of the new mapping; `address`, a hint, is not followed."""
    if length <= 0 or offset % PAGE_SIZE:
        return -EINVAL
    if flags != MAP_PRIVATE | MAP_ANONYMOUS:
        return -ENODEV
    pages = -(-length // PAGE_SIZE)
    start = free_range(k.world, k.pid, pages) if pages <= LIMIT else 0
    if not start:
        return -ENOMEM
    k.emit(MemoryMapped, k.pid, start, pages, prot & 7)
    return start


def exit_mmap(k: Kernel, pid: int) -> None:
    """The process has ended: its mappings go."""
    for key in [key for key in k.world.mappings if key[0] == pid]:
        k.emit(MemoryUnmapped, *key)
    if pid in k.world.images:
        k.emit(ImageReleased, pid)
