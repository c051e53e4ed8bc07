"""The half of posix that is about names: opening, looking at, listing, making and removing files of the file system in
memory."""

from __future__ import annotations

import os
import posixpath
from errno import EINTR, EINVAL, EOPNOTSUPP, ERANGE
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims import error
from ioviz.machine.user.shims.arguments import INT_MAX
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from ioviz.machine.user.guest import Guest

BLOCK = 512
PATH_BUFFER = 1024


class DirEntry:
    """What `scandir` yields."""

    __module__ = "os"

    def __init__(self, owner: Directories, folder: str, name: Any, row: tuple[str, int, int]) -> None:
        self._owner = owner
        self._full = posixpath.join(folder, row[0])
        self._kind = row[2]
        self._inode = row[1]
        self.name = os.fsencode(row[0]) if isinstance(name, bytes) else row[0]
        self.path = posixpath.join(name, self.name) if name not in (".", b".") else self.name

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def inode(self) -> int:
        return self._inode

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return S_ISDIR(self._kind)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return S_ISREG(self._kind)

    def is_symlink(self) -> bool:
        return S_ISLNK(self._kind)

    def is_junction(self) -> bool:
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return self._owner.stat(self._full)


class _Scan:
    def __init__(self, entries: Iterator[DirEntry]) -> None:
        self._entries = entries

    def __iter__(self) -> _Scan:
        return self

    def __next__(self) -> DirEntry:
        return next(self._entries)

    def __enter__(self) -> _Scan:
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, place: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())


