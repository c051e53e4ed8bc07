"""The file system in memory: the calls on names, and the operations of open files.

Every host starts with `/`, `/tmp`, `/dev` and its devices, and sees the folders in `Kernel.visible` (the program's
own, the standard library) as a layer below: what is read there comes into memory as it is opened, what is written
stays in memory.

Where Linux differs: reading and writing a file never sleeps; no links, owners, times, quotas, and everybody is root.
"""

from __future__ import annotations

from errno import (
    EACCES,
    EADDRINUSE,
    EBADF,
    EBUSY,
    ECONNREFUSED,
    EEXIST,
    EFBIG,
    EINVAL,
    EISDIR,
    EMFILE,
    ENAMETOOLONG,
    ENOENT,
    ENOTDIR,
    ENOTEMPTY,
    ENOTTY,
    EOPNOTSUPP,
    ESPIPE,
)
from stat import S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, S_IFSOCK, S_ISDIR, S_ISREG, S_ISSOCK
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import O_APPEND, O_CLOEXEC, O_NONBLOCK, FileOps, Result
from ioviz.machine.kernel.namei import FILE_LIMIT, below, create, entries, find, inode_at, look_up, walk
from ioviz.model.files import (
    EVENTFD,
    EVENTPOLL,
    INODE,
    PIPE_READ,
    PIPE_WRITE,
    SIGNALFD,
    SOCKET,
    TIMERFD,
    TTY,
    FileMoved,
)
from ioviz.model.poll_bits import POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ioviz.model.ramfs import (
    FileModeSet,
    FileTruncated,
    FileWritten,
    Inode,
    InodeFreed,
    NameMoved,
    NameRemoved,
    read_pages,
)

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile

FIONREAD: Final = 0x541B
R_OK, W_OK, X_OK = 4, 2, 1
O_ACCMODE, O_WRONLY, O_RDWR = 3, 1, 2
O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_TMPFILE = 0o100, 0o200, 0o1000, 0o200000, 0o20000000
EPOCH: Final = 1_704_067_200
"""The one time that files have, in seconds: 2024-01-01."""
KINDS: Final = {TTY: S_IFCHR | 0o620, SOCKET: S_IFSOCK | 0o777, PIPE_READ: S_IFIFO | 0o600, PIPE_WRITE: S_IFIFO | 0o600}
"""What fstat(2) says of open files that are no files."""


# -- calls


def sys_openat(k: Kernel, path: str, flags: int, mode: int) -> int:
    """openat(2), from the working directory."""
    if flags & O_TMPFILE:
        return -EOPNOTSUPP
    if k.full():
        return -EMFILE
    if flags & O_CREAT and flags & O_DIRECTORY:
        return -EINVAL
    place = walk(k, path)
    if isinstance(place, int):
        return place
    if flags & O_CREAT and place.slashed and not place.dots:
        return -EISDIR
    row = inode_at(k, place)
    writes = flags & O_ACCMODE != 0
    if isinstance(row, int):
        if row != -ENOENT or not flags & O_CREAT:
            return row
        row = create(k, place.name, S_IFREG | _masked(k, mode))
    elif flags & O_CREAT and flags & O_EXCL:
        return -EEXIST
    elif S_ISDIR(row.mode):
        if writes or flags & O_CREAT:
            return -EISDIR
    elif flags & O_DIRECTORY or place.slashed:
        return -ENOTDIR
    elif flags & O_TRUNC and writes and row.size:
        k.emit(FileTruncated, row.id, 0)
    kept = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECTORY)
    return k.install_fd(k.open_file(INODE, row.id, kept), bool(flags & O_CLOEXEC))


def _masked(k: Kernel, mode: int) -> int:
    """The permissions of what the running process makes."""
    return mode & 0o777 & ~k.processes[k.pid].umask


def sys_stat(k: Kernel, path: str) -> Result:
    """stat(2)."""
    found = look_up(k, path)
    return found if isinstance(found, int) else (0, _status(found[1]))


