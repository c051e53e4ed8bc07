"""The shims of `select` and `fcntl` beside the C modules, on the real kernel."""

from __future__ import annotations

import array
import fcntl as c_fcntl
import os
import select as c_select
import struct
import tempfile
from collections.abc import Callable, Iterator
from errno import EINTR
from types import ModuleType
from typing import Any

import pytest

from ioviz.machine.user.shims import fcntl as fcntl_shim
from ioviz.machine.user.shims import select as shim
from ioviz.model.syscalls import SYS
from tests.machine.user.real_kernel import FakeGuest, RealKernel


@pytest.fixture
def made() -> ModuleType:
    return shim.build(FakeGuest(RealKernel()))  # type: ignore[arg-type]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    fds = os.pipe()
    yield fds
    for fd in fds:
        os.close(fd)


def outcome(case: Callable[..., object], *args: Any) -> object:
    """What a call gives or how it fails, in a form that can be compared."""
    try:
        return case(*args)
    except Exception as error:
        return type(error).__name__, str(error)


class Odd:
    """Something whose descriptor is not one."""

    def __init__(self, fd: Any) -> None:
        self._fd = fd

    def fileno(self) -> Any:
        return self._fd


def _closed_epoll(m: Any) -> Any:
    poller = m.epoll()
    poller.close()
    return poller


