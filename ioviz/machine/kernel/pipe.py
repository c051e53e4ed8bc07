"""Pipes: `pipe2`, and reading, writing, polling and closing their two ends.

Source: Linux `fs/pipe.c`, pipe(7). Sixteen slots of a page (F_SETPIPE_SZ: up to 256); a small write goes behind the
last bytes if its page has room, so a write of at most PIPE_BUF (4096) bytes is never split. Writers may write while
there is a free slot, which is why reading 100 bytes of a full pipe makes no room but reading a page does. With O_DIRECT
each write is a packet (at most a page), and each read takes one.
"""

from __future__ import annotations

from errno import EAGAIN, EBADF, EBUSY, EINTR, EINVAL, EMFILE, ENOTTY, EPERM, EPIPE
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.files import O_CLOEXEC, O_NONBLOCK, FileOps, Result
from ioviz.machine.kernel.signals import broken_pipe
from ioviz.model.buffer import BufferResized, BytesCopiedIn, BytesCopiedOut, DatagramTaken, first_bytes
from ioviz.model.files import PIPE_READ, PIPE_WRITE
from ioviz.model.pipe import PAGE, PipeCreated, PipeEndClosed, PipePacketWritten, PipePageFilled
from ioviz.model.poll_bits import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ioviz.model.wait import EXCLUSIVE

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile

FIONREAD: Final = 0x541B
O_DIRECT: Final = 0o40000
F_SETPIPE_SZ, F_GETPIPE_SZ = 1031, 1032
PIPE_MAX_SIZE: Final = 1 << 20
"""What a process without CAP_SYS_RESOURCE may ask for (`/proc/sys/fs/pipe-max-size`)."""


def sys_pipe2(k: Kernel, flags: int) -> Result:
    """pipe2(2): (0, (descriptor to read from, descriptor to write to))."""
    if flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT):
        return -EINVAL
    if k.full(2):
        return -EMFILE
    pipe = k.new_ids(2)
    k.emit(PipeCreated, pipe, k.cpu, pipe + 1)
    cloexec, nonblock = bool(flags & O_CLOEXEC), flags & O_NONBLOCK
    reader = k.install_fd(k.open_file(PIPE_READ, pipe, nonblock), cloexec)
    writer = k.install_fd(k.open_file(PIPE_WRITE, pipe, 1 | nonblock | flags & O_DIRECT), cloexec)
    return 0, (reader, writer)


