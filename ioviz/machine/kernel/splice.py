"""Moving bytes inside the kernel: `sendfile` and `splice`; and the calls that read or write several pieces, or at a
place of a file.

Source: Linux `fs/splice.c`, `fs/read_write.c`, sendfile(2), splice(2), readv(2), pread(2). `sendfile` goes on until all
is sent; `splice` moves what there is and what fits, through a pipe.

Where Linux differs: bytes are moved by copying; Linux hands pages over.
"""

from __future__ import annotations

from errno import EAGAIN, EBADF, EINTR, EINVAL, EPIPE, ESPIPE
from stat import S_ISREG
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import O_APPEND, O_NONBLOCK, Result
from ioviz.machine.kernel.signals import broken_pipe
from ioviz.model.buffer import BytesCopiedOut, first_bytes
from ioviz.model.files import INODE, PIPE_READ, PIPE_WRITE, FileMoved
from ioviz.model.pipe import PAGE
from ioviz.model.poll_bits import POLLOUT, POLLWRNORM
from ioviz.model.ramfs import read_pages
from ioviz.model.wait import EXCLUSIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile

CHUNK: Final = 65536
"""The pipe inside `sendfile` holds so many bytes."""
MAX_RW: Final = 0x7FFFF000
SPLICE_F_NONBLOCK: Final = 2
O_ACCMODE, O_WRONLY = 3, 1


# -- sendfile


def sys_sendfile(k: Kernel, out: int, source: int, offset: int | None, count: int) -> int:
    """sendfile(2): from a file, at `offset` or (None) at its position, to whatever can be written."""
    given, target = k.file(source), k.file(out)
    if given is None or target is None or given.flags & O_ACCMODE == O_WRONLY or not _writes(target):
        return -EBADF
    if given.kind != INODE:
        if offset is not None:
            return -ESPIPE
        to_pipe = target.kind == PIPE_WRITE and given.kind != PIPE_READ
        return _to_pipe(k, given, target, None, count, False) if to_pipe else -EINVAL
    row = k.world.inodes[given.obj]
    if not S_ISREG(row.mode) or target.flags & O_APPEND or count < 0 or (offset is not None and offset < 0):
        return -EINVAL
    place = given.pos if offset is None else offset
    if target.kind == PIPE_WRITE:  # as by splice(2): what fits
        room = _room(k, target, False)
        if room < 0:
            return room
        count = min(count, room)
    left, done, result = min(count, MAX_RW), 0, 0
    while left:
        data = read_pages(k.world, row.id, place + done, min(left, CHUNK))
        if not data:
            break
        result = k.ops[target.kind].write(k, k.world.files[target.id], data)
        if result < 0:
            break
        done += result
        left -= result
        if result < len(data):
            break
    if done and offset is None:
        k.emit(FileMoved, given.id, place + done)
    return done or min(result, 0)


def _writes(file: OpenFile) -> bool:
    return file.kind != PIPE_READ and (file.kind != INODE or bool(file.flags & O_ACCMODE))


# -- splice


def sys_splice(
    k: Kernel, source: int, off_in: int | None, out: int, off_out: int | None, count: int, flags: int
) -> int:
    """splice(2): at most `count` bytes from one descriptor to another, one of which is a pipe."""
    given, target = k.file(source), k.file(out)
    if given is None or target is None or given.kind == PIPE_WRITE or not _writes(target):
        return -EBADF
    if flags & ~0xF or (given.kind != PIPE_READ and target.kind != PIPE_WRITE):
        return -EINVAL
    for file, offset in ((given, off_in), (target, off_out)):
        if offset is not None and file.kind != INODE:
            return -ESPIPE
    if not count:
        return 0
    if given.kind == PIPE_READ:
        if target.kind == PIPE_WRITE and given.obj == target.obj:
            return -EINVAL
        return _from_pipe(k, given, target, off_out, count, bool(flags & SPLICE_F_NONBLOCK))
    return _to_pipe(k, given, target, off_in, count, bool(flags & SPLICE_F_NONBLOCK))


