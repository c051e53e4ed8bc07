"""Random sequences of calls on the simulated and on the real kernel: every result has to be the same.

Two epoll instances and a third one around the first watch the ends of a pipe and of pairs of sockets, under their own
numbers and under copies, while bytes are written and read and ends are closed.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioviz.model.invariants import Checker
from ioviz.model.world import World
from tests.machine.kernel.two_kernels import (
    ADD,
    DEL,
    ET,
    EXCLUSIVE,
    IN,
    MOD,
    ONESHOT,
    OUT,
    RDHUP,
    Calls,
    Script,
    on_real,
    on_simulated,
)

INSTANCES = 3
ENDS = 8
"""A pipe and three pairs of sockets."""

events = st.sampled_from([IN, OUT, IN | OUT, IN | RDHUP, 0]).flatmap(
    lambda mask: st.sampled_from([0, ET, ONESHOT, ET | ONESHOT, EXCLUSIVE]).map(lambda how: mask | how)
)
steps = st.one_of(
    st.tuples(st.just("ctl"), st.integers(0, INSTANCES - 1), st.integers(0, ENDS), st.sampled_from([ADD, MOD]), events),
    st.tuples(st.just("ctl"), st.integers(0, INSTANCES - 1), st.integers(0, ENDS), st.just(ADD), events),
    st.tuples(st.just("ctl"), st.integers(0, INSTANCES - 1), st.integers(0, ENDS), st.just(DEL), st.just(0)),
    st.tuples(st.just("wait"), st.integers(0, INSTANCES - 1), st.integers(1, 4)),
    st.tuples(st.just("wait"), st.integers(0, INSTANCES - 1), st.integers(1, 4)),
    st.tuples(st.just("write"), st.integers(0, ENDS - 1), st.sampled_from([1, 3, 5000])),
    st.tuples(st.just("write"), st.integers(0, ENDS - 1), st.sampled_from([1, 3, 5000])),
    st.tuples(st.just("read"), st.integers(0, ENDS - 1), st.sampled_from([1, 3, 8192])),
    st.tuples(st.just("dup"), st.integers(0, ENDS - 1)),
    st.tuples(st.just("close"), st.integers(0, ENDS - 1)),
    st.tuples(st.just("shutdown"), st.integers(0, ENDS - 1), st.sampled_from([0, 1, 2])),
)


def script_of(sequence: list[tuple[Any, ...]]) -> Script:
    def script(s: Calls) -> Any:
        instances = [s.epoll() for _ in range(INSTANCES)]
        s.ctl(instances[2], ADD, instances[0], IN, 100)
        ends = [*s.pipe(), *s.unix(), *s.tcp(), *s.tcp()]
        watchable = [*ends, instances[1]]
        seen: list[Any] = []
        for number, step in enumerate(sequence):
            if step[0] == "ctl":
                _, ep, end, op, mask = step
                seen.append(s.ctl(instances[ep], op, watchable[end], mask, number))
            elif step[0] == "wait":
                seen.append(s.wait(instances[step[1]], step[2]))
            elif step[0] == "write":
                seen.append(s.write(ends[step[1]], b"x" * step[2]))
            elif step[0] == "read":
                seen.append(s.read(ends[step[1]], step[2]))
            elif step[0] == "dup":
                copy = s.dup(ends[step[1]])
                if copy >= 0:
                    ends.append(copy)
                    watchable[step[1]] = copy
            elif step[0] == "shutdown":
                seen.append(s.shutdown(ends[step[1]], step[2]))
            else:
                seen.append(s.close(ends[step[1]]))
        return seen

    return script


@pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=5, max_size=60))
def test_any_sequence_of_calls_gives_what_linux_gives(sequence: list[tuple[Any, ...]]) -> None:
    script = script_of(sequence)
    observed, ran = on_simulated(script)
    assert observed == on_real(script)
    world = ran.kernel.world
    assert not world.eventpolls, "everything is closed at the end"
    assert not world.epitems
    assert not world.ready_links


@settings(max_examples=50, deadline=None)
@given(st.lists(steps, min_size=5, max_size=60))
def test_every_invariant_holds_after_every_event(sequence: list[tuple[Any, ...]]) -> None:
    _, ran = on_simulated(script_of(sequence))
    world = World()
    checker = Checker(world)
    for event in ran.log:
        event.apply(world)
        assert checker.after(event) == [], event
