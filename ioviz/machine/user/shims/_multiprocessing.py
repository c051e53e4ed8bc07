"""_multiprocessing for installed packages, which import it with the rest of `multiprocessing`: there are no semaphores.

The standard library and programs of one's own are told at the import (`cmodules.build`).
Source: `Modules/_multiprocessing/multiprocessing.c`.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

LACKS: Final = "processes that share memory: there are no semaphores between them"


def build(guest: Guest) -> ModuleType:
    class SemLock:
        """Semaphore/Mutex type"""

        SEM_VALUE_MAX = 0x7FFF_FFFF

        def __new__(cls, *args: object, **kwargs: object) -> SemLock:
            raise guest.lacks(LACKS)

    class Unlinked:
        def sem_unlink(self, name: str, /) -> None:
            raise guest.lacks(LACKS)

    SemLock.__module__ = "_multiprocessing"
    module = ModuleType("_multiprocessing")
    contents: dict[str, Any] = {"SemLock": SemLock, "sem_unlink": Unlinked().sem_unlink, "flags": {}}
    module.__dict__.update(contents)
    return module
