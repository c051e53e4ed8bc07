"""The state of real processes at one moment, as the kernel tells it: what a mirror starts from and is checked against.

`ioviz.live.procfs` takes it. Whatever could not be read is left out and named in `missing`, a sentence each.
"""

from __future__ import annotations

import msgspec


class Interest(msgspec.Struct, frozen=True, gc=False):
    """A line of `fdinfo` of an epoll descriptor: `fd` as it was registered (its number may name something else by
    now), mask, data (64 bits), inode and device of the watched file (0: an older kernel does not say)."""

    fd: int
    events: int
    data: int
    inode: int = 0
    device: int = 0


class Descriptor(msgspec.Struct, frozen=True, gc=False):
    """An open descriptor. `kind` is socket, pipe, epoll, eventfd, timerfd, signalfd, inotify, io_uring, tty, file or
    anon; `inode` of the socket or pipe, or of an epoll descriptor a number below zero
    that others of the same instance share; `target` what the link in `/proc/PID/fd` says; `flags` those of `open`, with
    O_CLOEXEC; `interests` of an epoll descriptor."""

    fd: int
    kind: str
    inode: int
    target: str
    flags: int
    interests: tuple[Interest, ...] = ()


class Thread(msgspec.Struct, frozen=True, gc=False):
    """A thread; `state` as in `/proc` (R, S, D, T, Z); the call that it sleeps in: `nr` (-1: none, or not readable),
    its six raw arguments; `wchan` the kernel function (empty: not readable)."""

    tid: int
    state: str
    nr: int = -1
    args: tuple[int, ...] = ()
    wchan: str = ""


class ProcessState(msgspec.Struct, frozen=True, gc=False):
    """A process with its threads and descriptors. `netns` is the inode of its network namespace (0: not readable)."""

    pid: int
    ppid: int
    name: str
    argv: tuple[str, ...]
    threads: tuple[Thread, ...]
    descriptors: tuple[Descriptor, ...]
    netns: int = 0


class SocketState(msgspec.Struct, frozen=True, gc=False):
    """A socket. `family` and `type` as in `socket()`; `state` by its name in `ss`; `local` and `remote` as
    "address:port" or a path; `rx` and `tx` the bytes in the receive and the send queue; of a listening socket `rx` is
    the length of its accept queue and `tx` the longest it may get. `peer` is the inode of a Unix socket's other end.
    `rcvbuf`, `sndbuf` 0 if not known."""

    inode: int
    family: int
    type: int
    state: str
    local: str
    remote: str
    rx: int = 0
    tx: int = 0
    peer: int = 0
    rcvbuf: int = 0
    sndbuf: int = 0


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """Everything at time `t` (nanoseconds on the clock of the source that delivers it; 0 if it was made apart).

    `sockets` by inode: those that the processes' descriptors open. `settled` says that no call was under way that had
    changed something already but was not delivered yet: only then a difference to the mirror counts as one. `seed`
    marks the one to begin from (or to begin again from after a loss)."""

    t: int
    processes: tuple[ProcessState, ...]
    sockets: dict[int, SocketState]
    missing: tuple[str, ...] = ()
    settled: bool = False
    seed: bool = False
    took: int = 0
    """Nanoseconds that reading took."""
