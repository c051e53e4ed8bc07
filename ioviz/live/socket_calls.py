"""What the calls on sockets change: addresses, states, and how many bytes went which way. Pipes and eventfds take part.

Nobody sees what is in a real queue, so bytes are counted: what a call took must have come before, what it gave went in.
"""

from __future__ import annotations

from collections import deque
from errno import EAGAIN, ECONNREFUSED, ECONNRESET, EINPROGRESS, EPIPE
from typing import TYPE_CHECKING

from ioviz.live.open_files import (
    AF_UNIX,
    O_CLOEXEC,
    O_NONBLOCK,
    SNDBUF,
    STREAM,
    install,
    known_file,
    number_at,
    open_file,
    socket_of,
)
from ioviz.model.buffer import BufferResized, BytesCopiedOut, rx, tx
from ioviz.model.eventfd import EventfdCounted
from ioviz.model.files import (
    EVENTFD,
    PIPE_READ,
    PIPE_WRITE,
    SOCKET,
    FileHeld,
)
from ioviz.model.mirror import BytesArrived, BytesPassed, QueueMeasured
from ioviz.model.socket import (
    CLOSE,
    CLOSE_WAIT,
    ESTABLISHED,
    FIN_WAIT1,
    LAST_ACK,
    LISTEN,
    SEND_SHUTDOWN,
    SYN_SENT,
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
    SocketListening,
    SocketShutdown,
)

if TYPE_CHECKING:
    from ioviz.live.calls import Call
    from ioviz.live.mirror import Mirror


def bound(m: Mirror, pid: int, call: Call) -> None:
    """bind(2)."""
    sock = socket_of(m, pid, call.args[0]) if call.result == 0 else 0
    if sock:
        m.seen(SocketBound, sock, call.args[1] or "")


def listening(m: Mirror, pid: int, call: Call) -> None:
    """listen(2)."""
    sock = socket_of(m, pid, call.args[0]) if call.result == 0 else 0
    if sock:
        m.seen(SocketListening, sock, number_at(call, 1))


def accepted(m: Mirror, pid: int, call: Call) -> None:
    """accept(2): a connection, which must have waited on the queue, has a descriptor now."""
    if call.result is None or call.result < 0:
        return
    listener = socket_of(m, pid, call.args[0])
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
    flags = number_at(call, 3)
    m.origin = 1
    install(m, pid, call.result, open_file(m, SOCKET, sock, 2 | flags & O_NONBLOCK), bool(flags & O_CLOEXEC))


def connected(m: Mirror, pid: int, call: Call) -> None:
    """connect(2)."""
    sock = socket_of(m, pid, call.args[0])
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


def learn_name(m: Mirror, pid: int, call: Call) -> None:
    """getsockname, getpeername: an address that was not known."""
    address = call.args[1] if len(call.args) > 1 else None
    sock = socket_of(m, pid, call.args[0]) if call.result == 0 and address else 0
    if not sock:
        return
    row = m.world.sockets[sock]
    ours = call.name == "getsockname"
    local, remote = (address, row.remote) if ours else (row.local, address)
    if (local, remote) != (row.local, row.remote):
        state = ESTABLISHED if row.state == SYN_SENT or (not ours and row.state == CLOSE) else row.state
        m.seen(SocketConnected, sock, state, local, remote, row.peer)


def shut_down(m: Mirror, pid: int, call: Call) -> None:
    """shutdown(2)."""
    sock = socket_of(m, pid, call.args[0]) if call.result == 0 else 0
    if not sock:
        return
    row, how = m.world.sockets[sock], number_at(call, 1)
    if how in (0, 2):
        m.seen(SocketShutdown, sock, row.shutdown | 1)
    if how in (1, 2) and not row.shutdown & SEND_SHUTDOWN:
        m.seen(FinSent, sock, LAST_ACK if row.done else FIN_WAIT1)
        if row.peer in m.world.sockets and not m.world.sockets[row.peer].done:
            m.infer(FinReceived, row.peer, CLOSE_WAIT)


def option_set(m: Mirror, pid: int, call: Call) -> None:
    """setsockopt(2)."""
    value = call.args[3] if len(call.args) > 3 else None
    sock = socket_of(m, pid, call.args[0]) if call.result == 0 and isinstance(value, int) else 0
    if not sock or not isinstance(value, int):
        return
    level, option = number_at(call, 1), number_at(call, 2)
    m.seen(OptionSet, sock, level, option, value)
    if level == 1 and option in (7, 8):
        m.infer(BufferResized, rx(sock) if option == 8 else tx(sock), 2 * value)


