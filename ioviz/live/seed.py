"""The mirror and snapshots: beginning from one, and comparing with later ones.

`begin` makes everything that exists when watching starts. `compare` asks the kernel's tables, while the mirror runs,
whether it is right: item by item against `fdinfo`, queue sizes against sock_diag. A descriptor that a call touched
shortly before the snapshot, or since, is passed over: there the snapshot may be older or newer than the mirror. A
difference is counted, and mended from what the kernel says.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ioviz.live.interest import ALWAYS, drop_ready, erase, insert, modify
from ioviz.live.open_files import FILE, HOST, O_CLOEXEC, close_fd, install, make_object, new_socket, open_file
from ioviz.live.sleeps import SLEEPS
from ioviz.live.threads import add_thread
from ioviz.model.buffer import BufferResized, rx, tx
from ioviz.model.cpu import NO_VECTOR, TrapEntered
from ioviz.model.event import NO_CAUSE
from ioviz.model.eventpoll import PRIVATE_BITS, ReadyLinked
from ioviz.model.files import EVENTFD, EVENTPOLL, PIPE_READ, PIPE_WRITE, SOCKET, TTY, fd_key
from ioviz.model.lists import walk
from ioviz.model.mirror import MirrorChecked, QueueMeasured
from ioviz.model.socket import (
    LISTEN,
    ConnectionAborted,
    ConnectionCreated,
    ConnectionQueued,
    SocketConnected,
    SocketListening,
    SocketReleased,
    SocketStateChanged,
)
from ioviz.model.syscalls import name_of
from ioviz.model.task import DEAD, SLEEPING, TaskSlept, TaskSwitched
from ioviz.model.wait import EXCLUSIVE_HEAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ioviz.live.calls import ReadySeen
    from ioviz.live.mirror import Mirror
from ioviz.live.snapshot import Descriptor, Interest, ProcessState, Snapshot, SocketState

MARGIN: Final = 30_000_000
"""Nanoseconds before a snapshot in which a call makes a descriptor's state doubtful."""
KINDS: Final = {"socket": SOCKET, "epoll": EVENTPOLL, "eventfd": EVENTFD, "tty": TTY, "file": FILE, "anon": FILE}
SHOWN: Final = 256
"""Connections on an accept queue that are made rows, at most."""


LOWER_HALF: Final = 0xFFFFFFFF
"""What a probe inside Python knows of an item's data: Python sets the descriptor, and leaves garbage above it."""


def begin(m: Mirror, snapshot: Snapshot) -> None:
    """Make what `snapshot` has, and mend what the mirror has otherwise (after a loss)."""
    m.task, m.cause = 0, NO_CAUSE
    ends: dict[int, int] = {}
    for process in snapshot.processes:
        for thread in process.threads:
            add_thread(m, thread.tid, process.pid, process.name, process.argv)
        _tables(m, process, snapshot, ends)
    m.origin = 1
    compared, differences = 0, 0
    for process in snapshot.processes:
        for descriptor in process.descriptors:
            if descriptor.kind == "epoll":
                found, wrong = _interests(m, process, descriptor, snapshot, count=False)
                compared, differences = compared + found, differences + wrong
    _queues(m, snapshot)
    for process in snapshot.processes:
        _threads(m, process)
    m.seen(MirrorChecked, compared, 0, 0, 0)


def compare(m: Mirror, snapshot: Snapshot) -> None:
    """Count the differences between the mirror and `snapshot`, and mend them."""
    m.task, m.cause, m.origin = 0, NO_CAUSE, 1
    compared = differences = 0
    blind = bool(m.world.mirrors[1].blind)
    for process in snapshot.processes:
        if process.pid not in m.world.processes:
            continue
        _tables(m, process, snapshot, {})
        for descriptor in process.descriptors:
            if descriptor.kind == "epoll":
                found, wrong = _interests(m, process, descriptor, snapshot, count=True)
                compared, differences = compared + found, differences + wrong
    queues, off = _queues(m, snapshot)
    for process in snapshot.processes:
        _sleepers(m, process, snapshot)
    m.task = 0
    m.seen(MirrorChecked, 0 if blind else compared, 0 if blind else differences, queues, off)


