"""What the fast path remembers: of a connection (`Flow`) and of an item of an epoll instance (`Seen`).

Both are derived from rows that seldom change, so that a message need not look each of them up again. They are forgotten
when such a row changes: all of them with an event that may write descriptors or sockets (`Core.emit` sees to it), and
by name where the fast path closes a connection or an item is changed or deleted. A `Flow` knows its peer's waiter only
as long as the row of that wait queue is the same object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.machine.kernel.eventpoll import REPORTS
from ioviz.machine.kernel.fast_common import socket_at
from ioviz.machine.kernel.inet import IPPROTO_TCP
from ioviz.machine.kernel.tcp_state import READABLE
from ioviz.model.files import SOCKET
from ioviz.model.lists import Queue
from ioviz.model.poll_bits import EPOLLEXCLUSIVE, EPOLLONESHOT
from ioviz.model.socket import ESTABLISHED, NOT_URGENT

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.eventpoll import Epitem
    from ioviz.model.world import World


class Flow(msgspec.Struct, gc=False):
    """An established TCP connection on loopback, nothing wrong with it, seen from one of its ends: this socket with the
    keys of its two buffers and its SO_RCVLOWAT, then the same of its peer."""

    sock: int
    tx: int
    rx: int
    lowat: int
    peer: int
    peer_tx: int
    peer_rx: int
    peer_lowat: int
    waiting: Queue | None = None
    """The peer's wait queue, if its only entry is that of the item below."""
    item: int = 0
    events: int = 0
    """What data that arrives puts on the ready list with the item; 0: it is not told."""
    ep: int = 0
    poll_queue: int = 0


Pair = tuple[int, int]
Seen = tuple[int, int, int, int, Pair, int, Pair]
"""Of an item: the keys of its socket's buffers, rx and tx, and lowat; then mark (see `Polled`) and pair for the program
where there is something to read, and the same where there is not."""


def flow_of(k: Kernel, fd: int) -> Flow | None:
    """Look the connection up and remember it; None where it is none, or not of this kind."""
    found = socket_at(k, fd)
    if found is None:
        return None
    row = found[1]
    sock, peer = row.id, row.peer
    if not peer or row.state != ESTABLISHED or row.error or row.shutdown or row.urgent != NOT_URGENT:
        return None
    if row.protocol != IPPROTO_TCP:
        return None
    other = k.world.sockets.get(peer)
    if other is None or other.orphan:
        return None
    known = k.flow_keys.get(sock)
    if known is not None:  # by another descriptor
        del k.flows[known]
    k.flow_keys[sock] = key = k.pid << 24 | fd
    flow = Flow(sock, sock * 2 + 1, sock * 2, row.lowat, peer, peer * 2 + 1, peer * 2, other.lowat)
    k.flows[key] = flow
    return flow


def watch(world: World, flow: Flow, waiting: Queue, item: int) -> bool:
    """`item` alone waits for the peer's data: remember it, but for one whose mask changes as it is delivered. False
    where it is not for the fast path."""
    watched = world.epitems[item]
    mask = watched.events
    if mask & EPOLLEXCLUSIVE:
        return False
    flow.waiting = None if mask & EPOLLONESHOT else waiting
    flow.item, flow.ep = item, watched.ep
    flow.events = READABLE & mask if mask & REPORTS else 0
    flow.poll_queue = world.eventpolls[watched.ep].poll_queue
    return True


def forget_flow(k: Kernel, sock: int) -> None:
    """Forget the flow of `sock`, if there is one."""
    key = k.flow_keys.pop(sock, None)
    if key is not None:
        del k.flows[key]


def forget_item(k: Kernel, item: Epitem) -> None:
    """Forget `item`, and who tells it of data."""
    k.seen_items.pop(item.id, None)
    file = k.world.files[item.file]
    if file.kind == SOCKET:
        forget_flow(k, k.world.sockets[file.obj].peer)
