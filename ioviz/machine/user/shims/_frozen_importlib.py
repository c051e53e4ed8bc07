"""_frozen_importlib: `importlib._bootstrap` made afresh for a guest, whose imports go to the guest's own importer."""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user import cmodules

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


def build(guest: Guest) -> ModuleType:
    module: Any = fresh(guest, "_frozen_importlib", "_bootstrap")
    namespace = module.__dict__
    namespace["sys"] = guest.sys
    namespace["_imp"] = guest.import_module("_imp")
    namespace["_thread"] = guest.import_module("_thread")
    namespace["_warnings"] = Warn(guest)
    namespace["_weakref"] = guest.import_module("_weakref")
    if namespace.get("_blocking_on", 0) is None:
        namespace["_blocking_on"] = module._WeakValueDictionary()  # since 3.12 its `_setup` makes this
    namespace["_gcd_import"] = guest.importer.gcd_import
    namespace["__import__"] = guest.importer.import_
    return module  # type: ignore[no-any-return]


def fresh(guest: Guest, name: str, file: str) -> ModuleType:
    """Execute `importlib/FILE.py` as module `name`."""
    from ioviz.machine.user.importer import LibraryLoader

    path = os.path.join(cmodules.STDLIB, "importlib", f"{file}.py")
    module = ModuleType(name)
    module.__dict__["__builtins__"] = guest.builtins
    exec(LibraryLoader(guest.importer, f"importlib.{file}", path).get_code(name), module.__dict__)
    return module


class Warn:
    """Stands for `_warnings`, which guests lack."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def warn(self, *args: Any, **kwargs: Any) -> None:
        """`warnings.warn`."""
        warnings: Any = self._guest.import_module("warnings")
        warnings.warn(*args, **kwargs)
