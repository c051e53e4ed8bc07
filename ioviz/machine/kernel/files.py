"""Descriptors and open files: `fget`, `fput`, the lowest free number, and the calls that all kinds of files share.

An object lives as long as its open file; an open file as long as a descriptor or a sleeping call refers to it.
"""

from __future__ import annotations

from errno import EBADF, EBUSY, EINVAL, EMFILE, ENOTTY
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ioviz.machine.kernel.wait import WaitQueues
from ioviz.model.files import (
    PIPE_READ,
    PIPE_WRITE,
    Fd,
    FdClosed,
    FdFlagsSet,
    FdInstalled,
    FileFlagsSet,
    FileHeld,
    FileOpened,
    FileReleased,
    OpenFile,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.machine.kernel.sched import Thread

O_NONBLOCK: Final = 0o4000
O_APPEND: Final = 0o2000
O_DIRECT: Final = 0o40000
O_CLOEXEC: Final = 0o2000000
F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC = 0, 1, 2, 3, 4, 1030
F_SETPIPE_SZ, F_GETPIPE_SZ = 1031, 1032
FIONBIO, FIOCLEX, FIONCLEX = 0x5421, 0x5451, 0x5450
FD_LIMIT: Final = 1 << 20
"""RLIMIT_NOFILE of a process that set none."""

Result = int | tuple[int, Any]


class FileOps(NamedTuple):
    """What a kind of file can do. `poll` gives the mask of what holds now, `queue` where a poller is to stand (0: it
    can't be waited for), `release` runs when the last reference goes."""

    read: Callable[[Kernel, OpenFile, int], Result]
    write: Callable[[Kernel, OpenFile, bytes], int]
    poll: Callable[[Kernel, OpenFile], int]
    release: Callable[[Kernel, OpenFile], None]
    ioctl: Callable[[Kernel, OpenFile, int, int], Result]
    queue: Callable[[Kernel, OpenFile], int]
    polls: bool = True
    """Whether epoll takes it (a regular file: EPERM)."""


def no_ioctl(k: Kernel, file: OpenFile, request: int, arg: int) -> int:
    """For kinds without any."""
    return -ENOTTY


def cannot(k: Kernel, file: OpenFile, _: Any) -> int:
    """For reading or writing what can't be."""
    return -EINVAL


class Descriptors:
    """The numbers of one process: a derived cache, so that the lowest free one is found without a walk."""

    __slots__ = ("free", "next")

    def __init__(self) -> None:
        self.free: list[int] = []
        self.next = 0

    def take(self) -> int:
        """The lowest free number."""
        if self.free:
            return heappop(self.free)
        self.next += 1
        return self.next - 1


class Files(WaitQueues):
    """Descriptor tables and open files of all processes."""

    ops: dict[str, FileOps]
    """By kind of file; filled by `ioviz.machine.kernel.syscalls`."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.descriptors: dict[int, Descriptors] = {}
        self.watches: dict[int, list[int]] = {}
        """The epoll items that watch an open file (`f_ep`): a derived cache."""
        self.epoll_files: dict[int, int] = {}
        """The open file of each epoll instance: a derived cache."""
        self.in_use: dict[int, int] = {}
        """How many calls that may sleep refer to an open file."""
        self.kept: set[int] = set()
        """Open files that only such calls keep."""

    def file(self, fd: int) -> OpenFile | None:
        """The open file behind descriptor `fd` of the running process."""
        row = self.world.fds.get(self.pid << 24 | fd)
        return self.world.files[row.file] if row is not None and fd >= 0 else None

    def open_file(self, kind: str, obj: int, flags: int, queue: int = 0) -> int:
        """A new open file without any descriptor; returns its id."""
        file = self.new_id()
        self.emit(FileOpened, file, kind, obj, flags, queue)
        return file

    def install_fd(self, file: int, cloexec: bool, lowest: int = 0) -> int:
        """Give open file `file` the lowest free number from `lowest` on; the number, or -EMFILE."""
        table = self.descriptors[self.pid]
        fd = table.take()
        if fd < lowest:
            passed = [fd]
            while (fd := table.take()) < lowest:
                passed.append(fd)
            for number in passed:
                heappush(table.free, number)
        if fd >= self.processes[self.pid].nofile:
            heappush(table.free, fd)
            return -EMFILE
        self.emit(FdInstalled, self.pid, fd, file, cloexec)
        return fd

    def reserve_fd(self) -> int:
        """The lowest free number, which nobody else can get from now on, though nothing is open there
        (`get_unused_fd_flags`); or -EMFILE."""
        return -EMFILE if self.full() else self.descriptors[self.pid].take()

    def unreserve_fd(self, fd: int) -> None:
        """Nothing came of it (`put_unused_fd`)."""
        heappush(self.descriptors[self.pid].free, fd)

    def full(self, count: int = 1) -> bool:
        """Whether the running process may not have `count` more descriptors: calls that make one ask before they do
        anything, as `get_unused_fd_flags` comes first."""
        limit = self.processes[self.pid].nofile
        table = self.descriptors[self.pid]
        return table.next + count > limit and max(limit - table.next, 0) + sum(fd < limit for fd in table.free) < count

    def inherit_fd(self, pid: int, row: Fd) -> None:
        """Let the new process `pid` have its parent's descriptor `row`, under the same number."""
        self.emit(FdInstalled, pid, row.fd, row.file, row.cloexec)

    def close_fd(self, pid: int, fd: int) -> None:
        """Free descriptor `fd` of process `pid`, which must be open."""
        file = self.world.fds[pid << 24 | fd].file
        if file in self.in_use and self.world.files[file].refs == 1:
            # The last descriptor goes while a call sleeps: from now on the reference of that call keeps the file.
            self.kept.add(file)
            self.emit(FileHeld, file, 1)
        self.emit(FdClosed, pid, fd)
        heappush(self.descriptors[pid].free, fd)
        self.put(file)

    def hold(self, file: OpenFile) -> None:
        """The running call, which is about to sleep, refers to `file` until it returns. Like Linux's `fdget` this does
        nothing if no other thread could close the file. It shows in `refs` only if one does."""
        thread = self.thread
        if self.processes[thread.pid].threads > 1 and file.id not in thread.held:
            thread.held.append(file.id)
            self.in_use[file.id] = self.in_use.get(file.id, 0) + 1

    def release_held(self, thread: Thread) -> None:
        """The call of `thread` is over, or it was killed in it: its references go."""
        while thread.held:
            self._no_longer_in_use(thread.held.pop())

    def _no_longer_in_use(self, file: int) -> None:
        left = self.in_use[file] - 1
        if left:
            self.in_use[file] = left
            return
        del self.in_use[file]
        if file in self.kept:
            self.kept.remove(file)
            self.emit(FileHeld, file, -1)
            self.put(file)

    def put(self, file: int) -> None:
        """A reference to `file` went; with the last one it is released."""
        row = self.world.files[file]
        if row.refs == 0:
            if file in self.watches:
                self.eventpoll_release_file(file)
            if row.obj in self.world.flocks:
                self.release_flock(row)
            self.ops[row.kind].release(self, row)  # type: ignore[arg-type]  # every Files is a Kernel
            self.emit(FileReleased, file)

    def release_flock(self, file: OpenFile) -> None:
        """Give back the lock that the open file holds."""
        raise NotImplementedError

    def eventpoll_release_file(self, file: int) -> None:
        """Take the open file out of every epoll instance that watches it."""
        raise NotImplementedError


def sys_read(k: Kernel, fd: int, n: int) -> Result:
    """read(2)."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    return k.ops[file.kind].read(k, file, n)


def sys_write(k: Kernel, fd: int, data: bytes) -> int:
    """write(2)."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    return k.ops[file.kind].write(k, file, data)


def sys_close(k: Kernel, fd: int) -> int:
    """close(2)."""
    if k.file(fd) is None:
        return -EBADF
    k.close_fd(k.pid, fd)
    return 0


def sys_prlimit64(k: Kernel, soft: int | None) -> int:
    """prlimit64(2) of RLIMIT_NOFILE for the running process: set the soft limit, or (None) only ask for it."""
    state = k.processes[k.pid]
    before = state.nofile
    if soft is not None:
        state.nofile = soft
    return before


def sys_close_range(k: Kernel, first: int, last: int, flags: int) -> int:
    """close_range(2): every open descriptor from `first` to `last`."""
    if first > last or flags:
        return -EINVAL
    table = k.pid << 24
    for fd in range(first, min(last + 1, k.descriptors[k.pid].next)):
        if table | fd in k.world.fds:
            k.close_fd(k.pid, fd)
    return 0


def sys_dup(k: Kernel, fd: int) -> int:
    """dup(2)."""
    file = k.file(fd)
    return -EBADF if file is None else k.install_fd(file.id, False)


def sys_dup2(k: Kernel, old: int, new: int) -> int:
    """dup2(2): like `dup3` without flags, but on itself it does nothing."""
    if old == new:
        return -EBADF if k.file(old) is None else new
    return sys_dup3(k, old, new, 0)


def sys_dup3(k: Kernel, old: int, new: int, flags: int) -> int:
    """dup3(2): closes `new` silently if it is open."""
    file = k.file(old)
    if old == new:
        return -EINVAL
    if file is None or not 0 <= new < k.processes[k.pid].nofile:
        return -EBADF
    if k.file(new) is not None:
        k.close_fd(k.pid, new)
    table = k.descriptors[k.pid]
    if new >= table.next:
        for number in range(table.next, new):
            heappush(table.free, number)
        table.next = new + 1
    elif new in table.free:
        table.free.remove(new)
        table.free.sort()
    else:  # an accept that sleeps has it already
        return -EBUSY
    k.emit(FdInstalled, k.pid, new, file.id, bool(flags & O_CLOEXEC))
    return new


def sys_fcntl(k: Kernel, fd: int, cmd: int, arg: int) -> int:
    """fcntl(2), as far as descriptors, status flags and the size of pipes go."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if cmd == F_GETFL:
        return file.flags
    if cmd == F_SETFL:
        settable = O_NONBLOCK | O_APPEND | (O_DIRECT if file.kind == PIPE_WRITE else 0)
        k.emit(FileFlagsSet, file.id, file.flags & ~settable | arg & settable)
        return 0
    if cmd == F_GETFD:
        return int(k.world.fds[k.pid << 24 | fd].cloexec)
    if cmd == F_SETFD:
        k.emit(FdFlagsSet, k.pid, fd, bool(arg & 1))
        return 0
    if cmd in (F_DUPFD, F_DUPFD_CLOEXEC):
        return k.install_fd(file.id, cmd == F_DUPFD_CLOEXEC, arg) if 0 <= arg < k.processes[k.pid].nofile else -EINVAL
    if cmd in (F_SETPIPE_SZ, F_GETPIPE_SZ):
        return k.pipe_fcntl(file, cmd, arg) if file.kind in (PIPE_READ, PIPE_WRITE) else -EBADF
    return -EINVAL


def sys_ioctl(k: Kernel, fd: int, request: int, arg: int) -> Result:
    """ioctl(2): the requests of all files here, the others in the file's own operations."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if request == FIONBIO:
        flags = file.flags | O_NONBLOCK if arg else file.flags & ~O_NONBLOCK
        if flags != file.flags:
            k.emit(FileFlagsSet, file.id, flags)
        return 0
    if request in (FIOCLEX, FIONCLEX):
        k.emit(FdFlagsSet, k.pid, fd, request == FIOCLEX)
        return 0
    return k.ops[file.kind].ioctl(k, file, request, arg)
