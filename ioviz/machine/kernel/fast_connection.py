"""The usual way of the calls that make and end a connection on loopback: see `fastpath`."""

from __future__ import annotations

from errno import EAGAIN
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from ioviz.machine.kernel.fast_common import log, log_plain, socket_at, tell, would_tell
from ioviz.machine.kernel.files import FIONBIO, O_CLOEXEC, O_NONBLOCK
from ioviz.machine.kernel.flows import forget_flow
from ioviz.machine.kernel.inet import (
    AF_INET,
    FIRST_PORT,
    IPPROTO_TCP,
    PORTS_OF_A_PARITY,
    SO_REUSEADDR,
    SOCK_STREAM,
    SOL_SOCKET,
    hold_port,
    option,
    parse,
    release_port,
)
from ioviz.machine.kernel.loopback import SNDBUF_LOOPBACK
from ioviz.machine.kernel.sock import RCVBUF, SNDBUF, SO_LINGER
from ioviz.machine.kernel.tcp_state import READABLE, SO_SNDBUF, TIME_WAIT_NS
from ioviz.model.buffer import Buffer
from ioviz.model.connection_bursts import Accepted, ClosedFirst, ClosedLast, Connected, NonblockSet, Opened
from ioviz.model.files import SOCKET, Fd, OpenFile
from ioviz.model.lists import EMPTY, append, remove
from ioviz.model.socket import (
    CLOSE,
    CLOSE_WAIT,
    ESTABLISHED,
    FIN_WAIT2,
    LISTEN,
    RCV_SHUTDOWN,
    SEND_SHUTDOWN,
    Socket,
    TimeWait,
)
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

KIND: Final = 0xF
"""The bits of socket(2)'s type that are no flags."""


def socket(k: Kernel, family: int, kind: int, protocol: int) -> int | None:
    """socket(2)."""
    config, table = k.config, k.descriptors[k.pid]
    if family != AF_INET or kind & KIND != SOCK_STREAM or protocol not in (0, IPPROTO_TCP):
        return None
    if config.rcvbuf or config.sndbuf or table.next >= k.processes[k.pid].nofile:
        return None
    fd = table.take()
    world, host, pid = k.world, k.cpu, k.pid
    sock, file = k._last_id + 1, k._last_id + 2
    flags, cloexec = kind & O_NONBLOCK | 2, bool(kind & O_CLOEXEC)
    trap, returning = k.now + k._trap_cost, k._sysret_cost
    burst = Opened(
        k.seq, trap, host, k.task, k.cause, k.at, k.vector, (family, kind, protocol), sock, IPPROTO_TCP, RCVBUF, SNDBUF,
        flags, pid, fd, cloexec, returning,
    )  # fmt: skip
    log(k, burst, 5, trap + returning)
    k._last_id = file
    world.sockets[sock] = Socket(sock, host, family, SOCK_STREAM, IPPROTO_TCP)
    world.buffers[sock * 2] = Buffer(0, 0, 0, 0, RCVBUF, 0)
    world.buffers[sock * 2 + 1] = Buffer(0, 0, 0, 0, SNDBUF, 0)
    world.wait_queues[sock] = EMPTY
    world.files[file] = OpenFile(file, SOCKET, sock, flags, 1)
    world.fds[pid << 24 | fd] = Fd(pid, fd, file, cloexec)
    return fd


