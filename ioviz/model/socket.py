"""Sockets: what they are bound to, connected to, and how far each direction is open.

States are TCP's, by their names in `ss`. A socket of another family uses CLOSE, LISTEN and ESTABLISHED. The two buffers
are rows of `World.buffers` (see `ioviz.model.buffer`); the wait queue has the socket's own id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from ioviz.model.buffer import Buffer, consume
from ioviz.model.event import Event
from ioviz.model.lists import EMPTY, append, remove

if TYPE_CHECKING:
    from ioviz.model.world import World

CLOSE: Final = "CLOSE"
LISTEN: Final = "LISTEN"
SYN_SENT: Final = "SYN-SENT"
SYN_RECV: Final = "SYN-RECV"
ESTABLISHED: Final = "ESTABLISHED"
FIN_WAIT1: Final = "FIN-WAIT-1"
FIN_WAIT2: Final = "FIN-WAIT-2"
CLOSE_WAIT: Final = "CLOSE-WAIT"
LAST_ACK: Final = "LAST-ACK"
CLOSING: Final = "CLOSING"
TIME_WAIT: Final = "TIME-WAIT"

RCV_SHUTDOWN: Final = 1
SEND_SHUTDOWN: Final = 2
NOT_URGENT: Final = -1
URGENT_READ: Final = -2
"""`Socket.urgent` where there is no urgent byte, and where it was taken, and its mark in the stream is still ahead."""


class Socket(msgspec.Struct, frozen=True, gc=False):
    """`local` and `remote` are "address:port" or a path, empty when there is none. `peer` is the socket at the other
    end if it is on the same host (0: none, or elsewhere). `listener` is the listening socket whose SYN or accept queue
    holds this one (0: accepted, or never queued). `error` is the pending errno (`sk_err`). `nospace` is SOCK_NOSPACE:
    a sender found no room and is owed a wake-up. `lowat` is SO_RCVLOWAT. `done` is SOCK_DONE: the peer's FIN came.
    `orphan` is SOCK_DEAD: no file refers to it any more, and the kernel finishes the conversation by itself. `bound`:
    the program chose the local address. `connecting`: `connect` returned before the handshake was over
    (SS_CONNECTING)."""

    id: int
    host: int
    family: int
    type: int
    protocol: int
    state: str = CLOSE
    local: str = ""
    remote: str = ""
    peer: int = 0
    listener: int = 0
    backlog: int = 0
    shutdown: int = 0
    error: int = 0
    nospace: bool = False
    lowat: int = 1
    done: bool = False
    orphan: bool = False
    bound: bool = False
    connecting: bool = False
    urgent: int = -1


class TimeWait(msgspec.Struct, frozen=True, gc=False):
    """What stays of a connection for 60 s after both ends closed: it keeps the port from being bound again."""

    id: int
    host: int
    local: str
    remote: str
    until: int
    reuse: bool


class SocketCreated(Event):
    """A socket with two empty buffers and a wait queue."""

    sock: int
    host: int
    family: int
    type: int
    protocol: int
    rcvbuf: int
    sndbuf: int

    def apply(self, world: World) -> None:
        sock = self.sock
        world.sockets[sock] = Socket(sock, self.host, self.family, self.type, self.protocol)
        world.buffers[sock * 2] = Buffer(0, 0, 0, 0, self.rcvbuf, 0)
        world.buffers[sock * 2 + 1] = Buffer(0, 0, 0, 0, self.sndbuf, 0)
        world.wait_queues[sock] = EMPTY


class ConnectionCreated(Event):
    """A SYN came to `listener`: a new socket for this connection, with the listener's options. It waits for the last
    segment of the handshake on the SYN queue (Linux keeps a smaller `request_sock` there)."""

    sock: int
    listener: int
    local: str
    remote: str
    peer: int
    sndbuf: int

    def apply(self, world: World) -> None:
        sock, listener = self.sock, self.listener
        row = world.sockets[listener]
        world.sockets[sock] = Socket(
            sock, row.host, row.family, row.type, row.protocol, SYN_RECV, self.local, self.remote, self.peer, listener,
            0, 0, 0, False, row.lowat,
        )  # fmt: skip
        world.buffers[sock * 2] = Buffer(0, 0, 0, 0, world.buffers[listener * 2].limit, 0)
        world.buffers[sock * 2 + 1] = Buffer(0, 0, 0, 0, self.sndbuf, 0)
        world.wait_queues[sock] = EMPTY
        options = world.options.get(listener)
        if options is not None:
            world.options[sock] = options


class SocketBound(Event):
    """`bind`: the socket has the local address that the program asked for."""

    sock: int
    local: str

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], local=self.local, bound=True)


class SocketListening(Event):
    """`listen`: the socket has an accept queue of at most `backlog` + 1 connections."""

    sock: int
    backlog: int

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], state=LISTEN, backlog=self.backlog)
        world.accept_queues.setdefault(self.sock, EMPTY)


class SocketConnected(Event):
    """The socket knows its other end; the handshake may still be going on (`state`)."""

    sock: int
    state: str
    local: str
    remote: str
    peer: int

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(
            world.sockets[self.sock], state=self.state, local=self.local, remote=self.remote, peer=self.peer
        )


class ConnectPending(Event):
    """`connect` returns while the handshake goes on (EINPROGRESS, or a signal); a later `connect` asks how it went."""

    sock: int

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], connecting=True)


class ConnectFinished(Event):
    """The `connect` that asked was told how the handshake went."""

    sock: int

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], connecting=False)


class SocketStateChanged(Event):
    """A transition of the TCP state diagram."""

    sock: int
    state: str

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], state=self.state)


class ConnectionQueued(Event):
    """The handshake is complete: connection `sock` waits on the accept queue of `listener`."""

    listener: int
    sock: int

    def apply(self, world: World) -> None:
        append(world.accept_queues, self.listener, world.accept_links, self.sock)
        world.sockets[self.sock] = replace(world.sockets[self.sock], state=ESTABLISHED, listener=self.listener)


class ConnectionAccepted(Event):
    """`accept` took connection `sock` off the queue of `listener`."""

    listener: int
    sock: int

    def apply(self, world: World) -> None:
        remove(world.accept_queues, self.listener, world.accept_links, self.sock)
        world.sockets[self.sock] = replace(world.sockets[self.sock], listener=0)


class ConnectionAborted(Event):
    """`listener` is closing: connection `sock`, which nobody accepted, leaves its queue."""

    listener: int
    sock: int

    def apply(self, world: World) -> None:
        remove(world.accept_queues, self.listener, world.accept_links, self.sock)
        world.sockets[self.sock] = replace(world.sockets[self.sock], listener=0)


class SocketShutdown(Event):
    """One or both directions were closed, from here or by the peer's FIN: `shutdown` is the new set of bits."""

    sock: int
    shutdown: int

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], shutdown=self.shutdown)


