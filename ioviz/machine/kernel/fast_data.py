"""The usual way of send and recv on an established connection: see `fastpath`."""

from __future__ import annotations

from errno import EAGAIN, EINTR
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.fast_common import log, log_plain, socket_at, tell, wake, wakes
from ioviz.machine.kernel.files import O_NONBLOCK
from ioviz.machine.kernel.flows import flow_of, watch
from ioviz.machine.kernel.inet import IPPROTO_TCP, SOL_SOCKET, option
from ioviz.machine.kernel.sock import SO_RCVTIMEO
from ioviz.machine.kernel.tcp_data import recv_slowly
from ioviz.machine.kernel.tcp_state import MSS_LOOPBACK, OVERHEAD
from ioviz.model.buffer import Buffer, Segment, take
from ioviz.model.cpu import NO_VECTOR, USER, Cpu, Frame
from ioviz.model.data_bursts import Blocked, Received, Resumed, Sent
from ioviz.model.lists import append
from ioviz.model.shown import SHOWN
from ioviz.model.socket import CLOSE, NOT_URGENT, RCV_SHUTDOWN
from ioviz.model.syscalls import SYS
from ioviz.model.task import TaskSlept, TaskSwitched

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile

MSG_NOSIGNAL: Final = 0x4000


def send(k: Kernel, fd: int, data: bytes, flags: int, address: Any = None) -> int | None:
    """send(2)."""
    flow = k.flows.get(k.pid << 24 | fd) or flow_of(k, fd)
    n = len(data)
    if flow is None or address is not None or flags & ~MSG_NOSIGNAL or not 0 < n <= MSS_LOOPBACK:
        return None
    if flow.sock in k.net.corked:
        return None
    world = k.world
    buffers, segments = world.buffers, world.segments
    tx, rx, peer = flow.tx, flow.peer_rx, flow.peer
    mine, theirs = buffers[tx], buffers[rx]
    if mine.head:
        return None
    limit, then = theirs.limit, theirs.bytes + n
    if then > (limit - (limit >> 3) if limit >= 32768 else limit >> 1):
        return None

    ep = item = events = woken = 0
    waiting = world.wait_queues[peer]
    if waiting.count and then >= flow.peer_lowat:
        if waiting is not flow.waiting:
            waiter = world.wait_entries[waiting.head]
            woken = waiter.task
            if waiting.count > 1 or not (woken or watch(world, flow, waiting, waiter.item)):
                return None
        if woken:
            if not wakes(k, woken):
                return None
            wake(k, woken, k.seq + 3)
        elif flow.events:  # `would_tell` in place: nothing is hotter
            ep, item, events = flow.ep, flow.item, flow.events
            sleepers = world.wait_queues[ep]
            if world.wait_queues[flow.poll_queue].count:
                return None
            if sleepers.count:
                woken = world.wait_entries[sleepers.head].task
                if item in world.ready_links or sleepers.count > 1 or not wakes(k, woken):
                    return None
                tell(k, ep, item, woken, k.seq + 3)
            elif item in world.ready_links:
                ep = item = events = 0
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
    linking = waking = 0
    count = 4
    if ep:
        linking, count = costs.epitem, 5
    if woken:
        waking = costs.wakeup
        count += 1
    seq, returning = k.seq, k._sysret_cost
    k.last_trap = trap = k.now + k._trap_cost
    sink = k.sink
    sink(
        Sent(
            seq, trap, k.cpu, k.task, k.cause, k.at, ep, item, events, woken, linking, waking, k.vector, fd, flags,
            data, truesize, tx, segment, rx, copying, returning,
        )
    )  # fmt: skip
    k.seq = seq + count
    k.cause = seq + count - 1
    k.now = trap + copying + linking + waking + returning
    return n


