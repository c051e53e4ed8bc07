"""The timeline against a plain list and a plain fold."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioviz.model.event import Event
from ioviz.model.footprint import ALL, tables_of
from ioviz.model.task import LineReached
from ioviz.model.vocabulary import KINDS
from ioviz.model.world import TABLES, World
from ioviz.trace import keyframes as keyframes_module
from ioviz.trace.log import CHUNK, Log
from ioviz.trace.timeline import RUN_UP, Timeline
from tests.trace.synthetic import Echo, echo_log


@cache
def log() -> list[Event]:
    return echo_log(25, 12)


@cache
def folded(n: int) -> World:
    world = World() if n == 0 else folded(n - 200 if n > 200 else 0).copy()
    for event in log()[max(0, n - 200) : n]:
        event.apply(world)
    return world


def timeline_of(events: list[Event]) -> Timeline:
    timeline = Timeline()
    for event in events:
        timeline.append(event)
    return timeline


def test_the_log_is_long_enough_for_these_tests() -> None:
    assert len(log()) > 3 * keyframes_module.SPACING


@pytest.mark.parametrize("n", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_packed_or_not_the_log_gives_back_what_it_got(n: int) -> None:
    kept = Log()
    for event in log()[:n]:
        kept.append(event)
    assert len(kept) == n
    assert [kept.event(i) for i in range(n)] == log()[:n]
    kept.pack()
    assert len(kept) == n
    assert kept.events(0, n + 10) == log()[:n]
    assert [kept.event(i) for i in range(n)] == log()[:n]
    for index in (-1, n):
        with pytest.raises(IndexError):
            kept.event(index)


@given(st.integers(-5, 9000), st.integers(-5, 9000))
def test_a_piece_of_the_log_is_a_slice(start: int, stop: int) -> None:
    timeline = timeline_of(log())
    low, high = max(start, 0), max(stop, 0)
    assert timeline.events(start, stop) == log()[low:high]
    assert {type(event) for event in log()[low:high]} <= timeline.kinds(low, max(low, high))


def test_chunks_that_stay_decoded_are_those_of_the_log() -> None:
    fresh = Log()
    fresh.fresh = True
    for event in log():
        fresh.append(event)
        if event.seq % 100 == 99:
            fresh.pack()
            assert fresh.event(event.seq - 60) is log()[event.seq - 60]
    assert fresh.events(0, len(fresh)) == list(log()[: len(fresh)])


def test_a_log_that_grows_while_it_is_read() -> None:
    kept = Log()
    for number, event in enumerate(log()):
        kept.append(event)
        if number % 700 == 0:
            assert kept.event(number) == event
            assert kept.events(number - 3, number + 1) == log()[max(0, number - 3) : number + 1]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 8000), min_size=1, max_size=30))
def test_seeking_gives_the_same_world_as_folding(places: list[int]) -> None:
    timeline = timeline_of(log())
    for place in places:
        place = min(place, len(log()))
        assert timeline.world(place) == folded(place)


def test_every_step_forward_and_back() -> None:
    timeline = timeline_of(log())
    middle = 2 * keyframes_module.SPACING + 700
    for place in range(middle):
        timeline.world(place)
    for place in range(middle, middle - 2 * RUN_UP, -1):
        world = timeline.world(place)
        if place % 50 == 0:
            assert world == folded(place)
    for place in range(middle - 2 * RUN_UP, middle):
        world = timeline.world(place)
        if place % 50 == 0:
            assert world == folded(place)


def test_cursors_stand_side_by_side() -> None:
    timeline = timeline_of(log())
    cursors = [timeline.cursor() for _ in range(3)]
    choose = random.Random(3)
    for _ in range(40):
        places = [choose.randrange(len(log()) + 1) for _ in cursors]
        for cursor, place in zip(cursors, places, strict=True):
            cursor.seek(place)
        for cursor, place in zip(cursors, places, strict=True):
            assert cursor.world == folded(place)


def test_a_place_beyond_the_log_is_refused() -> None:
    timeline = timeline_of(log()[:10])
    assert timeline.world(10) == folded(10)
    for place in (-1, 11):
        with pytest.raises(IndexError):
            timeline.world(place)
    timeline.append(log()[10])
    assert timeline.world(11) == folded(11)


def test_keyframes_of_a_live_world_serve_as_well_as_those_of_a_fold() -> None:
    timeline = Timeline()
    pending = 0

    def sink(event: Event) -> None:
        nonlocal pending
        timeline.append(event)
        pending += 1
        if pending > 100:
            pending = 0
            timeline.keep(echo.world)

    echo = Echo(sink)
    echo.run(25, 12)
    assert len(timeline.keyframes) > 3
    for place in (0, 1, 2500, 4100, 7000, 3999, len(log())):
        assert timeline.world(place) == folded(place)


def test_keyframes_share_the_tables_that_did_not_change() -> None:
    timeline = timeline_of(echo_log(40, 30))
    timeline.world(len(timeline))
    keyframes = timeline.keyframes
    first, second = keyframes.before(keyframes.last - 1), keyframes.before(keyframes.last)
    assert first[0] < second[0]
    shared = [name for name in TABLES if first[1][name] is second[1][name]]
    assert {"sockets", "rb_nodes", "files", "fds"} <= set(shared)
    assert first[1]["buffers"] is not second[1]["buffers"]


def test_keyframes_lie_further_apart_when_they_take_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyframes_module, "BUDGET", 12_000)
    timeline = timeline_of(log())
    timeline.world(len(timeline))
    assert timeline.keyframes.due - timeline.keyframes.last >= 2 * keyframes_module.SPACING
    for place in (0, 2047, 2048, 2049, 5000, len(log())):
        assert timeline.world(place) == folded(place)


def test_an_event_writes_no_table_outside_its_footprint() -> None:
    world = World()
    for event in log():
        before = {name: dict(world.table(name)) for name in TABLES}
        event.apply(world)
        changed = {name for name in TABLES if world.table(name) != before[name]}
        assert changed <= tables_of(frozenset({type(event)})), type(event).__name__


def test_footprints_are_narrow_and_complete() -> None:
    assert tables_of(frozenset({LineReached})) == {"lines"}
    assert "rb_nodes" in tables_of(frozenset({KINDS["EpitemInserted"]}))
    assert [name for name, kind in KINDS.items() if tables_of(frozenset({kind})) == ALL] == []
