"""Every scene runs, reaches its chapters, tells the same story as always, and folds to the machine's own state."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ioviz.cli.plain import story
from ioviz.cli.rehearsal import MAX_EVENTS, play, rehearse
from ioviz.lesson.scene import find_scenes
from ioviz.machine.machine import Machine
from ioviz.model.footprint import tables_of
from ioviz.model.world import TABLES, World
from ioviz.session import Session, setup_of
from ioviz.view.panels import PANELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.cli.rehearsal import Rehearsal
    from ioviz.lesson.scene import Scene
    from ioviz.model.event import Event

GOLDEN = Path(__file__).parent / "golden"
SCENES = find_scenes()
TRACEBACK = re.compile(r"(Traceback \(most recent c.*\n.* write (?:returns|返回) )\d+")
"""How long a traceback is depends on where the checkout lies: it names the file."""
WHOLE = 32
"""Events after which the whole world is compared."""


def run(scene: Scene, **knobs: str) -> Session:
    """The whole run of `scene`."""
    setup = setup_of(scene)
    for name, value in knobs.items():
        setup = replace(setup, config=setup.config.turned(name, value))
    session = Session(setup)
    while not session.advance(10_000):
        pass
    return session


def settled(scene: Scene) -> Iterator[Rehearsal]:
    """The scene under each of its settings; one that is older than `tries` under those that were turned then."""
    yield from rehearse(scene)
    if not scene.tries:
        for trigger in ("lt", "et"):
            setup = setup_of(scene)
            yield play(scene, trigger, replace(setup, config=setup.config.turned("trigger", trigger)))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_the_story_is_as_it_was(scene: Scene, lang: str, accept: bool) -> None:
    told = "\n".join(story(Session(setup_of(scene)), lang)) + "\n"
    told = TRACEBACK.sub(r"\1…", told)
    file = GOLDEN / f"{scene.id}.{lang}.txt"
    if accept:
        file.parent.mkdir(exist_ok=True)
        file.write_text(told, encoding="utf-8")
    assert told == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_every_chapter_is_reached_and_every_question_answered_under_some_setting(scene: Scene) -> None:
    chapters, questions = set(range(len(scene.chapters))), set(range(len(scene.questions)))
    for played in settled(scene):
        chapters -= {number for number, place in enumerate(played.chapters) if place is not None}
        questions -= {number for number, asked in enumerate(played.questions) if asked is not None}
        assert played.events < MAX_EVENTS
    assert (chapters, questions) == (set(), set())


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_fold_equals_live_at_every_event(scene: Scene) -> None:
    setup = setup_of(scene)
    folded = World()
    differing: list[int] = []

    def check(event: Event) -> None:
        # What the event may write is compared at once, everything else now and then and at the end.
        event.apply(folded)
        tables = tables_of(frozenset({type(event)})) if event.seq % WHOLE else TABLES
        if any(folded.table(name) != machines[0].world.table(name) for name in tables):
            differing.append(event.seq)

    machines: list[Machine] = []
    early: list[Event] = []
    machines.append(Machine(setup.launches, setup.config, lambda event: (check if machines else early.append)(event)))
    for event in early:
        event.apply(folded)
    assert folded == machines[0].world
    while not machines[0].run(10_000):
        pass
    assert folded == machines[0].world
    machines[0].dispose()
    assert differing == []


def test_focus_names_panels() -> None:
    panels = {panel.id for panel in PANELS}
    for scene in SCENES:
        assert set(scene.focus) <= panels


def test_the_hang_of_edge_triggering() -> None:
    scene = next(scene for scene in SCENES if scene.id == "epoll-lt-et")
    level, edge = run(scene, trigger="lt"), run(scene, trigger="et")
    ends = [session.timeline.world(len(session.timeline)).runs[1] for session in (level, edge)]
    assert (ends[0].ended, ends[0].code) == ("exit", 0)
    assert (ends[1].ended, ends[1].code) == ("stalled", 125)
    assert "server.py" in ends[1].message
