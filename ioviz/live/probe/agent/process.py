"""Threads, children, files, pipes and sleep."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from .notes import (
    CLONE,
    CLOSE,
    DUP,
    EXIT,
    FORK,
    NAME,
    PIPE,
    READ,
    SLEEP,
    WRITE,
    first,
    generic,
    getframe,
    ident,
    length,
    note,
    notes,
    now,
    value_of,
    zero,
)


def probe_threads() -> None:
    thread_class: Any = threading.Thread
    start, inner = thread_class.start, thread_class._bootstrap_inner

    def started(self: Any) -> Any:
        before = now()
        start(self)
        if self.name != NAME:
            note(CLONE, -1, notes.name(("args", [self.name])), self.native_id or 0, before, notes.place(getframe(1)))

    def bootstrap(self: Any) -> Any:
        if self.name != NAME:
            tell_thread(self, threading.get_native_id())
        try:
            inner(self)
        finally:
            if self.name != NAME:
                note(EXIT, -1, 0, 0, now())

    thread_class.start, thread_class._bootstrap_inner = started, bootstrap
    if hasattr(os, "fork"):
        fork = os.fork

        def forked() -> int:
            before = now()
            child = fork()
            if child:  # the child has a connection of its own, and tells its own calls
                note(FORK, -1, 0, child, before, notes.place(getframe(1)))
            return child

        os.fork = forked


last: list[Any] = []
"""The sender of this process, if there is one."""


def finish() -> None:
    """Send the last notes of this process."""
    for sender in last:
        sender.finish()


def probe_end() -> None:
    """Send the last notes before an end that runs no `atexit`: `os._exit` (a child of `multiprocessing`) and exec."""
    os._exit = _after_the_last(os._exit)
    if hasattr(os, "execv"):
        takes_fd = os.execve in os.supports_fd
        os.execv, os.execve = _after_the_last(os.execv), _after_the_last(os.execve)
        if takes_fd:
            os.supports_fd.add(os.execve)


def _after_the_last(real: Any) -> Any:
    def end(*args: Any, **keywords: Any) -> Any:
        finish()
        return real(*args, **keywords)

    end.__name__ = end.__qualname__ = real.__name__
    end.__doc__ = real.__doc__
    return end


def tell_thread(thread: Any, native: Any) -> Any:
    """Tell which thread of the kernel a Python thread is."""
    notes.name(("thread", [ident(), native, thread.name]))


def probe_files() -> None:
    os.read = generic(os.read, READ, first, lambda a, k, v: a[1] if len(a) > 1 else 0, length)
    os.write = generic(os.write, WRITE, first, lambda a, k, v: len(a[1]) if len(a) > 1 else 0, value_of)
    os.close = generic(os.close, CLOSE, first, zero, zero)
    os.dup = generic(os.dup, DUP, first, zero, value_of)
    os.pipe = generic(os.pipe, PIPE, lambda a, k, v: -1, lambda a, k, v: notes.name(("args", list(v or ()))), zero)
    time.sleep = generic(time.sleep, SLEEP, lambda a, k, v: -1, lambda a, k, v: int(a[0] * 1e9) if a else 0, zero)
