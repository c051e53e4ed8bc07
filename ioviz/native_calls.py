"""System calls for which Python has no function, for a program that does `import ioviz`; by Linux's names.

    ioviz.ppoll(fds, timeout=None, mask=None)                       [(fd, revents), …] of the pairs (fd, events) in fds
    ioviz.pselect(reads, writes, excepts, timeout=None, mask=None)  ([fd, …], [fd, …], [fd, …])
    ioviz.epoll_pwait(epfd, maxevents, timeout=-1, mask=None)       [(data, events), …]; `timeout` in ms, -1: for ever
    ioviz.epoll_pwait2(epfd, maxevents, timeout=None, mask=None)    the same
    ioviz.signalfd(mask, fd=-1, flags=0)                            a descriptor; read gives 128 bytes a signal
    ioviz.accept4(fd, flags=0)                                      the descriptor of a connection

Time-outs are in nanoseconds unless said otherwise, None is for ever; a mask is an iterable of signal numbers that are
blocked while the call waits, None leaves what is blocked. Every failure is an OSError, EINTR too (InterruptedError,
after Python's handlers have run): nothing here is made again by itself.

A program that runs on the machine gets these from `ioviz.machine.user.shims.ioviz`. Under a real Python they are the
functions below, which make the calls on this computer's kernel. Linux on x86-64.
"""

from __future__ import annotations

import operator
import os
import struct
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NUMBERS: Final = {
    "pselect6": 270,
    "ppoll": 271,
    "epoll_pwait": 281,
    "accept4": 288,
    "signalfd4": 289,
    "epoll_pwait2": 441,
}
SECOND: Final = 10**9
SIGNALS: Final = 65
SET_BYTES: Final = 8
"""sizeof(sigset_t) in the kernel."""
EVENT: Final = struct.Struct("=IQ")
POLLFD: Final = struct.Struct("ihh")
MOST: Final = 4096
"""Events for which there is room."""


def ppoll(
    fds: Iterable[tuple[int, int]], timeout: int | None = None, mask: Iterable[int] | None = None, /
) -> list[tuple[int, int]]:
    """ppoll(2)."""
    pairs = check_pairs(fds)
    room = bytearray(b"".join(POLLFD.pack(fd, events, 0) for fd, events in pairs))
    _call("ppoll", room, len(pairs), _time(timeout), _set(mask), SET_BYTES)
    return [(fd, revents & 0xFFFF) for fd, _, revents in POLLFD.iter_unpack(room) if revents]


def pselect(
    reads: Iterable[int],
    writes: Iterable[int],
    excepts: Iterable[int],
    timeout: int | None = None,
    mask: Iterable[int] | None = None,
    /,
) -> tuple[list[int], list[int], list[int]]:
    """pselect6(2)."""
    import ctypes

    sets = [check_fds(fds) for fds in (reads, writes, excepts)]
    nfds = max((fd for fds in sets for fd in fds), default=-1) + 1
    rooms = [bytearray(max(-(-nfds // 64) * 8, 8)) for _ in sets]
    for room, fds in zip(rooms, sets, strict=True):
        for fd in fds:
            room[fd >> 3] |= 1 << (fd & 7)
    signals = _set(mask)
    held = None if signals is None else ctypes.create_string_buffer(signals, SET_BYTES)
    pair = None if held is None else struct.pack("QQ", ctypes.addressof(held), SET_BYTES)
    _call("pselect6", nfds, *rooms, _time(timeout), pair)
    one, two, three = (
        [fd for fd in fds if room[fd >> 3] >> (fd & 7) & 1] for room, fds in zip(rooms, sets, strict=True)
    )
    return one, two, three


def epoll_pwait(
    epfd: int, maxevents: int, timeout: int = -1, mask: Iterable[int] | None = None, /
) -> list[tuple[int, int]]:
    """epoll_pwait(2); `timeout` in ms."""
    return _epoll("epoll_pwait", epfd, maxevents, operator.index(timeout), mask)


def epoll_pwait2(
    epfd: int, maxevents: int, timeout: int | None = None, mask: Iterable[int] | None = None, /
) -> list[tuple[int, int]]:
    """epoll_pwait2(2)."""
    return _epoll("epoll_pwait2", epfd, maxevents, _time(timeout), mask)


def _epoll(name: str, epfd: int, maxevents: int, timeout: Any, mask: Any) -> list[tuple[int, int]]:
    room = bytearray(EVENT.size * max(min(maxevents, MOST), 1))
    signals = _set(mask)
    found = _call(name, operator.index(epfd), room, min(maxevents, MOST), timeout, signals, SET_BYTES)
    return [(data, events) for events, data in EVENT.iter_unpack(room[: found * EVENT.size])]


def signalfd(mask: Iterable[int], fd: int = -1, flags: int = 0, /) -> int:
    """signalfd4(2): a new descriptor if `fd` is -1, else the signals of that one are changed."""
    return _call("signalfd4", operator.index(fd), _set(mask), SET_BYTES, operator.index(flags))


def accept4(fd: int, flags: int = 0, /) -> int:
    """accept4(2); the address of the peer is `getpeername`'s."""
    return _call("accept4", operator.index(fd), 0, 0, operator.index(flags))


def check_pairs(fds: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of a descriptor and the bits to wait for. Raises TypeError and ValueError, as the others below."""
    return [(operator.index(fd), operator.index(events) & 0x7FFF) for fd, events in fds]


def check_fds(fds: Iterable[int]) -> list[int]:
    """Descriptors for a bit map."""
    found = [operator.index(fd) for fd in fds]
    for fd in found:
        if not 0 <= fd < 1024:
            raise ValueError(f"select takes descriptors from 0 to 1023, not {fd}")
    return found


def check_mask(mask: Iterable[int] | None) -> tuple[int, ...] | None:
    """Signal numbers, in order."""
    if mask is None:
        return None
    found = sorted({operator.index(number) for number in mask})
    for number in found:
        if not 0 < number < SIGNALS:
            raise ValueError(f"a signal is 1 to {SIGNALS - 1}, not {number}")
    return tuple(found)


def _set(mask: Iterable[int] | None) -> bytes | None:
    """A mask as the kernel's sigset_t."""
    numbers = check_mask(mask)
    return None if numbers is None else sum(1 << number - 1 for number in numbers).to_bytes(SET_BYTES, "little")


def _time(ns: int | None) -> bytes | None:
    """Nanoseconds as a struct timespec; a negative time is one that the kernel refuses."""
    return None if ns is None else struct.pack("qq", *divmod(operator.index(ns), SECOND))


def _call(name: str, *args: Any) -> int:
    """Make a system call: ints as they are, None a null pointer, bytes and bytearrays by their address."""
    import ctypes
    import platform

    if sys.platform != "linux" or platform.machine() != "x86_64":
        where = f"{platform.system()} on {platform.machine()}"
        raise NotImplementedError(
            f"{name} needs Linux on x86-64, and here is {where}; `ioviz exec` can run it anywhere"
        )
    passed: list[Any] = []
    for arg in args:
        if isinstance(arg, bytearray):
            passed.append((ctypes.c_char * len(arg)).from_buffer(arg) if arg else None)
        else:
            passed.append(ctypes.c_long(arg) if isinstance(arg, int) else arg)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result: int = libc.syscall(ctypes.c_long(NUMBERS[name]), *passed)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
