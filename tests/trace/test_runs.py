"""Real runs: folding equals the machine at every event, seeking equals folding, invariants hold, recordings are
exact."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest

from ioviz.lesson.scene import Scene, find_scenes
from ioviz.machine.kernel.config import Config
from ioviz.machine.kernel.sched import Limits
from ioviz.machine.launch import Launch
from ioviz.machine.machine import Machine
from ioviz.machine.user.loader import load_program
from ioviz.model.event import Event
from ioviz.model.footprint import tables_of
from ioviz.model.invariants import Checker
from ioviz.model.world import TABLES, World
from ioviz.session import setup_of
from ioviz.trace.recording import load, save
from ioviz.trace.timeline import Timeline

ARTICLE = Path(__file__).parents[1] / "guests" / "article"
PROGRAMS = Path(__file__).parents[2] / "benchmarks" / "programs"
TYPED = ("hello", "你好", "quit")


def program(path: Path, *args: str, role: str = "main", stdin: tuple[str, ...] | None = None) -> Launch:
    return Launch(load_program(str(path), args), role, stdin)


def of_scene(scene: Scene) -> tuple[tuple[Launch, ...], Config]:
    setup = setup_of(scene)
    return setup.launches, setup.config


def article(server: str, client: str, role: str) -> tuple[Launch, ...]:
    return (
        program(ARTICLE / f"{server}_server.py", stdin=()),
        *(program(ARTICLE / f"{client}_client.py", role=role, stdin=TYPED) for _ in range(2)),
    )


def echo(server: str, count: int) -> tuple[Launch, ...]:
    return (
        program(PROGRAMS / f"{server}_echo_server.py", "8000", str(count), stdin=()),
        program(PROGRAMS / "epoll_echo_client.py", "8000", str(count), "4", role="peer", stdin=()),
    )


RUNS: dict[str, Callable[[], tuple[tuple[Launch, ...], Config]]] = {
    **{scene.id: partial(of_scene, scene) for scene in find_scenes()},
    "bio": lambda: (article("bio", "bio", "peer"), Config()),
    "select": lambda: (article("select", "bio", "peer"), Config()),
    "epoll": lambda: (article("epoll", "epoll", "peer"), Config()),
    "echo": lambda: (echo("epoll", 12), Config()),
    "echo with edges and int80 off": lambda: (echo("epoll", 8), Config(trigger="et", entry="syscall")),
    "threads": lambda: (echo("thread", 5), Config()),
    "over the link": lambda: (article("bio", "bio", "remote"), Config()),
}


@cache
def run(name: str) -> tuple[list[Event], World]:
    """The log, folded beside the machine at every event; the world at its end."""
    launches, config = RUNS[name]()
    log: list[Event] = []
    folded = World()
    checker = Checker(folded)

    def sink(event: Event) -> None:
        log.append(event)
        before = {name: dict(folded.table(name)) for name in TABLES}
        event.apply(folded)
        changed = {name for name in TABLES if folded.table(name) != before[name]}
        assert changed <= tables_of(frozenset({type(event)})), event
        assert checker.after(event) == [], event
        if made:
            assert folded == made[0].world, event

    made: list[Machine] = []
    machine = Machine(launches, config, sink, limits=Limits(6_000))
    made.append(machine)
    while not machine.run(1 << 30):
        pass
    machine.dispose()
    assert folded == machine.world
    return log, folded


@pytest.fixture(params=list(RUNS))
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_folding_equals_the_machine_and_the_invariants_hold_at_every_event(name: str) -> None:
    log, _ = run(name)
    assert log[-1].seq == len(log) - 1
    assert type(log[-1]).__name__ == "RunEnded"


def test_seeking_equals_folding(name: str) -> None:
    log, last = run(name)
    timeline = Timeline()
    for event in log:
        timeline.append(event)
    choose = random.Random(5)
    places = sorted(choose.randrange(len(log) + 1) for _ in range(20))
    world, worlds = World(), {}
    for n, event in enumerate(log):
        if n in places:
            worlds[n] = world.copy()
        event.apply(world)
    worlds[len(log)] = last
    for place in choose.sample(sorted(worlds), len(worlds)):
        assert timeline.world(place) == worlds[place]


def test_a_recording_gives_the_same_log_and_the_same_bytes(name: str, tmp_path: Path) -> None:
    log, last = run(name)
    timeline = Timeline()
    for event in log:
        timeline.append(event)
    save(timeline, tmp_path / "one.ioviz")
    recording = load(tmp_path / "one.ioviz")
    assert recording.events(0, len(log) + 1) == log
    assert recording.world(len(log)) == last
    save(recording, tmp_path / "two.ioviz")
    assert (tmp_path / "one.ioviz").read_bytes() == (tmp_path / "two.ioviz").read_bytes()
