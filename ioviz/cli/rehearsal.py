"""A scene played to its end without a terminal, as written and under each of its `tries`: what is reached, and where.

This is what `ioviz check-scene` reports and what the tests of the scenes ask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ioviz.lesson.anchor import find_anchors
from ioviz.lesson.questions import Asked, pose
from ioviz.machine.kernel.sched import Limits
from ioviz.session import Session, Setup, setup_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.lesson.scene import Scene

MAX_EVENTS: Final = 1_000_000
"""A scene has some hundred events; one with so many is not one."""
SLICE: Final = 10_000


@dataclass(frozen=True)
class Rehearsal:
    """One run of a scene. `knob` is what was turned (empty: nothing); `chapters` are the places of its chapters in the
    log, `questions` what its questions come to; None where the run has no such thing. `ended` is the reason."""

    knob: str
    session: Session
    chapters: tuple[int | None, ...]
    questions: tuple[Asked | None, ...]
    ended: str
    message: str

    @property
    def events(self) -> int:
        """How many events the run has."""
        return len(self.session.timeline)


def settings(scene: Scene) -> Iterator[tuple[str, Setup]]:
    """The scene as written, and with each knob of its `tries` turned: (what was turned, how to run it)."""
    setup = setup_of(scene)
    limits = Limits(MAX_EVENTS, setup.limits.time)
    setup = replace(setup, limits=limits)
    yield "", setup
    seen = {setup.config}
    for one in scene.tries:
        config = setup.config.turned(one.knob, str(one.value))
        if config not in seen:
            seen.add(config)
            yield f"{one.knob}={one.value}", replace(setup, config=config)


def rehearse(scene: Scene) -> Iterator[Rehearsal]:
    """Play `scene` under each of its settings."""
    for knob, setup in settings(scene):
        yield play(scene, knob, setup)


def play(scene: Scene, knob: str, setup: Setup) -> Rehearsal:
    """One run, to its end."""
    session = Session(setup)
    while not session.advance(SLICE):
        pass
    session.close()
    log = session.timeline
    events = log.events(0, len(log))
    chapters = find_anchors(events, [chapter.at for chapter in scene.chapters])
    places = find_anchors(events, [question.at for question in scene.questions])
    questions = tuple(
        pose(log, question.ask, place) if place is not None else None
        for question, place in zip(scene.questions, places, strict=True)
    )
    run = log.world(len(log)).runs.get(1)
    ended, message = (run.ended, run.message) if run is not None else ("", "")
    return Rehearsal(knob, session, tuple(chapters), questions, ended, message)