class Directories:
    """Files by name. Failures name the path as the guest gave it."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._syscall = guest.syscall

    def _path(self, path: Any) -> str:
        text = os.fsdecode(path)
        if "\0" in text:
            raise ValueError("embedded null byte")
        return text

    def _failed(self, result: int, *more: object) -> None:
        """Raise for a failure; after EINTR, run the signal handlers and return, for another try."""
        if result != -EINTR:
            raise error(result, *more)
        self._guest.check_signals()

    def _value(self, nr: int, *args: object) -> int:
        """The value of a call that gives a number."""
        while True:
            result: int = self._syscall(nr, *args)
            if result >= 0:
                return result
            self._failed(result)

    def _out(self, nr: int, *args: object) -> Any:
        """What a call copies to the user."""
        while True:
            result = self._syscall(nr, *args)
            if isinstance(result, tuple):
                return result[1]
            self._failed(result)

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """Open a file for low level IO. Returns a file descriptor."""
        while True:
            result: int = self._syscall(SYS.openat, self._path(path), flags | os.O_CLOEXEC, mode)
            if result >= 0:
                return result
            self._failed(result, path)

    def lseek(self, fd: int, position: int, how: int, /) -> int:
        """Set the position of a file descriptor. Return the new position."""
        return self._value(SYS.lseek, fd, position, how)

    def ftruncate(self, fd: int, length: int, /) -> None:
        """Truncate a file, specified by file descriptor, to a specific length."""
        self._value(SYS.ftruncate, fd, length)

    def truncate(self, path: Any, length: int) -> None:
        """Truncate a file to a specific length."""
        if isinstance(path, int):
            self.ftruncate(path, length)
            return
        fd = self.open(path, os.O_WRONLY)
        try:
            self.ftruncate(fd, length)
        finally:
            self._syscall(SYS.close, fd)

    def stat(self, path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        """Perform a stat system call on the given path."""
        if isinstance(path, int):
            return self.fstat(path)
        result = self._syscall(SYS.stat, self._path(path))
        if not isinstance(result, tuple):
            raise error(result, path)
        return _stat_result(result[1])

    def lstat(self, path: Any, *, dir_fd: int | None = None) -> os.stat_result:
        """There are no symbolic links."""
        return self.stat(path)

    def fstat(self, fd: int) -> os.stat_result:
        """Perform a stat system call on the given file descriptor."""
        if not -INT_MAX - 1 <= fd <= INT_MAX:
            raise OverflowError("Python int too large to convert to C int")
        return _stat_result(self._out(SYS.fstat, fd))

    def access(self, path: Any, mode: int, *, dir_fd: Any = None, effective_ids: bool = False, **_: Any) -> bool:
        """Use the real uid/gid to test for access to a path."""
        result: int = self._syscall(SYS.access, self._path(path), mode)
        return not result

    def _rows(self, path: Any) -> list[tuple[str, int, int]]:
        fd = path if isinstance(path, int) else self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            rows: list[tuple[str, int, int]] = []
            while more := self._out(SYS.getdents64, fd):
                rows += more
            return rows
        finally:
            if fd is not path:
                self._syscall(SYS.close, fd)

    def listdir(self, path: Any = None) -> list[Any]:
        """Return a list containing the names of the files in the directory."""
        rows = self._rows("." if path is None else path)
        return [os.fsencode(row[0]) if isinstance(path, bytes) else row[0] for row in rows]

    def scandir(self, path: Any = None) -> Any:
        """Return an iterator of DirEntry objects for given path."""
        path = "." if path is None else os.fspath(path) if not isinstance(path, int) else path
        name = "." if isinstance(path, int) else path
        folder = self._path(name)
        return _Scan(iter([DirEntry(self, folder, name, row) for row in self._rows(path)]))

    def getcwd(self) -> str:
        """Return a unicode string representing the current working directory."""
        size = PATH_BUFFER
        while True:
            result = self._syscall(SYS.getcwd, size)
            if isinstance(result, tuple):
                path: str = result[1]
                return path
            if result != -ERANGE:
                raise error(result)
            size += PATH_BUFFER

    def getcwdb(self) -> bytes:
        """Return a bytes string representing the current working directory."""
        return os.fsencode(self.getcwd())

    def chdir(self, path: Any) -> None:
        """Change the current working directory to the specified path."""
        self._named(SYS.chdir, path)

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        """Create a directory."""
        self._named(SYS.mkdir, path, mode)

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        """Remove a directory."""
        self._named(SYS.rmdir, path)

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        """Remove a file."""
        self._named(SYS.unlink, path)

    remove = unlink

    def rename(self, src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        """Rename a file or directory."""
        result = self._syscall(SYS.rename, self._path(src), self._path(dst))
        if result < 0:
            raise error(result, src, None, dst)

    replace = rename

    def _named(self, nr: int, path: Any, *args: object) -> None:
        result = self._syscall(nr, self._path(path), *args)
        if result < 0:
            raise error(result, path)

    def chmod(self, path: Any, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
        """Change the access permissions of a file."""
        if isinstance(path, int):
            self.fchmod(path, mode)
        else:
            self._named(SYS.chmod, path, mode)

    def fchmod(self, fd: int, mode: int) -> None:
        """Change the access permissions of the file given by file descriptor fd."""
        self._value(SYS.fchmod, fd, mode)

    def chown(self, path: Any, uid: int, gid: int, *, dir_fd: Any = None, follow_symlinks: bool = True) -> None:
        """There is one user."""
        self.stat(path)

    lchown = chown

    def utime(
        self, path: Any, times: Any = None, *, ns: Any = None, dir_fd: Any = None, follow_symlinks: Any = 1
    ) -> None:
        """Times are not kept."""
        self.stat(path)

    def readlink(self, path: Any, *, dir_fd: int | None = None) -> Any:
        """There are no symbolic links."""
        self.stat(path)
        raise error(-EINVAL, path)

    def symlink(self, src: Any, dst: Any, target_is_directory: bool = False, *, dir_fd: int | None = None) -> None:
        raise error(-EOPNOTSUPP, src, None, dst)

    def link(self, src: Any, dst: Any, **_: Any) -> None:
        raise error(-EOPNOTSUPP, src, None, dst)


def _stat_result(row: tuple[int, ...]) -> os.stat_result:
    times = row[7:10]
    blocks = -(-row[6] // BLOCK)
    ns = tuple(each * 1_000_000_000 for each in times)
    return os.stat_result((*row, *(float(each) for each in times), *ns, 4096, blocks, 0))
