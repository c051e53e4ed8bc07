"""`threading.local`: attributes that each thread has for itself.

Kept by thread, then by object: when a thread ends, its values go in the order in which they came; when an object goes,
its values in all threads do. Source: the `local` part of `Modules/_threadmodule.c`.
"""

from __future__ import annotations

import weakref
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ioviz.machine.user.guest import KernelPort


class Locals:
    """All thread-local storage of one guest."""

    def __init__(self, kernel: KernelPort) -> None:
        self._kernel = kernel
        self._values: dict[int, dict[int, dict[str, Any]]] = {}
        self._objects: dict[int, weakref.ref[Any]] = {}
        self._serial = count(1).__next__

    def forget(self, task: int) -> None:
        """Thread `task` has ended."""
        for number in self._values.pop(task, ()):
            local = self._objects[number]()
            state = None if local is None else object.__getattribute__(local, "_local__state")
            if state is not None and state[1] == task:
                # It shows this thread's attributes until another thread looks at it.
                object.__setattr__(local, "_local__state", (number, 0, *state[2:]))
                object.__setattr__(local, "__dict__", {})

    def add(self, local: Any) -> int:
        """A number for a new object."""
        number = self._serial()

        def gone(_: Any) -> None:
            self._objects.pop(number, None)
            for values in self._values.values():
                values.pop(number, None)

        self._objects[number] = weakref.ref(local, gone)
        return number

    def find(self, task: int, number: int) -> dict[str, Any] | None:
        """The attributes that thread `task` sees in object `number`."""
        values = self._values.get(task)
        return None if values is None else values.get(number)

    def start(self, task: int, number: int) -> dict[str, Any]:
        """Thread `task` comes to object `number` for the first time."""
        attributes: dict[str, Any] = {}
        self._values.setdefault(task, {})[number] = attributes
        return attributes

    def make_class(self) -> type[Any]:
        """The class `_thread._local` of one guest."""
        kernel, find, start, add = self._kernel, self.find, self.start, self.add
        get, put, drop = object.__getattribute__, object.__setattr__, object.__delattr__

        def turn(local: Any) -> None:
            """Make the running thread's attributes those that `local` shows."""
            task = kernel.task
            number, seen, args, kwargs = get(local, "_local__state")
            if seen == task:
                return
            attributes = find(task, number)
            fresh = attributes is None
            if attributes is None:
                attributes = start(task, number)
            put(local, "_local__state", (number, task, args, kwargs))
            put(local, "__dict__", attributes)
            if fresh:
                type(local).__init__(local, *args, **kwargs)
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
                number = add(self)
                put(self, "_local__state", (number, kernel.task, args, kwargs))
                put(self, "__dict__", start(kernel.task, number))
                return self

            def __getattribute__(self, name: str, /) -> Any:
                if get(self, "_local__state")[1] != kernel.task:
                    turn(self)
                return get(self, name)

            def __setattr__(self, name: str, value: Any, /) -> None:
                if name == "__dict__":
                    raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
                turn(self)
                put(self, name, value)

            def __delattr__(self, name: str, /) -> None:
                if name == "__dict__":
                    raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
                turn(self)
                drop(self, name)

        _local.__qualname__ = "_local"
        return _local
