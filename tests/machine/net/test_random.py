"""Random sequences of socket calls give the same on the simulated and on the real kernel."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioviz.model.syscalls import SYS
from tests.machine.net.calls import DGRAM, DONTWAIT, MS, PEEK, RD, RDWR, WR, Net, on_real, on_simulated
from tests.machine.net.hosts import SERVER, accept_blocking, run_hosts, serve

ENDS = st.integers(0, 1)
OPS = st.one_of(
    st.tuples(st.just("send"), ENDS, st.integers(0, 40)),
    st.tuples(st.just("send"), ENDS, st.integers(1, 3000)),
    st.tuples(st.just("recv"), ENDS, st.integers(1, 50)),
    st.tuples(st.just("recv"), ENDS, st.just(100_000)),
    st.tuples(st.just("peek"), ENDS, st.integers(1, 50)),
    st.tuples(st.just("shutdown"), ENDS, st.sampled_from([RD, WR, RDWR])),
    st.tuples(st.just("close"), ENDS, st.just(0)),
    st.tuples(st.just("reset"), ENDS, st.just(0)),
    st.tuples(st.just("error"), ENDS, st.just(0)),
)
Op = tuple[str, int, int]


def play(s: Net, ends: tuple[int, int], ops: list[Op]) -> list[Any]:
    """What the calls return, and what poll says of both ends after each."""
    live = list(ends)
    seen: list[Any] = []
    for number, (op, end, n) in enumerate(ops):
        fd = live[end]
        if fd < 0:
            continue
        result = _one(s, fd, op, n, number)
        if op in ("close", "reset"):
            live[end] = -1
        s.settle()
        seen.append((op, end, n, result, [(s.mask(fd), s.queued(fd)) for fd in live if fd >= 0]))
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux")
@settings(max_examples=40)
@given(ops=st.lists(OPS, min_size=3, max_size=12))
def test_tcp(ops: list[Op]) -> None:
    def script(s: Net) -> Any:
        return play(s, s.pair(), ops)

    assert on_simulated(script)[0] == on_real(script)


@pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux")
@settings(max_examples=60)
@given(ops=st.lists(OPS, min_size=3, max_size=12), kind=st.sampled_from([1, DGRAM]))
def test_unix(ops: list[Op], kind: int) -> None:
    def script(s: Net) -> Any:
        return play(s, s.unix(kind), [op for op in ops if op[0] != "reset" and not (kind == DGRAM and op[2] == 0)])

    assert on_simulated(script)[0] == on_real(script)


SLOT = 20 * MS


def _host(end: int, ops: list[Op], seen: dict[int, list[Any]]) -> Any:
    """One end of a connection over the link: it makes its own calls, each in a slot of time, and looks after each."""

    def body(s: Net) -> None:
        if end:
            fd = accept_blocking(s, serve(s))
        else:
            fd = s.socket(blocking=True)
            assert s.connect(fd, SERVER) == 0
        for number, (op, whose, n) in enumerate(ops):
            now = s.syscall.__self__.now  # type: ignore[attr-defined]
            s.syscall(SYS.clock_nanosleep, (10 + number) * SLOT - now)
            result: Any = None
            if whose == end and fd >= 0:
                result = _one(s, fd, op, n, number)
                if op in ("close", "reset"):
                    fd = -1
            s.syscall(SYS.clock_nanosleep, SLOT // 2)
            seen[end].append((result, None if fd < 0 else (s.mask(fd), s.queued(fd))))

    return body


def _one(s: Net, fd: int, op: str, n: int, number: int) -> Any:
    if op == "send":
        return s.send(fd, bytes([number % 256]) * n, DONTWAIT)
    if op in ("recv", "peek"):
        return s.recv(fd, n, DONTWAIT | (PEEK if op == "peek" else 0))
    if op == "shutdown":
        return s.shutdown(fd, n)
    if op == "error":
        return s.error(fd)
    return s.close(fd) if op == "close" else s.reset(fd)


@settings(max_examples=80)
@given(ops=st.lists(OPS, min_size=3, max_size=12))
def test_the_link_is_as_loopback(ops: list[Op]) -> None:
    """What the calls return does not depend on whether segments travel as packets."""
    apart: dict[int, list[Any]] = {0: [], 1: []}
    run_hosts(_host(1, ops, apart), _host(0, ops, apart))

    def script(s: Net) -> Any:
        fds = list(s.pair())
        together: dict[int, list[Any]] = {0: [], 1: []}
        for number, (op, whose, n) in enumerate(ops):
            result: Any = None
            if fds[whose] >= 0:
                result = _one(s, fds[whose], op, n, number)
                if op in ("close", "reset"):
                    fds[whose] = -1
            for end, fd in enumerate(fds):
                together[end].append((result if end == whose else None, None if fd < 0 else (s.mask(fd), s.queued(fd))))
        return together

    assert apart == on_simulated(script)[0]