def sys_fstat(k: Kernel, fd: int) -> Result:
    """fstat(2)."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind == INODE:
        return 0, _status(k.world.inodes[file.obj])
    return 0, (KINDS.get(file.kind, 0o600), file.obj, 1, 1, 0, 0, 0, EPOCH, EPOCH, EPOCH)


def _status(row: Inode) -> tuple[int, ...]:
    return (row.mode, row.id, 2, row.links, 0, 0, row.size, EPOCH, EPOCH, EPOCH)


def sys_access(k: Kernel, path: str, mode: int) -> int:
    """access(2) of root, who may read and write everything, and execute what anybody may."""
    if mode & ~(R_OK | W_OK | X_OK):
        return -EINVAL
    found = look_up(k, path)
    if isinstance(found, int):
        return found
    _, row = found
    return -EACCES if mode & X_OK and not (S_ISDIR(row.mode) or row.mode & 0o111) else 0


def sys_chmod(k: Kernel, path: str, mode: int) -> int:
    """chmod(2): the mode is kept, and looked at by execve(2) and access(2) alone."""
    found = look_up(k, path)
    if isinstance(found, int):
        return found
    _, row = found
    _set_mode(k, row, mode)
    return 0


def sys_fchmod(k: Kernel, fd: int, mode: int) -> int:
    """fchmod(2); what is no file takes any mode and keeps its own."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind == INODE:
        _set_mode(k, k.world.inodes[file.obj], mode)
    return 0


def _set_mode(k: Kernel, row: Inode, mode: int) -> None:
    wanted = row.mode & ~0o7777 | mode & 0o7777
    if wanted != row.mode:
        k.emit(FileModeSet, row.id, wanted)


def sys_fsync(k: Kernel, fd: int) -> int:
    """fsync(2), fdatasync(2): there is no disk to wait for."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    return 0 if file.kind == INODE and not k.world.inodes[file.obj].device else -EINVAL


NO_POSITION: Final = frozenset({EVENTFD, TIMERFD, SIGNALFD, EVENTPOLL})
"""Files whose position may be set and stays 0 (`noop_llseek`)."""


def sys_lseek(k: Kernel, fd: int, offset: int, whence: int) -> int:
    """lseek(2)."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind != INODE:
        return 0 if file.kind in NO_POSITION else -ESPIPE
    row = k.world.inodes[file.obj]
    if whence not in (0, 1, 2):
        return -EINVAL
    place = offset + (0, file.pos, row.size)[whence]
    if place < 0:
        return -EINVAL
    if place != file.pos:
        k.emit(FileMoved, file.id, place)
    return place


def sys_ftruncate(k: Kernel, fd: int, size: int) -> int:
    """ftruncate(2)."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind != INODE or size < 0 or not file.flags & O_ACCMODE or not S_ISREG(k.world.inodes[file.obj].mode):
        return -EINVAL
    if size > FILE_LIMIT:
        return -EFBIG
    k.emit(FileTruncated, file.obj, size)
    return 0


def sys_getdents64(k: Kernel, fd: int) -> Result:
    """getdents64(2): (number, ((name, inode, type), ...)), all that are left at once; (0, ()) at the end."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind != INODE or not S_ISDIR(k.world.inodes[file.obj].mode):
        return -ENOTDIR
    path = next((full for (host, full), inode in k.world.names.items() if inode == file.obj and host == k.cpu), None)
    if path is None:
        return 0, ()
    rows = tuple(entries(k, path)[file.pos :])
    if rows:
        k.emit(FileMoved, file.id, file.pos + len(rows))
    return len(rows), rows


def sys_mkdir(k: Kernel, path: str, mode: int) -> int:
    """mkdir(2)."""
    place = walk(k, path)
    if isinstance(place, int):
        return place
    row = inode_at(k, place)
    if not isinstance(row, int):
        return -EEXIST
    if row != -ENOENT:
        return row
    create(k, place.name, S_IFDIR | _masked(k, mode))
    return 0


def sys_rmdir(k: Kernel, path: str) -> int:
    """rmdir(2)."""
    place = walk(k, path)
    if isinstance(place, int):
        return place
    if place.dots:
        return -{".": EINVAL, "..": ENOTEMPTY}.get(place.dots, EBUSY)
    row = inode_at(k, place)
    if isinstance(row, int):
        return row
    if not S_ISDIR(row.mode):
        return -ENOTDIR
    if entries(k, place.name):
        return -ENOTEMPTY
    _remove(k, place.name, row)
    return 0


def sys_unlink(k: Kernel, path: str) -> int:
    """unlink(2)."""
    found = look_up(k, path)
    if isinstance(found, int):
        return found
    place, row = found
    if S_ISDIR(row.mode):
        return -EISDIR
    _remove(k, place.name, row)
    return 0


def make_socket(k: Kernel, path: str) -> int:
    """A name for a local socket, as bind(2) makes it; the inode, or an errno."""
    place = walk(k, path)
    if isinstance(place, int):
        return place
    row = inode_at(k, place)
    if not isinstance(row, int):
        return -EADDRINUSE
    if row != -ENOENT or place.slashed:
        return row
    return create(k, place.name, S_IFSOCK | _masked(k, 0o777)).id


def find_socket(k: Kernel, path: str) -> int:
    """The inode of the local socket that `path` names, or an errno."""
    found = look_up(k, path)
    if isinstance(found, int):
        return found
    _, row = found
    return row.id if S_ISSOCK(row.mode) else -ECONNREFUSED


