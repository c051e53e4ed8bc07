"""What has been noted and not been sent, and how a call is noted.

A note is eight integers: code, thread, time before, time after (CLOCK_MONOTONIC ns), fd, argument, result (-errno),
place; after one of `LISTS` follow `result` pairs (fd, events). `place` is the number of a file's name << 20 | line, 0
if not known. The argument is a length, a timeout in ms or nanoseconds; for the codes in `DETAILED`, the number of a
name; negative, the number of the name that has the length asked for and the first bytes that were moved.
"""

from __future__ import annotations

import collections
import itertools
import os
import sys
import threading
import time
from typing import Any

SOCKET_VARIABLE = "IOVIZ_PROBE"
"""The environment variable with the path of the socket that ioviz listens on."""

LEAST = 0.002
PERIOD = 0.01
IDLE_PERIOD = 0.05
BUSY = 3000
"""Calls a second above which places and data are left out."""
MOST = 10_000
"""Calls a second that are noted at most; in the rest of each `WINDOW` reads, writes and waits are only counted."""
WINDOW = 0.1
NAME = "ioviz-probe"
KEPT = 4_000_000
"""Integers that are kept for a reader that does not read; more are thrown away and counted."""
LOOKED_AT = 24
"""Bytes of a message that are shown."""
FRAMES = 4
"""How many callers are looked at to find a line that is not the library's."""

CALLS = (
    "",
    "recvfrom",
    "sendto",
    "epoll_wait",
    "poll",
    "select",
    "accept4",
    "read",
    "write",
    "close",
    "socket",
    "bind",
    "listen",
    "connect",
    "shutdown",
    "setsockopt",
    "epoll_create1",
    "epoll_ctl",
    "pipe2",
    "dup",
    "fcntl",
    "clock_nanosleep",
    "recvmsg",
    "sendmsg",
    "socketpair",
    "kevent",
    "clone",
    "exit",
    "fork",
)
(
    _,
    RECV,
    SEND,
    EPOLL_WAIT,
    POLL,
    SELECT,
    ACCEPT,
    READ,
    WRITE,
    CLOSE,
    SOCKET,
    BIND,
    LISTEN,
    CONNECT,
    SHUTDOWN,
    SETSOCKOPT,
    EPOLL_CREATE,
    EPOLL_CTL,
    PIPE,
    DUP,
    FCNTL,
    SLEEP,
    RECVMSG,
    SENDMSG,
    SOCKETPAIR,
    KEVENT,
    CLONE,
    EXIT,
    FORK,
) = range(len(CALLS))
DETAILED = {ACCEPT, SOCKET, BIND, CONNECT, SETSOCKOPT, EPOLL_CTL, PIPE, SELECT, POLL, SOCKETPAIR, KEVENT, FCNTL, CLONE}
"""Codes whose argument is the number of a name."""
LISTS = {EPOLL_WAIT, POLL, SELECT, KEVENT}
"""Codes after which pairs follow."""

now = time.monotonic_ns
ident = threading.get_ident
getframe = sys._getframe


