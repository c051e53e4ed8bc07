"""flock(2): advisory locks, which belong to the open file and go with its last descriptor.

Source: Linux `fs/locks.c` (`flock_lock_inode`). A lock that is changed is given back first, as there: between the two
somebody else may take it.
"""

from __future__ import annotations

from errno import EAGAIN, EBADF, EINTR, EINVAL
from typing import TYPE_CHECKING

from ioviz.model.flock import FileLocked, FileUnlocked

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile

LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 1, 2, 4, 8


def sys_flock(k: Kernel, fd: int, operation: int) -> int:
    """flock(2)."""
    wanted = operation & ~LOCK_NB
    if wanted not in (LOCK_SH, LOCK_EX, LOCK_UN):
        return -EINVAL
    file = k.file(fd)
    if file is None:
        return -EBADF
    locks = k.world.flocks
    row = locks.get(file.obj)
    if row is not None and file.id in row.holders:
        if wanted == (LOCK_EX if row.exclusive else LOCK_SH):
            return 0
        release_flock(k, file)
    if wanted == LOCK_UN:
        return 0
    while (row := locks.get(file.obj)) is not None and (row.exclusive or wanted == LOCK_EX):
        if operation & LOCK_NB:
            return -EAGAIN
        k.hold(file)
        if k.sleep("flock_lock_inode_wait", (row.queue,)) == "signal":
            return -EINTR
    queue = row.queue if row is not None else k.new_id()
    k.emit(FileLocked, file.obj, file.id, wanted == LOCK_EX, queue)
    return 0


def release_flock(k: Kernel, file: OpenFile) -> None:
    """Give the lock of `file` back, if it has one: those who wait try again."""
    row = k.world.flocks.get(file.obj)
    if row is None or file.id not in row.holders:
        return
    cause = k.cause
    if row.queue in k.world.wait_queues:
        k.wake(row.queue, 0, everyone=True)
    k.cause = k.emit(FileUnlocked, file.obj, file.id)
    k.cause = cause
