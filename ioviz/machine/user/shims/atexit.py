"""atexit: callbacks that run when the guest's interpreter is finalized, the last one first."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from ioviz.machine.kernel.switch import TaskKilled
from ioviz.machine.user.shims import module_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.user.guest import Guest

_Function = TypeVar("_Function", bound="Callable[..., object]")


class _Atexit:
    UNDERSCORED = ("_run_exitfuncs", "_clear", "_ncallbacks")

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._callbacks: list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]] = []

    def register(self, func: _Function, /, *args: Any, **kwargs: Any) -> _Function:
        """Register a function to be executed upon normal program termination."""
        if not callable(func):
            raise TypeError("the first argument must be callable")
        self._callbacks.append((func, args, kwargs))
        return func

    def unregister(self, func: object, /) -> None:
        """Forget a function that was registered."""
        self._callbacks[:] = [row for row in self._callbacks if row[0] != func]

    def _clear(self) -> None:
        self._callbacks.clear()

    def _ncallbacks(self) -> int:
        return len(self._callbacks)

    def _run_exitfuncs(self) -> None:
        while self._callbacks:
            func, args, kwargs = self._callbacks.pop()
            try:
                func(*args, **kwargs)
            except TaskKilled:
                raise
            except BaseException as error:
                self._guest.sys.unraisablehook(
                    SimpleNamespace(
                        exc_type=type(error),
                        exc_value=error,
                        exc_traceback=error.__traceback__,
                        err_msg="Exception ignored in atexit callback",
                        object=func,
                    )
                )


def build(guest: Guest) -> ModuleType:
    return module_from("atexit", _Atexit(guest))
