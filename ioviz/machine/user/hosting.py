"""What the host's interpreter must not do by itself while guests run on it: complain on the screen, and collect
garbage.

Exceptions in finalizers and warnings of C code ("coroutine was never awaited") belong to the guest that is running:
they come out of its stderr; what comes when no guest runs is dropped. The collector is off, since finalizers enter the
kernel: it runs where the kernel says. It stays off between the parts of a run too, or what it finds would be closed
where a part happens to end.
"""

from __future__ import annotations

import gc
import sys
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from ioviz.machine.kernel.switch import TaskKilled
from ioviz.machine.user.ending import is_ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.user.guest import Guest, KernelPort


class Hosting:
    """A context in which the guests of one kernel run. `guests` has them by pid."""

    _unfinished: ClassVar[set[int]] = set()
    """The runs that are under way, by id of their hosting: as long as there is one, the collector stays off."""

    def __init__(self, kernel: KernelPort) -> None:
        self._kernel = kernel
        self.guests: dict[int, Guest] = {}
        self._saved: tuple[Callable[..., Any], Callable[..., Any]] | None = None
        self._warnings: Any = None
        self._host_recursion = sys.getrecursionlimit()

    def __enter__(self) -> Hosting:
        self._saved = sys.unraisablehook, sys.displayhook
        sys.unraisablehook = self._unraisable
        sys.displayhook = self._displayed
        Hosting._unfinished.add(id(self))
        gc.disable()
        limit = sys.getrecursionlimit()
        self._kernel.recursion = max(limit, self._kernel.recursion)
        sys.setrecursionlimit(self._kernel.recursion)
        self._host_recursion = limit
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.resetwarnings()
        warnings.simplefilter("always")  # the guest's own filters decide
        warnings.showwarning = self._warned
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._saved is not None
        sys.setrecursionlimit(self._host_recursion)
        self._warnings.__exit__(None, None, None)
        sys.unraisablehook, sys.displayhook = self._saved
        if self._kernel.ended:
            self._finish()

    def _finish(self) -> None:
        Hosting._unfinished.discard(id(self))
        if not Hosting._unfinished:
            gc.enable()

    def release(self) -> None:
        """The run is over: collect what the guests leave while their finalizers still have nobody to complain to."""
        for guest in self.guests.values():
            guest.release()
        self.guests.clear()
        gc.collect()
        self._finish()

    def _running(self) -> Guest | None:
        kernel = self._kernel
        return self.guests.get(kernel.pid) if kernel.task else None

    def _displayed(self, value: object) -> None:
        """sys.displayhook of the host, which interactive code (as in doctests) calls."""
        guest = self._running()
        if guest is not None:
            guest.sys.__dict__["displayhook"](value)

    def _unraisable(self, unraisable: Any) -> None:
        """sys.unraisablehook of the host."""
        if unraisable.exc_type is TaskKilled:
            return
        guest = self._running()
        if guest is not None:
            try:
                guest.sys.__dict__["unraisablehook"](unraisable)
            except BaseException:  # whatever it is: there is nobody left to tell
                return

    def _warned(
        self, message: Any, category: Any, filename: Any, lineno: Any, file: Any = None, line: Any = None
    ) -> None:
        """warnings.showwarning of the host. What it raises, as the guest's filters may want, is raised in the guest."""
        guest = self._running()
        if guest is not None and not is_ours(filename):
            guest.warn(message, category, filename, lineno)