def pipe_read(k: Kernel, file: OpenFile, n: int) -> Result:
    """Up to `n` bytes, as many as there are; nothing at all when every writer is gone."""
    if n <= 0:
        return 0, b""
    pipe = file.obj
    world = k.world
    slept = False
    while not world.buffers[pipe * 2].bytes:
        if not world.pipes[pipe].writers:
            return 0, b""
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        k.hold(file)
        slept = True
        if k.sleep("pipe_read", (pipe,), EXCLUSIVE) == "signal":
            return -EINTR
    before = world.buffers[pipe * 2]
    was_full = before.truesize >= before.limit
    if world.pipes[pipe].packets:
        data, seq = _read_packets(k, pipe, n)
    else:
        data = first_bytes(world, pipe * 2, n)
        seq = k.emit(BytesCopiedOut, pipe * 2, len(data))
    k.spend(len(data) * k.costs.kilobyte // 1000)
    saved, k.cause = k.cause, seq
    buffer = world.buffers[pipe * 2]
    if was_full and buffer.truesize < buffer.limit:
        k.wake(world.pipes[pipe].wr_wait, POLLOUT | POLLWRNORM)
    if slept and buffer.bytes:
        k.wake(pipe, POLLIN | POLLRDNORM)
    k.cause = saved
    return len(data), data


def _read_packets(k: Kernel, pipe: int, n: int) -> tuple[bytes, int]:
    """Bytes up to and with the first packet; what is too long of that is lost. Returns them and the last seq."""
    world = k.world
    pieces: list[bytes] = []
    seq = k.cause
    while n and (head := world.buffers[pipe * 2].head):
        segment = world.segments[head]
        piece = segment.data[segment.start :][:n]
        pieces.append(piece)
        if head in world.senders:
            seq = k.emit(DatagramTaken, pipe * 2, len(piece))
            break
        seq = k.emit(BytesCopiedOut, pipe * 2, len(piece))
        n -= len(piece)
    return b"".join(pieces), seq


def pipe_write(k: Kernel, file: OpenFile, data: bytes) -> int:
    """All of `data`, sleeping while there is no free slot; with O_NONBLOCK as much as fits."""
    if not data:
        return 0
    pipe = file.obj
    world = k.world
    done, size = 0, len(data)
    slept = False
    was_empty = not world.buffers[pipe * 2].bytes
    result = -EPIPE
    packets = file.flags & O_DIRECT
    if world.pipes[pipe].readers:
        done = _fill_last_page(k, pipe, data)
    while done < size:
        if not world.pipes[pipe].readers:
            result = -EPIPE
            break
        row = world.buffers[pipe * 2]
        if row.truesize < row.limit:
            part = data[done : done + PAGE]
            if packets:
                _copied_in(k, PipePacketWritten, len(part), pipe, k.new_id(), part)
            else:
                _copied_in(k, BytesCopiedIn, len(part), pipe * 2, k.new_id(), part, PAGE)
            done += len(part)
            continue
        if file.flags & O_NONBLOCK:
            result = -EAGAIN
            break
        k.hold(file)
        if was_empty:
            k.wake(pipe, POLLIN | POLLRDNORM)
        slept = True
        if k.sleep("pipe_write", (world.pipes[pipe].wr_wait,), EXCLUSIVE) == "signal":
            result = -EINTR
            break
        was_empty = not world.buffers[pipe * 2].bytes
    # Linux too wakes even if the pipe was not empty before, or is full: for epoll, each write is a new edge.
    k.wake(pipe, POLLIN | POLLRDNORM)
    if slept and world.buffers[pipe * 2].truesize < world.buffers[pipe * 2].limit:
        k.wake(world.pipes[pipe].wr_wait, POLLOUT | POLLWRNORM)
    if result == -EPIPE and done < size:
        broken_pipe(k)
    return done or result


def _fill_last_page(k: Kernel, pipe: int, data: bytes) -> int:
    """Put what goes beyond whole pages behind the last bytes, if it fits there; returns how many bytes that is."""
    world = k.world
    tail = world.buffers[pipe * 2].tail
    odd = len(data) % PAGE
    if not tail or not odd or tail in world.senders or len(world.segments[tail].data) + odd > PAGE:
        return 0
    _copied_in(k, PipePageFilled, odd, pipe, data[:odd])
    return odd


def _copied_in(
    k: Kernel, kind: type[BytesCopiedIn] | type[PipePageFilled] | type[PipePacketWritten], n: int, *own: Any
) -> None:
    k.cause = k.emit(kind, *own)
    k.spend(n * k.costs.kilobyte // 1000)


def read_poll(k: Kernel, file: OpenFile) -> int:
    """Readable with bytes in it; hung up without writers."""
    mask = POLLIN | POLLRDNORM if k.world.buffers[file.obj * 2].bytes else 0
    return mask if k.world.pipes[file.obj].writers else mask | POLLHUP


def write_poll(k: Kernel, file: OpenFile) -> int:
    """Writable with a free slot; broken without readers."""
    row = k.world.buffers[file.obj * 2]
    mask = POLLOUT | POLLWRNORM if row.truesize < row.limit else 0
    return mask if k.world.pipes[file.obj].readers else mask | POLLERR


def read_release(k: Kernel, file: OpenFile) -> None:
    """A reading end is gone."""
    row = k.world.pipes[file.obj]
    _end_closed(k, row.id, row.readers - 1, row.writers, row.wr_wait)


def write_release(k: Kernel, file: OpenFile) -> None:
    """A writing end is gone."""
    row = k.world.pipes[file.obj]
    _end_closed(k, row.id, row.readers, row.writers - 1, row.wr_wait)


def _end_closed(k: Kernel, pipe: int, readers: int, writers: int, wr_wait: int) -> None:
    saved = k.cause
    k.cause = k.emit(PipeEndClosed, pipe, readers, writers)
    if bool(readers) != bool(writers):
        k.wake(pipe, 0, everyone=True)
        k.wake(wr_wait, 0, everyone=True)
    k.cause = saved


def pipe_ioctl(k: Kernel, file: OpenFile, request: int, arg: int) -> Result:
    """FIONREAD: the unread bytes."""
    return (0, k.world.buffers[file.obj * 2].bytes) if request == FIONREAD else -ENOTTY


def pipe_fcntl(k: Kernel, file: OpenFile, cmd: int, arg: int) -> int:
    """F_GETPIPE_SZ, and F_SETPIPE_SZ: rounded up to a power of two of pages, and never below what is in use."""
    row = k.world.buffers[file.obj * 2]
    if cmd == F_GETPIPE_SZ:
        return row.limit
    if arg < 0:
        return -EINVAL
    size = max(PAGE, 1 << max(arg - 1, 0).bit_length())
    if size > PIPE_MAX_SIZE and size > row.limit:
        return -EPERM
    if size < row.truesize:
        return -EBUSY
    k.cause = k.emit(BufferResized, file.obj * 2, size)
    if row.truesize >= row.limit and size > row.truesize:
        k.wake(k.world.pipes[file.obj].wr_wait, POLLOUT | POLLWRNORM)
    return size


def _bad_end(k: Kernel, file: OpenFile, _: Any) -> int:
    """Reading from the writing end, or the other way round."""
    return -EBADF


READ_OPS = FileOps(pipe_read, _bad_end, read_poll, read_release, pipe_ioctl, lambda k, file: file.obj)
WRITE_OPS = FileOps(
    _bad_end, pipe_write, write_poll, write_release, pipe_ioctl, lambda k, file: k.world.pipes[file.obj].wr_wait
)
