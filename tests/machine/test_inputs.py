"""Mouse and keyboard interrupt whatever runs; without the timer nobody takes the CPU away."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ioviz.lesson.scene import SceneError, load_scene
from ioviz.model.cpu import IrqEntered, IrqReturned
from ioviz.model.event import Event
from ioviz.model.idt import KEYBOARD, MOUSE
from ioviz.model.inputs import InputReceived
from ioviz.model.task import LineReached, ProcessExited, TaskPreempted, TaskSwitched
from ioviz.session import Session, setup_of
from tests.cli.programs import ioviz

SCENE = """
id = "{name}"
title = {{ en = "t", zh = "t" }}
summary = {{ en = "s", zh = "s" }}
seconds = {seconds}
[[programs]]
file = "compute.py"
[[programs]]
file = "print.py"
role = "peer"
{more}
"""
COMPUTE = "n = 0\nwhile n < {turns}:\n    n += 1\n"


def scene(folder: Path, more: str, turns: int = 2000, seconds: float = 1.0) -> Path:
    folder.mkdir()
    (folder / "compute.py").write_text(COMPUTE.format(turns=turns))
    (folder / "print.py").write_text("print('at last')\n")
    (folder / "scene.toml").write_text(SCENE.format(name=folder.name, more=more, seconds=seconds))
    return folder


def played(folder: Path) -> tuple[Session, list[Event]]:
    session = Session(setup_of(load_scene(folder)))
    while not session.advance(10_000):
        pass
    log = list(session.timeline.events(0, len(session.timeline)))
    session.close()
    return session, log


INPUTS = """
[[inputs]]
at = 0.0001
device = "mouse"
value = "5 to the right"
[[inputs]]
at = 0.00015
device = "keyboard"
value = "q"
[[inputs]]
at = 100
device = "mouse"
value = "long after the end"
"""


def test_an_input_interrupts_the_program_at_a_line_and_it_goes_on(tmp_path: Path) -> None:
    _, log = played(scene(tmp_path / "touched", INPUTS))
    received = [event for event in log if isinstance(event, InputReceived)]
    assert [(event.device, event.value) for event in received] == [("mouse", "5 to the right"), ("keyboard", "q")]
    for vector in (MOUSE, KEYBOARD):
        entered = next(event for event in log if isinstance(event, IrqEntered) and event.vector == vector)
        returned = next(event for event in log[entered.seq :] if isinstance(event, IrqReturned))
        assert returned.vector == vector
        assert entered.task, "it preempts the program that computes"
        following = next(event for event in log[returned.seq :] if isinstance(event, LineReached))
        assert following.task == entered.task, "which goes on"


def test_without_the_timer_programs_run_one_after_the_other(tmp_path: Path) -> None:
    slices = '[knobs]\ntime_slice = "20us"\n'
    _, on = played(scene(tmp_path / "on", slices))
    _, off = played(scene(tmp_path / "off", slices + 'timer = "off"\n'))
    assert any(isinstance(event, TaskPreempted) for event in on)
    assert not any(isinstance(event, TaskPreempted) for event in off)
    exits = [[event.pid for event in log if isinstance(event, ProcessExited)] for log in (on, off)]
    assert exits == [[102, 101], [101, 102]]
    assert sum(isinstance(event, TaskSwitched) for event in off) < sum(isinstance(event, TaskSwitched) for event in on)


def test_who_never_calls_the_kernel_starves_the_others(tmp_path: Path) -> None:
    folder = scene(tmp_path / "starving", '[knobs]\ntimer = "off"\n', turns=10**9, seconds=0.002)
    session, _ = played(folder)
    run = session.timeline.world(len(session.timeline)).runs[1]
    assert (run.ended, run.code) == ("limit", 124)
    assert "compute.py:" in run.message
    assert run.message.endswith("the timer is off, so nobody takes the CPU away from it, and print.py waits")


def test_starving_ends_a_run_without_lines(tmp_path: Path) -> None:
    folder = scene(tmp_path / "programs", "", turns=10**9)
    done = ioviz("exec", "--no-lines", "--peer", "print.py", "--set", "timer=off", "compute.py", cwd=folder)
    assert done.code == 124
    assert "the others starve at compute.py" in done.err
    assert "at last" not in done.out


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("[[inputs]]\nat = 1\ndevice = 'joystick'\nvalue = 'x'\n", "mouse"),
        ("[[inputs]]\nat = -1\ndevice = 'mouse'\nvalue = 'x'\n", "at"),
        ("[[inputs]]\nat = 1\ndevice = 'mouse'\n", "value"),
        ("[knobs]\ntimer = 'maybe'\n", "on or off"),
    ],
)
def test_a_wrong_input_is_said(more: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=complaint):
        load_scene(scene(tmp_path / "wrong", more))


def test_a_loop_that_only_computes_is_told_once_between_two_other_events(tmp_path: Path) -> None:
    knobs = '[knobs]\ntime_slice = "20us"\n'
    full = played(scene(tmp_path / "full", knobs))[1]
    folder = scene(tmp_path / "once", knobs)
    file = folder / "scene.toml"
    file.write_text('lines = "once"\n' + file.read_text())
    once = played(folder)[1]

    def rest(log: list[Event]) -> list[tuple[str, int, int]]:
        return [(type(e).__name__, e.t, e.at) for e in log if not isinstance(e, LineReached)]

    assert rest(once) == rest(full)  # nothing else changes, and nothing happens at another time
    assert len(once) < len(full) / 10
    for before, event in pairwise(once):
        if isinstance(event, IrqEntered) and event.task:
            assert isinstance(before, LineReached)  # where the program was when it was interrupted
            assert before.at == event.at
