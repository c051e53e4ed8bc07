"""With bursts a run makes the log that it makes without, event by event, and the world at every place between calls."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from ioviz.lesson.scene import find_scenes
from ioviz.machine.kernel.config import Config
from ioviz.machine.launch import Launch
from ioviz.machine.machine import Machine
from ioviz.machine.user.loader import load_program
from ioviz.model.burst import Burst
from ioviz.model.bursts import BURSTS
from ioviz.model.connection_bursts import NonblockSet
from ioviz.model.data_bursts import Polled
from ioviz.model.event import Event
from ioviz.model.terminal import TextPrinted
from ioviz.model.world import World
from ioviz.session import Setup, setup_of
from ioviz.trace.log import CHUNK, Log, unfolded
from ioviz.verify.backends import simulate
from ioviz.verify.sequences import Generator
from tests.verify.sequences import ops

SCENES = [scene for scene in find_scenes() if scene.id not in ("race", "boot")]
"""One has no machine of its own, the other no system call that a burst could stand for."""


def entries_of(setup: Setup, bursts: bool) -> tuple[list[Any], dict[int, World]]:
    entries: list[Any] = []
    worlds = {}
    machine = Machine(
        setup.launches,
        setup.config,
        entries.append,
        seed=setup.seed,
        limits=setup.limits,
        lines=setup.lines,
        inputs=setup.inputs,
        bursts=bursts,
    )
    while not machine.run(397):
        last = entries[-1]
        worlds[last.seq + (last.count if isinstance(last, Burst) else 1)] = machine.world.copy()
    machine.dispose()
    return entries, worlds


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_a_scene_is_the_same_with_bursts(scene: Any) -> None:
    setup = setup_of(scene)
    plain, _ = entries_of(setup, False)
    entries, worlds = entries_of(setup, True)
    assert not any(isinstance(entry, Burst) for entry in plain)
    events = unfolded(entries)
    assert events == plain
    assert [event.seq for event in events] == list(range(len(events)))
    world = World()
    for place, event in enumerate(events):
        if place in worlds:
            assert worlds[place] == world, f"after {place} events"
        event.apply(world)


def test_random_operations_are_the_same_with_bursts() -> None:
    seen: set[type] = {NonblockSet}  # the operations make their sockets non-blocking when they open them
    both_close = ops(("listener", 1, 16, 0), ("connect", 2, 1), ("accept", 3, 1, 0), ("close", 2), ("close", 3))
    for number, sequence in enumerate([both_close, *(Generator(seed).sequence() for seed in range(60))]):
        plain: list[Event] = []
        entries: list[Any] = []
        assert simulate(sequence, plain.append) == simulate(sequence, entries.append, bursts=True)
        assert unfolded(entries) == plain, f"sequence {number}"
        seen.update(map(type, entries))
    assert seen >= set(BURSTS), "the operations do not make every kind of burst"


def test_a_log_of_bursts_is_a_log_of_events() -> None:
    entries: list[Any] = []
    for seed in range(200, 400):
        one: list[Any] = []
        simulate(Generator(seed).sequence(), one.append, bursts=True)
        entries.extend(one)
    events = [
        type(event)(number, *[getattr(event, name) for name in event.__struct_fields__[1:]])
        for number, event in enumerate(unfolded(entries))
    ]
    log, counted = Log(), 0
    for entry in entries:
        if isinstance(entry, Burst):
            entry = type(entry)(counted, *[getattr(entry, name) for name in entry.__struct_fields__[1:]])
            log.append(entry)  # type: ignore[arg-type]  # a log takes bursts
            counted += entry.count
        else:
            log.append(events[counted])
            counted += 1
        if counted % 7 == 0:
            log.pack()
        assert len(log) == counted
    assert counted == len(events) > 3 * CHUNK
    for place in range(0, len(events), 91):
        assert type(log.event(place)) is type(events[place])
        assert log.event(place).seq == place
        part = log.events(place, place + 300)
        assert list(map(type, part)) == list(map(type, islice(events, place, place + 300)))
        assert log.kinds(place, place + 300) >= set(map(type, part))
    log.forget(CHUNK + 100)
    assert log.event(CHUNK + 100).seq == CHUNK + 100
    with pytest.raises(IndexError):
        log.event(CHUNK + 99)


def test_a_long_way_along_the_ready_list_is_several_bursts() -> None:
    items = list(range(1, 301))
    one = Polled(5, 100, 1, 7, 4, 0, True, -1, (3, 400, -1), 9, 10, items[:256], [3] * 256, -1, (), 8)
    two = Polled(262, 2660, 1, 7, 5, 0, False, -1, (3, 400, -1), 9, 10, items[256:], [0] * 44, 256, ((1, 1),), 8)
    events = unfolded([one, two])
    assert [event.seq for event in events] == list(range(5, 5 + 1 + 300 + 1))
    assert {event.cause for event in events[1:]} == {5}
    assert events[-1].t == 100 + 300 * 10 + 8


DEEP = """
import select, socket

listener = socket.socket()
listener.bind(("127.0.0.1", 9000))
listener.listen(100)
listener.setblocking(False)
epoll = select.epoll()
ends = {}
calls = [
    lambda: ends.update(client=socket.socket()),
    lambda: ends["client"].connect(("127.0.0.1", 9000)),
    lambda: ends.update(server=listener.accept()[0]),
    lambda: ends["server"].setblocking(False),
    lambda: epoll.register(ends["server"].fileno(), 1),
    lambda: ends["client"].send(b"hello"),
    lambda: epoll.poll(0),
    lambda: ends["server"].recv(100),
    lambda: epoll.unregister(ends["server"].fileno()),
    lambda: ends["client"].close(),
    lambda: ends["server"].close(),
]

def below(frames, call):
    return below(frames - 1, call) if frames else call()

def room(frames):
    try:
        return room(frames + 1)
    except RecursionError:
        return frames

failed = 0
deepest = room(0)
for frames in range(deepest - 40, deepest + 1):
    ends.clear()
    for call in calls:
        try:
            below(frames, call)
        except (RecursionError, KeyError, OSError):  # some may follow from one before
            failed += 1
            try:
                call()
            except (KeyError, OSError):
                pass
print(failed)
"""


@pytest.mark.parametrize("bursts", [False, True])
def test_a_program_that_recursed_to_its_limit_leaves_the_world_that_the_log_gives(tmp_path: Path, bursts: bool) -> None:
    (tmp_path / "deep.py").write_text(DEEP)
    entries: list[Any] = []
    machine = Machine(
        [Launch(load_program(str(tmp_path / "deep.py"), []), "main")],
        Config(),
        entries.append,
        lines=False,
        bursts=bursts,
    )
    while not machine.run(1000):
        pass
    world = World()
    for event in unfolded(entries):
        event.apply(world)
        if isinstance(event, TextPrinted):
            assert 0 < int(event.data) < 400  # some had room and some had not
    assert world == machine.world
    assert world.runs[1].ended == "exit"
    machine.dispose()
