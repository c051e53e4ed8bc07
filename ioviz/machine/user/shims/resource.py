"""resource: limits that can be read and set; the number of descriptors is the only one that the kernel has."""

from __future__ import annotations

import resource
from types import ModuleType
from typing import TYPE_CHECKING

from ioviz.machine.user.shims import module_from
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

DESCRIPTORS = (1024, 1 << 20)


class _Resource:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        self._limits = dict.fromkeys(
            range(resource.RLIM_NLIMITS if hasattr(resource, "RLIM_NLIMITS") else 16), unlimited
        )
        self._limits[resource.RLIMIT_NOFILE] = DESCRIPTORS

    def getrlimit(self, which: int, /) -> tuple[int, int]:
        if which not in self._limits:
            raise ValueError("invalid resource specified")
        return self._limits[which]

    def setrlimit(self, which: int, limits: tuple[int, int], /) -> None:
        soft, hard = limits
        if which not in self._limits:
            raise ValueError("invalid resource specified")
        _, ceiling = self._limits[which]
        if (hard >= 0 and (soft > hard or soft < 0)) or (ceiling >= 0 and (hard > ceiling or hard < 0)):
            raise ValueError(
                "current limit exceeds maximum limit" if hard >= 0 else "not allowed to raise maximum limit"
            )
        self._limits[which] = (soft, hard)
        if which == resource.RLIMIT_NOFILE:
            # The limit that a program finds is not in force: ten thousand connections need no `ulimit -n` here.
            self._guest.syscall(SYS.prlimit64, DESCRIPTORS[1] if soft == DESCRIPTORS[0] else soft)

    def prlimit(self, pid: int, which: int, limits: tuple[int, int] | None = None, /) -> tuple[int, int]:
        before = self.getrlimit(which)
        if limits is not None:
            self.setrlimit(which, limits)
        return before

    def getrusage(self, who: int, /) -> resource.struct_rusage:
        """What is known is the time that has passed, page faults and switches."""
        result = self._guest.syscall(SYS.getrusage, who)
        if isinstance(result, int):
            raise ValueError("invalid who parameter")
        faults, slept, lost = result[1]
        seconds = self._guest.kernel.vdso_clock(1) / 1e9
        return resource.struct_rusage((seconds, 0.0, 0, 0, 0, 0, faults, *[0] * 7, slept, lost))

    def getpagesize(self) -> int:
        return 4096


def build(guest: Guest) -> ModuleType:
    constants = {name: value for name, value in vars(resource).items() if name.startswith(("RLIM", "RUSAGE_"))}
    return module_from(
        "resource", _Resource(guest), {**constants, "error": OSError, "struct_rusage": resource.struct_rusage}
    )
