"""Sockets: what they are bound to, connected to, and how far each direction is open.

States are TCP's, by their names in `ss`. A socket of another family uses CLOSE, LISTEN and ESTABLISHED. The two buffers
are rows of `World.buffers` (see `ioviz.model.buffer`); the wait queue has the socket's own id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from ioviz.model.buffer import Buffer
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


class Socket(msgspec.Struct, frozen=True, gc=False):
    """`local` and `remote` are "address:port" or a path, empty when there is none. `peer` is the socket at the other
    end if it is on a host of this run (0: none). `listener` is the listening socket whose accept queue holds this one
    (0: accepted, or never queued). `error` is the pending errno (`sk_err`). `nospace` is SOCK_NOSPACE: a sender found
    no room and is owed a wake-up."""

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


class SocketBound(Event):
    """The socket has a local address: by `bind`, or chosen by `connect`."""

    sock: int
    local: str

    def apply(self, world: World) -> None:
        world.sockets[self.sock] = replace(world.sockets[self.sock], local=self.local)


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
        world.sockets[self.sock] = replace(world.sockets[self.sock], listener=self.listener)


class ConnectionAccepted(Event):
    """`accept` took connection `sock` off the queue of `listener`."""

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


class OptionSet(Event):
    """`setsockopt` of an option that the world keeps only to show."""

    sock: int
    level: int
    option: int
    value: int

    def apply(self, world: World) -> None:
        world.options[(self.sock, self.level, self.option)] = self.value


class SocketReleased(Event):
    """The socket is gone with its buffers and its wait queue."""

    sock: int

    def apply(self, world: World) -> None:
        sock = self.sock
        del world.sockets[sock]
        for buffer in (sock * 2, sock * 2 + 1):
            node = world.buffers.pop(buffer).head
            while node:
                node = world.segments.pop(node).next
        world.wait_queues.pop(sock, None)
        world.accept_queues.pop(sock, None)
