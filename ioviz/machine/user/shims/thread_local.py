"""`threading.local`: attributes that each thread has for itself.

A local object holds a dictionary for each thread, so that it and its values go together, even in a circle; a thread
knows by weak references in which objects it left something, and takes that away when it ends, oldest first.
Source: the `local` part of `Modules/_threadmodule.c`.
"""

from __future__ import annotations

import weakref
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ioviz.machine.user.guest import KernelPort

_get, _put, _drop = object.__getattribute__, object.__setattr__, object.__delattr__


class _State:
    """What a local object keeps: whose attributes it shows now, those of all threads, and how it was made."""

    __slots__ = ("args", "kwargs", "shown", "values")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs
        self.shown = 0
        self.values: dict[int, dict[str, Any]] = {}


class Locals:
    """All thread-local storage of one guest."""

    def __init__(self, kernel: KernelPort) -> None:
        self._kernel = kernel
        self._places: dict[int, dict[int, weakref.ref[Any]]] = {}
        """By task: where it has attributes, by the object's number."""
        self._serial = count(1).__next__

    def forget(self, task: int) -> None:
        """Thread `task` has ended."""
        for reference in self._places.pop(task, {}).values():
            local = reference()
            if local is None:
                continue
            state = _get(local, "_local__state")
            state.values.pop(task, None)
            if state.shown == task:
                state.shown = 0
                _put(local, "__dict__", {})

    def add(self, local: Any, task: int) -> dict[str, Any]:
        """Thread `task` comes to `local` for the first time: its new attributes."""
        number = self._serial()
        places = self._places.setdefault(task, {})
        places[number] = weakref.ref(local, lambda _: places.pop(number, None))
        attributes: dict[str, Any] = {}
        state = _get(local, "_local__state")
        state.values[task] = attributes
        return attributes

    def make_class(self) -> type[Any]:
        """The class `_thread._local` of one guest."""
        kernel, add = self._kernel, self.add

        def turn(local: Any) -> None:
            """Make the running thread's attributes those that `local` shows."""
            task = kernel.task
            state = _get(local, "_local__state")
            if state.shown == task:
                return
            attributes = state.values.get(task)
            fresh = attributes is None
            if attributes is None:
                attributes = add(local, task)
            state.shown = task
            _put(local, "__dict__", attributes)
            if fresh:
                type(local).__init__(local, *state.args, **state.kwargs)
                # The initializer may have let other threads run.
                turn(local)

        class _local:
            """Thread-local data."""

            __module__ = "_thread"
            __slots__ = ("__dict__", "__state", "__weakref__")

            def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
                if (args or kwargs) and cls.__init__ is object.__init__:
                    raise TypeError("Initialization arguments are not supported")
                self = object.__new__(cls)
                state = _State(args, kwargs)
                _put(self, "_local__state", state)
                state.shown = kernel.task
                _put(self, "__dict__", add(self, kernel.task))
                return self

            def __getattribute__(self, name: str, /) -> Any:
                if _get(self, "_local__state").shown != kernel.task:
                    turn(self)
                return _get(self, name)

            def __setattr__(self, name: str, value: Any, /) -> None:
                if name == "__dict__":
                    raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
                turn(self)
                _put(self, name, value)

            def __delattr__(self, name: str, /) -> None:
                if name == "__dict__":
                    raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
                turn(self)
                _drop(self, name)

        _local.__qualname__ = "_local"
        return _local