def connect(k: Kernel, fd: int, address: Any) -> int | None:
    """connect(2) of a new socket that blocks, to a listener that is alone on its port."""
    world, net = k.world, k.net
    found = socket_at(k, fd)
    if found is None or found[0].flags & O_NONBLOCK or type(address) is not tuple or len(address) != 2:
        return None
    row, (ip, port) = found[1], address
    if row.family != AF_INET or row.type != SOCK_STREAM or type(ip) is not str or type(port) is not int:
        return None
    if row.state != CLOSE or row.local or row.remote or row.shutdown or row.connecting or not ip.startswith("127."):
        return None
    host, protocol, sock = row.host, row.protocol, row.id
    listeners = net.listeners.get((host, port))
    if listeners is None or len(listeners) > 1 or world.wait_queues[sock].head or sock in net.disconnecting:
        return None
    listener, remote = listeners[0], f"{ip}:{port}"
    above, holders = world.sockets[listener], net.ports.get((host, protocol, port))
    if above.local != remote and above.local != f"0.0.0.0:{port}":
        return None
    if world.accept_queues[listener].count > above.backlog or holders is None:
        return None
    trap = k.now + k._trap_cost
    waits, taken, start = net.time_waits, net.taken.get((host, protocol, 0), 0), net.next_port.get((host, 0))
    if start is None or taken >= PORTS_OF_A_PARITY or (waits and waits[0][0] <= trap):
        return None
    start %= PORTS_OF_A_PARITY
    own = FIRST_PORT + 2 * start
    if (host, protocol, own) in net.ports:
        return None
    told = would_tell(k, listener, READABLE)
    if told is None:
        return None
    ep, item, events, woken = told

    buffers, tx = world.buffers, sock * 2 + 1
    options, fixed = world.options.get(listener), k.config.sndbuf
    sndbuf = SNDBUF_LOOPBACK
    if fixed or (options is not None and option(world, listener, SOL_SOCKET, SO_SNDBUF)):
        sndbuf = buffers[listener * 2 + 1].limit
    resized = 0 if fixed or option(world, sock, SOL_SOCKET, SO_SNDBUF) else SNDBUF_LOOPBACK
    local = f"127.0.0.1:{own}"
    child = k._last_id + 1
    linking, waking, returning = k.costs.epitem if ep else 0, k.costs.wakeup if woken else 0, k._sysret_cost
    burst = Connected(
        k.seq, trap, k.cpu, k.task, k.cause, k.at, ep, item, events, woken, linking, waking, k.vector, fd, ip, port,
        sock, local, remote, child, listener, sndbuf, resized, returning,
    )  # fmt: skip
    tell(k, ep, item, woken, k.seq + 5 + bool(resized))
    log(k, burst, burst.count, trap + linking + waking + returning)
    append(world.accept_queues, listener, world.accept_links, child)
    k._last_id = child
    net.ports[(host, protocol, own)] = {sock: None}
    net.taken[(host, protocol, 0)] = taken + 1
    net.next_port[(host, 0)] = start + 1
    holders[child] = None
    world.sockets[sock] = replace(row, state=ESTABLISHED, local=local, remote=remote, peer=child)
    world.sockets[child] = Socket(
        child, above.host, above.family, SOCK_STREAM, above.protocol, ESTABLISHED, remote, local, sock, listener,
        0, 0, 0, False, above.lowat,
    )  # fmt: skip
    buffers[child * 2] = Buffer(0, 0, 0, 0, buffers[listener * 2].limit, 0)
    buffers[child * 2 + 1] = Buffer(0, 0, 0, 0, sndbuf, 0)
    world.wait_queues[child] = EMPTY
    if options is not None:
        world.options[child] = options
    if resized:
        mine = buffers[tx]
        buffers[tx] = Buffer(mine.head, mine.tail, mine.bytes, mine.truesize, resized, mine.total)
    return 0


def accept4(k: Kernel, fd: int, flags: int) -> int | tuple[int, Any] | None:
    """accept4(2) of a connection that waits, or at once where none does."""
    world = k.world
    found = socket_at(k, fd)
    if found is None or flags & ~(O_NONBLOCK | O_CLOEXEC):
        return None
    file, row = found
    table, pid = k.descriptors[k.pid], k.pid
    if row.state != LISTEN or row.family != AF_INET or table.next >= k.processes[pid].nofile:
        return None
    listener = row.id
    child = world.accept_queues[listener].head
    if not child:
        if not file.flags & O_NONBLOCK:
            return None
        log_plain(k, SYS.accept4, (fd, flags), -EAGAIN)
        return -EAGAIN
    given = table.take()
    connection = world.sockets[child]
    ip, port = parse(connection.remote)
    new, status, cloexec = k._last_id + 1, flags & O_NONBLOCK | 2, bool(flags & O_CLOEXEC)
    trap, returning = k.now + k._trap_cost, k._sysret_cost
    burst = Accepted(
        k.seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, fd, flags, listener, child, new, status, pid, given,
        cloexec, ip, port, returning,
    )  # fmt: skip
    log(k, burst, 5, trap + returning)
    remove(world.accept_queues, listener, world.accept_links, child)
    k._last_id = new
    world.sockets[child] = replace(connection, listener=0)
    world.files[new] = OpenFile(new, SOCKET, child, status, 1)
    world.fds[pid << 24 | given] = Fd(pid, given, new, cloexec)
    return given, (ip, port)


def getsockname(k: Kernel, fd: int) -> tuple[int, Any] | None:
    """getsockname(2)."""
    found = socket_at(k, fd)
    if found is None:
        return None
    row = found[1]
    if row.family != AF_INET:
        return None
    name = parse(row.local)
    log_plain(k, SYS.getsockname, (fd,), 0, name)
    return 0, name


