"""The usual way of send and recv on an established connection: see `fastpath`."""

from __future__ import annotations

from errno import EAGAIN
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.eventpoll import REPORTS
from ioviz.machine.kernel.fast_common import log_plain
from ioviz.machine.kernel.files import O_NONBLOCK
from ioviz.machine.kernel.tcp_state import MSS_LOOPBACK, OVERHEAD, READABLE
from ioviz.model.buffer import Buffer, Segment, consume, first_bytes
from ioviz.model.data_bursts import Received, Sent
from ioviz.model.files import SOCKET
from ioviz.model.lists import append
from ioviz.model.poll_bits import EPOLLEXCLUSIVE
from ioviz.model.shown import SHOWN
from ioviz.model.socket import CLOSE, ESTABLISHED, NOT_URGENT, RCV_SHUTDOWN
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.socket import Socket

SOCK_STREAM: Final = 1
AF_UNIX: Final = 1
MSG_NOSIGNAL: Final = 0x4000


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
    k.now = trap + copying + linking + returning
    return n


def recv(k: Kernel, fd: int, n: int, flags: int, nameless: bool = False) -> Any:
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
    if not have:
        return _recv_nothing(k, row, bool(file.flags & O_NONBLOCK), (fd, n, flags))
    if row.lowat != 1 and have < n:
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
    k.now = trap + copying + returning
    return taken, (data, None)


def _recv_nothing(k: Kernel, row: Socket, nonblock: bool, args: tuple[int, int, int]) -> Any:
    """recv(2) where there are no bytes: the end of the stream, or EAGAIN."""
    if row.done:
        log_plain(k, SYS.recvfrom, args, 0, ("", None))
        return 0, (b"", None)
    if not nonblock or row.error or row.shutdown & RCV_SHUTDOWN or row.state == CLOSE:
        return None
    log_plain(k, SYS.recvfrom, args, -EAGAIN)
    return -EAGAIN
