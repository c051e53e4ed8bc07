"""SCM_RIGHTS: open files that travel over a local socket, and come out as new descriptors of the receiver.

While they travel, the message refers to them. Where we differ from Linux: files that refer to each other in a circle
through unread messages are not collected (`unix_gc`), and no credentials travel. Source: Linux `net/core/scm.c`.
"""

from __future__ import annotations

from array import array
from errno import EBADF, EINVAL
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.buffer import RightsAttached, RightsTaken
from ioviz.model.files import FileHeld

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ioviz.machine.kernel.kernel import Kernel

SOL_SOCKET: Final = 1
SCM_RIGHTS: Final = 1
HEADER: Final = 16
"""sizeof(struct cmsghdr)."""
MOST: Final = 253
"""SCM_MAX_FD."""
MSG_CTRUNC: Final = 0x8
MSG_CMSG_CLOEXEC: Final = 0x40000000
Item = tuple[int, int, bytes]
"""An ancillary item: level, type, data."""


def files_of(k: Kernel, ancillary: Iterable[Item]) -> tuple[int, ...] | int:
    """The open files that ancillary items name (`scm_fp_copy`), or an errno."""
    files: list[int] = []
    for level, kind, data in ancillary:
        if level != SOL_SOCKET or kind != SCM_RIGHTS:
            return -EINVAL
        for fd in array("i", data[: len(data) // 4 * 4]):
            file = k.file(fd)
            if file is None:
                return -EBADF
            files.append(file.id)
    return tuple(files) if len(files) <= MOST else -EINVAL


def attach(k: Kernel, segment: int, files: tuple[int, ...]) -> None:
    """`files` travel with `segment`."""
    for file in files:
        k.emit(FileHeld, file, 1)
    k.emit(RightsAttached, segment, files)


def readable_at_once(k: Kernel, buffer: int, n: int) -> tuple[int, int]:
    """How many of `n` bytes one call may read, and the segment with files that it ends in (0: none)."""
    world = k.world
    node, passed = world.buffers[buffer].head, 0
    while node and passed < n:
        segment = world.segments[node]
        passed += len(segment.data) - segment.start
        if node in world.rights:
            return min(n, passed), node
        node = segment.next
    return n, 0


def receive(k: Kernel, segment: int, rights: list[int] | None, peek: bool) -> None:
    """The files of `segment` go to `rights`, with a reference each; without it they are thrown away."""
    files = k.world.rights[segment]
    if rights is not None:
        rights.extend(files)
        if peek:
            for file in files:
                k.emit(FileHeld, file, 1)
    if not peek:
        k.emit(RightsTaken, segment)
        if rights is None:
            drop(k, files)


def drop(k: Kernel, files: Iterable[int]) -> None:
    """Give references back."""
    for file in files:
        k.emit(FileHeld, file, -1)
        k.put(file)


def discard(k: Kernel, buffer: int) -> None:
    """What lies unread in `buffer` is about to be thrown away."""
    world = k.world
    node = world.buffers[buffer].head
    while node and world.rights:
        following = world.segments[node].next
        if node in world.rights:
            receive(k, node, None, False)
        node = following


def install(k: Kernel, rights: list[int], room: int, flags: int) -> tuple[tuple[Item, ...], int]:
    """Make descriptors of received files, as many as fit into `room` bytes of ancillary data (`scm_detach_fds`): the
    item, and MSG_CTRUNC if some did not fit."""
    if not rights:
        return (), 0
    fitting = max(0, room - HEADER) // 4
    numbers = array("i")
    for file in rights[:fitting]:
        fd: Any = k.install_fd(file, bool(flags & MSG_CMSG_CLOEXEC))
        if fd < 0:
            break
        numbers.append(fd)
    drop(k, rights)
    cut = MSG_CTRUNC if len(numbers) < len(rights) else 0
    return (((SOL_SOCKET, SCM_RIGHTS, numbers.tobytes()),) if numbers else ()), cut