def ready_seen(m: Mirror, seen: ReadySeen) -> None:
    """The kernel's own ready list, as it stood at that moment."""
    row = m.world.files.get(m.file_of(seen.pid, seen.epfd))
    if row is None or row.kind != EVENTPOLL:
        return
    m.task, m.cause = 0, NO_CAUSE
    world, ep = m.world, row.obj
    by_fd = {item.fd: item.id for item in world.epitems.values() if item.ep == ep}
    wanted = [by_fd[fd] for fd in seen.fds if fd in by_fd]
    drop_ready(m, ep, set(wanted))
    here = list(walk(world.ready_lists, ep, world.ready_links))
    if here != wanted[: len(here)]:
        drop_ready(m, ep)
        here = []
    for item in wanted[len(here) :]:
        m.seen(ReadyLinked, ep, item, 0, "callback")


def _doubtful(m: Mirror, pids: Iterable[int], fd: int, snapshot: Snapshot) -> bool:
    """Whether a call of one of the processes changed what `fd` means when, or after, the snapshot was taken."""
    return not snapshot.seed and any(m.touched.get(fd_key(pid, fd), 0) > snapshot.t - MARGIN for pid in pids)


def _tables(m: Mirror, process: ProcessState, snapshot: Snapshot, ends: dict[int, int]) -> None:
    """Descriptors that are there and were not seen to come, and the other way round. `ends` has the pipes, and the open
    epoll instances, of this snapshot that were met so far."""
    world, pid = m.world, process.pid
    m.origin = 1 if snapshot.seed else 2
    there = {descriptor.fd for descriptor in process.descriptors}
    for row in [row for row in world.fds.values() if row.pid == pid and row.fd not in there]:
        if not _doubtful(m, (pid,), row.fd, snapshot):
            close_fd(m, pid, row.fd)
    for descriptor in process.descriptors:
        if not _same(m, pid, descriptor) and not _doubtful(m, (pid,), descriptor.fd, snapshot):
            install(m, pid, descriptor.fd, _file(m, descriptor, snapshot, ends), bool(descriptor.flags & O_CLOEXEC))
            m.touched.pop(fd_key(pid, descriptor.fd), None)
            m.opened.pop(fd_key(pid, descriptor.fd), None)


def _same(m: Mirror, pid: int, descriptor: Descriptor) -> bool:
    """Whether the mirror's descriptor may well be the one that the kernel has; remembers a socket's inode."""
    row = m.world.fds.get(fd_key(pid, descriptor.fd))
    if row is None:
        return False
    file = m.world.files[row.file]
    if descriptor.kind != "socket":
        known = (SOCKET, EVENTPOLL, EVENTFD, FILE)
        return file.kind == KINDS.get(descriptor.kind, file.kind) or file.kind not in known
    if file.kind != SOCKET:
        return False
    if m.inodes.get(descriptor.inode, 0) not in m.world.files:
        m.inodes[descriptor.inode] = row.file
    return m.inodes[descriptor.inode] == row.file


def _file(m: Mirror, descriptor: Descriptor, snapshot: Snapshot, ends: dict[int, int]) -> int:
    """The open file of a descriptor that turned up: a known one (dup, fork) if the inode says so, else a new one."""
    inode, kind = descriptor.inode, descriptor.kind
    if kind == "socket":
        known = m.inodes.get(inode, 0)
        if known in m.world.files:
            return known
        state = snapshot.sockets.get(inode)
        sock = new_socket(m, state.family if state else 2, state.type if state else 1, 0)
        file = m.inodes[inode] = open_file(m, SOCKET, sock, descriptor.flags)
        return file
    if kind == "pipe":
        writes = descriptor.flags & 3 == 1
        pipe = ends.get(inode) or make_object(m, PIPE_READ)
        ends[inode] = pipe
        return open_file(m, PIPE_WRITE if writes else PIPE_READ, pipe, descriptor.flags)
    own = KINDS.get(kind, kind)
    if kind == "epoll" and inode < 0 and snapshot.seed:  # several descriptors may name one instance
        known = ends.get(inode, 0)
        if known not in m.world.files:
            known = ends[inode] = open_file(m, own, make_object(m, own), descriptor.flags)
        return known
    return open_file(m, own, make_object(m, own), descriptor.flags)


