"""_warnings: `warn` and `warn_explicit` of the `warnings` written in Python, for those who ask C for them."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims import module_from

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


class _Warnings:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def warn(self, message: Any, category: Any = None, stacklevel: int = 1, source: Any = None) -> None:
        """Issue a warning, or maybe ignore it or raise an exception."""
        warnings: Any = self._guest.import_module("warnings")
        warnings.warn(message, category, stacklevel + 1, source)

    def warn_explicit(self, *args: Any, **kwargs: Any) -> None:
        """Issue a warning, or maybe ignore it or raise an exception."""
        warnings: Any = self._guest.import_module("warnings")
        warnings.warn_explicit(*args, **kwargs)


def build(guest: Guest) -> ModuleType:
    return module_from("_warnings", _Warnings(guest))