def received(m: Mirror, pid: int, call: Call) -> None:
    """recv, read and their kin: bytes went from a queue to the program."""
    result = call.result
    file = m.world.files.get(m.file_of(pid, call.args[0]))
    if file is None:
        if call.name.startswith("rec"):
            file = m.world.files.get(known_file(m, pid, call.args[0], SOCKET))
        if file is None:
            return
    if call.name == "recvmsg" and result is not None and result >= 0 and call.args[1] and call.args[1][1]:
        _rights(m, pid, call, file.obj)
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
        if call.name.startswith("recv") and number_at(call, 3 if call.name == "recvfrom" else 2) & 2:
            return  # MSG_PEEK
        if held < result:
            m.infer(BytesArrived, buffer, result - held)
        m.seen(BytesCopiedOut, buffer, result)
        wanted = number_at(call, 2) if call.name in ("read", "recvfrom") else 0
        left = m.world.buffers[buffer].bytes
        if left and result < wanted and file.kind == SOCKET:
            m.infer(QueueMeasured, buffer, 0)  # it took less than it asked for: that was all
    elif result == -EAGAIN:
        if held:
            m.infer(QueueMeasured, buffer, 0)
    elif file.kind == SOCKET:
        row = m.world.sockets[obj]
        if result == 0 and row.type == STREAM and not row.done and (call.name == "recvmsg" or number_at(call, 2)):
            m.infer(FinReceived, obj, CLOSE_WAIT if row.state != FIN_WAIT1 else row.state)
        elif result == -ECONNRESET:
            m.infer(RstReceived, obj, 0)


def _rights(m: Mirror, pid: int, call: Call, sock: int) -> None:
    """Descriptors came with a message: of the files that were sent, or, if nobody saw that, most likely of sockets."""
    fds = call.args[1][1]
    on_way = m.passed.get(sock)
    files = on_way.popleft() if on_way else ()
    if len(files) != len(fds):
        files = (0,) * len(fds)
    for fd, file in zip(fds, files, strict=True):
        m.origin = 1
        if file:
            install(m, pid, fd, file, False)
            m.infer(FileHeld, file, -1)
        else:
            known_file(m, pid, fd, SOCKET)
    m.wants_look = True


def _passing(m: Mirror, pid: int, fds: tuple[int, ...], peer: int) -> None:
    """Descriptors are sent: until somebody receives them, the message refers to their files."""
    files = tuple(m.file_of(pid, fd) for fd in fds)
    if peer not in m.world.sockets or not all(files):
        return
    for file in files:
        m.infer(FileHeld, file, 1)
    m.passed.setdefault(peer, deque()).append(files)


def sent(m: Mirror, pid: int, call: Call) -> None:
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
        if call.name == "sendmsg" and len(call.args) > 1 and call.args[1] and call.args[1][1]:
            _passing(m, pid, call.args[1][1], row.peer)
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


def file_sent(m: Mirror, pid: int, call: Call) -> None:
    """sendfile(2)."""
    file = m.world.files.get(m.file_of(pid, call.args[0]))
    if file is not None and file.kind == SOCKET and call.result is not None and call.result > 0:
        m.seen(BytesPassed, tx(file.obj), call.result)


def spliced(m: Mirror, pid: int, call: Call) -> None:
    """splice(2) and tee(2): bytes go from one queue to another, and no program sees them; tee leaves them where they
    are, too."""
    count = call.result
    tees = call.name == "tee"
    if count is None or count <= 0 or len(call.args) < (2 if tees else 3):
        return
    source = m.world.files.get(m.file_of(pid, call.args[0]))
    target = m.world.files.get(m.file_of(pid, call.args[1 if tees else 2]))
    if source is not None and source.kind in (SOCKET, PIPE_READ) and not tees:
        buffer = rx(source.obj)
        held = m.world.buffers[buffer].bytes
        if held < count:
            m.infer(BytesArrived, buffer, count - held)
        m.infer(QueueMeasured, buffer, max(0, held - count))
    if target is not None and target.kind == SOCKET:
        m.seen(BytesPassed, tx(target.obj), count)
    elif target is not None and target.kind == PIPE_WRITE:
        m.seen(BytesArrived, rx(target.obj), count)