def _interests(
    m: Mirror, process: ProcessState, descriptor: Descriptor, snapshot: Snapshot, *, count: bool
) -> tuple[int, int]:
    """Compare one instance with the kernel's; how many items were compared, and how many differed. Mends them."""
    world, pid = m.world, process.pid
    row = world.files.get(m.file_of(pid, descriptor.fd))
    if row is None or row.kind != EVENTPOLL or _doubtful(m, (pid,), descriptor.fd, snapshot):
        return 0, 0
    ep = row.obj
    sharing = {pid} if row.refs < 2 else {each.pid for each in world.fds.values() if each.file == row.id}
    bits = LOWER_HALF if world.mirrors[1].source.startswith("probe") else ~0
    theirs = Counter((each.fd, _mask(each.events), each.data & bits) for each in descriptor.interests)
    ours: dict[tuple[int, int, int], list[int]] = {}
    for item in [item for item in _items(m, ep) if not _doubtful(m, sharing, world.epitems[item].fd, snapshot)]:
        epitem = world.epitems[item]
        ours.setdefault((epitem.fd, _mask(epitem.events), epitem.data & bits), []).append(item)
    compared = sum(theirs.values())
    extra: dict[int, list[int]] = {}
    for key, items in ours.items():
        both = min(len(items), theirs.pop(key, 0))
        for item in items[both:]:
            extra.setdefault(key[0], []).append(item)
    missing = [each for each in descriptor.interests if theirs.get((each.fd, _mask(each.events), each.data & bits), 0)]
    missing = [each for each in missing if not _doubtful(m, sharing, each.fd, snapshot)]
    differences = 0
    m.origin = 1
    for each in missing:
        differences += 1
        same = extra.get(each.fd)
        if same:
            modify(m, same.pop(), each.events & ~ALWAYS, each.data, _mask(each.events))
        else:
            watched = _watched(m, pid, each, snapshot)
            insert(m, ep, watched, each.fd, each.events & ~ALWAYS, each.data, _mask(each.events))
    for items in extra.values():
        for item in items:
            differences += 1
            erase(m, item, "close")
    return compared, differences if count else 0


def _mask(events: int) -> int:
    return events if not events & ~PRIVATE_BITS else events | ALWAYS


def _items(m: Mirror, ep: int) -> list[int]:
    from ioviz.model.rbtree import walk as in_order

    return list(in_order(m.world, m.world.eventpolls[ep].root))


def _watched(m: Mirror, pid: int, each: Interest, snapshot: Snapshot) -> int:
    """The open file of an item: that of its descriptor, unless the number names another one by now."""
    file = m.file_of(pid, each.fd)
    row = m.world.files.get(file)
    known = m.inodes.get(each.inode, 0)
    if each.inode in snapshot.sockets or known:
        if known in m.world.files:
            return known
        state = snapshot.sockets.get(each.inode)
        sock = new_socket(m, state.family if state else 2, state.type if state else 1, 0)
        file = m.inodes[each.inode] = open_file(m, SOCKET, sock, 2)
        return file
    return file if row is not None else open_file(m, FILE, 0, 2)


