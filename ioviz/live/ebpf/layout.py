"""What the records of `ioviz.bpf.c` mean: which calls are watched, what of their memory is read, and how a `Call` is
made of it. The numbers are x86-64's; the C file has the same layouts.

A call's signature has a letter an argument: `i` an int, `u` a size or flags, `.` a pointer that is not followed, `a` a
socket address, `e` an epoll_event, `E` the events that epoll_wait gave, `p` a list of pollfds, `2` a pair of
descriptors, `o` an option's value, `b` the bytes themselves (they go to `Call.data`), `m` a message header.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, Final, NamedTuple

from ioviz.live.calls import Call, Ended

RECORD: Final = struct.Struct("<IIIIqqQQ6Q")
"""kind, length, tgid, tid, nr, result, start, end, six arguments; then `length` bytes."""
READY: Final = struct.Struct("<6I")
"""tgid, fd, items, waiters, busy, cut; then `items` and `waiters` numbers of four bytes."""
RETURNED, ASLEEP, FORKED, GONE = 1, 2, 3, 4
NOTHING, RESULT, RESULT_EVENTS, FIXED, POLLFDS, POINTED, ARGUMENT = range(7)
WANTED: Final = struct.Struct("<4B")
GOING: Final = struct.Struct("<6Q")
"""Lost, left out, when the window began, calls told in it, whether an item is one-shot, nanoseconds spent."""
ON, CALM = 1, 2
QUIET: Final = frozenset(
    {
        "read", "write", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "sendto", "recvfrom",
        "sendmsg", "sendfile", "splice", "poll", "ppoll", "select", "pselect6", "getsockopt", "nanosleep",
        "clock_nanosleep", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    }
)  # fmt: skip
"""Calls that change no descriptor and no interest list: of a busy program it may be enough to count them."""
SEEN: Final = 24
EVENT: Final = struct.Struct("<IQ")
POLLFD: Final = struct.Struct("<ihh")
CLONE_THREAD_FLAGS: Final = 0x10F00
"""CLONE_VM, FS, FILES, SIGHAND and THREAD: what a thread shares."""


class Shape(NamedTuple):
    """A call: its number, its arguments, which of them to follow (-1: none), and how far."""

    name: str
    nr: int
    signature: str
    pointer: int = -1
    length: int = NOTHING
    extra: int = 0


SHAPES: Final = (
    Shape("read", 0, "ibu", 1, RESULT, SEEN),
    Shape("write", 1, "ibu", 1, RESULT, SEEN),
    Shape("close", 3, "i"),
    Shape("poll", 7, "pui", 0, POLLFDS),
    Shape("ioctl", 16, "iu."),
    Shape("pread64", 17, "ibui", 1, RESULT, SEEN),
    Shape("pwrite64", 18, "ibui", 1, RESULT, SEEN),
    Shape("readv", 19, "i.u"),
    Shape("writev", 20, "i.u"),
    Shape("pipe", 22, "2", 0, FIXED, 8),
    Shape("select", 23, "i...."),
    Shape("dup", 32, "i"),
    Shape("dup2", 33, "ii"),
    Shape("nanosleep", 35, ".."),
    Shape("sendfile", 40, "ii.u"),
    Shape("socket", 41, "iii"),
    Shape("connect", 42, "iai", 1, ARGUMENT, 2),
    Shape("accept", 43, "ia.", 1, POINTED, 28),
    Shape("sendto", 44, "ibui..", 1, RESULT, SEEN),
    Shape("recvfrom", 45, "ibui..", 1, RESULT, SEEN),
    Shape("sendmsg", 46, "imi"),
    Shape("recvmsg", 47, "imi"),
    Shape("shutdown", 48, "ii"),
    Shape("bind", 49, "iai", 1, ARGUMENT, 2),
    Shape("listen", 50, "ii"),
    Shape("socketpair", 53, "iii2", 3, FIXED, 8),
    Shape("setsockopt", 54, "iiioi", 3, FIXED, 4),
    Shape("getsockopt", 55, "iiio.", 3, POINTED, 4),
    Shape("execve", 59, "..."),
    Shape("fcntl", 72, "iiu"),
    Shape("epoll_create", 213, "i"),
    Shape("clock_nanosleep", 230, "ii.."),
    Shape("epoll_wait", 232, "iEii", 1, RESULT_EVENTS),
    Shape("epoll_ctl", 233, "iiie", 3, FIXED, 12),
    Shape("openat", 257, "i.uu"),
    Shape("pselect6", 270, "i....."),
    Shape("ppoll", 271, "pu...", 0, POLLFDS),
    Shape("splice", 275, "i.i.uu"),
    Shape("epoll_pwait", 281, "iEii..", 1, RESULT_EVENTS),
    Shape("signalfd", 282, "i.u"),
    Shape("timerfd_create", 283, "ii"),
    Shape("eventfd", 284, "i"),
    Shape("timerfd_settime", 286, "ii.."),
    Shape("accept4", 288, "ia.i", 1, POINTED, 28),
    Shape("signalfd4", 289, "i.ui"),
    Shape("eventfd2", 290, "ii"),
    Shape("epoll_create1", 291, "i"),
    Shape("dup3", 292, "iii"),
    Shape("pipe2", 293, "2i", 0, FIXED, 8),
    Shape("inotify_init1", 294, "i"),
    Shape("preadv", 295, "i.uuu"),
    Shape("pwritev", 296, "i.uuu"),
    Shape("recvmmsg", 299, "i.ui."),
    Shape("sendmmsg", 307, "i.ui"),
    Shape("memfd_create", 319, ".u"),
    Shape("io_uring_setup", 425, "u."),
    Shape("io_uring_enter", 426, "iuuu.u"),
    Shape("io_uring_register", 427, "iu.u"),
    Shape("close_range", 436, "uuu"),
    Shape("pidfd_getfd", 438, "iiu"),
    Shape("epoll_pwait2", 441, "iEi...", 1, RESULT_EVENTS),
)
BY_NUMBER: Final = {shape.nr: shape for shape in SHAPES}


def item(record: bytes) -> Call | Ended | None:
    """What a record of the ring tells; None for one of a kind that is not known."""
    kind, length, tgid, tid, nr, result, start, end, *args = RECORD.unpack_from(record)
    if kind == FORKED:
        own = args[0]
        flags = CLONE_THREAD_FLAGS if own == tgid else 0
        return Call(tid, "clone", (flags, None, None, None, None), result, start, end, pid=tgid)
    if kind == GONE:
        return Ended(tid, result >> 8 & 0xFF, result & 0x7F, end)
    shape = BY_NUMBER.get(nr)
    if shape is None or kind not in {RETURNED, ASLEEP}:
        return None
    asleep = kind == ASLEEP
    memory = record[RECORD.size : RECORD.size + length]
    data = None
    values: list[Any] = []
    for letter, value in zip(shape.signature, args, strict=False):
        if letter == "b":
            data = memory or None
            values.append(None)
        else:
            values.append(_value(letter, value, memory, result, asleep))
    return Call(
        tid,
        shape.name,
        tuple(values),
        None if asleep else result,
        start,
        0 if asleep else end,
        entered_only=asleep,
        pid=tgid,
        data=data,
    )


def _value(letter: str, value: int, memory: bytes, result: int, asleep: bool) -> Any:
    match letter:
        case "i":
            return (value & 0xFFFFFFFF) - ((value & 0x80000000) << 1)
        case "u":
            return value
        case "m":
            return (None, ())
        case "E" if not asleep:
            return tuple(EVENT.iter_unpack(memory[: len(memory) // 12 * 12]))
        case "p" if not asleep:
            return tuple(POLLFD.iter_unpack(memory[: len(memory) // 8 * 8]))
    if not memory or not value:
        return None
    match letter:
        case "a":
            return address(memory)
        case "e" if len(memory) == EVENT.size:
            return EVENT.unpack(memory)
        case "2" if len(memory) == 8 and result >= 0:
            return struct.unpack("<ii", memory)
        case "o" if len(memory) == 4:
            return struct.unpack("<i", memory)[0]
    return None


def address(memory: bytes) -> str | None:
    """A `struct sockaddr` as `Call.args` wants it."""
    if len(memory) < 2:
        return None
    family = int.from_bytes(memory[:2], "little")
    if family == socket.AF_INET and len(memory) >= 8:
        return f"{socket.inet_ntop(socket.AF_INET, memory[4:8])}:{int.from_bytes(memory[2:4], 'big')}"
    if family == socket.AF_INET6 and len(memory) >= 24:
        return f"[{socket.inet_ntop(socket.AF_INET6, memory[8:24])}]:{int.from_bytes(memory[2:4], 'big')}"
    if family == socket.AF_UNIX:
        path = memory[2:]
        if path[:1] == b"\0":
            return "@" + path[1:].decode("utf-8", "surrogateescape") if len(path) > 1 else ""
        return path.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
    return None
