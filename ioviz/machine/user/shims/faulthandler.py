"""faulthandler: accepted, and never does anything: a guest has no faults of its own."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims import module_from

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


class _Faulthandler:
    def __init__(self) -> None:
        self._enabled = False

    def enable(self, *args: Any, **kwargs: Any) -> None:
        self._enabled = True

    def disable(self) -> bool:
        was, self._enabled = self._enabled, False
        return was

    def is_enabled(self) -> bool:
        return self._enabled

    def dump_traceback(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is written."""

    def dump_traceback_later(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is scheduled."""

    def cancel_dump_traceback_later(self) -> None:
        """Nothing was scheduled."""

    def register(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is registered."""

    def unregister(self, signum: int) -> bool:
        return False


def build(guest: Guest) -> ModuleType:
    return module_from("faulthandler", _Faulthandler())