class SocketErrorSet(Event):
    """`sk_err` was set (RST, refused, timed out), or read and so cleared (0)."""

    sock: int
    error: int

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], error=self.error)


class NoSpaceSet(Event):
    """A sender found the send buffer full (SOCK_NOSPACE), or room has come back."""

    sock: int
    nospace: bool

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], nospace=self.nospace)


class LowatSet(Event):
    """`setsockopt(SO_RCVLOWAT)`: so many unread bytes make the socket readable."""

    sock: int
    lowat: int

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], lowat=self.lowat)


class OptionSet(Event):
    """`setsockopt` of an option. A socket's options are one row of (level, option, value), which its connections
    share."""

    sock: int
    level: int
    option: int
    value: int

    def apply(self, world: World) -> None:
        kept = tuple(row for row in world.options.get(self.sock, ()) if row[0] != self.level or row[1] != self.option)
        world.options[self.sock] = (*kept, (self.level, self.option, self.value))


class SynDropped(Event):
    """The accept queue of `listener` is full: the SYN from `remote` is thrown away, and its sender will try again."""

    listener: int
    remote: str


class FinSent(Event):
    """This end has no more to say: FIN-WAIT-1, or LAST-ACK if the peer has said so already."""

    sock: int
    state: str

    def apply(self, world: World) -> None:
        row = world.sockets[self.sock]
        world.sockets[self.sock] = replace(row, state=self.state, shutdown=row.shutdown | SEND_SHUTDOWN)


