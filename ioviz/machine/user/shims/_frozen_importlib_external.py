"""_frozen_importlib_external: `importlib._bootstrap_external` made afresh for a guest."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims._frozen_importlib import Warn, fresh

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


def build(guest: Guest) -> ModuleType:
    bootstrap: Any = guest.import_module("_frozen_importlib")
    guest.modules.setdefault("_warnings", Warn(guest))  # type: ignore[arg-type]  # for the moment of its first lines
    try:
        module: Any = fresh(guest, "_frozen_importlib_external", "_bootstrap_external")
    finally:
        if isinstance(guest.modules.get("_warnings"), Warn):
            del guest.modules["_warnings"]
    namespace = module.__dict__
    for name in ("_imp", "_io", "marshal", "posix"):
        namespace[name] = guest.import_module(name)
    namespace["_os"] = namespace["posix"]
    namespace["sys"] = guest.sys
    namespace["_warnings"] = Warn(guest)
    namespace["_pathseps_with_colon"] = {":/"}
    module._set_bootstrap_module(bootstrap)
    bootstrap._bootstrap_external = module
    return module  # type: ignore[no-any-return]
