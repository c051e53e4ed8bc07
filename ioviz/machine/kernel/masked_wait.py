"""pselect6, ppoll, epoll_pwait, epoll_pwait2: to wait with another signal mask, and to a nanosecond.

The mask is installed before the first look and taken back when the call is over, with nothing in between in which a
signal could come: that is what they are for. If a signal ended the wait, its handler is still entered under the mask of
the call, and the old one comes back behind it (`restore_saved_sigmask_unless` in Linux `include/linux/sched/signal.h`,
`deliver` in our `signals`). Source: Linux `fs/select.c`, `fs/eventpoll.c`.
"""

from __future__ import annotations

from errno import EINTR, EINVAL
from typing import TYPE_CHECKING

from ioviz.machine.kernel.eventpoll import sys_epoll_wait
from ioviz.machine.kernel.poll import Wanted, sys_poll
from ioviz.machine.kernel.select import Fds, sys_select
from ioviz.machine.kernel.signals import UNBLOCKABLE, set_mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.files import Result
    from ioviz.machine.kernel.kernel import Kernel

Mask = tuple[int, ...] | None
"""The signals that are blocked while the call waits; None: those that are blocked anyway."""


def _under(k: Kernel, mask: Mask, wait: Callable[[], Result]) -> Result:
    if mask is None:
        return wait()
    before = k.world.sigmasks.get(k.task, ())
    set_mask(k, tuple(sorted(set(mask) - UNBLOCKABLE)))
    result = wait()
    if result == -EINTR:
        k.thread.saved_mask = before
        k.thread.sigpending = True
        k.attention = 0
    else:
        set_mask(k, before)
    return result


def sys_pselect6(
    k: Kernel, nfds: int, reads: Fds, writes: Fds, excepts: Fds, timeout: int | None, mask: Mask
) -> Result:
    """pselect6(2): as select(2), `timeout` in ns."""
    if timeout is not None and timeout < 0:
        return -EINVAL
    return _under(k, mask, lambda: sys_select(k, nfds, reads, writes, excepts, timeout))


def sys_ppoll(k: Kernel, fds: tuple[Wanted, ...], timeout: int | None, mask: Mask) -> Result:
    """ppoll(2): as poll(2), `timeout` in ns."""
    if timeout is not None and timeout < 0:
        return -EINVAL
    return _under(k, mask, lambda: sys_poll(k, fds, timeout))


def sys_epoll_pwait(k: Kernel, epfd: int, maxevents: int, timeout: int, mask: Mask) -> Result:
    """epoll_pwait(2): as epoll_wait(2), `timeout` in ns, but whole ms; negative: for ever."""
    return _under(k, mask, lambda: sys_epoll_wait(k, epfd, maxevents, timeout))


def sys_epoll_pwait2(k: Kernel, epfd: int, maxevents: int, timeout: int | None, mask: Mask) -> Result:
    """epoll_pwait2(2): `timeout` in ns, None for ever."""
    if timeout is not None and timeout < 0:
        return -EINVAL
    return _under(k, mask, lambda: sys_epoll_wait(k, epfd, maxevents, -1 if timeout is None else timeout))