class FinReceived(Event):
    """The peer's FIN came, after all of its data: from now on `recv` finds the end of the stream."""

    sock: int
    state: str

    def apply(self, world: World) -> None:
        row = world.sockets[self.sock]
        world.sockets[self.sock] = replace(row, state=self.state, shutdown=row.shutdown | RCV_SHUTDOWN, done=True)


class RstReceived(Event):
    """The peer broke the connection off: `error` is pending, what was to be sent is gone, what was received stays."""

    sock: int
    error: int

    def apply(self, world: World) -> None:
        row = world.sockets[self.sock]
        world.sockets[self.sock] = replace(
            row, state=CLOSE, shutdown=RCV_SHUTDOWN | SEND_SHUTDOWN, error=self.error, peer=0
        )
        world.tcps.pop(self.sock, None)
        buffer = world.buffers[self.sock * 2 + 1]
        if buffer.bytes:
            consume(world, self.sock * 2 + 1, buffer.bytes)


class RstSent(Event):
    """This end breaks the connection off (`why`: unread data, data after close, linger, no socket)."""

    sock: int
    why: str


class SocketOrphaned(Event):
    """The last descriptor is gone while there is still something to send or to wait for: the kernel goes on alone."""

    sock: int

    def apply(self, world: World) -> None:
        row = world.sockets[self.sock]
        world.sockets[self.sock] = replace(row, orphan=True, shutdown=RCV_SHUTDOWN | SEND_SHUTDOWN)


class SocketDisconnected(Event):
    """`connect` failed, or an address of no family was connected to: the socket is as new, but bound to `local`."""

    sock: int
    local: str

    def apply(self, world: World) -> None:
        row = world.sockets[self.sock]
        world.sockets[self.sock] = Socket(
            row.id, row.host, row.family, row.type, row.protocol, CLOSE, self.local, lowat=row.lowat, bound=row.bound
        )


class UrgentReceived(Event):
    """A byte out of band (MSG_OOB) reached `sock`: it stands beside the receive buffer. -1: the program took it."""

    sock: int
    byte: int

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], urgent=self.byte)


class TimeWaitStarted(Event):
    """Both ends of connection `sock` have closed, this one first: its addresses stay taken until the time `until`."""

    sock: int
    id: int
    until: int
    reuse: bool

    def apply(self, world: World) -> None:
        row = world.sockets[self.sock]
        world.time_waits[self.id] = TimeWait(self.id, row.host, row.local, row.remote, self.until, self.reuse)
        world.sockets[self.sock] = replace(row, state=CLOSE, shutdown=RCV_SHUTDOWN | SEND_SHUTDOWN, peer=0, done=True)
        world.tcps.pop(self.sock, None)


class TimeWaitEnded(Event):
    """60 s are over (noticed when the addresses are wanted next), or the port was needed."""

    id: int

    def apply(self, world: World) -> None:
        del world.time_waits[self.id]


class SocketReleased(Event):
    """The socket is gone with its buffers and its wait queue."""

    sock: int

    def apply(self, world: World) -> None:
        sock = self.sock
        del world.sockets[sock]
        for buffer in (sock * 2, sock * 2 + 1):
            node = world.buffers.pop(buffer).head
            while node:
                world.senders.pop(node, None)
                node = world.segments.pop(node).next
        world.wait_queues.pop(sock, None)
        world.accept_queues.pop(sock, None)
        world.options.pop(sock, None)
        world.tcps.pop(sock, None)
