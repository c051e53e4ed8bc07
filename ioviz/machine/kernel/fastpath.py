"""The usual way of the calls that a busy server makes: the same as the handlers', in one go and one entry of the log.

Each function here looks whether its call is of the usual kind: TCP on loopback, established, nothing in the way, nobody
to wake. If so it does to the world what the handler and its events would do, logs a burst (`ioviz.model.bursts`) and
returns the result; if not it has done nothing, returns None, and the handler runs. What a call *is* stands in the
handlers only; the log that comes out is the same, event by event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.eventpoll import ONCE, REPORTS
from ioviz.machine.kernel.tcp_state import MSS_LOOPBACK, OVERHEAD, READABLE
from ioviz.model.buffer import Buffer, Segment, consume, first_bytes
from ioviz.model.bursts import LOOKS, Polled, Received, Sent
from ioviz.model.files import EVENTPOLL, SOCKET
from ioviz.model.lists import EMPTY, Link, Queue, append
from ioviz.model.poll_bits import EPOLLEXCLUSIVE, EPOLLONESHOT, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ioviz.model.shown import SHOWN
from ioviz.model.socket import ESTABLISHED, NOT_URGENT
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.world import World

SOCK_STREAM: Final = 1
AF_UNIX: Final = 1
MSG_NOSIGNAL: Final = 0x4000
POLL_IN: Final = POLLIN | POLLRDNORM
POLL_OUT: Final = POLLOUT | POLLWRNORM


def send(k: Kernel, fd: int, data: bytes, flags: int, address: Any) -> int | None:
    """send(2)."""
    world = k.world
    entry = world.fds.get(k.pid << 24 | fd)
    if entry is None or address is not None or flags & ~MSG_NOSIGNAL:
        return None
    file = world.files[entry.file]
    if file.kind != SOCKET:
        return None
    row = world.sockets[file.obj]
    peer, n = row.peer, len(data)
    if row.id in k.net.corked:
        return None
    if not peer or row.state != ESTABLISHED or row.error or row.shutdown or not 0 < n <= MSS_LOOPBACK:
        return None
    if row.type != SOCK_STREAM or row.family == AF_UNIX:
        return None
    buffers, segments = world.buffers, world.segments
    tx, rx = row.id * 2 + 1, peer * 2
    mine, other = buffers[tx], world.sockets.get(peer)
    if other is None or other.orphan or mine.head:
        return None
    theirs = buffers[rx]
    limit, then = theirs.limit, theirs.bytes + n
    if then > (limit - (limit >> 3) if limit >= 32768 else limit >> 1):
        return None

    ep = item = events = 0
    waiting = world.wait_queues[peer]
    if waiting.count and then >= other.lowat:
        waiter = world.wait_entries[waiting.head]
        item = waiter.item
        if waiting.count > 1 or not item:
            return None
        watched = world.epitems[item]
        mask = watched.events
        if mask & EPOLLEXCLUSIVE:
            return None
        events = READABLE & mask
        if events and mask & REPORTS:
            ep = watched.ep
            if world.wait_queues[ep].count or world.wait_queues[world.eventpolls[ep].poll_queue].count:
                return None
            if item in world.ready_links:
                ep = 0
            else:
                append(world.ready_lists, ep, world.ready_links, item)

    truesize = n + OVERHEAD
    k._last_id = segment = k._last_id + 1
    segments[segment] = Segment(0, 0, truesize, data)
    head, tail = theirs.head, theirs.tail
    if tail:
        last = segments[tail]
        segments[tail] = Segment(segment, last.start, last.truesize, last.data)
    else:
        head = segment
    buffers[tx] = Buffer(0, 0, 0, 0, mine.limit, mine.total + n)
    buffers[rx] = Buffer(head, segment, then, theirs.truesize + truesize, limit, theirs.total + n)

    costs = k.costs
    copying = n * costs.kilobyte // 1000 if n > 64 else 0
    linking, count = (costs.epitem, 5) if ep else (0, 4)
    seq, returning = k.seq, k._sysret_cost
    k.last_trap = trap = k.now + k._trap_cost
    k.sink(
        Sent(
            seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, fd, flags, data, truesize, tx, segment, rx,
            ep, item, events, copying, linking, returning,
        )
    )  # fmt: skip
    k.seq = seq + count
    k.cause = seq + count - 1
    k.now = now = trap + copying + linking + returning
    if now >= k.attention:
        k.attend()
    return n


def recv(k: Kernel, fd: int, n: int, flags: int, nameless: bool = False) -> tuple[int, tuple[bytes, None]] | None:
    """recv(2)."""
    world = k.world
    entry = world.fds.get(k.pid << 24 | fd)
    if entry is None or flags or n <= 0:
        return None
    file = world.files[entry.file]
    if file.kind != SOCKET:
        return None
    row = world.sockets[file.obj]
    peer = row.peer
    if not peer or row.type != SOCK_STREAM or row.family == AF_UNIX or row.urgent != NOT_URGENT:
        return None
    buffers = world.buffers
    rx = row.id * 2
    buffer = buffers[rx]
    have, head = buffer.bytes, buffer.head
    if not have or (row.lowat != 1 and have < n):
        return None
    behind = buffers.get(peer * 2 + 1)
    if behind is not None and behind.bytes:
        return None
    segments = world.segments
    if have <= n and head == buffer.tail:
        taken = have
        segment = segments.pop(head)
        data = segment.data[segment.start :] if segment.start else segment.data
        buffers[rx] = Buffer(0, 0, 0, 0, buffer.limit, buffer.total)
    else:
        taken = min(have, n)
        data = first_bytes(world, rx, taken)
        consume(world, rx, taken)
    copying = taken * k.costs.kilobyte // 1000 if taken > 64 else 0
    seq, returning = k.seq, k._sysret_cost
    k.last_trap = trap = k.now + k._trap_cost
    k.sink(
        Received(
            seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, fd, n, flags, rx, taken,
            data if taken <= SHOWN else data[:SHOWN], copying, returning,
        )
    )  # fmt: skip
    k.seq = seq + 3
    k.cause = seq + 2
    k.now = now = trap + copying + returning
    if now >= k.attention:
        k.attend()
    return taken, (data, None)


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
    looked = _look(world, ep, maxevents)
    if looked is None or (timeout and not looked[2]):
        return None
    found = looked[2]
    k.last_trap = k.now = k.now + k._trap_cost
    _polled(k, ep, looked, (epfd, maxevents, timeout), len(found))
    if k.now >= k.attention:
        k.attend()
    return len(found), found


def send_events(k: Kernel, ep: int, maxevents: int) -> tuple[tuple[int, int], ...] | None:
    """`ep_send_events`, where nobody else waits for what may be left."""
    if k.world.wait_queues[ep].count:
        return None
    looked = _look(k.world, ep, maxevents)
    if looked is None:
        return None
    _polled(k, ep, looked, (), -1)
    return looked[2]


def _polled(k: Kernel, ep: int, looked: Look, args: tuple[int, ...], ret: int) -> None:
    """Log the way along the ready list: with `args` from the trap on, with `ret` to the return."""
    items, marks, found = looked
    _leave(k.world, ep, items, marks)
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


def _look(world: World, ep: int, maxevents: int) -> Look | None:
    """What `ep_send_events` would find: the items that it looks at, the mark of each (see `Polled`), and the pairs for
    the program. None where an item is not of the usual kind."""
    epitems, files, sockets, buffers = world.epitems, world.files, world.sockets, world.buffers
    links = world.ready_links
    items: list[int] = []
    marks: list[int] = []
    found: list[tuple[int, int]] = []
    id = world.ready_lists[ep].head
    while id and len(found) < maxevents:
        item = epitems[id]
        file = files[item.file]
        mask = item.events
        if file.kind != SOCKET or mask & EPOLLONESHOT:
            return None
        row = sockets[file.obj]
        if row.state != ESTABLISHED or row.shutdown or row.error or row.urgent >= 0:
            return None
        if row.type != SOCK_STREAM or row.family == AF_UNIX:
            return None
        sock = row.id
        out = buffers[sock * 2 + 1]
        used = out.truesize
        if out.limit - used < used >> 1:
            return None
        events = (POLL_IN | POLL_OUT if buffers[sock * 2].bytes >= row.lowat else POLL_OUT) & mask
        items.append(id)
        if events:
            marks.append(events << 1 | (not mask & ONCE))
            found.append((item.data, events))
        else:
            marks.append(0)
        id = links[id].next
    return items, marks, tuple(found)


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


FASTPATH: Final[dict[int, Callable[..., Any]]] = {SYS.sendto: send, SYS.recvfrom: recv, SYS.epoll_wait: epoll_wait}
"""By system call."""
