"""timerfd: `timerfd_create`, `timerfd_settime`, `timerfd_gettime`, and reading how often it rang.

Source: Linux `fs/timerfd.c`, timerfd_create(2). A timer that rang does not ring again until it is read; then the reader
gets the number of all expirations, and the timer goes on.

Where Linux differs: the clocks are one, and nobody sets it, so TFD_TIMER_CANCEL_ON_SET has no effect.
"""

from __future__ import annotations

from errno import EAGAIN, EBADF, EINTR, EINVAL, EMFILE
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import O_CLOEXEC, O_NONBLOCK, FileOps, Result, cannot, no_ioctl
from ioviz.model.files import TIMERFD
from ioviz.model.idt import TIMER
from ioviz.model.poll_bits import POLLIN
from ioviz.model.timerfd import TimerfdCreated, TimerfdExpired, TimerfdReleased, TimerfdSet

if TYPE_CHECKING:
    from ioviz.machine.kernel.core import Timer
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.timerfd import Timerfd

REALTIME, CLOCKS = 0, (0, 1, 7)
EPOCH: Final = 1_704_067_200 * 10**9
"""What CLOCK_REALTIME says when the machine starts."""
ABSTIME, CANCEL_ON_SET = 1, 2


def sys_timerfd_create(k: Kernel, clock: int, flags: int) -> int:
    """timerfd_create(2)."""
    if flags & ~(O_CLOEXEC | O_NONBLOCK) or clock not in CLOCKS:
        return -EINVAL
    if k.full():
        return -EMFILE
    timerfd = k.new_id()
    k.emit(TimerfdCreated, timerfd, k.cpu, clock)
    return k.install_fd(k.open_file(TIMERFD, timerfd, 2 | flags & O_NONBLOCK), bool(flags & O_CLOEXEC))


def sys_timerfd_settime(k: Kernel, fd: int, flags: int, first: int, interval: int) -> Result:
    """timerfd_settime(2); `first` and `interval` in ns, the first 0 to disarm it. The result is (0, (what was left,
    interval)) of what was set before."""
    file = k.file(fd)
    if flags & ~(ABSTIME | CANCEL_ON_SET) or first < 0 or interval < 0:
        return -EINVAL
    if file is None:
        return -EBADF
    if file.kind != TIMERFD:
        return -EINVAL
    row = k.world.timerfds[file.obj]
    before = _left(k, row)
    _cancel(k, row.id)
    due = 0
    if first:
        due = k.now + first
        if flags & ABSTIME:
            due = max(first - (EPOCH if row.clock == REALTIME else 0), k.now + 1)
    _set(k, row.id, due, interval if first else 0)
    return 0, before


def sys_timerfd_gettime(k: Kernel, fd: int) -> Result:
    """timerfd_gettime(2): (0, (what is left, interval))."""
    file = k.file(fd)
    if file is None:
        return -EBADF
    return (0, _left(k, k.world.timerfds[file.obj])) if file.kind == TIMERFD else -EINVAL


def _left(k: Kernel, row: Timerfd) -> tuple[int, int]:
    if not row.due or (row.ticks and not row.interval):
        return 0, row.interval
    due = row.due
    if due <= k.now and row.interval:
        due += ((k.now - due) // row.interval + 1) * row.interval
    return max(due - k.now, 1), row.interval


def _set(k: Kernel, timerfd: int, due: int, interval: int) -> None:
    k.emit(TimerfdSet, timerfd, due, interval)
    if due:
        host = k.world.timerfds[timerfd].host
        k.timers_of_files[timerfd] = k.after(due - k.now, host, _ring, k, timerfd, host)


def _ring(k: Kernel, timerfd: int, host: int) -> None:
    def expired() -> None:
        k.cause = k.emit(TimerfdExpired, timerfd)
        k.wake(timerfd, POLLIN)

    k.timers_of_files.pop(timerfd, None)
    k.interrupt(host, TIMER, expired)


def _cancel(k: Kernel, timerfd: int) -> None:
    timer: Timer | None = k.timers_of_files.pop(timerfd, None)
    if timer is not None:
        k.cancel(timer)


def timerfd_read(k: Kernel, file: OpenFile, n: int) -> Result:
    """Eight bytes: how often it rang since it was last read; sleeps while that is 0."""
    if n < 8:
        return -EINVAL
    while not (row := k.world.timerfds[file.obj]).ticks:
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        k.hold(file)
        if k.sleep("timerfd_read_iter", (file.obj,)) == "signal":
            return -EINTR
    ticks, due = row.ticks, 0
    if row.interval:
        missed = (k.now - row.due) // row.interval
        ticks += missed
        due = row.due + (missed + 1) * row.interval
    _set(k, row.id, due, row.interval)
    return 8, ticks.to_bytes(8, "little")


def timerfd_poll(k: Kernel, file: OpenFile) -> int:
    """Readable once it rang."""
    return POLLIN if k.world.timerfds[file.obj].ticks else 0


def timerfd_release(k: Kernel, file: OpenFile) -> None:
    """The last reference is gone."""
    _cancel(k, file.obj)
    k.emit(TimerfdReleased, file.obj)


OPS = FileOps(timerfd_read, cannot, timerfd_poll, timerfd_release, no_ioctl, lambda k, file: file.obj)
