"""ioviz: the guest's side of the module with which a program reaches below Python; see `ioviz.native` and
`ioviz.native_calls` for what each function is. An instruction that the CPU refused and the kernel put right is executed
again, as the CPU would.
"""

from __future__ import annotations

from operator import index
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.hardware import instructions
from ioviz.machine.user.shims import error, module_from
from ioviz.model.cpu import VECTOR_SYSCALL
from ioviz.model.memory import PAGE_SIZE, READ, WRITE
from ioviz.model.syscalls import SYS
from ioviz.native import CALLS, check_address, check_byte, check_number, check_pages, check_vector
from ioviz.native_calls import check_fds, check_mask, check_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ioviz.machine.user.guest import Guest

ANONYMOUS = 0x22
"""MAP_PRIVATE | MAP_ANONYMOUS."""
MS = 1_000_000


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

    def ppoll(self, fds: Iterable[tuple[int, int]], timeout: Any = None, mask: Any = None, /) -> list[tuple[int, int]]:
        """Wait for one of the pairs (descriptor, events), under another signal mask."""
        pairs = tuple(check_pairs(fds))
        return list(self._call(SYS.ppoll, pairs, _time(timeout), check_mask(mask))[1])

    def pselect(
        self, reads: Any, writes: Any, excepts: Any, timeout: Any = None, mask: Any = None, /
    ) -> tuple[list[int], list[int], list[int]]:
        """Wait for descriptors of three sets, under another signal mask."""
        sets = [tuple(check_fds(fds)) for fds in (reads, writes, excepts)]
        nfds = max((fd for fds in sets for fd in fds), default=-1) + 1
        one, two, three = self._call(SYS.pselect6, nfds, *sets, _time(timeout), check_mask(mask))[1]
        return list(one), list(two), list(three)

    def epoll_pwait(self, epfd: int, maxevents: int, timeout: int = -1, mask: Any = None, /) -> list[tuple[int, int]]:
        """Wait for events of an epoll instance under another signal mask; `timeout` in ms."""
        wait = max(index(timeout), -1) * MS
        return list(self._call(SYS.epoll_pwait, index(epfd), index(maxevents), wait, check_mask(mask))[1])

    def epoll_pwait2(
        self, epfd: int, maxevents: int, timeout: Any = None, mask: Any = None, /
    ) -> list[tuple[int, int]]:
        """Wait for events of an epoll instance under another signal mask; `timeout` in ns."""
        most = index(maxevents)
        return list(self._call(SYS.epoll_pwait2, index(epfd), most, _time(timeout), check_mask(mask))[1])

    def signalfd(self, mask: Any, fd: int = -1, flags: int = 0, /) -> int:
        """A descriptor from which signals are read."""
        made: int = self._call(SYS.signalfd4, index(fd), check_mask(mask) or (), index(flags))
        return made

    def accept4(self, fd: int, flags: int = 0, /) -> int:
        """Accept a connection; its descriptor."""
        made: int = self._call(SYS.accept4, index(fd), index(flags))[0]
        return made

    def _call(self, nr: int, *args: Any) -> Any:
        """A call that is not made again; Python's handlers of signals that came run first."""
        result = self._guest.syscall(nr, *args)
        self._guest.check_signals()
        if isinstance(result, int) and result < 0:
            raise error(result)
        return result

    def _execute(self, instruction: Callable[..., int | None], *operands: int) -> int:
        guest = self._guest
        while (result := guest.kernel.execute(instruction, *operands)) is None:
            while guest.urgent:
                guest.urgent.pop(0)()
        guest.check_signals()
        return result


def _time(ns: Any) -> int | None:
    return None if ns is None else index(ns)


def build(guest: Guest) -> ModuleType:
    return module_from(
        "ioviz", _Ioviz(guest), {"PAGE_SIZE": PAGE_SIZE, "KERNEL": guest.kernel.execute(instructions.kernel_text)}
    )