def _from_pipe(k: Kernel, given: OpenFile, target: OpenFile, offset: int | None, count: int, nonblock: bool) -> int:
    pipe = given.obj
    while not k.world.buffers[pipe * 2].bytes:
        if not k.world.pipes[pipe].writers:
            return 0
        if nonblock or given.flags & O_NONBLOCK:
            return -EAGAIN
        k.hold(given)
        if k.sleep("pipe_read", (pipe,), EXCLUSIVE) == "signal":
            return -EINTR
    data = first_bytes(k.world, pipe * 2, count)
    if target.kind == PIPE_WRITE:
        room = _room(k, target, nonblock)
        if room < 0:
            return room
        data = data[:room]
    if offset is not None:
        result = _at(k, target, offset, lambda file: k.ops[file.kind].write(k, file, data))
        written = result if isinstance(result, int) else result[0]
    else:
        written = k.ops[target.kind].write(k, target, data)
    if written > 0:
        before = k.world.buffers[pipe * 2]
        k.emit(BytesCopiedOut, pipe * 2, written)
        after = k.world.buffers[pipe * 2]
        if before.truesize >= before.limit > after.truesize:
            k.wake(k.world.pipes[pipe].wr_wait, POLLOUT | POLLWRNORM)
    return written


def _to_pipe(k: Kernel, given: OpenFile, target: OpenFile, offset: int | None, count: int, nonblock: bool) -> int:
    room = _room(k, target, nonblock)
    if room < 0:
        return room
    size = min(count, room)
    read = k.ops[given.kind].read
    got = read(k, given, size) if offset is None else _at(k, given, offset, lambda file: read(k, file, size))
    if isinstance(got, int):
        return got
    return k.ops[target.kind].write(k, target, got[1]) if got[1] else 0


def _room(k: Kernel, target: OpenFile, nonblock: bool) -> int:
    """Bytes for which the pipe has free slots, once it has any; or an errno."""
    pipe = target.obj
    while True:
        row = k.world.buffers[pipe * 2]
        if not k.world.pipes[pipe].readers:
            broken_pipe(k)
            return -EPIPE
        if row.truesize < row.limit:
            return (row.limit - row.truesize) // PAGE * PAGE
        if nonblock or target.flags & O_NONBLOCK:
            return -EAGAIN
        k.hold(target)
        if k.sleep("pipe_write", (k.world.pipes[pipe].wr_wait,), EXCLUSIVE) == "signal":
            return -EINTR


# -- several pieces, and places


def sys_readv(k: Kernel, fd: int, sizes: tuple[int, ...]) -> Result:
    """readv(2) into buffers of these sizes: (n, the bytes in one)."""
    file = k.file(fd)
    return -EBADF if file is None else k.ops[file.kind].read(k, file, sum(sizes))


def sys_writev(k: Kernel, fd: int, pieces: tuple[bytes, ...]) -> int:
    """writev(2): as one write."""
    file = k.file(fd)
    return -EBADF if file is None else k.ops[file.kind].write(k, file, b"".join(pieces))


def sys_preadv(k: Kernel, fd: int, sizes: tuple[int, ...], offset: int) -> Result:
    """pread64(2) and preadv(2): the position of the file stays."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if offset < 0:
        return -EINVAL
    if file.kind != INODE:
        return -ESPIPE
    return _at(k, file, offset, lambda moved: k.ops[moved.kind].read(k, moved, sum(sizes)))


def sys_pwritev(k: Kernel, fd: int, pieces: tuple[bytes, ...], offset: int) -> Result:
    """pwrite64(2) and pwritev(2): the position of the file stays."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    if offset < 0:
        return -EINVAL
    if file.kind != INODE:
        return -ESPIPE
    return _at(k, file, offset, lambda moved: k.ops[moved.kind].write(k, moved, b"".join(pieces)))


def _at(k: Kernel, file: OpenFile, offset: int, act: Callable[[OpenFile], Result]) -> Result:
    """`act` with the file's position at `offset`, which then goes back."""
    before = file.pos
    k.emit(FileMoved, file.id, offset)
    result = act(k.world.files[file.id])
    k.emit(FileMoved, file.id, before)
    return result