def recv(k: Kernel, fd: int, n: int, flags: int, nameless: bool = False) -> Any:
    """recv(2)."""
    if flags or n <= 0:
        return None
    world = k.world
    flow = k.flows.get(k.pid << 24 | fd)
    if flow is not None:
        rx, peer_tx, lowat = flow.rx, flow.peer_tx, flow.lowat
    else:
        found = socket_at(k, fd)
        if found is None:
            return None
        row = found[1]
        if not row.peer or row.protocol != IPPROTO_TCP or row.urgent != NOT_URGENT:
            return None
        rx, peer_tx, lowat = row.id * 2, row.peer * 2 + 1, row.lowat
    buffers = world.buffers
    buffer = buffers[rx]
    have, head = buffer.bytes, buffer.head
    if not have:
        return _recv_nothing(k, (fd, n, flags))
    if lowat != 1 and have < n:
        return None
    behind = buffers.get(peer_tx)
    if behind is not None and behind.bytes:
        return None
    segments = world.segments
    if have <= n and head == buffer.tail:
        taken = have  # `take` in place
        segment = segments.pop(head)
        data = segment.data[segment.start :] if segment.start else segment.data
        buffers[rx] = Buffer(0, 0, 0, 0, buffer.limit, buffer.total)
    else:
        taken = min(have, n)
        data = take(world, rx, taken)
    copying = taken * k.costs.kilobyte // 1000 if taken > 64 else 0
    seq, returning = k.seq, k._sysret_cost
    k.last_trap = trap = k.now + k._trap_cost
    sink = k.sink
    sink(
        Received(
            seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, fd, n, flags, rx, taken,
            data if taken <= SHOWN else data[:SHOWN], copying, returning,
        )
    )  # fmt: skip
    k.seq = seq + 3
    k.cause = seq + 2
    k.now = trap + copying + returning
    return taken, (data, None)


def _recv_nothing(k: Kernel, args: tuple[int, int, int]) -> Any:
    """recv(2) where there are no bytes: the end of the stream, EAGAIN, or a sleep."""
    file = k.world.files[k.world.fds[k.pid << 24 | args[0]].file]
    row = k.world.sockets[file.obj]
    if row.done:
        log_plain(k, SYS.recvfrom, args, 0, ("", None))
        return 0, (b"", None)
    if row.error or row.shutdown & RCV_SHUTDOWN or row.state == CLOSE:
        return None
    if file.flags & O_NONBLOCK:
        log_plain(k, SYS.recvfrom, args, -EAGAIN)
        return -EAGAIN
    thread, sock = k.thread, row.id
    if thread.sigpending or (sock in k.world.options and option(k.world, sock, SOL_SOCKET, SO_RCVTIMEO)):
        return None
    seq, entry, cpu, task = k.seq, k._last_id + 1, k.cpu, k.task
    k.now = trap = k.now + k._trap_cost
    following = k.following()
    head = following.tid if following is not None else 0
    log(k, Blocked(seq, trap, cpu, task, k.cause, k.at, k.vector, *args, sock, entry, head, k.now - trap), 3, k.now)
    k.cause, k._last_id = seq, entry
    k.world.frames[task] = Frame(k.vector, SYS.recvfrom, k.at, seq)
    TaskSlept.change(k.world, task, "sk_wait_data", (sock,), entry)
    TaskSwitched.change(k.world, cpu, head)
    thread.nvcsw += 1
    k.hold(file)
    k.leave_to(following)
    if thread.wake_reason == "event" or not thread.sigpending:
        return _resumed(k, file, sock, args)
    return k.return_to_user(SYS.recvfrom, args, -EINTR)


def _resumed(k: Kernel, file: OpenFile, sock: int, args: tuple[int, int, int]) -> Any:
    """recv(2) goes on after its sleep."""
    world = k.world
    _, n, flags = args
    row, rx = world.sockets[sock], sock * 2
    buffer = world.buffers[rx]
    behind = world.buffers.get(row.peer * 2 + 1)
    taken = min(n, buffer.bytes)
    usual = taken and row.peer and row.lowat == 1 and row.urgent == NOT_URGENT
    if not usual or (behind is not None and behind.bytes) or file.id in k.kept:
        got = recv_slowly(k, file, sock, n, flags)
        return k.return_to_user(SYS.recvfrom, args, got if isinstance(got, int) else (got[0], (got[1], None)))
    data = take(world, rx, taken)
    if k.thread.held:
        k.release_held(k.thread)
    seq, returning, cpu, task = k.seq, k._sysret_cost, k.cpu, k.task
    copied = k.now + taken * k.costs.kilobyte // 1000
    sink = k.sink
    sink(Resumed(seq, copied, cpu, task, k.cause, k.at, rx, taken, data[:SHOWN], returning))
    world.cpus[cpu] = Cpu(cpu, USER, task, NO_VECTOR, 0, True)
    del world.frames[task]
    k.seq, k.cause, k.now = seq + 2, seq + 1, copied + returning
    return taken, (data, None)
