"""Descriptor tables and open files.

A descriptor (`Fd`) names an open file (`OpenFile`, Linux's `struct file`), which several descriptors can share after
`dup`; the object behind it (socket, pipe, eventpoll, inode) lives as long as the open file does. `refs` counts the
descriptors; a `close` while another thread sleeps in `recv` releases nothing, as in Linux, and what that call holds is
counted from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World

SOCKET: Final = "socket"
PIPE_READ: Final = "pipe_read"
PIPE_WRITE: Final = "pipe_write"
EVENTPOLL: Final = "eventpoll"
EVENTFD: Final = "eventfd"
TIMERFD: Final = "timerfd"
SIGNALFD: Final = "signalfd"
TTY: Final = "tty"
INODE: Final = "inode"
"""A file or directory of the file system in memory; `obj` is its inode."""


class OpenFile(msgspec.Struct, frozen=True, gc=False):
    """An open file description: its kind, the object that it opens, status flags, references, position."""

    id: int
    kind: str
    obj: int
    flags: int
    refs: int
    pos: int = 0


class Fd(msgspec.Struct, frozen=True, gc=False):
    """A descriptor: number `fd` in the table of process `pid` names open file `file`."""

    pid: int
    fd: int
    file: int
    cloexec: bool


def fd_key(pid: int, fd: int) -> int:
    """The key of a descriptor in `World.fds`."""
    return pid << 24 | fd


class FileOpened(Event):
    """An open file came into being, with no descriptor yet. `queue` is the wait queue of its object, made with it if
    it is new (0: the object has none or made its own)."""

    file: int
    file_kind: str
    obj: int
    flags: int
    queue: int

    def apply(self, world: World) -> None:
        world.files[self.file] = OpenFile(self.file, self.file_kind, self.obj, self.flags, 0)
        if self.queue:
            world.wait_queues.setdefault(self.queue, EMPTY)


class FdInstalled(Event):
    """Descriptor `fd` of process `pid` now names open file `file`, which gains a reference."""

    pid: int
    fd: int
    file: int
    cloexec: bool

    def apply(self, world: World) -> None:
        world.fds[self.pid << 24 | self.fd] = Fd(self.pid, self.fd, self.file, self.cloexec)
        row = world.files[self.file]
        world.files[self.file] = OpenFile(row.id, row.kind, row.obj, row.flags, row.refs + 1, row.pos)


class FdClosed(Event):
    """Descriptor `fd` of process `pid` is free again; its open file loses a reference."""

    pid: int
    fd: int

    def apply(self, world: World) -> None:
        file = world.fds.pop(self.pid << 24 | self.fd).file
        row = world.files[file]
        world.files[file] = OpenFile(row.id, row.kind, row.obj, row.flags, row.refs - 1, row.pos)


class FdFlagsSet(Event):
    """`fcntl(F_SETFD)`."""

    pid: int
    fd: int
    cloexec: bool

    def apply(self, world: World) -> None:
        key = self.pid << 24 | self.fd
        world.fds[key] = Fd(self.pid, self.fd, world.fds[key].file, self.cloexec)


class FileHeld(Event):
    """The last descriptor of an open file is being closed while system calls sleep on it: their reference keeps it
    (`delta` 1), or they are done with it and give it back (-1)."""

    file: int
    delta: int

    def apply(self, world: World) -> None:
        row = world.files[self.file]
        world.files[self.file] = OpenFile(row.id, row.kind, row.obj, row.flags, row.refs + self.delta, row.pos)


class FileFlagsSet(Event):
    """The status flags of an open file changed: `fcntl(F_SETFL)` or `ioctl(FIONBIO)`."""

    file: int
    flags: int

    def apply(self, world: World) -> None:
        row = world.files[self.file]
        world.files[self.file] = OpenFile(row.id, row.kind, row.obj, self.flags, row.refs, row.pos)


class FileMoved(Event):
    """The position of an open file changed."""

    file: int
    pos: int

    def apply(self, world: World) -> None:
        row = world.files[self.file]
        world.files[self.file] = OpenFile(row.id, row.kind, row.obj, row.flags, row.refs, self.pos)


class FileReleased(Event):
    """The last reference is gone and with it the open file."""

    file: int

    def apply(self, world: World) -> None:
        del world.files[self.file]
