"""The disk: it is told what to read, writes it into memory by DMA, and interrupts the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.model.disk import BLOCK, BlocksLoaded, BlocksRequested
from ioviz.model.idt import DISK

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel

LATENCY: Final = 80_000
"""From the command to the first byte, in ns: a solid-state disk."""
BANDWIDTH: Final = 2_000_000_000
"""Bytes a second."""
READAHEAD: Final = 32
"""Blocks that the kernel reads of a file when it needs the first one."""


def read_polling(k: Kernel, host: int, name: str) -> None:
    """Read all of `name` as firmware and boot loader do: ask the disk until it has finished."""
    block, count = k.world.disks[host].place(name)
    k.cause = k.emit(BlocksRequested, host, name, block, count)
    k.now += _time(count)
    k.cause = k.emit(BlocksLoaded, host, name)


def read(k: Kernel, host: int, name: str, done: Callable[[], object]) -> None:
    """Read the beginning of `name`; `done()` is what the interrupt handler calls."""
    block, count = k.world.disks[host].place(name)
    count = min(count, READAHEAD)
    asked = k.emit(BlocksRequested, host, name, block, count)
    k.after(_time(count), host, _finished, k, host, name, asked, done)


def _finished(k: Kernel, host: int, name: str, asked: int, done: Callable[[], object]) -> None:
    k.cause = asked
    k.cause = k.emit(BlocksLoaded, host, name)
    k.interrupt(host, DISK, done)


def _time(blocks: int) -> int:
    return LATENCY + blocks * BLOCK * 1_000_000_000 // BANDWIDTH
