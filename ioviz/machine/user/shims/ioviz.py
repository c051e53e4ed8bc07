"""ioviz: the guest's side of the module with which a program reaches below Python; see `ioviz.native` for what each
function is. An instruction that the CPU refused and the kernel put right is executed again, as the CPU would."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from ioviz.machine.hardware import instructions
from ioviz.machine.user.shims import error, module_from
from ioviz.model.cpu import VECTOR_SYSCALL
from ioviz.model.memory import PAGE_SIZE, READ, WRITE
from ioviz.model.syscalls import SYS
from ioviz.native import CALLS, check_address, check_byte, check_number, check_pages, check_vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.user.guest import Guest

ANONYMOUS = 0x22
"""MAP_PRIVATE | MAP_ANONYMOUS."""


class _Ioviz:
    UNDERSCORED = ()

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def peek(self, address: int, /) -> int:
        """The byte at an address."""
        return self._execute(instructions.load, check_address(address))

    def poke(self, address: int, byte: int, /) -> None:
        """Write a byte to an address."""
        self._execute(instructions.store, check_address(address), check_byte(byte))

    def divide(self, a: int, b: int, /) -> int:
        """Let the CPU divide: `idiv`."""
        return self._execute(instructions.divide, check_number(a), check_number(b))

    def interrupt(self, vector: int, eax: int = CALLS["getpid"], /) -> int:
        """Execute `int vector`; the result is what it leaves in eax."""
        check_vector(vector, eax)
        if vector != VECTOR_SYSCALL:
            self._execute(instructions.interrupt, vector)
            return eax
        name = next(name for name, number in CALLS.items() if number == eax)
        result: int = self._guest.syscall(getattr(SYS, name))
        return result

    def halt(self) -> None:
        """Execute `hlt`."""
        self._execute(instructions.halt)

    def allocate(self, pages: int, /) -> int:
        """Anonymous memory of so many pages: its address."""
        address: int = self._guest.syscall(SYS.mmap, 0, check_pages(pages) * PAGE_SIZE, READ | WRITE, ANONYMOUS, -1, 0)
        if address < 0:
            raise error(address)
        return address

    def _execute(self, instruction: Callable[..., int | None], *operands: int) -> int:
        guest = self._guest
        while (result := guest.kernel.execute(instruction, *operands)) is None:
            while guest.urgent:
                guest.urgent.pop(0)()
        guest.check_signals()
        return result


def build(guest: Guest) -> ModuleType:
    return module_from(
        "ioviz", _Ioviz(guest), {"PAGE_SIZE": PAGE_SIZE, "KERNEL": guest.kernel.execute(instructions.kernel_text)}
    )
