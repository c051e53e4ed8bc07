"""Socket scripts that run on the simulated kernel and on the real one.

A script is a function of `Net`: it makes system calls and returns what it observed, with errors and masks as words, so
that a failing comparison can be read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ioviz.machine.kernel.config import Config
from ioviz.model.poll_bits import describe
from ioviz.model.syscalls import SYS
from tests.machine.kernel.harness import Ran, run
from tests.machine.user.real_kernel import RealKernel

O_NONBLOCK = 0o4000
INET, INET6, UNIX = 2, 10, 1
STREAM, DGRAM = 1, 2
SOL_SOCKET, TCP = 1, 6
SO_REUSEADDR, SO_ERROR, SO_SNDBUF, SO_RCVBUF, SO_LINGER, SO_REUSEPORT, SO_RCVLOWAT = 2, 4, 7, 8, 13, 15, 18
SO_RCVTIMEO, SO_SNDTIMEO = 20, 21
PEEK, TRUNC, DONTWAIT, WAITALL = 2, 0x20, 0x40, 0x100
FIONREAD, SIOCOUTQ = 0x541B, 0x5411
ALL = 0x1 | 0x2 | 0x4 | 0x2000
RD, WR, RDWR = 0, 1, 2
MS = 1_000_000


def word(result: Any) -> Any:
    """A negative errno as its name."""
    return errno.errorcode[-result] if isinstance(result, int) and result < 0 else result


class Net:
    """The calls that scripts make. Descriptors are non-blocking unless asked for otherwise."""

    def __init__(self, syscall: Callable[..., Any], simulated: bool) -> None:
        self.syscall = syscall
        self.simulated = simulated
        self.opened: list[int] = []
        self.threads: list[threading.Thread] = []

    def socket(self, family: int = INET, kind: int = STREAM, blocking: bool = False) -> int:
        fd = int(self.syscall(SYS.socket, family, kind if blocking else kind | O_NONBLOCK, 0))
        self.opened.append(fd)
        return fd

    def listener(self, backlog: int = 8, **options: int) -> int:
        fd = self.socket()
        for name, value in options.items():
            self.set(fd, globals()[name], value)
        assert self.syscall(SYS.bind, fd, ("127.0.0.1", 0)) == 0
        assert self.syscall(SYS.listen, fd, backlog) == 0
        return fd

    def name(self, fd: int) -> Any:
        return self.syscall(SYS.getsockname, fd)[1]

    def connect(self, fd: int, to: int | tuple[Any, ...] | str) -> Any:
        return word(self.syscall(SYS.connect, fd, self.name(to) if isinstance(to, int) else to))

    def accept(self, fd: int) -> Any:
        got = self.syscall(SYS.accept4, fd, O_NONBLOCK)
        if isinstance(got, int):
            return word(got)
        self.opened.append(got[0])
        self.syscall(SYS.fcntl, got[0], 4, O_NONBLOCK)
        return got[0]

    def pair(self, blocking: bool = False, **options: int) -> tuple[int, int]:
        """A connected pair of TCP sockets: client and accepted one. Options are the client's (and the listener's)."""
        server = self.listener(**options)
        client = self.socket(blocking=True)
        for name, value in options.items():
            self.set(client, globals()[name], value)
        assert self.connect(client, server) == 0
        got = self.syscall(SYS.accept4, server, 0 if blocking else O_NONBLOCK)[0]
        self.opened.append(got)
        if not blocking:
            self.syscall(SYS.fcntl, client, 4, O_NONBLOCK)
            self.syscall(SYS.fcntl, got, 4, O_NONBLOCK)
        for fd in (client, got):
            self.set(fd, 1, 1, TCP)  # TCP_NODELAY: no waiting for acknowledgements, which Linux delays
        self.close(server)
        self.settle()
        return client, got

    def unix(self, kind: int = STREAM, blocking: bool = False) -> tuple[int, int]:
        pair = self.syscall(SYS.socketpair, UNIX, kind if blocking else kind | O_NONBLOCK, 0)[1]
        self.opened.extend(pair)
        return pair[0], pair[1]

    def send(self, fd: int, data: bytes, flags: int = 0, to: Any = None) -> Any:
        return word(self.syscall(SYS.sendto, fd, data, flags | 0x4000, to))

    def recv(self, fd: int, n: int = 100, flags: int = 0) -> Any:
        got = self.syscall(SYS.recvfrom, fd, n, flags)
        return word(got) if isinstance(got, int) else got[1][0]

    def set(self, fd: int, name: int, value: int | bytes, level: int = SOL_SOCKET) -> Any:
        return word(self.syscall(SYS.setsockopt, fd, level, name, value))

    def get(self, fd: int, name: int, level: int = SOL_SOCKET, size: int = 0) -> Any:
        got = self.syscall(SYS.getsockopt, fd, level, name, size)
        return word(got) if isinstance(got, int) else got[1]

    def error(self, fd: int) -> str:
        code = self.get(fd, SO_ERROR)
        return errno.errorcode[code] if code else "0"

    def linger(self, fd: int, seconds: int) -> Any:
        return self.set(fd, SO_LINGER, struct.pack("ii", 1, seconds))

    def shutdown(self, fd: int, how: int) -> Any:
        return word(self.syscall(SYS.shutdown, fd, how))

    def close(self, fd: int) -> Any:
        if fd in self.opened:
            self.opened.remove(fd)
        return word(self.syscall(SYS.close, fd))

    def reset(self, fd: int) -> None:
        self.linger(fd, 0)
        self.close(fd)

    def mask(self, fd: int) -> str:
        """What poll says of a descriptor, asked for everything."""
        found = self.syscall(SYS.poll, ((fd, ALL),), 0)[1]
        return describe(found[0][1] & (ALL | 0x38)) if found else "0"

    def queued(self, fd: int) -> Any:
        got = self.syscall(SYS.ioctl, fd, FIONREAD, 0)
        return word(got) if isinstance(got, int) else got[1]

    def unsent(self, fd: int) -> Any:
        got = self.syscall(SYS.ioctl, fd, SIOCOUTQ, 0)
        return word(got) if isinstance(got, int) else got[1]

    def fill(self, fd: int, piece: bytes) -> list[int]:
        """Send until EAGAIN; what each call took."""
        taken = []
        while isinstance(n := self.send(fd, piece), int):
            taken.append(n)
            assert len(taken) < 300_000
        assert n == "EAGAIN", n
        return taken

    def settle(self) -> None:
        """Let what is on its way arrive."""
        if self.simulated:
            self.syscall(SYS.clock_nanosleep, MS)
        else:
            time.sleep(0.005)

    def wait(self, ms: int) -> None:
        if self.simulated:
            self.syscall(SYS.clock_nanosleep, ms * MS)
        else:
            time.sleep(ms / 1000)

    def spawn(self, body: Callable[[], object]) -> None:
        """Run `body` in another thread, up to where it sleeps."""
        if self.simulated:

            def entry() -> None:
                body()
                self.syscall(SYS.exit, 0)

            self.syscall(SYS.clone, 0, entry)
        else:
            thread = threading.Thread(target=body, daemon=True)
            self.threads.append(thread)
            thread.start()
        self.wait(20)


Script = Callable[[Net], Any]


def on_simulated(script: Script, config: Config | None = None) -> tuple[Any, Ran]:
    """What the script observes on the simulated kernel, and the run."""
    seen: list[Any] = []
    ran = run(lambda k: seen.append(script(Net(k.syscall, True))), config=config)
    assert seen, f"the script did not end: {ran.kernel.world.runs[1].message}"
    return seen[0], ran


def on_real(script: Script) -> Any:
    """What the script observes on the kernel that runs this test."""
    net = Net(RealKernel().syscall, False)
    try:
        return script(net)
    finally:
        for fd in net.opened:
            with contextlib.suppress(OSError):
                os.close(fd)


def agree(script: Script, expected: Any) -> None:
    """Both kernels show the script what is expected."""
    assert on_simulated(script)[0] == expected, "the simulated kernel differs"
    if sys.platform == "linux":
        assert on_real(script) == expected, "the real kernel differs: the expectation is wrong"
