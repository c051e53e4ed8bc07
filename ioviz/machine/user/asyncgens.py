"""Hooks of asynchronous generators (`sys.set_asyncgen_hooks`), which the interpreter keeps for a thread of the host.

All tasks of all guests run on one thread of the host, so ours are installed there once and ask the hooks of the task
that is running. The finalizer of a generator is the one that was set when it was first iterated.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

_running: list[AsyncgenHooks] = []
"""Those that have hooks now."""
_known: list[AsyncgenHooks] = []
"""Those that ever had any, until their process is over."""


class AsyncgenHooks:
    """The hooks of the tasks of one guest."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._hooks: dict[int, tuple[Any, Any]] = {}
        self.finalizers: dict[int, Any] = {}
        """By the address of a generator that was iterated and is not yet finalized: not reused before that."""

    def set(self, firstiter: Any, finalizer: Any) -> None:
        """Set hooks of the running task; `...` leaves one as it is."""
        for hook, name in ((firstiter, "firstiter"), (finalizer, "finalizer")):
            if hook is not ... and hook is not None and not callable(hook):
                raise TypeError(f"callable {name} expected, got {type(hook).__name__}")
        task = self._guest.kernel.task
        old = self._hooks.get(task, (None, None))
        new = (old[0] if firstiter is ... else firstiter, old[1] if finalizer is ... else finalizer)
        if new == (None, None):
            self._hooks.pop(task, None)
        else:
            self._hooks[task] = new
        if self not in _known:
            _known.append(self)
        if self._hooks and self not in _running:
            _running.append(self)
        elif not self._hooks and self in _running:
            _running.remove(self)
        sys.set_asyncgen_hooks(*((_firstiter, _finalizer) if _running else (None, None)))

    def get(self) -> Any:
        """The hooks of the running task, as the named tuple that Python has for them."""
        hooks = self._hooks.get(self._guest.kernel.task, (None, None))
        return type(sys.get_asyncgen_hooks())(hooks)

    def of(self, task: int) -> tuple[Any, Any] | None:
        """The hooks of `task`, if it set any."""
        return self._hooks.get(task)

    def forget(self) -> None:
        """The process is gone."""
        self._hooks.clear()
        self.finalizers.clear()
        if self in _known:
            _known.remove(self)
        if self in _running:
            _running.remove(self)
            if not _running:
                sys.set_asyncgen_hooks(None, None)

    @property
    def task(self) -> int:
        """The task that is running on this guest's kernel."""
        return self._guest.kernel.task


def _firstiter(generator: Any) -> None:
    for hooks in _running:
        found = hooks.of(hooks.task)
        if found is not None:
            firstiter, finalizer = found
            if finalizer is not None:
                hooks.finalizers[id(generator)] = finalizer
            if firstiter is not None:
                firstiter(generator)
            return


def _finalizer(generator: Any) -> None:
    for hooks in _known:
        finalizer = hooks.finalizers.pop(id(generator), None)
        if finalizer is not None:
            finalizer(generator)
            return
