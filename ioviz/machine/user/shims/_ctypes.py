"""_ctypes for installed packages: types of C, and no library to call with them.

Packages look for one function of the C library when they are imported, and do without it if there is none. The standard
library and programs of one's own are told at the import (`cmodules.build`). Source: `Modules/_ctypes/_ctypes.c`.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

LACKS: Final = "foreign functions: no library of C can be called"


class CFuncPtr:
    """A function of C, which nobody can call."""

    restype: Any = None
    argtypes: Any = None

    def __init__(self, *args: object) -> None:
        pass


def build(guest: Guest) -> ModuleType:
    host: Any = importlib.import_module("_ctypes")

    class Function(CFuncPtr):
        def __call__(self, *args: object) -> None:
            raise guest.lacks(LACKS)

    class Loader:
        def dlopen(self, name: Any, flags: int = 0, /) -> int:
            if name is None:  # the program itself, which `ctypes` opens when it is imported
                return 0
            raise OSError(f"ioviz lacks {LACKS}")  # packages try this, and go on

        def dlsym(self, handle: int, name: str, /) -> int:
            raise OSError(f"ioviz lacks {LACKS}")

    module = ModuleType("_ctypes")
    module.__dict__.update(host.__dict__)
    loader = Loader()
    module.__dict__.update(CFuncPtr=Function, dlopen=loader.dlopen, dlsym=loader.dlsym)
    return module
