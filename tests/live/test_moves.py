"""Calls folded at once are the calls folded one event after the other: the same events, the same world."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ioviz.live.calls import Call
from ioviz.live.mirror import Mirror
from ioviz.model.burst import Burst
from ioviz.model.mirror_bursts import MIRRORED
from ioviz.model.world import TABLES
from ioviz.trace.log import unfolded
from ioviz.trace.timeline import Timeline


def folded(calls: list[Call]) -> tuple[list[Any], Mirror, list[Any], Mirror]:
    entries: list[Any] = []
    plain: list[Any] = []
    quick = Mirror(entries.append, "test", bursts=True)
    slow = Mirror(plain.append, "test")
    for call in calls:
        quick.feed([call])
        slow.feed([call])
    return entries, quick, plain, slow


def same(calls: list[Call]) -> list[Any]:
    entries, quick, plain, slow = folded(calls)
    assert unfolded(entries) == plain
    for table in TABLES:
        assert getattr(quick.world, table) == getattr(slow.world, table), table
    for name in ("seq", "now", "task", "cause", "origin", "calls", "returned", "last", "base"):
        assert getattr(quick, name) == getattr(slow, name), name
    return entries


fds = st.sampled_from([4, 5, 6, 7, 8, -1])
sizes = st.one_of(st.none(), st.integers(0, 100))
flags = st.sampled_from([0, 2, 0x40, 0x4000, None])
results = st.one_of(st.none(), st.integers(-20, 100), st.sampled_from([-11, -104, -32, 0]))
data = st.one_of(st.none(), st.binary(max_size=50))
names = st.sampled_from(["127.0.0.1:80", None])
bodies = st.one_of(
    st.tuples(st.sampled_from(["read", "write"]), st.tuples(fds, st.none(), sizes)),
    st.tuples(st.sampled_from(["recvfrom", "sendto"]), st.tuples(fds, st.none(), sizes, flags, names, st.just(0))),
    st.tuples(st.just("read"), st.tuples(fds)),
    st.tuples(st.just("close"), st.tuples(fds)),
    st.tuples(st.just("socket"), st.sampled_from([(2, 1, 0), (1, 1, 0), (2, 2, 0)])),
    st.tuples(st.just("accept4"), st.tuples(fds, names, st.just(16), st.just(0))),
    st.tuples(st.just("socketpair"), st.just((1, 1, 0, (7, 8)))),
    st.tuples(st.just("eventfd2"), st.just((0, 0))),
    st.tuples(st.just("pipe2"), st.just(((7, 8), 0))),
    st.tuples(st.just("epoll_create1"), st.just((0,))),
    st.tuples(st.just("epoll_ctl"), st.tuples(fds, st.sampled_from([1, 2, 3]), fds, st.just((1, 5)))),
)
found = st.lists(st.tuples(st.sampled_from([1, 4, 0x10]), st.integers(3, 9)), max_size=4).map(tuple)
waits = st.tuples(st.sampled_from(["epoll_wait", "epoll_pwait"]),
                  st.tuples(st.just(3), found, st.sampled_from([2, 8]), st.sampled_from([-1, 0, 5])))  # fmt: skip
masks = st.tuples(st.sampled_from([1, 5, 1 | 1 << 31, 1 | 1 << 30]), st.integers(3, 9))
controls = st.tuples(st.just("epoll_ctl"), st.tuples(st.just(3), st.sampled_from([1, 2, 3]), st.integers(4, 9), masks))


@st.composite
def calls_of(draw: st.DrawFn) -> list[Call]:
    made, t = [], 1000
    for name, args in draw(st.lists(bodies, max_size=40)):
        t += draw(st.integers(-5, 20))
        tid = draw(st.sampled_from([1, 1, 1, 2]))
        result = draw(results)
        asleep = result is None and draw(st.booleans())
        at = draw(st.sampled_from([None, None, None, ("/nowhere.py", 7)]))
        end = 0 if asleep else t + draw(st.integers(0, 9))
        seen = draw(data)
        made.append(Call(tid, name, args, None if asleep else result, t, end, asleep, 1, None, seen, at))
    return made


@given(st.lists(st.one_of(waits, waits, waits, controls), max_size=40))
def test_any_waits_make_the_same_events(pairs: list[tuple[str, Any]]) -> None:
    calls = [Call(1, "epoll_create1", (0,), 3, 1, 2)]
    calls += [Call(1, "socket", (2, 1, 0), fd, 1, 2) for fd in range(4, 9)]
    for t, (name, args) in enumerate(pairs, 10):
        result = 0 if name == "epoll_ctl" else len(args[1])
        calls.append(Call(1, name, args, result, 10 * t, 10 * t + 5))
    same(calls)


@given(calls_of())
def test_any_calls_make_the_same_events(calls: list[Call]) -> None:
    same(calls)


def requests(n: int) -> list[Call]:
    made = [Call(1, "socket", (2, 1, 0), 4, 1, 2), Call(1, "accept4", (4, "127.0.0.1:9", 16, 0), 5, 3, 4)]
    made += [Call(1, "epoll_create1", (0,), 3, 5, 6), Call(1, "epoll_ctl", (3, 1, 5, (1, 5)), 0, 7, 8)]
    made += [Call(1, "epoll_ctl", (3, 1, 4, (1, 4)), 0, 7, 8)]
    for t in range(10, 10 + 40 * n, 40):
        made.append(Call(1, "epoll_wait", (3, ((1, 5 - t // 40 % 2),), 8, -1), 1, t, t))
        made.append(Call(1, "read", (5, None, 100), 5, t, t + 3, data=b"PING\n"))
        made.append(Call(1, "write", (5, None, 5), 5, t + 4, t + 9, data=b"PONG\n"))
        made.append(Call(1, "recvfrom", (5, None, 100, 0x40, None, None), 5, t + 10, t + 13))
        made.append(Call(1, "sendto", (5, None, 5, 0x4000, None, 0), 5, t + 14, t + 19, data=b"x" * 50))
    return made


def test_a_busy_server_is_logged_in_bursts_of_every_kind() -> None:
    entries = same(requests(50))
    assert {type(entry) for entry in entries if isinstance(entry, Burst)} == set(MIRRORED)
    assert len([entry for entry in entries if isinstance(entry, Burst)]) == 250


def test_a_timeline_of_bursts_can_be_walked() -> None:
    calls = requests(2000)
    timeline = Timeline()
    mirror = Mirror(timeline.append, "test", bursts=True)
    plain: list[Any] = []
    slow = Mirror(plain.append, "test")
    for first in range(0, len(calls), 100):
        mirror.feed(calls[first : first + 100])
        timeline.keep(mirror.world)
    slow.feed(calls)
    assert len(timeline) == len(plain) == mirror.seq
    assert timeline.events(0, len(timeline)) == plain
    world = timeline.world(len(timeline) // 2)
    for event in plain[len(timeline) // 2 :]:
        event.apply(world)
    for table in TABLES:
        assert getattr(world, table) == getattr(slow.world, table), table
