"""Open files of the mirror: made, named by descriptors, shared by dup and fork, and released with the last reference.

Whatever a call needs and is not known is made first, as inferred: a source may begin in the middle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.live.interest import erase, forget_items
from ioviz.model.eventfd import EventfdCreated, EventfdReleased
from ioviz.model.eventpoll import (
    EpollCreated,
    EpollReleased,
)
from ioviz.model.files import (
    EVENTFD,
    EVENTPOLL,
    PIPE_READ,
    PIPE_WRITE,
    SOCKET,
    FdClosed,
    FdInstalled,
    FileOpened,
    FileReleased,
    fd_key,
)
from ioviz.model.lists import walk
from ioviz.model.pipe import PipeCreated, PipeEndClosed
from ioviz.model.socket import (
    CLOSE_WAIT,
    ConnectionAborted,
    FinReceived,
    SocketCreated,
    SocketReleased,
)
from ioviz.model.task import TaskWoken

if TYPE_CHECKING:
    from ioviz.live.calls import Call
    from ioviz.live.mirror import Mirror

HOST: Final = 1
FILE: Final = "file"
"""The kind of an open file that is nothing of the others: its object is not mirrored."""
O_CLOEXEC: Final = 0o2000000
O_NONBLOCK: Final = 0o4000
RCVBUF, SNDBUF = 131_072, 16_384
"""What Linux begins with (tcp_rmem, tcp_wmem): stands until the kernel is asked."""
STREAM: Final = 1
AF_UNIX: Final = 1


def open_file(m: Mirror, kind: str, obj: int, flags: int) -> int:
    """A new open file over `obj`; its id."""
    file = m.new_ids()
    m.emit(FileOpened, file, kind, obj, flags & ~O_CLOEXEC, 0)
    return file


def install(m: Mirror, pid: int, fd: int, file: int, cloexec: bool) -> None:
    """Descriptor `fd` names `file`; whatever it named before was closed unseen."""
    if fd_key(pid, fd) in m.world.fds:
        close_fd(m, pid, fd)
    m.emit(FdInstalled, pid, fd, file, cloexec)
    if m.origin == 1:
        m.opened[fd_key(pid, fd)] = m.returned
    m.touched[fd_key(pid, fd)] = m.last


def close_fd(m: Mirror, pid: int, fd: int) -> None:
    """Descriptor `fd` is free again; with the last reference the file goes, and what it opens."""
    key = fd_key(pid, fd)
    row = m.world.fds.get(key)
    m.touched[key] = m.last
    if row is None:
        return
    m.emit(FdClosed, pid, fd)
    if m.world.files[row.file].refs == 0:
        release(m, row.file)


def release(m: Mirror, file: int) -> None:
    """The last reference to `file` is gone."""
    world, before = m.world, m.origin
    m.origin = 2
    for item in m.watches.pop(file, ()):
        erase(m, item, "close", watched=False)
    row = world.files[file]
    obj = row.obj
    for entry in list(walk(world.wait_queues, obj, world.wait_links)) if obj in world.wait_queues else ():
        sleeper = world.wait_entries[entry].task
        if sleeper:  # the kernel lets it sleep on; here there is nothing left to sleep on
            m.emit(TaskWoken, sleeper, "event")
    if row.kind == SOCKET and obj in world.sockets:
        for child in list(walk(world.accept_queues, obj, world.accept_links)) if obj in world.accept_queues else ():
            m.emit(ConnectionAborted, obj, child)
            m.emit(SocketReleased, child)
        _leave_queue(m, obj)
        m.emit(SocketReleased, obj)
    elif row.kind == EVENTPOLL and obj in world.eventpolls:
        forget_items(m, obj)
        m.emit(EpollReleased, obj)
    elif row.kind in (PIPE_READ, PIPE_WRITE) and obj in world.pipes:
        pipe = world.pipes[obj]
        reads = row.kind == PIPE_READ
        m.emit(PipeEndClosed, obj, pipe.readers - reads, pipe.writers - (not reads))
    elif row.kind == EVENTFD and obj in world.eventfds:
        m.emit(EventfdReleased, obj)
    m.emit(FileReleased, file)
    m.origin = before


def _leave_queue(m: Mirror, sock: int) -> None:
    """The other end of a pair keeps no row of one that is gone."""
    row = m.world.sockets[sock]
    peer = m.world.sockets.get(row.peer)
    if peer is not None and not peer.done:
        m.emit(FinReceived, row.peer, CLOSE_WAIT)


def close_process(m: Mirror, pid: int) -> None:
    """All descriptors of a process go with it."""
    m.origin = 2
    for key in [key for key, row in m.world.fds.items() if row.pid == pid]:
        close_fd(m, pid, key & 0xFFFFFF)


def copy_table(m: Mirror, parent: int, child: int) -> None:
    """`fork`: the child's descriptors name the same open files."""
    m.origin = 2
    for row in [row for row in m.world.fds.values() if row.pid == parent]:
        install(m, child, row.fd, row.file, row.cloexec)


def known_file(m: Mirror, pid: int, fd: Any, kind: str) -> int:
    """The open file behind `fd`; one of `kind` is inferred if none is known. 0 for no descriptor at all."""
    if not isinstance(fd, int) or not 0 <= fd < 1 << 24:
        return 0
    row = m.world.fds.get(fd_key(pid, fd))
    if row is not None:
        return row.file
    m.origin = 2
    file = open_file(m, kind, make_object(m, kind), 2)
    install(m, pid, fd, file, False)
    m.wants_look = True
    return file


def make_object(m: Mirror, kind: str) -> int:
    """The object of an open file of `kind` that turned up."""
    if kind == SOCKET:
        return new_socket(m, 2, STREAM, 0)
    if kind == EVENTPOLL:
        ep = m.new_ids(2)
        m.emit(EpollCreated, ep, HOST, ep + 1)
        return ep
    if kind in (PIPE_READ, PIPE_WRITE):
        pipe = m.new_ids(2)
        m.emit(PipeCreated, pipe, HOST, pipe + 1)
        return pipe
    if kind == EVENTFD:
        eventfd = m.new_ids()
        m.emit(EventfdCreated, eventfd, HOST, 0, False)
        return eventfd
    return 0


def new_socket(m: Mirror, family: int, kind: int, protocol: int) -> int:
    """A socket row."""
    sock = m.new_ids()
    m.emit(SocketCreated, sock, HOST, family, kind & 0xF, protocol, RCVBUF, SNDBUF)
    return sock


def socket_of(m: Mirror, pid: int, fd: Any) -> int:
    """The socket behind `fd`; 0 if it is something else."""
    file = known_file(m, pid, fd, SOCKET)
    row = m.world.files.get(file)
    return row.obj if row is not None and row.kind == SOCKET else 0


def number_at(call: Call, place: int) -> int:
    """The argument at `place` if it is a number, else 0."""
    value = call.args[place] if place < len(call.args) else None
    return value if isinstance(value, int) else 0
