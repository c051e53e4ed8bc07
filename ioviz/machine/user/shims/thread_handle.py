"""Threads by handles, as `threading` uses them from Python 3.13 on: start, ask whether it ended, join."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims.arguments import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.user.guest import Guest
    from ioviz.machine.user.shims._thread import Threads

NOT_STARTED, RUNNING, DONE = range(3)


def make_handle(guest: Guest, lock: Callable[[], Any]) -> type[Any]:
    """The class `_ThreadHandle` of one guest (from 3.13 on)."""

    class _ThreadHandle:
        __module__ = "_thread"
        __slots__ = ("__done", "__ident", "__state", "__weakref__")

        def __init__(self) -> None:
            self.__ident = 0
            self.__state = NOT_STARTED
            self.__done = lock()

        def _started(self, ident: int) -> None:
            """The thread is task `ident`; who joins waits from now on."""
            self.__ident = ident
            self.__state = RUNNING
            self.__done.acquire()

        def _running_as(self, ident: int) -> None:
            """For a thread that may have ended before its starter came to note its number."""
            self.__ident = ident

        @property
        def ident(self) -> int:
            """The thread's number."""
            return self.__ident

        def is_done(self) -> bool:
            """Whether the thread has ended."""
            return self.__state == DONE

        def _set_done(self) -> None:
            if self.__state == NOT_STARTED:
                raise RuntimeError("thread not started")
            if self.__state == RUNNING:
                self.__state = DONE
                self.__done.release()

        def join(self, timeout: Any = None, /) -> None:
            """Wait until the thread has ended, at most `timeout` seconds."""
            patience = -1 if timeout is None else nanoseconds(timeout)
            if self.__state == NOT_STARTED:
                raise RuntimeError("thread not started")
            if self.__state == RUNNING and self.__ident == guest.kernel.task:
                raise RuntimeError("Cannot join current thread")
            if self.__state == RUNNING and self.__done.acquire(True, -1 if patience < 0 else patience / 1e9):
                self.__done.release()

        def __repr__(self) -> str:
            return f"<_ThreadHandle object: ident={self.__ident}>"

    _ThreadHandle.__qualname__ = "_ThreadHandle"
    return _ThreadHandle


class Joinable:
    """Threads by handles, as 3.13 has them."""

    def __init__(self, threads: Threads, handle: type[Any]) -> None:
        self._threads = threads
        self._handle = handle
        self._to_join: dict[Any, None] = {}
        """Handles of the threads that hold up the end of the program, oldest first."""

    def start_joinable_thread(self, function: Any, handle: Any = None, daemon: Any = True) -> Any:
        """Start a thread that runs `function()`; the handle says when it has ended."""
        if not callable(function):
            raise TypeError("thread function must be callable")
        if handle is None:
            handle = self._handle()
        elif not isinstance(handle, self._handle):
            raise TypeError("'handle' must be a _ThreadHandle")
        if handle.ident:
            raise RuntimeError("thread already started")
        handle._started(-1)
        if not daemon:
            self._to_join[handle] = None

        def ended() -> None:
            self._to_join.pop(handle, None)
            handle._set_done()

        handle._running_as(self._threads._start(function, (), {}, ended))
        return handle

    def _make_thread_handle(self, ident: int, /) -> Any:
        """A handle for a thread that runs already."""
        handle = self._handle()
        handle._started(ident)
        return handle

    def _shutdown(self) -> None:
        """Wait for all threads that are not daemons."""
        while self._to_join:
            next(iter(self._to_join)).join()
