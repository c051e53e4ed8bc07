"""What select, poll and epoll did, as far as it can be seen from outside.

Of the ready list only this is certain: an item that was reported was on it, a level-triggered one is again after that;
an item that was not reported, though there was room, is not; and while a thread sleeps in `epoll_wait` it is empty. A
delivered one-shot item keeps only its private bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz.live.interest import drop_ready, erase, insert, modify
from ioviz.live.open_files import known_file, number_at
from ioviz.model.eventpoll import (
    PRIVATE_BITS,
    EventDelivered,
    ReadyLinked,
)
from ioviz.model.files import (
    EVENTPOLL,
    SOCKET,
    fd_key,
)
from ioviz.model.mirror import MirrorBlinded
from ioviz.model.poll import FdsScanned
from ioviz.model.poll_bits import EPOLLET, EPOLLONESHOT, POLLIN, POLLOUT, POLLPRI

if TYPE_CHECKING:
    from ioviz.live.calls import Call
    from ioviz.live.mirror import Mirror

ADD, DEL, MOD = 1, 2, 3


def scanned(m: Mirror, pid: int, call: Call) -> None:
    """select, poll and their kin: every descriptor was asked."""
    if call.result is None or call.result < 0:
        return
    if call.name in ("poll", "ppoll"):
        polled = call.args[0] or ()
        found = tuple((fd, events) for fd, _, events in polled if events)
        m.seen(FdsScanned, "poll", len(polled), call.result, found[:16], False)
        return
    sets = call.out or ((), (), ())
    events: dict[int, int] = {}
    for fds, bit in zip(sets, (POLLIN, POLLOUT, POLLPRI), strict=False):
        for fd in fds:
            events[fd] = events.get(fd, 0) | bit
    asked = {fd for fds in call.args[1:4] if fds for fd in fds}
    m.seen(FdsScanned, "select", len(asked), call.result, tuple(sorted(events.items()))[:16], False)


def controlled(m: Mirror, pid: int, call: Call) -> None:
    """epoll_ctl(2)."""
    if len(call.args) < 3:
        return
    epfd, op, fd = call.args[:3]
    if call.result != 0 or not isinstance(fd, int) or not isinstance(epfd, int):
        return
    ep_file = m.world.files.get(known_file(m, pid, epfd, EVENTPOLL))
    if ep_file is None or ep_file.kind != EVENTPOLL:
        return
    m.touched[fd_key(pid, fd)] = m.last
    ep = ep_file.obj
    file = m.file_of(pid, fd) if op != ADD else known_file(m, pid, fd, SOCKET)
    item = m.by_fd.get((ep, file, fd), 0)
    if op == DEL:
        if item:
            m.origin = 1
            erase(m, item, "delete")
        return
    event = call.args[3] if len(call.args) > 3 else None
    if not file or event is None:
        return
    m.origin = 1
    if item:
        modify(m, item, *event)
    else:
        insert(m, ep, file, fd, *event)


def waited(m: Mirror, pid: int, call: Call) -> None:
    """epoll_wait(2) has reported."""
    if call.result is None or call.result < 0:
        return
    file = m.world.files.get(known_file(m, pid, call.args[0], EVENTPOLL))
    if file is None or file.kind != EVENTPOLL:
        return
    ep = file.obj
    found = call.args[1] or ()
    world, names, links = m.world, m.by_data, m.world.ready_links
    delivered: list[tuple[int, int]] = []
    for events, data in found[: call.result]:
        named = names.get((ep, data))
        if m.changing and (named is None or not world.epitems[named[-1]].events & ~PRIVATE_BITS):
            _took_effect(m, ep, data)
            named = names.get((ep, data))
        if named is None:
            m.unmatched += 1
            guess = _guessed(m, pid, ep, data, events)
            if not guess:
                continue
            delivered.append((guess, events))
        else:
            delivered.append((named[-1], events))
    most = number_at(call, 2)
    if world.ready_lists[ep].count and (not most or len(found) < most):
        drop_ready(m, ep, {item for item, _ in delivered})
    for item, events in delivered:
        if item not in links:
            m.infer(ReadyLinked, ep, item, events, "callback")
    for item, events in delivered:
        if item in links:
            row = world.epitems[item]
            mask = row.events
            if mask & EPOLLONESHOT:
                m.touched[fd_key(pid, row.fd)] = m.last
            m.seen(EventDelivered, ep, item, events, not mask & (EPOLLET | EPOLLONESHOT))


def _took_effect(m: Mirror, ep: int, data: int) -> None:
    """An item was reported that should not be there, or should be disarmed: another thread is inside the `epoll_ctl`
    that made or armed it, which has taken effect and only not returned yet."""
    for tid, call in m.changing.items():
        pid, (epfd, op, fd, event) = m.pids[tid], (*call.args, None, None, None, None)[:4]
        file = m.world.files.get(m.file_of(pid, epfd))
        if event is not None and event[1] == data and op in (ADD, MOD) and file is not None and file.obj == ep:
            del m.changing[tid]
            m.origin = 2
            watched = known_file(m, pid, fd, SOCKET)
            item = m.by_fd.get((ep, watched, fd), 0)
            m.touched[fd_key(pid, fd)] = m.last
            m.origin = 2
            if item:
                modify(m, item, *event)
            elif watched:
                insert(m, ep, watched, fd, *event)
            return


def _guessed(m: Mirror, pid: int, ep: int, data: int, events: int) -> int:
    """The source began after `epoll_ctl`: most programs' data is the descriptor, so an item for that is inferred."""
    fd = data & 0xFFFFFFFF
    m.wants_look = True
    if fd >= 1 << 20:
        return 0
    m.origin = 2
    file = known_file(m, pid, fd, SOCKET)
    found = m.by_fd.get((ep, file, fd))
    return found if found is not None else insert(m, ep, file, fd, events | POLLIN, data)


def uring(m: Mirror, pid: int, call: Call) -> None:
    """Any call of io_uring: from now on items may come and go unseen."""
    m.wants_look = True
    if not m.world.mirrors[1].blind:
        m.seen(MirrorBlinded, "io_uring")
