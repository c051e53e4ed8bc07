"""What the CPU does by itself when a program in ring 3 touches memory, divides, or names a vector.

Each function is one instruction. It either does its work, or the CPU refuses it and enters the kernel through the IDT,
and the result is None: when the program goes on, it executes the same instruction again.

Source: Intel SDM volume 2 (IDIV, INT n, HLT) and volume 3, 4.6 (access rights), 6.12.1.2 (privilege of gates).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel import traps
from ioviz.model import memory
from ioviz.model.cpu import gate_refused
from ioviz.model.idt import DIVIDE_ERROR, GENERAL_PROTECTION, IDT, PAGE_FAULT
from ioviz.model.memory import ByteStored

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

LEAST, MOST = -(1 << 63), (1 << 63) - 1
USER: Final = 3


def load(k: Kernel, address: int) -> int | None:
    """`movzx eax, byte [address]`: the byte there."""
    return memory.byte_at(k.world, k.pid, address) if _allowed(k, address, write=False) else None


def store(k: Kernel, address: int, value: int) -> int | None:
    """`mov byte [address], value`."""
    if not _allowed(k, address, write=True):
        return None
    k.emit(ByteStored, k.pid, address, value)
    return 0


def divide(k: Kernel, a: int, b: int) -> int | None:
    """`idiv`: the quotient of two signed 64-bit numbers, cut toward zero."""
    quotient = 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    if b == 0 or not LEAST <= quotient <= MOST:
        traps.exception(k, DIVIDE_ERROR)
        return None
    return quotient


def interrupt(k: Kernel, vector: int) -> int | None:
    """`int vector`, for every vector but that of system calls."""
    gate = IDT.get(vector)
    if gate is None or gate.dpl < USER:
        traps.exception(k, GENERAL_PROTECTION, error=gate_refused(vector))
        return None
    traps.exception(k, vector)
    return 0  # a trap, not a fault: the program goes on behind it


def halt(k: Kernel) -> int | None:
    """`hlt`, which only ring 0 may."""
    traps.exception(k, GENERAL_PROTECTION)
    return None


def kernel_text(k: Kernel) -> int:
    """No instruction: where the kernel's text begins, which is no secret."""
    return next(each.start for each in memory.layout_of(k.world).kernel_regions if each.name == "kernel text")


def _allowed(k: Kernel, address: int, *, write: bool) -> bool:
    """Ask the page tables; if they forbid it, enter the kernel by a fault."""
    if not memory.layout_of(k.world).canonical(address):
        traps.exception(k, GENERAL_PROTECTION)
        return False
    error = memory.fault_of(k.world, k.pid, address, write)
    if error >= 0:
        traps.exception(k, PAGE_FAULT, address, error)
        return False
    return True
