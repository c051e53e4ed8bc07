"""Random sequences of socket calls give the same on the simulated and on the real kernel."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.net.calls import DGRAM, DONTWAIT, PEEK, RD, RDWR, WR, Net, on_real, on_simulated

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
        if op == "send":
            result = s.send(fd, bytes([number % 256]) * n)
        elif op == "recv":
            result = s.recv(fd, n, DONTWAIT)
        elif op == "peek":
            result = s.recv(fd, n, DONTWAIT | PEEK)
        elif op == "shutdown":
            result = s.shutdown(fd, n)
        elif op == "error":
            result = s.error(fd)
        else:
            live[end] = -1
            result = s.close(fd) if op == "close" else s.reset(fd)
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
