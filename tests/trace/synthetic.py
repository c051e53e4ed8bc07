"""A log made of model events alone: an epoll echo server and a client with many connections, without a kernel.

It is true to the tables of a real run (every connection has two sockets, four buffers, descriptors, an item in each of
two trees) and as deterministic; the trace is tested with it wherever no program is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ioviz.model.buffer import BytesCopiedIn, BytesCopiedOut, SegmentDelivered
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import NO_CAUSE, Event, at_of
from ioviz.model.eventpoll import EpitemInserted, EpollCreated, EventDelivered, ReadyLinked
from ioviz.model.files import SOCKET, FdClosed, FdInstalled, FileOpened, FileReleased
from ioviz.model.host import HostBooted, RunEnded, RunStarted
from ioviz.model.rb_repairs import rb_find_place, rb_insert_color
from ioviz.model.socket import (
    ConnectionAccepted,
    ConnectionCreated,
    ConnectionQueued,
    SocketConnected,
    SocketCreated,
    SocketListening,
    SocketReleased,
)
from ioviz.model.syscalls import SYS
from ioviz.model.task import (
    LineReached,
    ProcessStarted,
    SourceLoaded,
    TaskCreated,
    TaskSlept,
    TaskSwitched,
    TaskWoken,
)
from ioviz.model.terminal import TextPrinted
from ioviz.model.wait import EXCLUSIVE_HEAD
from ioviz.model.world import World

SERVER, CLIENT = 101, 102
SERVER_EP, CLIENT_EP = 1, 3
IN = 1


class Echo:
    """Call `run`; every event goes to `sink` after it was applied to `world`."""

    def __init__(self, sink: Callable[[Event], object], *, lines: bool = True) -> None:
        self.world = World()
        self.sink = sink
        self.seq = self.now = self.at = 0
        self.task = SERVER
        self.cause = NO_CAUSE
        self.lines = lines
        self.last_id = 10

    def emit(self, kind: type[Event], *own: Any) -> int:
        event = kind(self.seq, self.now, 1, self.task, self.cause, 0, self.at, *own)
        event.apply(self.world)
        self.sink(event)
        self.seq += 1
        self.now += 100
        return event.seq

    def ids(self, count: int) -> int:
        self.last_id += count
        return self.last_id - count + 1

    def line(self, number: int) -> None:
        self.at = at_of(1, number)
        if self.lines:
            self.emit(LineReached)

    def trap(self, nr: int, *args: Any) -> None:
        self.cause = self.emit(TrapEntered, 0x80, nr, args)

    def back(self, nr: int, ret: int, out: Any = None) -> None:
        self.cause = self.emit(SyscallReturned, nr, ret, out)

    def switch(self, to: int) -> None:
        before, self.task = self.task, self.task
        self.emit(TaskSwitched, before, to)
        self.task = to

    def start(self) -> None:
        self.task = 0
        self.emit(RunStarted, 7, (("trigger", "as-written"), ("entry", "int80")))
        self.emit(HostBooted, 1, "host1", "10.0.0.1")
        for pid, name in ((SERVER, "server.py"), (CLIENT, "client.py")):
            self.emit(ProcessStarted, pid, 1, name, (name, "8000"), "main" if pid == SERVER else "peer")
            self.emit(TaskCreated, pid, pid, 1)
        self.emit(SourceLoaded, 1, "server.py", "import socket\n# 服务器\n")
        self.emit(EpollCreated, SERVER_EP, 1, SERVER_EP + 1)
        self.emit(EpollCreated, CLIENT_EP, 1, CLIENT_EP + 1)
        self.listener = self.ids(1)
        self.emit(SocketCreated, self.listener, 1, 2, 1, 0, 131072, 16384)
        self.emit(SocketListening, self.listener, 128)
        self.emit(TextPrinted, SERVER, 1, "listening \udce4\n".encode("utf-8", "surrogateescape"))
        self.emit(TaskSwitched, 0, SERVER)
        self.task = SERVER

    def watch(self, ep: int, file: int, fd: int, sock: int) -> int:
        parent, left = rb_find_place(self.world, ep, file, fd)
        item = self.ids(2)
        self.emit(EpitemInserted, ep, item, file, fd, IN | 0x18, IN, fd, sock, item + 1, parent, left)
        rb_insert_color(self, ep, item)
        return item

    def descriptor(self, pid: int, fd: int, sock: int) -> int:
        file = self.ids(1)
        self.emit(FileOpened, file, SOCKET, sock, 2, sock)
        self.emit(FdInstalled, pid, fd, file, False)
        return file

    def connect(self, number: int) -> tuple[int, int, int, int]:
        """A connection: the sockets of server and client, and their items."""
        fd = 5 + number
        sock, child = self.ids(1), self.ids(1)
        self.line(10)
        self.trap(SYS.socket, 2, 1, 0)
        self.emit(SocketCreated, sock, 1, 2, 1, 0, 131072, 16384)
        file = self.descriptor(CLIENT, fd, sock)
        self.back(SYS.socket, fd)
        self.line(11)
        self.trap(SYS.connect, fd, ("127.0.0.1", 8000))
        remote = f"127.0.0.1:{30000 + number}"
        self.emit(ConnectionCreated, child, self.listener, "127.0.0.1:8000", remote, sock, 16384)
        self.emit(SocketConnected, sock, "ESTABLISHED", remote, "127.0.0.1:8000", child)
        self.emit(ConnectionQueued, self.listener, child)
        self.back(SYS.connect, 0)
        ours = self.watch(CLIENT_EP, file, fd, sock)
        self.line(20)
        self.trap(SYS.accept4, 4, 0)
        self.emit(ConnectionAccepted, self.listener, child)
        file = self.descriptor(SERVER, fd, child)
        self.back(SYS.accept4, fd, (remote, 8000))
        theirs = self.watch(SERVER_EP, file, fd, child)
        return child, sock, theirs, ours

    def message(self, source: int, target: int, ep: int, item: int, data: bytes) -> None:
        """`send` of `data`; the other end finds its item ready."""
        self.line(30)
        self.trap(SYS.sendto, 6, data[:32].decode("latin-1"), len(data), 0, None)
        segment = self.ids(1)
        self.emit(BytesCopiedIn, source * 2 + 1, segment, data, 768 + len(data))
        self.emit(SegmentDelivered, source * 2 + 1, target * 2)
        if item not in self.world.ready_links:
            self.emit(ReadyLinked, ep, item, IN, "callback")
        self.back(SYS.sendto, len(data))

    def take(self, sock: int, ep: int, item: int) -> bytes:
        """`epoll_wait` and `recv`."""
        self.line(31)
        self.trap(SYS.epoll_wait, 4, 64, -1)
        self.emit(EventDelivered, ep, item, IN, False)
        self.back(SYS.epoll_wait, 1, ((6, IN),))
        n = self.world.buffers[sock * 2].bytes
        self.line(32)
        self.trap(SYS.recvfrom, 6, 4096, 0)
        self.emit(BytesCopiedOut, sock * 2, n)
        data = b"hello" * (n // 5)
        self.back(SYS.recvfrom, n, (data[:32].decode(), None))
        return data

    def rest(self, ep: int, other: int) -> None:
        """The running task sleeps in `epoll_wait`; the other one goes on."""
        if self.world.tasks[other].state == "sleeping":
            self.emit(TaskWoken, other, "event")
        self.trap(SYS.epoll_wait, 4, 64, -1)
        self.emit(TaskSlept, "ep_poll", (ep,), self.ids(1), EXCLUSIVE_HEAD, 0)
        self.switch(other)

    def run(self, connections: int, messages: int) -> Echo:
        self.start()
        self.rest(SERVER_EP, CLIENT)
        made = [self.connect(number) for number in range(connections)]
        for _ in range(messages):
            for child, sock, theirs, _ours in made:
                self.message(sock, child, SERVER_EP, theirs, b"hello")
            self.rest(CLIENT_EP, SERVER)
            for child, sock, theirs, ours in made:
                self.message(child, sock, CLIENT_EP, ours, self.take(child, SERVER_EP, theirs))
            self.rest(SERVER_EP, CLIENT)
            for _child, sock, _theirs, ours in made:
                self.take(sock, CLIENT_EP, ours)
        self.emit(RunEnded, "exit", "", 0)
        return self


def closing(echo: Echo, connection: tuple[int, int, int, int], fd: int) -> None:
    """Close the client's end of a connection that no tree watches any more."""
    _, sock, _, _ = connection
    file = echo.world.fds[CLIENT << 24 | fd].file
    echo.emit(FdClosed, CLIENT, fd)
    echo.emit(SocketReleased, sock)
    echo.emit(FileReleased, file)


def echo_log(connections: int, messages: int, *, lines: bool = True) -> list[Event]:
    """The events of an echo run."""
    log: list[Event] = []
    Echo(log.append, lines=lines).run(connections, messages)
    return log
