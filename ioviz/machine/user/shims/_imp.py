"""_imp: the little of it that the pure-Python import system asks for. Nothing is frozen, nothing dynamic."""

from __future__ import annotations

import _imp
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.cmodules import BUILT_IN
from ioviz.machine.user.shims import module_from

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


class _Imp:
    UNDERSCORED = ("_fix_co_filename", "_override_frozen_modules_for_tests", "_override_multi_interp_extensions_check")

    def extension_suffixes(self) -> list[str]:
        return _imp.extension_suffixes()

    def is_builtin(self, name: str, /) -> int:
        return int(name in BUILT_IN or name in ("sys", "builtins"))

    def is_frozen(self, name: str, /) -> bool:
        return False

    def is_frozen_package(self, name: str, /) -> bool:
        raise ImportError(f"No such frozen object named {name}", name=name)

    def find_frozen(self, name: str, /, *, withdata: bool = False) -> None:
        return None

    def lock_held(self) -> bool:
        return False

    def acquire_lock(self) -> None:
        """Modules have locks of their own."""

    def release_lock(self) -> None:
        """As above."""

    def source_hash(self, key: int, source: Any) -> bytes:
        return _imp.source_hash(key, source)

    def _fix_co_filename(self, code: object, path: str, /) -> None:
        """Code is never moved."""

    def _override_frozen_modules_for_tests(self, override: int, /) -> None:
        """Nothing is frozen anyway."""

    def _override_multi_interp_extensions_check(self, override: int, /) -> int:
        return 0


def build(guest: Guest) -> ModuleType:
    return module_from("_imp", _Imp(), {"check_hash_based_pycs": "default", "pyc_magic_number_token": 0})
