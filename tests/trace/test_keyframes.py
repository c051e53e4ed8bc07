"""Keyframes in layers, which only large worlds have: here every table of more than a few rows is large."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioviz.model.event import Event
from ioviz.model.world import TABLES, World
from ioviz.trace import keyframes as module
from ioviz.trace.keyframes import Keyframes
from ioviz.trace.noted import NotedTable
from ioviz.trace.recording import load, save
from ioviz.trace.timeline import Timeline
from tests.trace.synthetic import Echo, closing


@cache
def log() -> list[Event]:
    made: list[Event] = []
    echo = Echo(made.append)
    echo.run(30, 4)
    for number in range(5):
        row = echo.world.fds[102 << 24 | (5 + number)]
        closing(echo, (0, echo.world.files[row.file].obj, 0, 0), 5 + number)
    return made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 3)
    monkeypatch.setattr(module, "SPACING", 64)


def look_around(timeline: Timeline) -> None:
    """Every place, each once, in an order that jumps and steps both ways."""
    places = list(range(len(log()) + 1))
    wanted, world = [World()], World()
    for event in log():
        event.apply(world)
        wanted.append(world.copy())
    choose = random.Random(8)
    cursor = timeline.cursor()
    for place in choose.sample(places, 300):
        assert timeline.world(place) == wanted[place]
        near = max(0, place - choose.randrange(4))
        assert timeline.world(near) == wanted[near]
        assert cursor.seek(min(place + 1, len(log()))) == wanted[min(place + 1, len(log()))]
    layers = [len(kept.layers) for tables in timeline.keyframes._tables for kept in tables.values()]
    assert max(layers) > 2


@pytest.mark.usefixtures("small")
def test_keyframes_that_a_cursor_leaves() -> None:
    timeline = Timeline()
    timeline.keyframes.due = 64
    for event in log():
        timeline.append(event)
    timeline.world(len(timeline))
    look_around(timeline)


@pytest.mark.usefixtures("small")
def test_keyframes_that_are_left_by_whoever_comes_first() -> None:
    timeline = Timeline()
    timeline.keyframes.due = 64
    for event in log():
        timeline.append(event)
    choose = random.Random(4)
    cursors = [timeline.cursor() for _ in range(3)]
    for stop in range(50, len(log()), 50):
        for cursor in choose.sample(cursors, 2):
            cursor.seek(max(0, min(len(log()), stop + choose.randrange(-80, 80))))
    look_around(timeline)


@pytest.mark.usefixtures("small")
def test_keyframes_of_a_live_world() -> None:
    timeline, world = Timeline(), World()
    timeline.keyframes.due = 64
    for number, event in enumerate(log()):
        event.apply(world)
        timeline.append(event)
        if number % 50 == 0:
            timeline.keep(world)
    look_around(timeline)


@pytest.mark.usefixtures("small")
def test_keyframes_of_a_recording(tmp_path: Any) -> None:
    plain = Timeline()
    for event in log():
        plain.append(event)
    save(plain, tmp_path / "run.ioviz")
    look_around(load(tmp_path / "run.ioviz"))


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["set", "del", "pop", "default", "update", "keep"]), st.integers(0, 30), st.integers()),
    max_size=120,
)


@settings(max_examples=60)
@given(OPERATIONS, st.booleans())
def test_a_table_at_every_keyframe_is_what_it_was(operations: list[tuple[str, int, int]], noted: bool) -> None:
    world, keyframes = World(), Keyframes()
    wanted: list[tuple[int, dict[Any, Any]]] = []
    world.buffers.update({key: object() for key in range(600)})  # type: ignore[misc]
    for place, (operation, key, value) in enumerate([("keep", 0, 0), *operations, ("keep", 0, 0)], 1):
        table: Any = world.buffers
        if operation == "set":
            table[key] = (key, value)
        elif operation == "del" and key in table:
            del table[key]
        elif operation == "pop":
            table.pop(key, None)
        elif operation == "default":
            table.setdefault(key, value)
        elif operation == "update":
            table.update({key: value, key + 700: value})
        elif operation == "keep":
            keyframes.add(place, world, ["buffers"], noted=noted)
            wanted.append((place, dict(world.buffers)))
            assert isinstance(world.buffers, NotedTable) == (noted and len(world.buffers) > module.SMALL)
    for place, table in wanted:
        found, tables = keyframes.before(place)
        assert found == place
        assert tables["buffers"].copy() == table
        assert set(tables) == set(TABLES)


def test_a_noted_table_notes_every_way_of_writing() -> None:
    table = NotedTable({1: "a", 2: "b", 3: "c"})
    table[4] = "d"
    del table[1]
    table.pop(2)
    assert table.pop(9, None) is None
    assert table.setdefault(5, "e") == "e"
    table.update({6: "f"})
    table |= {7: "g"}
    assert table.written == {1, 2, 4, 5, 6, 7, 9}
    assert table == {3: "c", 4: "d", 5: "e", 6: "f", 7: "g"}
    table.written.clear()
    key, _ = table.popitem()
    assert table.written == {key}
    table.clear()
    assert table.written == {3, 4, 5, 6, 7}
    with pytest.raises(KeyError):
        table.pop(3)
