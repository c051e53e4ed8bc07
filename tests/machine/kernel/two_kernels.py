"""One script of system calls, run on the simulated kernel and on the real one.

A script is a function of a `Calls`: it makes calls and returns what it observed. Calls return what the kernel does: a
number, a negative errno, or data. Descriptors are non-blocking unless asked for otherwise; events carry a `data` that
the script chooses, so the numbers of descriptors need not agree between the kernels.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from ioviz.machine.kernel.kernel import Kernel
from ioviz.model.syscalls import SYS
from tests.machine.kernel.harness import Ran, run

IN, PRI, OUT, ERR, HUP, NVAL, RDHUP = 1, 2, 4, 8, 16, 32, 0x2000
EXCLUSIVE, ONESHOT, ET = 1 << 28, 1 << 30, 1 << 31
ADD, DEL, MOD = 1, 2, 3
SECOND = 10**9

Found = list[tuple[int, int]] | int
"""What `wait` returns: pairs (data, events), or a negative errno."""
Pair = tuple[int, int]


class Calls(Protocol):
    """The system calls that scripts make."""

    def epoll(self) -> int: ...
    def ctl(self, ep: int, op: int, fd: int, events: int = 0, data: int | None = None) -> int: ...
    def wait(self, ep: int, maxevents: int = 64, timeout: int = 0) -> Found: ...
    def poll(self, fds: list[Pair], timeout: int | None = 0) -> Any: ...
    def select(self, reads: list[int], writes: list[int], excepts: list[int], timeout: int | None = 0) -> Any: ...
    def pipe(self, blocking: bool = False) -> Pair: ...
    def unix(self, blocking: bool = False) -> Pair: ...
    def tcp(self, blocking: bool = False) -> Pair: ...
    def listener(self, blocking: bool = False) -> int: ...
    def connect(self, listener: int) -> int: ...
    def accept(self, listener: int) -> int: ...
    def eventfd(self, count: int = 0, flags: int = 0) -> int: ...
    def write(self, fd: int, data: bytes) -> int: ...
    def read(self, fd: int, n: int) -> bytes | int: ...
    def send_urgent(self, fd: int) -> int: ...
    def shutdown(self, fd: int, how: int) -> int: ...
    def reset(self, fd: int) -> int: ...
    def close(self, fd: int) -> int: ...
    def dup(self, fd: int) -> int: ...
    def dup2(self, old: int, new: int) -> int: ...
    def regular(self) -> int: ...
    def spawn(self, body: Callable[[], object]) -> None: ...
    def settle(self) -> None: ...


Script = Callable[[Calls], Any]


def bits(mask: int) -> int:
    """Without the bits that only say how a poll was asked (RDNORM and the like)."""
    return mask & (IN | PRI | OUT | ERR | HUP | NVAL | RDHUP)


class Simulated:
    """The calls on the simulated kernel, from inside a task."""

    def __init__(self, k: Kernel) -> None:
        self.k = k
        self.files = 0

    def _call(self, nr: int, *args: Any) -> Any:
        return self.k.syscall(nr, *args)

    def epoll(self) -> int:
        fd: int = self._call(SYS.epoll_create1, 0)
        return fd

    def ctl(self, ep: int, op: int, fd: int, events: int = 0, data: int | None = None) -> int:
        result: int = self._call(SYS.epoll_ctl, ep, op, fd, events, fd if data is None else data)
        return result

    def wait(self, ep: int, maxevents: int = 64, timeout: int = 0) -> Found:
        result = self._call(SYS.epoll_wait, ep, maxevents, timeout)
        return result if isinstance(result, int) else list(result[1])

    def poll(self, fds: list[Pair], timeout: int | None = 0) -> Any:
        result = self._call(SYS.poll, tuple(fds), timeout)
        return result if isinstance(result, int) else [(fd, bits(mask)) for fd, mask in result[1]]

    def select(self, reads: list[int], writes: list[int], excepts: list[int], timeout: int | None = 0) -> Any:
        nfds = max([*reads, *writes, *excepts, -1]) + 1
        result = self._call(SYS.select, nfds, tuple(reads), tuple(writes), tuple(excepts), timeout)
        return result if isinstance(result, int) else tuple(list(fds) for fds in result[1])

    def pipe(self, blocking: bool = False) -> Pair:
        pair: Pair = self._call(SYS.pipe2, 0 if blocking else os.O_NONBLOCK)[1]
        return pair

    def unix(self, blocking: bool = False) -> Pair:
        kind = 1 if blocking else 1 | os.O_NONBLOCK
        pair: Pair = self._call(SYS.socketpair, 1, kind, 0)[1]
        return pair

    def tcp(self, blocking: bool = False) -> Pair:
        server = self.listener()
        client = self.connect(server)
        accepted = self.accept(server)
        self.close(server)
        for fd in (client, accepted):
            self._call(SYS.fcntl, fd, 4, 0 if blocking else os.O_NONBLOCK)
        return client, accepted

    def listener(self, blocking: bool = False) -> int:
        fd: int = self._call(SYS.socket, 2, 1 if blocking else 1 | os.O_NONBLOCK, 0)
        assert self._call(SYS.bind, fd, ("127.0.0.1", 0)) == 0
        assert self._call(SYS.listen, fd, 64) == 0
        return fd

    def connect(self, listener: int) -> int:
        address = self._call(SYS.getsockname, listener)[1]
        fd: int = self._call(SYS.socket, 2, 1, 0)
        assert self._call(SYS.connect, fd, address) == 0
        self._call(SYS.fcntl, fd, 4, os.O_NONBLOCK)
        return fd

    def accept(self, listener: int) -> int:
        result = self._call(SYS.accept4, listener, os.O_NONBLOCK)
        return result if isinstance(result, int) else int(result[0])

    def eventfd(self, count: int = 0, flags: int = 0) -> int:
        fd: int = self._call(SYS.eventfd2, count, flags | os.O_NONBLOCK)
        return fd

    def write(self, fd: int, data: bytes) -> int:
        result: int = self._call(SYS.write, fd, data)
        return result

    def read(self, fd: int, n: int) -> bytes | int:
        result: Any = self._call(SYS.read, fd, n)
        if isinstance(result, int):
            return result if result else b""
        data: bytes = result[1]
        return data

    def send_urgent(self, fd: int) -> int:
        result: int = self._call(SYS.sendto, fd, b"!", 1, None)
        return result

    def shutdown(self, fd: int, how: int) -> int:
        result: int = self._call(SYS.shutdown, fd, how)
        return result

    def reset(self, fd: int) -> int:
        self._call(SYS.setsockopt, fd, 1, 13, (1).to_bytes(4, "little") + bytes(4))
        return self.close(fd)

    def close(self, fd: int) -> int:
        result: int = self._call(SYS.close, fd)
        return result

    def dup(self, fd: int) -> int:
        result: int = self._call(SYS.dup, fd)
        return result

    def dup2(self, old: int, new: int) -> int:
        result: int = self._call(SYS.dup2, old, new)
        return result

    def regular(self) -> int:
        self.files += 1
        fd: int = self._call(SYS.openat, f"/tmp/file{self.files}", os.O_RDWR | os.O_CREAT, 0o600)
        assert fd >= 0
        return fd

    def spawn(self, body: Callable[[], object]) -> None:
        def entry() -> None:
            body()
            self._call(SYS.exit, 0)

        self._call(SYS.clone, 0, entry)

    def settle(self) -> None:
        self._call(SYS.clock_nanosleep, 1_000_000)


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    """A socket object around `fd`, which stays open and takes no other number."""
    sock = socket.socket(fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()


class _Event(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("events", ctypes.c_uint32), ("data", ctypes.c_uint64))


class Real:
    """The calls on the kernel that runs this test."""

    def __init__(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.opened: set[int] = set()
        self.threads: list[threading.Thread] = []

    def _call(self, name: str, *args: Any) -> int:
        result: int = getattr(self.libc, name)(*args)
        return -ctypes.get_errno() if result < 0 else result

    def _own(self, fd: int, blocking: bool) -> int:
        if fd >= 0:
            os.set_blocking(fd, blocking)
            self.opened.add(fd)
        return fd

    def epoll(self) -> int:
        return self._own(self._call("epoll_create1", 0), True)

    def ctl(self, ep: int, op: int, fd: int, events: int = 0, data: int | None = None) -> int:
        event = _Event(events, fd if data is None else data)
        return self._call("epoll_ctl", ep, op, fd, ctypes.byref(event))

    def wait(self, ep: int, maxevents: int = 64, timeout: int = 0) -> Found:
        room = (_Event * max(maxevents, 1))()
        n = self._call("epoll_wait", ep, room, maxevents, timeout if timeout <= 0 else -(-timeout // 1_000_000))
        return n if n < 0 else [(room[i].data, room[i].events) for i in range(n)]

    def poll(self, fds: list[Pair], timeout: int | None = 0) -> Any:
        poller = select.poll()
        for fd, mask in fds:
            poller.register(fd, mask)
        return poller.poll(None if timeout is None else timeout / 1_000_000)

    def select(self, reads: list[int], writes: list[int], excepts: list[int], timeout: int | None = 0) -> Any:
        try:
            return select.select(reads, writes, excepts, None if timeout is None else timeout / SECOND)
        except OSError as error:
            return -(error.errno or 0)

    def pipe(self, blocking: bool = False) -> Pair:
        reader, writer = os.pipe()
        return self._own(reader, blocking), self._own(writer, blocking)

    def unix(self, blocking: bool = False) -> Pair:
        one, other = socket.socketpair()
        return self._own(one.detach(), blocking), self._own(other.detach(), blocking)

    def tcp(self, blocking: bool = False) -> Pair:
        server = self.listener()
        client = self.connect(server)
        accepted = self.accept(server)
        self.close(server)
        for fd in (client, accepted):
            os.set_blocking(fd, blocking)
            with _borrowed(fd) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client, accepted

    def listener(self, blocking: bool = False) -> int:
        return self._own(socket.create_server(("127.0.0.1", 0), backlog=64).detach(), blocking)

    def connect(self, listener: int) -> int:
        with _borrowed(listener) as server:
            address = server.getsockname()
        return self._own(socket.create_connection(address).detach(), False)

    def accept(self, listener: int) -> int:
        with _borrowed(listener) as server:
            try:
                connection, _ = server.accept()
            except OSError as error:
                return -(error.errno or 0)
        return self._own(connection.detach(), False)

    def eventfd(self, count: int = 0, flags: int = 0) -> int:
        return self._own(os.eventfd(count, flags | os.O_NONBLOCK), False)

    def write(self, fd: int, data: bytes) -> int:
        result: int = _errno(os.write, fd, data)
        return result

    def read(self, fd: int, n: int) -> bytes | int:
        result: bytes | int = _errno(os.read, fd, n)
        return result

    def send_urgent(self, fd: int) -> int:
        with _borrowed(fd) as sock:
            return sock.send(b"!", socket.MSG_OOB)

    def shutdown(self, fd: int, how: int) -> int:
        return self._call("shutdown", fd, how)

    def reset(self, fd: int) -> int:
        with _borrowed(fd) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, sys.byteorder) + bytes(4))
        return self.close(fd)

    def close(self, fd: int) -> int:
        self.opened.discard(fd)
        return _errno(os.close, fd) or 0

    def dup(self, fd: int) -> int:
        copy = self._call("dup", fd)
        if copy >= 0:
            self.opened.add(copy)
        return copy

    def dup2(self, old: int, new: int) -> int:
        self.opened.add(new)
        return self._call("dup2", old, new)

    def regular(self) -> int:
        return self._own(os.open("/tmp", os.O_TMPFILE | os.O_RDWR), True)

    def spawn(self, body: Callable[[], object]) -> None:
        thread = threading.Thread(target=body, daemon=True)
        self.threads.append(thread)
        thread.start()

    def settle(self) -> None:
        """Until every thread has ended or sleeps in a call other than futex, twice in a row."""
        quiet = 0
        for _ in range(500):
            time.sleep(0.004)
            quiet = quiet + 1 if all(_rests(thread) for thread in self.threads) else 0
            if quiet == 3:
                return

    def end(self) -> None:
        for fd in list(self.opened):
            with contextlib.suppress(OSError):
                os.close(fd)


FUTEX = "202"


def _rests(thread: threading.Thread) -> bool:
    if not thread.is_alive():
        return True
    try:
        text = Path(f"/proc/self/task/{thread.native_id}/syscall").read_text(encoding="ascii")
    except OSError:
        return False
    return not text.startswith(("running", FUTEX))


def _errno(call: Callable[..., Any], *args: Any) -> Any:
    try:
        return call(*args)
    except OSError as error:
        return -(error.errno or 0)


def on_simulated(script: Script) -> tuple[Any, Ran]:
    """What the script observes on the simulated kernel, and the run."""
    seen: list[Any] = []
    ran = run(lambda k: seen.append(script(Simulated(k))))
    assert seen, f"the script did not end: {ran.kernel.world.runs[1].message}"
    return seen[0], ran


def on_real(script: Script) -> Any:
    """What the script observes on the real kernel."""
    real = Real()
    try:
        return script(real)
    finally:
        real.end()


def agree(script: Script, expected: Any) -> None:
    """Both kernels show the script what is expected."""
    assert on_simulated(script)[0] == expected, "the simulated kernel differs"
    if sys.platform == "linux":
        assert on_real(script) == expected, "the real kernel differs: the expectation is wrong"


def errno_name(result: Any) -> Any:
    """A negative number as the name of its errno."""
    return errno.errorcode[-result] if isinstance(result, int) and result < 0 else result