def _queues(m: Mirror, snapshot: Snapshot) -> tuple[int, int]:
    """States, addresses and queue sizes of the sockets as the kernel has them."""
    world = m.world
    compared = off = 0
    for inode, state in snapshot.sockets.items():
        file = world.files.get(m.inodes.get(inode, 0))
        if file is None or file.obj not in world.sockets:
            continue
        sock = file.obj
        row = world.sockets[sock]
        m.origin = 1
        local, remote = state.local or row.local, state.remote or row.remote
        if (local, remote) != (row.local, row.remote):
            m.seen(SocketConnected, sock, state.state, local, remote, row.peer)
        elif row.state != state.state and state.state != LISTEN:
            m.seen(SocketStateChanged, sock, state.state)
        if state.rcvbuf and world.buffers[rx(sock)].limit != state.rcvbuf:
            m.seen(BufferResized, rx(sock), state.rcvbuf)
        if state.sndbuf and world.buffers[tx(sock)].limit != state.sndbuf:
            m.seen(BufferResized, tx(sock), state.sndbuf)
        if state.state == LISTEN:
            _accept_queue(m, sock, state)
            continue
        for buffer, n in ((rx(sock), state.rx), (tx(sock), state.tx)):
            compared += 1
            if world.buffers[buffer].bytes != n:
                off += 1
                m.seen(QueueMeasured, buffer, n)
    return compared, off


def _accept_queue(m: Mirror, sock: int, state: SocketState) -> None:
    """As many connections wait to be accepted as the kernel says; who they are, `accept` will tell."""
    world = m.world
    if sock not in world.accept_queues or world.sockets[sock].state != LISTEN:
        m.seen(SocketListening, sock, state.tx)
    queue = world.accept_queues[sock]
    for _ in range(min(state.rx, SHOWN) - queue.count):
        child = m.new_ids()
        m.infer(ConnectionCreated, child, sock, world.sockets[sock].local, "", 0, world.buffers[tx(sock)].limit)
        m.seen(ConnectionQueued, sock, child)
    for _ in range(queue.count - state.rx):
        child = world.accept_queues[sock].head
        m.infer(ConnectionAborted, sock, child)
        m.infer(SocketReleased, child)


def _threads(m: Mirror, process: ProcessState) -> None:
    """Who sleeps in which call."""
    for thread in process.threads:
        name = name_of(thread.nr) if thread.nr >= 0 else ""
        task = m.world.tasks.get(thread.tid)
        if thread.state != "S" or name not in SLEEPS or task is None or task.state in (DEAD, SLEEPING):
            continue
        m.on_cpu(thread.tid)
        m.task, m.cause = thread.tid, NO_CAUSE
        m.seen(TrapEntered, NO_VECTOR, thread.nr, ())
        wchan, mode = SLEEPS[name]
        file = m.world.files.get(m.file_of(process.pid, thread.args[0] if thread.args else -1))
        queues = (file.obj,) if mode >= 0 and file is not None and file.obj in m.world.wait_queues else ()
        if mode == EXCLUSIVE_HEAD and queues and file is not None:
            drop_ready(m, file.obj)
        m.seen(TaskSlept, thread.wchan or wchan, queues, m.new_ids(max(1, len(queues))), max(mode, 0), 0)
        m.infer(TaskSwitched, thread.tid, 0)
        m.open[thread.tid] = name


def _sleepers(m: Mirror, process: ProcessState, snapshot: Snapshot) -> None:
    """Threads that nobody has heard of for a while, and that the kernel says sleep: in a call that the source does not
    watch (a futex, say), or did not see them enter."""
    for thread in process.threads:
        task = m.world.tasks.get(thread.tid)
        if thread.state not in "SD" or thread.tid in m.open or m.heard.get(thread.tid, 0) > snapshot.t - MARGIN:
            continue
        if task is None or task.state in (DEAD, SLEEPING):
            continue
        name = name_of(thread.nr) if thread.nr >= 0 else ""
        m.on_cpu(thread.tid)
        m.task, m.cause = thread.tid, NO_CAUSE
        m.seen(TaskSlept, thread.wchan or SLEEPS.get(name, (name, -1))[0] or "?", (), m.new_ids(), 0, 0)
        m.infer(TaskSwitched, thread.tid, 0)


__all__ = ["HOST", "begin", "compare", "ready_seen"]
