"""What every source delivers: observed system calls, snapshots, losses and ends, in the order in which they happened.

A source (`ioviz.live.source.Source`) turns what it sees into `Item`s; the mirror (`ioviz.live.mirror`) folds them into
events of `ioviz.model`. Whatever the source, a `Call` looks the same.

Rules for who makes them:

- One `Call` a system call, when it returned. If a source sees that a call has not returned yet (it sleeps, or another
  thread runs meanwhile), it delivers the call first with `entered_only=True` and the arguments known by then (those
  that the kernel fills in are None), and later the whole of it. So there is at most one open call a thread, and a whole
  call of the same thread and name closes it.
- In the order in which the calls took effect, as far as the source knows it.
- Only what was seen. What a source did not see is None, never guessed.

Arguments have the kernel's order and number; where the kernel has a pointer, `args` has what it points to:

| kernel has                     | `args` has |
|--------------------------------|--------------------------------------------------------------------------------|
| int, size_t, flags, op, mode   | int; a descriptor is signed (-1, AT_FDCWD -100), flags are numbers |
| char *, a path or a name       | str (surrogateescape), or None |
| void *buf, iovec, msghdr's bytes | None: the bytes are in `Call.data` if the source saw them |
| struct sockaddr *              | str: "127.0.0.1:80", "[::1]:80", "/path", "@abstract", "" (unnamed); None (NULL) |
| socklen_t *, int * of an option | int |
| struct epoll_event *           | (events, data), data as 64 bits without a sign; None for NULL |
| struct epoll_event[]           | tuple of (events, data), as many as were returned |
| struct pollfd[]                | tuple of (fd, events, revents) |
| fd_set *                       | tuple of the descriptors in it as the call was entered; None for NULL |
| struct timespec *, timeval *   | int, nanoseconds; None for NULL |
| int sv[2], pipefd[2]           | (first, second) |
| struct msghdr *                | (address or None, tuple of the descriptors in SCM_RIGHTS); of mmsghdr[] the first |
| anything else                  | None |

`select` and `pselect6` return their sets: `Call.out` has (readable, writable, exceptional), else it is None.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ioviz.live.snapshot import Snapshot

ERRNO_LAST: Final = 4095
"""The kernel's MAX_ERRNO: results from -4095 to -1 are errors. 512 to 530 (ERESTARTSYS …) never reach the program."""


class Call(msgspec.Struct, frozen=True, gc=False):
    """One observed system call of thread `tid`.

    `name` is Linux's (`accept4`, `epoll_pwait`); a source on another system delivers the nearest Linux call and says so
    in its description. `result` is what the kernel returned, -errno on failure (-11 is EAGAIN), None if it is not
    known (`exit`, cut off) or not there yet. `start` and `end` are nanoseconds on the source's one clock, 0 if it has
    none; `end` is 0 while the call sleeps. `pid` is the process (0: the source does not know; the mirror works it out
    from clone). `data` are the bytes that were read or written, maybe only the first of them. `at` is (file, line) of
    the program, if the source knows it.
    """

    tid: int
    name: str
    args: tuple[Any, ...]
    result: int | None = None
    start: int = 0
    end: int = 0
    entered_only: bool = False
    pid: int = 0
    out: tuple[Any, ...] | None = None
    data: bytes | None = None
    at: tuple[str, int] | None = None

    @property
    def error(self) -> int:
        """The errno, positive; 0 if the call succeeded or has not returned."""
        result = self.result
        return -result if result is not None and -ERRNO_LAST <= result < 0 else 0


class Lost(msgspec.Struct, frozen=True, gc=False):
    """The source dropped `count` items here (0: it doesn't know how many), because of `why` (a few words)."""

    count: int
    why: str = ""


class LeftOut(msgspec.Struct, frozen=True, gc=False):
    """The source only counted `count` calls here, none of which changed a descriptor or an interest list."""

    count: int


class Ended(msgspec.Struct, frozen=True, gc=False):
    """Thread `tid` is gone: with exit status `code`, or by signal number `signal`. The last thread ends the process."""

    tid: int
    code: int = 0
    signal: int = 0
    t: int = 0


class ReadySeen(msgspec.Struct, frozen=True, gc=False):
    """The kernel's own ready list of the epoll instance that descriptor `epfd` of process `pid` opens, in its order, at
    time `t`: the registered descriptors, and the threads that sleep in `epoll_wait` on it. Only eBPF sees it."""

    t: int
    pid: int
    epfd: int
    fds: tuple[int, ...]
    waiters: tuple[int, ...] = ()


Item = Call | Lost | LeftOut | Ended | Snapshot | ReadySeen
"""What a source's `take` returns. A `Snapshot` first (when attaching), and from time to time to be compared with."""