class Notes:
    """The notes that have not been sent yet. Every method is safe from any thread, with the interpreter's own lock."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.add = self.calls.extend
        self.sleeping: dict[int, tuple[int, int, int, int]] = {}
        self.names: collections.deque[tuple[int, Any]] = collections.deque()
        self.numbers: dict[Any, int] = {}
        self.next = 1
        self.places: dict[int, int] = {}
        self.detail = True
        self.kept: list[Any] = []

    def name(self, thing: Any) -> Any:
        """The number of a new name."""
        number = self.next
        self.next = number + 1
        self.names.append((number, thing))
        return number

    def same(self, thing: Any) -> Any:
        """The number of a name that may have been told before."""
        number = self.numbers.get(thing)
        if number is None:
            number = self.numbers[thing] = self.name(thing)
        return number

    def place(self, frame: Any) -> Any:
        """Where a call was made: the line of the nearest caller outside the library, as number << 20 | line."""
        for _ in range(FRAMES):
            if frame is None:
                return 0
            code = frame.f_code
            number = self.places.get(id(code))
            if number is None:
                self.kept.append(code)  # so that its address stays its own
                file = code.co_filename
                ours = file.startswith(LIBRARY) or file.startswith("<") or file == __file__
                number = self.places[id(code)] = 0 if ours else self.same(("file", os.path.abspath(file)))
            if number:
                return number << 20 | frame.f_lineno
            frame = frame.f_back
        return 0


LIBRARY = tuple({os.path.dirname(os.__file__) + os.sep, os.path.dirname(threading.__file__) + os.sep})
notes = Notes()


def note(code: int, fd: int, argument: int, result: int, before: int, place: int = 0, pairs: Any = ()) -> None:
    """Note a call that has just ended."""
    notes.add((code, ident(), before, now(), fd, argument, result, place, *pairs))


def look(asked: Any, data: Any, length: Any) -> Any:
    """The argument of a call that moved `length` bytes of `data`, with a look at the first of them."""
    start = bytes(memoryview(data)[: min(length, LOOKED_AT)])
    return -notes.name(("data", [asked, start.decode("latin-1")]))


COUNT = itertools.count(1)
left_out = COUNT.__next__
HOT: dict[tuple[Any, str], tuple[Any, Any]] = {}
"""The calls that a busy program makes most: (class, name) -> (as it is noted, as it is only counted)."""


def note_hot(yes: Any) -> Any:
    """Note the calls of `HOT`, or only count them."""
    for (owner, name), (noted, counted) in HOT.items():
        setattr(owner, name, noted if yes else counted)


def generic(real: Any, code: Any, fd_of: Any, argument_of: Any, result_of: Any, pairs_of: Any = None) -> Any:
    """A call that is not made often. The `…_of` get (arguments, keywords, value)."""

    def probed(*args: Any, **keywords: Any) -> Any:
        before = now()
        thread = ident()
        fd = fd_of(args, keywords, None)
        notes.sleeping[thread] = (code, fd, 0, before)
        try:
            value = real(*args, **keywords)
        except OSError as error:
            note(code, fd, argument_of(args, keywords, None), -(error.errno or 0), before, notes.place(getframe(1)))
            raise
        place = notes.place(getframe(1))
        if fd < 0:
            fd = fd_of(args, keywords, value)
        pairs = pairs_of(args, keywords, value) if pairs_of is not None else ()
        note(code, fd, argument_of(args, keywords, value), result_of(args, keywords, value), before, place, pairs)
        return value

    probed.__name__ = probed.__qualname__ = getattr(real, "__name__", "probed")
    probed.__doc__ = real.__doc__
    return probed


def own(args: Any, keywords: Any, value: Any) -> Any:
    return args[0].fileno()


def first(args: Any, keywords: Any, value: Any) -> Any:
    return args[0] if args and isinstance(args[0], int) else -1


def second(args: Any, keywords: Any, value: Any) -> Any:
    return args[1] if len(args) > 1 else 0


def zero(args: Any, keywords: Any, value: Any) -> Any:
    return 0


def value_of(args: Any, keywords: Any, value: Any) -> Any:
    return value


def length(args: Any, keywords: Any, value: Any) -> Any:
    return len(value)


def detail(*picked: Any) -> Any:
    def detail(args: Any, keywords: Any, value: Any) -> Any:
        return notes.name(("args", [plain(args[i]) for i in picked if i < len(args)]))

    return detail


def plain(value: Any) -> Any:
    """What JSON can hold of an argument."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:LOOKED_AT]).decode("latin-1")
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value[:8]]
    if isinstance(value, (int, float, str)) or value is None:
        return int(value) if isinstance(value, int) else value
    return str(type(value).__name__)