def ioctl(k: Kernel, fd: int, request: int, arg: int) -> int | None:
    """ioctl(FIONBIO)."""
    world = k.world
    entry = world.fds.get(k.pid << 24 | fd)
    if entry is None or request != FIONBIO:
        return None
    file = world.files[entry.file]
    flags = file.flags | O_NONBLOCK if arg else file.flags & ~O_NONBLOCK
    if flags == file.flags:
        log_plain(k, SYS.ioctl, (fd, request, arg), 0)
        return 0
    trap, returning, id = k.now + k._trap_cost, k._sysret_cost, file.id
    burst = NonblockSet(
        k.seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, (fd, request, arg), id, flags, returning
    )  # fmt: skip
    log(k, burst, 3, trap + returning)
    world.files[id] = OpenFile(id, file.kind, file.obj, flags, file.refs, file.pos)
    return 0


def close(k: Kernel, fd: int) -> int | None:
    """close(2) of the only descriptor of a connection with empty buffers that nobody watches."""
    world, net = k.world, k.net
    found = socket_at(k, fd)
    if found is None:
        return None
    file, row = found
    id = file.id
    if file.refs != 1 or id in k.in_use or k.watches.get(id):
        return None
    sock, peer = row.id, row.peer
    if row.protocol != IPPROTO_TCP or not peer:
        return None
    buffers = world.buffers
    if buffers[sock * 2].head or buffers[sock * 2 + 1].head or net.corked or net.timers or world.flocks:
        return None
    if sock in world.options and option(world, sock, SOL_SOCKET, SO_LINGER, -1) != -1:
        return None
    other = world.sockets.get(peer)
    if other is None or other.peer != sock:
        return None
    if row.state == ESTABLISHED and other.state == ESTABLISHED:
        return _close_first(k, fd, id, row, other)
    if row.state == CLOSE_WAIT and other.state == FIN_WAIT2 and other.orphan:
        return _close_last(k, fd, id, row, other)
    return None


def _close_first(k: Kernel, fd: int, file: int, row: Socket, other: Socket) -> int | None:
    world, sock, peer, pid = k.world, row.id, other.id, k.pid
    told = would_tell(k, peer, 0)
    if told is None:
        return None
    ep, item, _, woken = told
    trap, returning = k.now + k._trap_cost, k._sysret_cost
    linking, waking = k.costs.epitem if ep else 0, k.costs.wakeup if woken else 0
    burst = ClosedFirst(
        k.seq, trap, k.cpu, k.task, k.cause, k.at, ep, item, 0, woken, linking, waking, k.vector, pid, fd, sock, peer,
        file, returning,
    )  # fmt: skip
    tell(k, ep, item, woken, k.seq + 5)
    log(k, burst, burst.count, trap + linking + waking + returning)
    forget_flow(k, sock)
    forget_flow(k, peer)
    waiting = world.wait_queues[peer]
    if waiting.count:
        k.seen_items.pop(world.wait_entries[waiting.head].item, None)
    world.sockets[sock] = replace(row, state=FIN_WAIT2, orphan=True, shutdown=RCV_SHUTDOWN | SEND_SHUTDOWN)
    world.sockets[peer] = replace(other, state=CLOSE_WAIT, shutdown=other.shutdown | RCV_SHUTDOWN, done=True)
    _drop(k, pid, fd, file)
    return 0


def _close_last(k: Kernel, fd: int, file: int, row: Socket, other: Socket) -> int | None:
    world, net, buffers = k.world, k.net, k.world.buffers
    sock, peer, host, protocol, pid = row.id, other.id, row.host, row.protocol, k.pid
    if buffers[peer * 2].head or buffers[peer * 2 + 1].head:
        return None
    wait = k._last_id + 1
    trap, returning = k.now + k._trap_cost, k._sysret_cost
    until = trap + TIME_WAIT_NS
    reuse = peer in world.options and bool(option(world, peer, SOL_SOCKET, SO_REUSEADDR))
    burst = ClosedLast(
        k.seq, trap, k.cpu, k.task, k.cause, k.at, k.vector, pid, fd, sock, peer, file, wait, until, reuse, returning
    )  # fmt: skip
    log(k, burst, 9, trap + returning)
    hold_port(k, host, protocol, int(other.local.rpartition(":")[2]), wait)
    release_port(k, host, protocol, other.local, peer)
    release_port(k, host, protocol, row.local, sock)
    k._last_id = wait
    world.time_waits[wait] = TimeWait(wait, host, other.local, other.remote, until, reuse)
    net.time_waits.append((until, wait))
    for gone in (peer, sock):
        net.marks.pop(gone, None)
        del world.sockets[gone], buffers[gone * 2], buffers[gone * 2 + 1], world.wait_queues[gone]
        world.options.pop(gone, None)
    _drop(k, pid, fd, file)
    return 0


def _drop(k: Kernel, pid: int, fd: int, file: int) -> None:
    """The descriptor and its open file are no more."""
    del k.world.fds[pid << 24 | fd], k.world.files[file]
    heappush(k.descriptors[pid].free, fd)
    k.watches.pop(file, None)