CASES: dict[str, Callable[[Any, int, int], object]] = {
    "select ready": lambda m, r, w: m.select([r], [w], [], 0),
    "select order": lambda m, r, w: m.select([r, w], [w, r, w], [], 0),
    "select not a sequence": lambda m, r, w: m.select(1, [], []),
    "select nosuch": lambda m, r, w: m.select([Odd(-1)], [], []),
    "select no fileno": lambda m, r, w: m.select([object()], [], []),
    "select bad fileno": lambda m, r, w: m.select([Odd("x")], [], []),
    "select large": lambda m, r, w: m.select([5000], [], []),
    "select timeout str": lambda m, r, w: m.select([], [], [], "x"),
    "select timeout negative": lambda m, r, w: m.select([], [], [], -1),
    "select timeout": lambda m, r, w: m.select([r], [], [], 0.001),
    "select closed": lambda m, r, w: m.select([1000], [], [], 0),
    "poll empty": lambda m, r, w: m.poll().poll(0),
    "poll str": lambda m, r, w: m.poll().register("x"),
    "poll mask": lambda m, r, w: m.poll().register(r, -1),
    "poll large mask": lambda m, r, w: m.poll().register(r, 1 << 16),
    "poll modify absent": lambda m, r, w: m.poll().modify(r, 1),
    "poll unregister absent": lambda m, r, w: m.poll().unregister(4321),
    "poll timeout str": lambda m, r, w: m.poll().poll("x"),
    "poll timeout huge": lambda m, r, w: m.poll().poll(1 << 40),
    "epoll hint": lambda m, r, w: m.epoll(-2),
    "epoll flags": lambda m, r, w: m.epoll(flags=12356),
    "epoll mask str": lambda m, r, w: m.epoll().register(r, "x"),
    "epoll closed poll": lambda m, r, w: _closed_epoll(m).poll(),
    "epoll closed poll in time": lambda m, r, w: _closed_epoll(m).poll(1.0),
    "epoll closed register": lambda m, r, w: _closed_epoll(m).register(r),
    "epoll closed modify": lambda m, r, w: _closed_epoll(m).modify(r, 1),
    "epoll closed unregister": lambda m, r, w: _closed_epoll(m).unregister(r),
    "epoll closed fileno": lambda m, r, w: _closed_epoll(m).fileno(),
    "epoll closed": lambda m, r, w: (_closed_epoll(m).closed, _closed_epoll(m).close()),
    "epoll maxevents": lambda m, r, w: m.epoll().poll(0, 0),
    "epoll timeout str": lambda m, r, w: m.epoll().poll("x"),
    "epoll timeout huge": lambda m, r, w: m.epoll().poll(1 << 40),
    "epoll modify absent": lambda m, r, w: m.epoll().modify(r, 1),
    "epoll bad fd": lambda m, r, w: m.epoll().register(5000),
    "epoll negative fd": lambda m, r, w: m.epoll().register(-1),
    "constants": lambda m, r, w: {name: getattr(m, name) for name in dir(c_select) if name.isupper()},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_same_as_the_c_module(made: ModuleType, pipe: tuple[int, int], case: Callable[..., object]) -> None:
    assert outcome(case, made, *pipe) == outcome(case, c_select, *pipe)


def _use_poll(m: Any, r: int, w: int) -> object:
    poller = m.poll()
    poller.register(w)
    poller.register(Odd(r), m.POLLIN)
    before = poller.poll(0)
    os.write(w, b"x")
    after = poller.poll(10)
    poller.modify(w, 0)
    changed = poller.poll()
    poller.unregister(r)
    os.read(r, 1)
    return before, after, changed, poller.poll(1)


def _use_epoll(m: Any, r: int, w: int) -> object:
    with m.epoll() as poller:
        poller.register(r, m.EPOLLIN)
        seen = [poller.poll(0)]
        os.write(w, b"x")
        poller.register(Odd(w), m.EPOLLOUT)
        seen += [poller.poll(), poller.poll(-1, 1), poller.poll(0.5, maxevents=5)]
        poller.modify(w, 0)
        poller.unregister(Odd(r))
        seen += [poller.poll(0.001)]
        again = m.epoll.fromfd(os.dup(poller.fileno()))
        seen += [again.poll(0), again.close()]
    os.read(r, 1)
    return seen, poller.closed


@pytest.mark.parametrize("use", [_use_poll, _use_epoll])
def test_same_story(made: ModuleType, pipe: tuple[int, int], use: Callable[..., object]) -> None:
    assert use(made, *pipe) == use(c_select, *pipe)


class Interrupted(RealKernel):
    """The first call of each of the waiting kind is interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[Any] = []

    def syscall(self, nr: int, *args: Any) -> Any:
        if nr in (SYS.select, SYS.poll, SYS.epoll_wait):
            self.waits.append(args[-1])
            if len(self.waits) == 1:
                return -EINTR
        return super().syscall(nr, *args)


@pytest.mark.parametrize("wait", ["select", "poll", "epoll"])
def test_interrupted_wait_goes_on_with_less_time(wait: str) -> None:
    guest = FakeGuest(Interrupted())
    made = shim.build(guest)  # type: ignore[arg-type]
    waits: dict[str, Callable[[], object]] = {
        "select": lambda: made.select([], [], [], 0.002),
        "poll": lambda: made.poll().poll(2),
        "epoll": lambda: made.epoll().poll(0.002),
    }
    waits[wait]()
    first, second = guest.kernel.waits
    assert first == 2_000_000
    assert 0 <= second <= first
    assert guest.signals_checked == 1


def test_poll_is_one_system_call(made: ModuleType) -> None:
    guest = FakeGuest(RealKernel())
    poller = shim.build(guest).epoll()  # type: ignore[arg-type]
    guest.kernel.calls.clear()
    assert poller.poll(0) == []
    assert guest.kernel.calls == [(SYS.epoll_wait, poller.fileno(), 1023, 0)]
    poller.close()


FCNTL: dict[str, Callable[[Any, int, int], object]] = {
    "flags": lambda m, r, w: m.fcntl(r, m.F_GETFL),
    "set flags": lambda m, r, w: (m.fcntl(r, m.F_SETFL, os.O_NONBLOCK), m.fcntl(r, m.F_GETFL)),
    "cloexec": lambda m, r, w: (m.fcntl(r, m.F_SETFD, 0), m.fcntl(r, m.F_GETFD)),
    "closed": lambda m, r, w: m.fcntl(5000, m.F_GETFD),
    "negative": lambda m, r, w: m.fcntl(-1, m.F_GETFD),
    "str": lambda m, r, w: m.fcntl("x", m.F_GETFD),
    "flock": lambda m, r, w: m.flock(r, m.LOCK_SH),
    "flock of closed": lambda m, r, w: m.flock(5000, m.LOCK_SH),
    "lockf odd": lambda m, r, w: m.lockf(r, 64),
    "fionread of bytes": lambda m, r, w: m.ioctl(r, 0x541B, b"\0\0\0\0"),
}


@pytest.mark.parametrize("case", FCNTL.values(), ids=FCNTL)
def test_fcntl(pipe: tuple[int, int], case: Callable[..., object]) -> None:
    made = fcntl_shim.build(FakeGuest(RealKernel()))  # type: ignore[arg-type]
    os.write(pipe[1], b"abc")
    assert outcome(case, made, *pipe) == outcome(case, c_fcntl, *pipe)


def test_locks_of_files_always_succeed() -> None:
    made = fcntl_shim.build(FakeGuest(RealKernel()))  # type: ignore[arg-type]
    lock = struct.pack("hhqqi", made.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    for request in (made.F_SETLK, made.F_GETLK, made.F_OFD_SETLK):
        with tempfile.TemporaryFile() as file:
            assert made.fcntl(file.fileno(), request, lock) == c_fcntl.fcntl(file.fileno(), request, lock)
            assert made.lockf(file, made.LOCK_EX | made.LOCK_NB) is None


def test_ioctl_fills_an_array(pipe: tuple[int, int]) -> None:
    made = fcntl_shim.build(FakeGuest(RealKernel()))  # type: ignore[arg-type]
    os.write(pipe[1], b"abc")
    left = array.array("i", [0])
    assert made.ioctl(pipe[0], 0x541B, left, True) == 0
    assert left[0] == 3
