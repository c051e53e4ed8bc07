"""Exceptions: what the kernel does when the CPU refuses an instruction of a program.

A page fault on memory that the process may use is served: the page is made present, and the instruction executed again.
Every other exception becomes a signal for the task that did it; one that the program ignores ends it all the same
(`force_sig`). A handler that returns leads back to the same instruction, which fails again, as on Linux.

Source: Linux `arch/x86/kernel/traps.c`, `arch/x86/mm/fault.c`, `mm/memory.c` (`do_anonymous_page`, `wp_page_copy`).
Where Linux differs: it may serve the first touch of a large mapping by a huge page.
"""

from __future__ import annotations

from signal import SIGFPE, SIGSEGV, SIGTRAP
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.signals import force_sig
from ioviz.model import memory
from ioviz.model.cpu import ExceptionRaised, ExceptionReturned
from ioviz.model.idt import BREAKPOINT, DIVIDE_ERROR, PAGE_FAULT
from ioviz.model.memory import FROM_FILE, PAGE_SIZE, READ, WRITE, WRITING, ZERO_PAGE, PageMapped

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

SIGNALS: Final = {DIVIDE_ERROR: SIGFPE, BREAKPOINT: SIGTRAP}
"""What becomes of an exception; of all others: SIGSEGV."""
PATIENCE: Final = 1_000
"""How often a task may fail at the same place with a handler that returns."""


def exception(k: Kernel, vector: int, address: int = 0, error: int = 0) -> None:
    """The running task enters the kernel through the gate of `vector`. Returns if it goes on, by `iret`."""
    k.now += k.costs.fault
    k.cause = k.emit(ExceptionRaised, vector, address, error)
    if vector == PAGE_FAULT and handle_mm_fault(k, address, error):
        k.refaults = 0
        k.thread.minflt += 1
    else:
        force_sig(k, SIGNALS.get(vector, SIGSEGV))
        k.refaults += 1
        if k.refaults > PATIENCE:
            why = "its signal handler returns to the instruction that failed, and it fails again"
            k.stop("limit", f"endless loop {k.where()}: {why}", 124)
    k.now += k.costs.iret
    k.cause = k.emit(ExceptionReturned, vector)


def handle_mm_fault(k: Kernel, address: int, error: int) -> bool:
    """Make the page of `address` present, if the process may use it so; False if it may not."""
    region = memory.region_at(k.world, k.pid, address)
    write = bool(error & WRITING)
    if region is None or not region.user or not region.prot & (WRITE if write else READ):
        return False
    number = address // PAGE_SIZE
    if write:
        k.now += k.costs.page
        frame = new_frame(k)
    elif region.name in FROM_FILE:  # a page of the page cache, which all processes of the file share
        page = (k.world.images[k.pid].path, number)
        frame = k.page_cache[page] = k.page_cache.get(page) or new_frame(k)
    else:
        frame = ZERO_PAGE
    k.cause = k.emit(PageMapped, k.pid, number, frame, write)
    return True


def new_frame(k: Kernel) -> int:
    """A page of physical memory that nothing else uses."""
    k.frames_given += 1
    return k.frames_given