def _remove(k: Kernel, path: str, row: Inode) -> None:
    k.emit(NameRemoved, k.cpu, path, bool(below(k, path)))
    _free(k, row.id)


def _free(k: Kernel, inode: int) -> None:
    """Forget an inode that has neither a name nor an open file."""
    row = k.world.inodes.get(inode)
    if row is not None and not row.links:
        for file in k.world.files.values():
            if file.kind == INODE and file.obj == inode and file.refs:
                return
        k.emit(InodeFreed, inode)


def sys_rename(k: Kernel, old: str, new: str) -> int:
    """rename(2): replaces a file, or an empty folder by a folder. Who works in a renamed folder stays there."""
    source = walk(k, old)
    if isinstance(source, int):
        return source
    goal = walk(k, new)
    if isinstance(goal, int):
        return goal
    if source.dots or goal.dots:
        return -EBUSY
    old, new = source.name, goal.name
    row = inode_at(k, source)
    if isinstance(row, int):
        return row
    target = inode_at(k, goal)
    if target == -ENAMETOOLONG:
        return -ENAMETOOLONG
    folder = S_ISDIR(row.mode)
    if not folder and (source.slashed or goal.slashed):
        return -ENOTDIR
    if old == new:
        return 0
    if folder and new.startswith(old + "/"):
        return -EINVAL
    if old.startswith(new + "/"):
        return -ENOTEMPTY
    if not isinstance(target, int):
        if S_ISDIR(target.mode) != folder:
            return -ENOTDIR if folder else -EISDIR
        if folder and entries(k, new):
            return -ENOTEMPTY
        k.emit(NameRemoved, k.cpu, new, False)
        _free(k, target.id)
    if folder:
        _rename_inside(k, old, new)
        for state in k.processes.values():
            if k.world.processes[state.pid].host == k.cpu and f"{state.cwd}/".startswith(f"{old}/"):
                state.cwd = new + state.cwd[len(old) :]
    k.emit(NameMoved, k.cpu, old, new, bool(below(k, old)))
    return 0


def _rename_inside(k: Kernel, old: str, new: str) -> None:
    """Whatever is in the folder gets its new path, first brought up from below."""
    for name, _, _ in entries(k, old):
        row = find(k, f"{old}/{name}")
        if row is not None:
            if S_ISDIR(row.mode):
                _rename_inside(k, f"{old}/{name}", f"{new}/{name}")
            k.emit(NameMoved, k.cpu, f"{old}/{name}", f"{new}/{name}", bool(below(k, f"{old}/{name}")))


# -- open files


def file_read(k: Kernel, file: OpenFile, n: int) -> Result:
    """Bytes from the file's position on, which moves behind them."""
    if file.flags & O_ACCMODE == O_WRONLY:
        return -EBADF
    row = k.world.inodes[file.obj]
    if S_ISDIR(row.mode):
        return -EISDIR
    if row.device:
        data = b"" if row.device == "null" else bytes(n) if row.device == "zero" else k.random.randbytes(n)
    else:
        data = read_pages(k.world, row.id, file.pos, n)
        if data:
            k.emit(FileMoved, file.id, file.pos + len(data))
    k.spend(len(data) * k.costs.kilobyte // 1000)
    return len(data), data


def file_write(k: Kernel, file: OpenFile, data: bytes) -> int:
    """Store bytes at the file's position, or at its end if it was opened to append."""
    if not file.flags & O_ACCMODE:
        return -EBADF
    row = k.world.inodes[file.obj]
    k.spend(len(data) * k.costs.kilobyte // 1000)
    if row.device or not data:
        return len(data)
    place = row.size if file.flags & O_APPEND else file.pos
    if place + len(data) > FILE_LIMIT:
        return -EFBIG
    k.emit(FileWritten, row.id, place, data)
    k.emit(FileMoved, file.id, place + len(data))
    return len(data)


def file_poll(k: Kernel, file: OpenFile) -> int:
    """Always ready."""
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM


def file_release(k: Kernel, file: OpenFile) -> None:
    """The last reference is gone."""
    _free(k, file.obj)


def file_ioctl(k: Kernel, file: OpenFile, request: int, arg: int) -> Result:
    """FIONREAD of a file: the bytes behind its position."""
    row = k.world.inodes[file.obj]
    if row.device == "random":
        return -EINVAL
    return (0, max(row.size - file.pos, 0)) if request == FIONREAD and S_ISREG(row.mode) else -ENOTTY


OPS = FileOps(file_read, file_write, file_poll, file_release, file_ioctl, lambda k, file: 0, polls=False)
