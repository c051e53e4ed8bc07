"""What each observed call changes in the mirror: `EFFECTS`, a table by name.

An effect is applied when the call has returned. It is written so that doing it twice, or to something that the mirror
does not know yet, does no harm: a source may begin in the middle, and two threads' calls may be told in another order
than they took effect. Whatever has to exist for the effect and is not known is made first, as inferred.

The rules of the interest list were found by comparing with `fdinfo`: ERR and HUP are in every mask; a delivered
one-shot item keeps only its private bits; data has 64 bits; an item goes with the last reference to its open file.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EAGAIN, ECONNREFUSED, ECONNRESET, EINPROGRESS, EPIPE
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.buffer import BufferResized, BytesCopiedOut, rx, tx
from ioviz.model.eventfd import EventfdCounted, EventfdCreated, EventfdReleased
from ioviz.model.eventpoll import (
    PRIVATE_BITS,
    EpitemInserted,
    EpitemModified,
    EpollCreated,
    EpollReleased,
    EventDelivered,
    ReadyDropped,
    ReadyLinked,
)
from ioviz.model.files import (
    EVENTFD,
    EVENTPOLL,
    PIPE_READ,
    PIPE_WRITE,
    SOCKET,
    FdClosed,
    FdFlagsSet,
    FdInstalled,
    FileFlagsSet,
    FileOpened,
    FileReleased,
    fd_key,
)
from ioviz.model.lists import walk
from ioviz.model.mirror import BytesArrived, BytesPassed, MirrorBlinded, QueueMeasured
from ioviz.model.pipe import PipeCreated, PipeEndClosed
from ioviz.model.poll import FdsScanned
from ioviz.model.poll_bits import EPOLLET, EPOLLONESHOT, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI
from ioviz.model.rb_repairs import rb_erase, rb_find_place, rb_insert_color
from ioviz.model.socket import (
    CLOSE,
    CLOSE_WAIT,
    ESTABLISHED,
    FIN_WAIT1,
    LAST_ACK,
    LISTEN,
    SEND_SHUTDOWN,
    SYN_SENT,
    ConnectionAborted,
    ConnectionAccepted,
    ConnectionCreated,
    ConnectionQueued,
    ConnectPending,
    FinReceived,
    FinSent,
    NoSpaceSet,
    OptionSet,
    RstReceived,
    SocketBound,
    SocketConnected,
    SocketCreated,
    SocketListening,
    SocketReleased,
    SocketShutdown,
)
from ioviz.model.task import TaskWoken

if TYPE_CHECKING:
    from ioviz.live.calls import Call
    from ioviz.live.mirror import Mirror

Effect = Callable[["Mirror", int, "Call"], None]

HOST: Final = 1
FILE: Final = "file"
"""The kind of an open file that is nothing of the others: its object is not mirrored."""
ADD, DEL, MOD = 1, 2, 3
ALWAYS: Final = POLLERR | POLLHUP
O_CLOEXEC: Final = 0o2000000
O_NONBLOCK: Final = 0o4000
RCVBUF, SNDBUF = 131_072, 16_384
"""What Linux begins with (tcp_rmem, tcp_wmem): stands until the kernel is asked."""
STREAM: Final = 1
AF_UNIX: Final = 1
MASK64: Final = (1 << 64) - 1

# -- open files ------------------------------------------------------------------------------------------------------


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
        _forget_items(m, obj)
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


def _socket(m: Mirror, pid: int, fd: Any) -> int:
    """The socket behind `fd`; 0 if it is something else."""
    file = known_file(m, pid, fd, SOCKET)
    row = m.world.files.get(file)
    return row.obj if row is not None and row.kind == SOCKET else 0


# -- making descriptors ----------------------------------------------------------------------------------------------


def _opens(kind: str, flags_at: int) -> Effect:
    def effect(m: Mirror, pid: int, call: Call) -> None:
        if call.result is None or call.result < 0:
            return
        flags = _at(call, flags_at) if flags_at >= 0 else 0
        m.origin = 1
        file = open_file(m, kind, make_object(m, kind), flags)
        install(m, pid, call.result, file, bool(flags & O_CLOEXEC))

    return effect


def _at(call: Call, place: int) -> int:
    value = call.args[place] if place < len(call.args) else None
    return value if isinstance(value, int) else 0


def _make_socket(m: Mirror, pid: int, call: Call) -> None:
    if call.result is None or call.result < 0:
        return
    kind = _at(call, 1)
    m.origin = 1
    sock = new_socket(m, _at(call, 0), kind, _at(call, 2))
    file = open_file(m, SOCKET, sock, 2 | kind & O_NONBLOCK)
    install(m, pid, call.result, file, bool(kind & O_CLOEXEC))


def _make_pair(m: Mirror, pid: int, call: Call) -> None:
    pair = call.args[3] if len(call.args) > 3 else None
    if call.result != 0 or pair is None:
        return
    kind = _at(call, 1)
    m.origin = 1
    both = [new_socket(m, _at(call, 0), kind, _at(call, 2)) for _ in pair]
    for sock, peer, fd in zip(both, reversed(both), pair, strict=True):
        m.emit(SocketConnected, sock, ESTABLISHED, "", "", peer)
        install(m, pid, fd, open_file(m, SOCKET, sock, 2 | kind & O_NONBLOCK), bool(kind & O_CLOEXEC))


def _make_pipe(m: Mirror, pid: int, call: Call) -> None:
    pair = call.args[0]
    if call.result != 0 or not isinstance(pair, tuple):
        return
    flags = _at(call, 1)
    m.origin = 1
    pipe = make_object(m, PIPE_READ)
    for fd, kind, mode in ((pair[0], PIPE_READ, 0), (pair[1], PIPE_WRITE, 1)):
        install(m, pid, fd, open_file(m, kind, pipe, mode | flags & O_NONBLOCK), bool(flags & O_CLOEXEC))


def _close(m: Mirror, pid: int, call: Call) -> None:
    m.origin = 1
    if call.result == 0 or (call.result is not None and call.result == -4):
        close_fd(m, pid, _at(call, 0))


def _close_range(m: Mirror, pid: int, call: Call) -> None:
    if call.result != 0:
        return
    m.origin = 1
    first, last, flags = _at(call, 0), _at(call, 1), _at(call, 2)
    for row in [row for row in m.world.fds.values() if row.pid == pid and first <= row.fd <= last]:
        if flags & 4:
            m.emit(FdFlagsSet, pid, row.fd, True)
        else:
            close_fd(m, pid, row.fd)


def _dup(m: Mirror, pid: int, call: Call) -> None:
    if call.result is None or call.result < 0 or call.result == _at(call, 0):
        return
    file = known_file(m, pid, call.args[0], FILE)
    cloexec = call.name == "dup3" and bool(_at(call, 2) & O_CLOEXEC)
    if file:
        m.origin = 1
        install(m, pid, call.result, file, cloexec)


def _fcntl(m: Mirror, pid: int, call: Call) -> None:
    command, value = _at(call, 1), _at(call, 2)
    if call.result is None or call.result < 0:
        return
    if command in (0, 1030):
        file = known_file(m, pid, call.args[0], FILE)
        if file:
            m.origin = 1
            install(m, pid, call.result, file, command == 1030)
    elif command == 2 and fd_key(pid, _at(call, 0)) in m.world.fds:
        m.seen(FdFlagsSet, pid, _at(call, 0), bool(value & 1))
    elif command == 4:
        file = m.file_of(pid, call.args[0])
        if file and m.world.files[file].flags & O_NONBLOCK != value & O_NONBLOCK:
            m.seen(FileFlagsSet, file, m.world.files[file].flags & ~O_NONBLOCK | value & O_NONBLOCK)


def _ioctl(m: Mirror, pid: int, call: Call) -> None:
    command, file = _at(call, 1), m.file_of(pid, call.args[0])
    if call.result != 0 or not file:
        return
    if command == 0x5421:
        flags = m.world.files[file].flags
        wanted = flags | O_NONBLOCK if _at(call, 2) else flags & ~O_NONBLOCK
        if wanted != flags:
            m.seen(FileFlagsSet, file, wanted)
    elif command in (0x5450, 0x5451):
        m.seen(FdFlagsSet, pid, _at(call, 0), command == 0x5451)


def _execve(m: Mirror, pid: int, call: Call) -> None:
    if call.result == 0:
        m.origin = 2
        for row in [row for row in m.world.fds.values() if row.pid == pid and row.cloexec]:
            close_fd(m, pid, row.fd)


# -- sockets ---------------------------------------------------------------------------------------------------------


def _bind(m: Mirror, pid: int, call: Call) -> None:
    sock = _socket(m, pid, call.args[0]) if call.result == 0 else 0
    if sock:
        m.seen(SocketBound, sock, call.args[1] or "")


def _listen(m: Mirror, pid: int, call: Call) -> None:
    sock = _socket(m, pid, call.args[0]) if call.result == 0 else 0
    if sock:
        m.seen(SocketListening, sock, _at(call, 1))


def _accept(m: Mirror, pid: int, call: Call) -> None:
    if call.result is None or call.result < 0:
        return
    listener = _socket(m, pid, call.args[0])
    world = m.world
    if not listener:
        return
    if listener not in world.accept_queues:
        m.infer(SocketListening, listener, 0)
    remote = (call.args[1] if len(call.args) > 1 else None) or ""
    local = world.sockets[listener].local
    sock = world.accept_queues[listener].head
    if not sock:
        sock = m.new_ids()
        m.infer(ConnectionCreated, sock, listener, local, remote, 0, SNDBUF)
        m.infer(ConnectionQueued, listener, sock)
    m.seen(ConnectionAccepted, listener, sock)
    if world.sockets[sock].remote != remote:
        m.infer(SocketConnected, sock, ESTABLISHED, local, remote, 0)
    flags = _at(call, 3)
    m.origin = 1
    install(m, pid, call.result, open_file(m, SOCKET, sock, 2 | flags & O_NONBLOCK), bool(flags & O_CLOEXEC))


def _connect(m: Mirror, pid: int, call: Call) -> None:
    sock = _socket(m, pid, call.args[0])
    remote = call.args[1] if len(call.args) > 1 else None
    if not sock or call.result is None:
        return
    row = m.world.sockets[sock]
    if call.result == 0 or call.result == -EINPROGRESS:
        state = SYN_SENT if call.result else ESTABLISHED
        m.seen(SocketConnected, sock, state, row.local, remote or row.remote, row.peer)
        if call.result:
            m.seen(ConnectPending, sock)
    elif call.result == -ECONNREFUSED:
        m.seen(RstReceived, sock, ECONNREFUSED)


def _name(m: Mirror, pid: int, call: Call) -> None:
    """getsockname, getpeername: an address that was not known."""
    address = call.args[1] if len(call.args) > 1 else None
    sock = _socket(m, pid, call.args[0]) if call.result == 0 and address else 0
    if not sock:
        return
    row = m.world.sockets[sock]
    ours = call.name == "getsockname"
    local, remote = (address, row.remote) if ours else (row.local, address)
    if (local, remote) != (row.local, row.remote):
        state = ESTABLISHED if row.state == SYN_SENT or (not ours and row.state == CLOSE) else row.state
        m.seen(SocketConnected, sock, state, local, remote, row.peer)


def _shutdown(m: Mirror, pid: int, call: Call) -> None:
    sock = _socket(m, pid, call.args[0]) if call.result == 0 else 0
    if not sock:
        return
    row, how = m.world.sockets[sock], _at(call, 1)
    if how in (0, 2):
        m.seen(SocketShutdown, sock, row.shutdown | 1)
    if how in (1, 2) and not row.shutdown & SEND_SHUTDOWN:
        m.seen(FinSent, sock, LAST_ACK if row.done else FIN_WAIT1)
        if row.peer in m.world.sockets and not m.world.sockets[row.peer].done:
            m.infer(FinReceived, row.peer, CLOSE_WAIT)


def _setsockopt(m: Mirror, pid: int, call: Call) -> None:
    value = call.args[3] if len(call.args) > 3 else None
    sock = _socket(m, pid, call.args[0]) if call.result == 0 and isinstance(value, int) else 0
    if not sock or not isinstance(value, int):
        return
    level, option = _at(call, 1), _at(call, 2)
    m.seen(OptionSet, sock, level, option, value)
    if level == 1 and option in (7, 8):
        m.infer(BufferResized, rx(sock) if option == 8 else tx(sock), 2 * value)


def _got(m: Mirror, pid: int, call: Call) -> None:
    """recv, read and their kin: bytes went from a queue to the program."""
    result = call.result
    file = m.world.files.get(m.file_of(pid, call.args[0]))
    if file is None:
        if call.name.startswith("rec"):
            file = m.world.files.get(known_file(m, pid, call.args[0], SOCKET))
        if file is None:
            return
    if call.name == "recvmsg" and result is not None and result >= 0 and call.args[1] and call.args[1][1]:
        _rights(m, pid, call)
    if result is None or file.kind not in (SOCKET, PIPE_READ, EVENTFD):
        return
    obj = file.obj
    if file.kind == EVENTFD:
        if result == 8:
            m.infer(EventfdCounted, obj, 0)
        return
    buffer = rx(obj)
    held = m.world.buffers[buffer].bytes
    if result > 0:
        if call.name.startswith("recv") and _at(call, 3 if call.name == "recvfrom" else 2) & 2:
            return  # MSG_PEEK
        if held < result:
            m.infer(BytesArrived, buffer, result - held)
        m.seen(BytesCopiedOut, buffer, result)
        wanted = _at(call, 2) if call.name in ("read", "recvfrom") else 0
        left = m.world.buffers[buffer].bytes
        if left and result < wanted and file.kind == SOCKET:
            m.infer(QueueMeasured, buffer, 0)  # it took less than it asked for: that was all
    elif result == -EAGAIN:
        if held:
            m.infer(QueueMeasured, buffer, 0)
    elif file.kind == SOCKET:
        row = m.world.sockets[obj]
        if result == 0 and row.type == STREAM and not row.done and (call.name == "recvmsg" or _at(call, 2)):
            m.infer(FinReceived, obj, CLOSE_WAIT if row.state != FIN_WAIT1 else row.state)
        elif result == -ECONNRESET:
            m.infer(RstReceived, obj, 0)


def _rights(m: Mirror, pid: int, call: Call) -> None:
    for fd in call.args[1][1]:
        m.origin = 1
        install(m, pid, fd, open_file(m, FILE, 0, 2), False)
    m.wants_look = True


def _gave(m: Mirror, pid: int, call: Call) -> None:
    """send, write and their kin: bytes went from the program into a queue."""
    result = call.result
    file = m.world.files.get(m.file_of(pid, call.args[0]))
    if file is None and call.name.startswith("send"):
        file = m.world.files.get(known_file(m, pid, call.args[0], SOCKET))
    if file is None or result is None or file.kind not in (SOCKET, PIPE_WRITE, EVENTFD):
        return
    obj = file.obj
    if file.kind == EVENTFD:
        if result == 8:
            m.infer(EventfdCounted, obj, m.world.eventfds[obj].count + 1)
    elif file.kind == PIPE_WRITE:
        if result > 0:
            m.seen(BytesArrived, rx(obj), result)
    elif result > 0:
        row = m.world.sockets[obj]
        m.seen(BytesPassed, tx(obj), result)
        if row.nospace:
            m.infer(NoSpaceSet, obj, False)
        if row.peer in m.world.sockets and row.family == AF_UNIX:
            m.infer(BytesArrived, rx(row.peer), result)
    elif result == -EAGAIN:
        if not m.world.sockets[obj].nospace:
            m.infer(NoSpaceSet, obj, True)
    elif result in (-ECONNRESET, -EPIPE) and m.world.sockets[obj].state not in (CLOSE, LISTEN):
        m.infer(RstReceived, obj, 0)


def _sendfile(m: Mirror, pid: int, call: Call) -> None:
    file = m.world.files.get(m.file_of(pid, call.args[0]))
    if file is not None and file.kind == SOCKET and call.result is not None and call.result > 0:
        m.seen(BytesPassed, tx(file.obj), call.result)


# -- select, poll, epoll ---------------------------------------------------------------------------------------------


def _scan(m: Mirror, pid: int, call: Call) -> None:
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


def _ctl(m: Mirror, pid: int, call: Call) -> None:
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


def insert(m: Mirror, ep: int, file: int, fd: int, events: int, data: int) -> int:
    """An item for (`file`, `fd`), with the origin in force; the tree around it is inferred."""
    world, origin = m.world, m.origin
    parent, left = rb_find_place(world, ep, file, fd)
    item = m.new_ids(2)
    row = world.files[file]
    queue = row.obj if row.obj in world.wait_queues else 0
    mask = events | ALWAYS
    m.has_oneshot |= bool(events & EPOLLONESHOT)
    m.emit(EpitemInserted, ep, item, file, fd, mask, events, data & MASK64, queue, item + 1, parent, left)
    m.origin = 2
    rb_insert_color(m, ep, item)
    m.origin = origin
    m.watches.setdefault(file, []).append(item)
    m.by_fd[ep, file, fd] = item
    m.by_data.setdefault((ep, data), []).append(item)
    return item


def modify(m: Mirror, item: int, events: int, data: int) -> None:
    """A new mask, with the origin in force."""
    row = m.world.epitems[item]
    m.has_oneshot |= bool(events & EPOLLONESHOT)
    m.emit(EpitemModified, row.ep, item, events | ALWAYS, events, data & MASK64)
    if data != row.data:
        _unname(m, item, row.ep, row.data)
        m.by_data.setdefault((row.ep, data), []).append(item)


def erase(m: Mirror, item: int, by: str, *, watched: bool = True) -> None:
    """The item goes, with the origin in force; the repairs of the tree are inferred."""
    row = m.world.epitems[item]
    if watched:
        m.watches[row.file].remove(item)
    m.by_fd.pop((row.ep, row.file, row.fd), None)
    _unname(m, item, row.ep, row.data)
    rb_erase(m, row.ep, item, by)


def _unname(m: Mirror, item: int, ep: int, data: int) -> None:
    named = m.by_data.get((ep, data))
    if named is not None and item in named:
        named.remove(item)
        if not named:
            del m.by_data[ep, data]


def _forget_items(m: Mirror, ep: int) -> None:
    for item in [item for item, row in m.world.epitems.items() if row.ep == ep]:
        row = m.world.epitems[item]
        m.watches[row.file].remove(item)
        m.by_fd.pop((ep, row.file, row.fd), None)
        _unname(m, item, ep, row.data)


def drop_ready(m: Mirror, ep: int, but: frozenset[int] | set[int] = frozenset()) -> None:
    """`epoll_wait` has asked every item on the list again: those that it did not report had nothing, and left it."""
    world = m.world
    if world.ready_lists[ep].count:
        for item in [item for item in walk(world.ready_lists, ep, world.ready_links) if item not in but]:
            m.infer(ReadyDropped, ep, item)


def _waited(m: Mirror, pid: int, call: Call) -> None:
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
    most = _at(call, 2)
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


def _uring(m: Mirror, pid: int, call: Call) -> None:
    m.wants_look = True
    if not m.world.mirrors[1].blind:
        m.seen(MirrorBlinded, "io_uring")


EFFECTS: Final[dict[str, Effect]] = {
    "socket": _make_socket, "socketpair": _make_pair, "pipe": _make_pipe, "pipe2": _make_pipe,
    "open": _opens(FILE, 1), "openat": _opens(FILE, 2), "openat2": _opens(FILE, -1), "creat": _opens(FILE, -1),
    "epoll_create": _opens(EVENTPOLL, -1), "epoll_create1": _opens(EVENTPOLL, 0), "eventfd": _opens(EVENTFD, -1),
    "eventfd2": _opens(EVENTFD, 1), "timerfd_create": _opens("timerfd", 1), "signalfd4": _opens("signalfd", 3),
    "inotify_init1": _opens("inotify", 0), "memfd_create": _opens(FILE, -1), "pidfd_open": _opens("pidfd", -1),
    "io_uring_setup": _uring, "io_uring_enter": _uring, "io_uring_register": _uring,
    "close": _close, "close_range": _close_range, "dup": _dup, "dup2": _dup, "dup3": _dup, "fcntl": _fcntl,
    "ioctl": _ioctl, "execve": _execve, "bind": _bind, "listen": _listen, "accept": _accept, "accept4": _accept,
    "connect": _connect, "getsockname": _name, "getpeername": _name, "shutdown": _shutdown,
    "setsockopt": _setsockopt, "read": _got, "readv": _got, "recvfrom": _got, "recvmsg": _got, "write": _gave,
    "writev": _gave, "sendto": _gave, "sendmsg": _gave, "sendfile": _sendfile, "poll": _scan, "ppoll": _scan,
    "select": _scan, "pselect6": _scan, "epoll_ctl": _ctl, "epoll_wait": _waited, "epoll_pwait": _waited,
    "epoll_pwait2": _waited,
}  # fmt: skip
