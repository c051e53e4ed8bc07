"""select(2): three sets of descriptors go in, the same three come out with what is ready left in them.

Source: Linux `fs/select.c`. Which bits of poll make a descriptor readable, writable or exceptional is in `SETS`: an
error makes it readable and writable, and only urgent data makes it exceptional.
"""

from __future__ import annotations

from errno import EBADF, EINVAL
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import Result
from ioviz.machine.kernel.poll import wait_for_any
from ioviz.model.poll_bits import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLNVAL,
    POLLOUT,
    POLLPRI,
    POLLRDBAND,
    POLLRDNORM,
    POLLWRBAND,
    POLLWRNORM,
)

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

READABLE: Final = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL
WRITABLE: Final = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL
EXCEPTIONAL: Final = POLLPRI | POLLNVAL
SETS: Final = (READABLE, WRITABLE, EXCEPTIONAL)

Fds = tuple[int, ...]


def sys_select(k: Kernel, nfds: int, reads: Fds, writes: Fds, excepts: Fds, timeout: int | None) -> Result:
    """select(2). Only descriptors below `nfds` count; `timeout` in ns; the result is (how many bits are left in all
    three sets, (readable, writable, exceptional))."""
    if nfds < 0 or (timeout is not None and timeout < 0):
        return -EINVAL
    masks: dict[int, int] = {}
    sets = [frozenset(fd for fd in fds if fd < nfds) for fds in (reads, writes, excepts)]
    for fds, mask in zip(sets, SETS, strict=True):
        for fd in fds:
            masks[fd] = masks.get(fd, 0) | mask
    wanted = sorted(masks.items())
    for fd, _ in wanted:
        if k.file(fd) is None:
            return -EBADF
    # select_poll_one() waits for POLLEX_SET on every descriptor, and data that arrives carries PRI in its key: a select
    # that waits for room alone is woken by them, looks again, and sleeps on.
    result = wait_for_any(k, "select", wanted, timeout, also=EXCEPTIONAL)
    if isinstance(result, int):
        return result
    found = result[1]
    out = tuple(
        tuple(fd for fd, holds in found if holds & mask and fd in fds) for fds, mask in zip(sets, SETS, strict=True)
    )
    return sum(map(len, out)), out
