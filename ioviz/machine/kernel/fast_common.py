"""What the functions of the fast path share: whom a wake-up would reach, and how a burst gets into the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.eventpoll import REPORTS
from ioviz.model.connection_bursts import Plain
from ioviz.model.files import SOCKET
from ioviz.model.lists import append
from ioviz.model.poll_bits import EPOLLEXCLUSIVE
from ioviz.model.task import SLEEPING, TaskWoken

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.burst import Burst
    from ioviz.model.files import OpenFile
    from ioviz.model.socket import Socket

Told = tuple[int, int, int, int]
NOBODY: Final = (0, 0, 0, 0)


def socket_at(k: Kernel, fd: int) -> tuple[OpenFile, Socket] | None:
    """The open file and the socket behind descriptor `fd` of the running process; None where there is none."""
    world = k.world
    entry = world.fds.get(k.pid << 24 | fd)
    if entry is None:
        return None
    file = world.files[entry.file]
    return (file, world.sockets[file.obj]) if file.kind == SOCKET else None


def would_tell(k: Kernel, queue: int, key: int) -> Told | None:
    """Whom waking `queue` with `key` would tell: (epoll instance, item and events for its ready list, task), as in
    `Telling`. None where it would do more than that."""
    world = k.world
    queues, entries = world.wait_queues, world.wait_entries
    waiting = queues[queue]
    if not waiting.count:
        return NOBODY
    if waiting.count > 1:
        return None
    waiter = entries[waiting.head]
    item = waiter.item
    if not item:
        return (0, 0, 0, waiter.task) if wakes(k, waiter.task) else None
    watched = world.epitems[item]
    mask, ep = watched.events, watched.ep
    if mask & EPOLLEXCLUSIVE:
        return None
    events = key & mask
    if not mask & REPORTS or (key and not events):
        return NOBODY
    if queues[world.eventpolls[ep].poll_queue].count:
        return None
    sleepers = queues[ep]
    if not sleepers.count:
        return NOBODY if item in world.ready_links else (ep, item, events, 0)
    sleeper = entries[sleepers.head].task
    if item in world.ready_links or sleepers.count > 1 or not wakes(k, sleeper):
        return None
    return ep, item, events, sleeper


def wakes(k: Kernel, tid: int) -> bool:
    """Whether anything at all wakes task `tid`."""
    return k.threads[tid].keys is None and k.world.tasks[tid].state == SLEEPING


def tell(k: Kernel, ep: int, item: int, woken: int, seq: int) -> None:
    """Do that, from event `seq` of a burst on."""
    if ep:
        append(k.world.ready_lists, ep, k.world.ready_links, item)
        seq += 1
    if woken:
        wake(k, woken, seq)


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
    sink = k.sink
    sink(burst)
    k.last_trap = burst.t
    k.seq = seq = burst.seq + count
    k.cause = seq - 1
    k.now = now


def log_plain(k: Kernel, nr: int, args: tuple[Any, ...], ret: int, out: Any = None) -> None:
    """Log a call that changes nothing."""
    trap, returning = k.now + k._trap_cost, k._sysret_cost
    burst = Plain(k.seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, nr, args, ret, out, returning)
    log(k, burst, 2, trap + returning)
