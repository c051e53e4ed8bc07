"""signalfd: blocked signals as something to read and to wait for.

Whoever reads or polls it sees what is pending for itself: its own signals and those of its process, of the set that
belongs to the descriptor. A signal that is not blocked is delivered first, as always. Source: Linux `fs/signalfd.c`,
signalfd(2).

Where Linux differs: a descriptor that another process inherited is woken there by signals of whoever waits; here by
those of the process that made it.
"""

from __future__ import annotations

import struct
from errno import EAGAIN, EBADF, EINTR, EINVAL, EMFILE
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import O_CLOEXEC, O_NONBLOCK, FileOps, Result, cannot, no_ioctl
from ioviz.machine.kernel.signals import SIGCHLD, SIGKILL, SIGSTOP, pending_among, take
from ioviz.model.files import SIGNALFD
from ioviz.model.poll_bits import POLLIN
from ioviz.model.signalfd import SignalfdCreated, SignalfdReleased, SignalfdSet

if TYPE_CHECKING:
    from collections.abc import Collection

    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.machine.kernel.signals import Info
    from ioviz.model.files import OpenFile

INFO: Final = struct.Struct("<IiiIIiIIIIii4QHHiQI28x")
"""struct signalfd_siginfo: signo, errno, code, pid, uid, fd, tid, band, overrun, trapno, status, int, ptr, …"""


def sys_signalfd4(k: Kernel, fd: int, numbers: Collection[int], flags: int) -> int:
    """signalfd4(2): `fd` -1 for a new descriptor, else the one whose set is to change."""
    if flags & ~(O_CLOEXEC | O_NONBLOCK):
        return -EINVAL
    wanted = tuple(sorted(set(numbers) - {SIGKILL, SIGSTOP}))
    if fd == -1:
        if k.full():
            return -EMFILE
        signalfd = k.new_id()
        k.emit(SignalfdCreated, signalfd, k.pid, wanted)
        return k.install_fd(k.open_file(SIGNALFD, signalfd, 2 | flags & O_NONBLOCK), bool(flags & O_CLOEXEC))
    file = k.file(fd)
    if file is None:
        return -EBADF
    if file.kind != SIGNALFD:
        return -EINVAL
    cause = k.cause
    k.cause = k.emit(SignalfdSet, file.obj, wanted)
    k.wake(file.obj, 0)
    k.cause = cause
    return fd


def signalfd_read(k: Kernel, file: OpenFile, n: int) -> Result:
    """128 bytes a signal, as many as fit and are pending; sleeps while there is none."""
    if n < INFO.size:
        return -EINVAL
    pieces: list[bytes] = []
    while len(pieces) < n // INFO.size:
        number = pending_among(k, k.world.signalfds[file.obj].numbers)
        if number:
            pieces.append(_packed(take(k, number)))
            continue
        if pieces:
            break
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        k.hold(file)
        if k.sleep("signalfd_dequeue", (file.obj,)) == "signal":
            return -EINTR
    data = b"".join(pieces)
    return len(data), data


def _packed(info: Info) -> bytes:
    """`signalfd_copyinfo`: only a child's end has a status."""
    number, code, errno, pid, uid, status, _ = info
    return INFO.pack(number, errno, code, pid, uid, 0, 0, 0, 0, 0, status if number == SIGCHLD else 0, 0, *[0] * 9)


def signalfd_poll(k: Kernel, file: OpenFile) -> int:
    """Readable while one of its signals is pending for the task that asks."""
    return POLLIN if pending_among(k, k.world.signalfds[file.obj].numbers) else 0


def signalfd_release(k: Kernel, file: OpenFile) -> None:
    """The last reference is gone."""
    k.emit(SignalfdReleased, file.obj)


OPS = FileOps(signalfd_read, cannot, signalfd_poll, signalfd_release, no_ioctl, lambda k, file: file.obj)
