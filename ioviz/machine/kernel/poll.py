"""poll(2), and the scan that it shares with select: ask every file, sleep on all their queues, ask every file again.

Source: Linux `fs/select.c`. Unlike epoll, nothing is kept from one call to the next, so each call costs a look at every
descriptor, and two if it sleeps.
"""

from __future__ import annotations

from errno import EINTR, EINVAL
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.files import Result
from ioviz.model.poll import FdsScanned
from ioviz.model.poll_bits import POLLERR, POLLHUP, POLLNVAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ioviz.machine.kernel.kernel import Kernel

ALWAYS: Final = POLLERR | POLLHUP | POLLNVAL
"""What poll reports whether asked for or not."""
SHOWN: Final = 16
"""Ready descriptors that the log names."""

Wanted = tuple[int, int]
"""A descriptor and the bits that its caller waits for."""


def sys_poll(k: Kernel, fds: tuple[Wanted, ...], timeout: int | None) -> Result:
    """poll(2). `timeout` in ns; the result is (n, the n pairs (fd, revents) that have any, in the given order)."""
    if len(fds) > k.processes[k.pid].nofile:
        return -EINVAL
    wanted = [(fd, events | ALWAYS) for fd, events in fds if fd >= 0]
    return wait_for_any(k, "poll", wanted, timeout)


def wait_for_any(k: Kernel, call: str, wanted: Sequence[Wanted], timeout: int | None, also: int = 0) -> Result:
    """Scan until something is ready, the time is up (`timeout` in ns; None: never) or a signal comes.

    `also`: poll bits that wake the sleeper for another look, though nobody asked for them."""
    found = scan(k, call, wanted, again=False)
    if found or timeout == 0:
        # Here, by a mask of the call's own, a signal may be open that was not when the call began.
        return -EINTR if not found and k.thread.sigpending else (len(found), tuple(found))
    until = 0 if timeout is None else k.now + max(timeout, 1)
    keys: dict[int, int] = {}
    for fd, mask in wanted:
        file = k.file(fd)
        if file is not None:
            queue = k.ops[file.kind].queue(k, file)
            if queue:
                keys[queue] = keys.get(queue, also) | mask
            k.hold(file)
    thread = k.thread
    while True:
        thread.keys = keys
        why = k.sleep("do_" + call, tuple(keys), until=until)
        thread.keys = None
        found = scan(k, call, wanted, again=True)
        if found or why != "event":
            break
    return -EINTR if why == "signal" and not found else (len(found), tuple(found))


def scan(k: Kernel, call: str, wanted: Sequence[Wanted], *, again: bool) -> list[Wanted]:
    """One look at every descriptor: those of which something wanted holds. A closed one has POLLNVAL."""
    world, ops = k.world, k.ops
    fds, files = world.fds, world.files
    table = k.pid << 24
    found = []
    for fd, mask in wanted:
        row = fds.get(table | fd)
        if row is None:
            holds = POLLNVAL & mask
        else:
            file = files[row.file]
            holds = ops[file.kind].poll(k, file) & mask
        if holds:
            found.append((fd, holds))
    if wanted:
        k.spend(len(wanted) * k.costs.poll)
        k.cause = k.emit(FdsScanned, call, len(wanted), len(found), tuple(found[:SHOWN]), again)
    return found
