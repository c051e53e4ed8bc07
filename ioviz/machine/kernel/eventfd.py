"""eventfd2: a counter that can be waited for. Source: Linux `fs/eventfd.c`, eventfd(2)."""

from __future__ import annotations

from errno import EAGAIN, EINTR, EINVAL, EMFILE
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import O_CLOEXEC, O_NONBLOCK, FileOps, Result, no_ioctl
from ioviz.model.eventfd import EventfdCounted, EventfdCreated, EventfdReleased
from ioviz.model.files import EVENTFD
from ioviz.model.poll_bits import POLLERR, POLLIN, POLLOUT

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile

EFD_SEMAPHORE: Final = 1
MAX: Final = 2**64 - 1


def sys_eventfd2(k: Kernel, count: int, flags: int) -> int:
    """eventfd2(2)."""
    if flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK):
        return -EINVAL
    if k.full():
        return -EMFILE
    eventfd = k.new_id()
    k.emit(EventfdCreated, eventfd, k.cpu, count, bool(flags & EFD_SEMAPHORE))
    file = k.open_file(EVENTFD, eventfd, 2 | flags & O_NONBLOCK)
    return k.install_fd(file, bool(flags & O_CLOEXEC))


def eventfd_read(k: Kernel, file: OpenFile, n: int) -> Result:
    """Eight bytes: the counter, which is then 0, or 1 of a semaphore; sleeps while it is 0."""
    if n < 8:
        return -EINVAL
    eventfd = file.obj
    while not (row := k.world.eventfds[eventfd]).count:
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        k.hold(file)
        if k.sleep("eventfd_read", (eventfd,)) == "signal":
            return -EINTR
    taken = 1 if row.semaphore else row.count
    _count(k, eventfd, row.count - taken, POLLOUT)
    return 8, taken.to_bytes(8, "little")


def eventfd_write(k: Kernel, file: OpenFile, data: bytes) -> int:
    """Add the number in the eight bytes (more are too many since Linux 6.6); sleeps while the counter would grow beyond
    2**64 - 2."""
    value = int.from_bytes(data[:8], "little")
    if len(data) != 8 or value == MAX:
        return -EINVAL
    eventfd = file.obj
    while (count := k.world.eventfds[eventfd].count) + value >= MAX:
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        k.hold(file)
        if k.sleep("eventfd_write", (eventfd,)) == "signal":
            return -EINTR
    _count(k, eventfd, count + value, POLLIN)
    return 8


def _count(k: Kernel, eventfd: int, count: int, mask: int) -> None:
    saved = k.cause
    k.cause = k.emit(EventfdCounted, eventfd, count)
    k.wake(eventfd, mask)
    k.cause = saved


def eventfd_poll(k: Kernel, file: OpenFile) -> int:
    """Readable unless 0, writable unless full."""
    count = k.world.eventfds[file.obj].count
    return (POLLIN if count else 0) | (POLLERR if count == MAX else 0) | (POLLOUT if count < MAX - 1 else 0)


def eventfd_release(k: Kernel, file: OpenFile) -> None:
    """The last reference is gone."""
    k.emit(EventfdReleased, file.obj)


OPS = FileOps(eventfd_read, eventfd_write, eventfd_poll, eventfd_release, no_ioctl, lambda k, file: file.obj)
