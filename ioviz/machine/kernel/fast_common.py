"""What the functions of the fast path share: whom a wake-up would reach, and how a burst gets into the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.eventpoll import REPORTS
from ioviz.model.connection_bursts import Plain
from ioviz.model.poll_bits import EPOLLEXCLUSIVE
from ioviz.model.task import SLEEPING, TaskWoken

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.burst import Burst
    from ioviz.model.world import World

NOBODY: Final = (0, 0, 0)


def would_link(world: World, queue: int, key: int) -> tuple[int, int, int] | None:
    """What waking `queue` with `key` would put on a ready list: (epoll instance, item, events), or `NOBODY`. None where
    it would do more than that."""
    waiting = world.wait_queues[queue]
    if not waiting.count:
        return NOBODY
    item = world.wait_entries[waiting.head].item
    if waiting.count > 1 or not item:
        return None
    watched = world.epitems[item]
    mask = watched.events
    if mask & EPOLLEXCLUSIVE:
        return None
    events = key & mask
    if not mask & REPORTS or (key and not events):
        return NOBODY
    ep = watched.ep
    if world.wait_queues[ep].count or world.wait_queues[world.eventpolls[ep].poll_queue].count:
        return None
    return NOBODY if item in world.ready_links else (ep, item, events)


def would_wake(k: Kernel, queue: int) -> int:
    """The task that waking `queue` would wake, if nobody else waits there and it sleeps for whatever comes; else 0."""
    waiting = k.world.wait_queues[queue]
    woken = k.world.wait_entries[waiting.head].task if waiting.count == 1 else 0
    return woken if woken and k.threads[woken].keys is None and k.world.tasks[woken].state == SLEEPING else 0


def wake(k: Kernel, tid: int, seq: int) -> None:
    """Wake task `tid` by event `seq` of a burst."""
    thread = k.threads[tid]
    if thread.timer is not None:
        k.cancel(thread.timer)
        thread.timer = None
    thread.wake_reason, thread.cause = "event", seq
    TaskWoken.change(k.world, tid)


def log(k: Kernel, burst: Burst, count: int, now: int) -> None:
    """Log a burst of `count` events, the last of them at `now`."""
    k.sink(burst)
    k.last_trap = burst.t
    k.seq = seq = burst.seq + count
    k.cause = seq - 1
    k.now = now


def log_plain(k: Kernel, nr: int, args: tuple[Any, ...], ret: int, out: Any = None) -> None:
    """Log a call that changes nothing."""
    trap, returning = k.now + k._trap_cost, k._sysret_cost
    burst = Plain(k.seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, nr, args, ret, out, returning)
    log(k, burst, 2, trap + returning)
