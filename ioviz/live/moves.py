"""The calls of which a busy server makes most, folded at once: bytes came out of a socket, or went into one, and
`epoll_wait` told of sockets that are known.

The functions here do to the world what `Mirror` and `ioviz.live.socket_calls` would do by one event after the other,
and log a burst; whatever is not the usual case is left to them. The tests fold every log both ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.model.buffer import Buffer
from ioviz.model.cpu import NO_VECTOR, USER, Cpu
from ioviz.model.event import NO_CAUSE
from ioviz.model.files import EVENTPOLL, SOCKET
from ioviz.model.lists import append, remove, rotate, walk
from ioviz.model.mirror_bursts import PLAIN, RealPolled, RealReceived, RealSent
from ioviz.model.poll_bits import EPOLLET, EPOLLONESHOT
from ioviz.model.shown import SHOWN
from ioviz.model.syscalls import NUMBERS

if TYPE_CHECKING:
    from ioviz.live.calls import Call
    from ioviz.live.mirror import Mirror
    from ioviz.model.burst import Burst

HOST: Final = 1
AF_UNIX: Final = 1
MSG_PEEK: Final = 2
MANY: Final = 64
"""Items that are folded at once, at most."""
MOVES: Final = {"read": (True, 3), "write": (False, 3), "recvfrom": (True, 6), "sendto": (False, 6)}
"""The calls: whether each reads, and how many arguments it has."""


def moved(m: Mirror, call: Call) -> bool:
    """Fold `call`, which is one of MOVES, if it is the usual case; False leaves everything as it was."""
    tid, args, result, world = call.tid, call.args, call.result, m.world
    if result is None or result <= 0 or call.entered_only or call.at is not None or tid in m.open:
        return False
    cpu = world.cpus[HOST]
    if cpu.task != tid or cpu.ring != USER or tid in world.frames:
        return False
    reads, count = MOVES[call.name]
    if len(args) != count:
        return False
    fd, size = args[0], args[2]
    if type(fd) is not int or type(size) is not int or not 0 <= fd < 1 << 24:
        return False
    row = world.fds.get(m.pids[tid] << 24 | fd)
    file = world.files.get(row.file) if row is not None else None
    if file is None or file.kind != SOCKET:
        return False
    flags = PLAIN
    if count == 6:
        flags = args[3]
        if type(flags) is not int or flags < 0 or args[4] is not None:
            return False
    obj, data = file.obj, call.data
    arrived, key = 0, obj * 2
    if reads:
        buffer = world.buffers[key]
        arrived = result - buffer.bytes
        if arrived < 0 or buffer.head or (flags & MSG_PEEK and flags != PLAIN):
            return False
    else:
        sock = world.sockets[obj]
        if sock.nospace or (sock.family == AF_UNIX and sock.peer in world.sockets):
            return False
        key += 1
        buffer = world.buffers[key]

    # Nothing was changed so far; from here on it is the usual case.
    began = _pass(m, call)
    seq, took = m.seq, m.now - began
    data = data[:SHOWN] if data else b""
    entry: Burst
    if reads:
        entry = RealReceived(seq, began, HOST, tid, NO_CAUSE, m.at, fd, size, flags, key, arrived, result, data, took)
        world.buffers[key] = Buffer(0, 0, 0, 0, buffer.limit, buffer.total + arrived)
        m.seq = seq + (4 if arrived else 3)
    else:
        entry = RealSent(seq, began, HOST, tid, NO_CAUSE, m.at, fd, size, flags, key, result, data, took)
        world.buffers[key] = Buffer(
            buffer.head, buffer.tail, buffer.bytes, buffer.truesize, buffer.limit, buffer.total + result
        )
        m.seq = seq + 3
    m.sink(entry)  # type: ignore[arg-type]  # it is a log, which takes bursts
    _returned(m, call, cpu, seq)
    return True


def _pass(m: Mirror, call: Call) -> int:
    """The times of the call come: when it began, by the mirror's clock; `m.now` is when it ended."""
    start, end = call.start, call.end
    if start > m.last:
        if not m.base:
            m.base = start
        m.last = start
        if start - m.base > m.now:
            m.now = start - m.base
    began = m.now
    if end > m.last:
        if not m.base:
            m.base = end
        m.last = end
        if end - m.base > m.now:
            m.now = end - m.base
    return began


def _returned(m: Mirror, call: Call, cpu: Cpu, seq: int) -> None:
    """The call that was entered with event `seq` is over."""
    if cpu.vector != NO_VECTOR or cpu.nr:
        m.world.cpus[HOST] = Cpu(HOST, USER, call.tid, NO_VECTOR, 0, True)
    m.calls += 1
    m.task, m.cause, m.origin = call.tid, seq, 1
    m.returned = call.end, call.tid
    m.heard[call.tid] = call.end


def polled(m: Mirror, call: Call) -> bool:
    """The same for `epoll_wait`: of known items, none of them one-shot, that are told once each."""
    tid, args, result, world = call.tid, call.args, call.result, m.world
    if result is None or result < 0 or call.entered_only or call.at is not None or tid in m.open or m.changing:
        return False
    cpu = world.cpus[HOST]
    if cpu.task != tid or cpu.ring != USER or tid in world.frames or len(args) < 4:
        return False
    epfd, found, most, timeout = args[:4]
    if type(epfd) is not int or not 0 <= epfd < 1 << 24 or type(most) is not int or type(timeout) is not int:
        return False
    if type(found) is not tuple or len(found) != result or result > MANY:
        return False
    row = world.fds.get(m.pids[tid] << 24 | epfd)
    file = world.files.get(row.file) if row is not None else None
    if file is None or file.kind != EVENTPOLL:
        return False
    ep, names, epitems = file.obj, m.by_data, world.epitems
    items, marks = [], []
    for events, data in found:
        named = names.get((ep, data))
        if named is None:
            return False
        item = named[-1]
        mask = epitems[item].events
        if mask & EPOLLONESHOT or item in items:
            return False
        items.append(item)
        marks.append(events << 1 | (not mask & EPOLLET))

    began = _pass(m, call)
    lists, links = world.ready_lists, world.ready_links
    dropped: list[int] = []
    if lists[ep].count and (not most or result < most):
        dropped = [item for item in walk(lists, ep, links) if item not in items]
        for item in dropped:
            remove(lists, ep, links, item)
    linked = [item for item in items if item not in links]
    for item in linked:
        append(lists, ep, links, item)
    for item, mark in zip(items, marks, strict=True):
        if not mark & 1:
            remove(lists, ep, links, item)
        elif lists[ep].head == item:
            rotate(lists, ep, links)
        else:
            remove(lists, ep, links, item)
            append(lists, ep, links, item)
    seq = m.seq
    timeout = timeout * 1_000_000 if timeout >= 0 else -1
    out = tuple([(data, events) for events, data in found[:SHOWN]])
    entry = RealPolled(seq, began, HOST, tid, NO_CAUSE, m.at, NUMBERS[call.name], (epfd, most, timeout), ep, dropped,
                       linked, items, marks, out, m.now - began)  # fmt: skip
    m.seq = seq + 2 + len(dropped) + len(linked) + len(items)
    m.sink(entry)  # type: ignore[arg-type]
    _returned(m, call, cpu, seq)
    return True


AT_ONCE: Final = {**dict.fromkeys(MOVES, moved), "epoll_wait": polled, "epoll_pwait": polled}
"""The calls, and who folds each; False if it is not the usual case, and then nothing was done."""
