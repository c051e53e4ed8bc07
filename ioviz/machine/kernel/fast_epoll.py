"""The usual way of epoll_wait and epoll_ctl: see `fastpath`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.eventpoll import EPOLL_CTL_ADD, EPOLL_CTL_DEL, ONCE, mask_of
from ioviz.machine.kernel.fast_common import log
from ioviz.machine.kernel.inet import IPPROTO_TCP
from ioviz.model.data_bursts import LOOKS, Polled
from ioviz.model.eventpoll import Epitem, EpitemInserted
from ioviz.model.files import EVENTPOLL, SOCKET
from ioviz.model.interest_bursts import Steps, Unwatched, Watched
from ioviz.model.lists import EMPTY, Link, Queue, append
from ioviz.model.poll_bits import EPOLLEXCLUSIVE, EPOLLONESHOT, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ioviz.model.rb_repairs import rb_erase, rb_find_place, rb_insert_color
from ioviz.model.shown import SHOWN
from ioviz.model.socket import ESTABLISHED, LISTEN

if TYPE_CHECKING:
    from ioviz.machine.kernel.flows import Pair, Seen
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile
    from ioviz.model.world import World

POLL_IN: Final = POLLIN | POLLRDNORM
POLL_OUT: Final = POLLOUT | POLLWRNORM


def epoll_wait(k: Kernel, epfd: int, maxevents: int, timeout: int) -> tuple[int, Any] | None:
    """epoll_wait(2), as long as what stands on the ready list is TCP and armed for more than one shot."""
    world = k.world
    entry = world.fds.get(k.pid << 24 | epfd)
    if entry is None or maxevents <= 0:
        return None
    file = world.files[entry.file]
    if file.kind != EVENTPOLL:
        return None
    ep = file.obj
    if not world.ready_lists[ep].count or world.wait_queues[ep].count:
        return None
    looked = _look(k, ep, maxevents)
    if looked is None:
        return None
    found = looked[2]
    if timeout and not found:
        k.looked = looked  # it is going to sleep, and does not look again before
        return None
    _polled(k, ep, looked, (epfd, maxevents, timeout), len(found))
    return len(found), found


def send_events(k: Kernel, ep: int, maxevents: int) -> tuple[tuple[int, int], ...] | None:
    """`ep_send_events`, where nobody else waits for what may be left."""
    looked, k.looked = k.looked, None
    if k.world.wait_queues[ep].count:
        return None
    if looked is None:
        looked = _look(k, ep, maxevents)
    if looked is None:
        return None
    _polled(k, ep, looked, (), -1)
    return looked[2]


def _polled(k: Kernel, ep: int, looked: Look, args: tuple[int, ...], ret: int) -> None:
    """Log the way along the ready list: with `args` from the trap on, with `ret` to the return."""
    items, marks, found = looked
    _leave(k.world, ep, items, marks)
    if args:
        k.last_trap = k.now = k.now + k._trap_cost
    handling, returning = k.costs.poll + k.costs.epitem, k._sysret_cost
    seq, now, cause = k.seq, k.now, k.cause
    trap = seq if args else cause
    enters = bool(args)
    for start in range(0, len(items), LOOKS):
        part = items[start : start + LOOKS]
        last = start + LOOKS >= len(items)
        k.sink(
            Polled(
                seq, now, k.cpu, k.task, cause, k.at, enters, k.vector, args, ep, handling, part,
                marks[start : start + LOOKS], ret if last else -1, found[:SHOWN] if last else (), returning,
            )
        )  # fmt: skip
        seq += enters + len(part)
        now += len(part) * handling
        cause, enters = trap, False
    k.cause = cause
    if ret >= 0:
        k.cause, seq, now = seq, seq + 1, now + returning
    k.seq, k.now = seq, now


Look = tuple[list[int], list[int], tuple[tuple[int, int], ...]]


def _look(k: Kernel, ep: int, maxevents: int) -> Look | None:
    """What `ep_send_events` would find: the items that it looks at, the mark of each (see `Polled`), and the pairs for
    the program. None where an item is not of the usual kind."""
    world, seen = k.world, k.seen_items
    buffers, links = world.buffers, world.ready_links
    items: list[int] = []
    marks: list[int] = []
    found: list[Pair] = []
    id = world.ready_lists[ep].head
    while id and len(found) < maxevents:
        known = seen.get(id)
        if known is None:
            known = _see(world, id)
            if known is None:
                return None
            seen[id] = known
        rx, tx, lowat, mark, pair, idle_mark, idle_pair = known
        out = buffers[tx]
        used = out.truesize
        if used and out.limit - used < used >> 1:
            return None
        if buffers[rx].bytes < lowat:
            mark, pair = idle_mark, idle_pair
        items.append(id)
        marks.append(mark)
        if mark:
            found.append(pair)
        id = links[id].next
    return items, marks, tuple(found)


def _see(world: World, id: int) -> Seen | None:
    item = world.epitems[id]
    file, mask = world.files[item.file], item.events
    if file.kind != SOCKET or mask & EPOLLONESHOT:
        return None
    row = world.sockets[file.obj]
    if row.state != ESTABLISHED or row.shutdown or row.error or row.urgent >= 0:
        return None
    if row.protocol != IPPROTO_TCP:
        return None
    sock, back = row.id, not mask & ONCE
    both, idle = (POLL_IN | POLL_OUT) & mask, POLL_OUT & mask
    return (
        sock * 2, sock * 2 + 1, row.lowat,
        both << 1 | back if both else 0, (item.data, both), idle << 1 | back if idle else 0, (item.data, idle),
    )  # fmt: skip


def _leave(world: World, ep: int, items: list[int], marks: list[int]) -> None:
    """The ready list afterwards: what is to go back stands behind the others, in its old order."""
    links, row = world.ready_links, world.ready_lists[ep]
    back = [item for item, mark in zip(items, marks, strict=True) if mark & 1]
    head = links[items[-1]].next
    if not head and len(back) == len(items):
        return
    for item, mark in zip(items, marks, strict=True):
        if not mark & 1:
            del links[item]
    left = row.count - len(items) + len(back)
    tail = row.tail if head else 0
    if head:
        if back:
            links[tail] = Link(links[tail].prev, back[0])
        links[head] = Link(0, links[head].next)
    for item, after in zip(back, [*back[1:], 0], strict=False):
        links[item] = Link(tail, after)
        tail = item
    world.ready_lists[ep] = Queue(head or back[0], tail, left) if left else EMPTY


def epoll_ctl(k: Kernel, epfd: int, op: int, fd: int, requested: int, data: int) -> int | None:
    """epoll_ctl(2) that adds or deletes the only item of a TCP socket."""
    world = k.world
    fds, files, table = world.fds, world.files, k.pid << 24
    above, below = fds.get(table | epfd), fds.get(table | fd)
    if above is None or below is None:
        return None
    ep_file, file = files[above.file], files[below.file]
    if ep_file.kind != EVENTPOLL or file.kind != SOCKET:
        return None
    watching = k.watches.get(file.id)
    args = (epfd, op, fd, requested, data)
    if op == EPOLL_CTL_DEL and watching is not None and len(watching) == 1:
        item = world.epitems[watching[0]]
        return _delete(k, item, watching, args) if item.fd == fd and item.ep == ep_file.obj else None
    usual = op == EPOLL_CTL_ADD and not watching and not requested & EPOLLEXCLUSIVE
    return _add(k, ep_file.obj, file, args) if usual and not k.watches.get(ep_file.id) else None


def _delete(k: Kernel, item: Epitem, watching: list[int], args: tuple[int, int, int, int, int]) -> int:
    steps = Steps(k.world)
    watching.clear()
    k.seen_items.pop(item.id, None)
    rb_erase(steps, item.ep, item.id, "delete")
    trap, returning = k.now + k._trap_cost, k._sysret_cost
    burst = Unwatched(
        k.seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, args, item.ep, item.id, steps.steps, returning
    )  # fmt: skip
    log(k, burst, 3 + len(steps.steps), trap + returning)
    return 0


def _add(k: Kernel, ep: int, file: OpenFile, args: tuple[int, int, int, int, int]) -> int | None:
    world = k.world
    _, _, fd, requested, data = args
    row = world.sockets[file.obj]
    sock = row.id
    if row.protocol != IPPROTO_TCP:
        return None
    if row.state == LISTEN:
        ready = POLL_IN if world.accept_queues[sock].head else 0
    elif row.state != ESTABLISHED or row.shutdown or row.error or row.urgent >= 0:
        return None
    else:
        out = world.buffers[sock * 2 + 1]
        if out.limit - out.truesize < out.truesize >> 1:
            return None
        ready = POLL_IN | POLL_OUT if world.buffers[sock * 2].bytes >= row.lowat else POLL_OUT
    events = mask_of(k, requested)
    ready &= events
    queues = world.wait_queues
    if ready and (queues[ep].count or queues[world.eventpolls[ep].poll_queue].count):
        return None
    parent, left = rb_find_place(world, ep, file.id, fd)
    item = k.new_ids(2)
    steps = Steps(world)
    row_of_item = Epitem(item, ep, file.id, fd, events, requested, data, item + 1)
    EpitemInserted.change(world, row_of_item, sock, parent, left)
    k.watches.setdefault(file.id, []).append(item)
    rb_insert_color(steps, ep, item)
    if ready:
        append(world.ready_lists, ep, world.ready_links, item)
    trap, returning, linking = k.now + k._trap_cost, k._sysret_cost, k.costs.epitem if ready else 0
    burst = Watched(
        k.seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, args, ep, item, file.id, events, sock, parent, left,
        steps.steps, ready, linking, returning,
    )  # fmt: skip
    log(k, burst, 3 + len(steps.steps) + bool(ready), trap + linking + returning)
    return 0
