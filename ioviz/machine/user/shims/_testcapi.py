"""_testcapi: the limits of C's numbers, which CPython's own tests ask for; nothing else of it."""

from __future__ import annotations

import struct
from types import ModuleType
from typing import TYPE_CHECKING

from ioviz.machine.user.shims import module_from

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

_SIGNED = {"CHAR": "b", "SHRT": "h", "INT": "i", "LONG": "l", "LLONG": "q", "PY_SSIZE_T": "n"}


class _Nothing:
    """There are no functions."""


def build(guest: Guest) -> ModuleType:
    constants: dict[str, int] = {"SIZEOF_WCHAR_T": 4, "SIZEOF_TIME_T": 8, "SIZEOF_PYGILSTATE": 4}
    for name, code in _SIGNED.items():
        top = 1 << (8 * struct.calcsize(code) - 1)
        constants[f"{name}_MAX"], constants[f"{name}_MIN"] = top - 1, -top
        constants[f"U{name}_MAX"] = 2 * top - 1
    return module_from("_testcapi", _Nothing(), constants)
