"""Every panel, over whole runs: it fits its room at any size, in both languages, and its key tells when it changes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from rich.cells import cell_len

from ioviz.lesson.scene import find_scenes
from ioviz.machine.kernel.config import Config
from ioviz.machine.launch import Launch
from ioviz.machine.user.loader import load_program
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import Event
from ioviz.model.files import FileHeld
from ioviz.model.syscalls import SYS
from ioviz.model.trap_steps import registers, steps_of
from ioviz.model.world import World
from ioviz.session import Session, Setup, setup_of
from ioviz.view.moment import Moment, Panel
from ioviz.view.panels import PANELS


@cache
def runs() -> tuple[tuple[Event, ...], ...]:
    """The logs of the scenes, and of a program with many items, pipes and locks."""
    folder = Path(__file__).parent / "programs"
    sessions = [Session(setup_of(scene)) for scene in find_scenes()]
    sessions.append(Session(Setup((Launch(load_program("many.py", cwd=str(folder))),), Config())))
    logs = []
    for session in sessions:
        while not session.advance(1 << 20):
            pass
        log = session.timeline
        logs.append(tuple(log.events(0, len(log))))
        session.close()
    return tuple(logs)


def moment(log: tuple[Event, ...], place: int, lang: str, ascii_only: bool, step: int) -> Moment:
    world = World()
    for done in log[:place]:
        done.apply(world)
    event = log[place - 1] if place else None
    steps = len(steps_of(event)) if event is not None else 0
    return Moment(world, event, place, min(step, steps), steps, lang, ascii_only, min(world.hosts, default=1))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_panel_leaves_its_room(data: st.DataObject) -> None:
    log = data.draw(st.sampled_from(runs()))
    place = data.draw(st.integers(0, len(log)))
    at = moment(
        log, place, data.draw(st.sampled_from(["en", "zh"])), data.draw(st.booleans()), data.draw(st.integers(0, 6))
    )
    width, height = data.draw(st.integers(8, 200)), data.draw(st.integers(1, 60))
    for panel in PANELS:
        lines = panel.render(at, width, height).plain.split("\n")
        assert len(lines) <= height, panel.id
        assert all(cell_len(line) <= width for line in lines), panel.id
        assert "\n" not in panel.line(at, width).plain, panel.id
        hash(panel.key(at))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_the_same_key_is_the_same_picture(panel: Panel) -> None:
    for log in runs():
        world, before = World(), None
        for place, event in enumerate(log, 1):
            event.apply(world)
            if place % 3:
                continue
            at = Moment(world, event, place, 0, len(steps_of(event)), "en", False, 1)
            key, picture = panel.key(at), panel.render(at, 80, 16).plain
            if before is not None and before[0] == key:
                assert picture == before[1], (panel.id, event)
            before = key, picture


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_ascii_means_ascii(panel: Panel) -> None:
    log = runs()[0]
    for place in range(0, len(log), 29):
        at = moment(log, place, "en", True, 0)
        assert panel.render(at, 100, 20).plain.isascii() or panel.id in {"source", "terminal"}


def test_every_panel_has_a_title_in_both_languages() -> None:
    assert all(set(panel.title) == {"en", "zh"} and all(panel.title.values()) for panel in PANELS)
    assert len({panel.id for panel in PANELS}) == len(PANELS)


def test_int80_goes_by_the_idt_and_syscall_does_not() -> None:
    int80 = TrapEntered(0, 0, 1, 101, -1, 0, 1 << 16 | 3, 0x80, 1, (1, "hi", 2))
    syscall = TrapEntered(0, 0, 1, 101, -1, 0, 1 << 16 | 3, -1, 1, (1, "hi", 2))
    assert [step.name for step in steps_of(int80)] == ["vector", "idt", "dpl", "stack", "frame", "table", "handler"]
    assert "idt" not in [step.name for step in steps_of(syscall)]
    rings = [registers(int80, step).ring for step in range(1, 8)]  # type: ignore[union-attr]
    assert rings == [3, 3, 3, 0, 0, 0, 0]
    assert registers(int80, 7).rax == 4, "write is call 4 of the i386 table"  # type: ignore[union-attr]
    assert registers(syscall, 5).rax == 1  # type: ignore[union-attr]
    stacks = [registers(int80, step).rsp for step in range(1, 8)]  # type: ignore[union-attr]
    assert stacks[0] < 1 << 47 < stacks[3], "from the user's stack to the kernel's"
    assert stacks[4] == stacks[3] - 168


def test_control_characters_of_a_program_stay_off_the_screen() -> None:
    world = World()
    log = next(iter(runs()))
    for event in log:
        event.apply(world)
    (pid, row), *_ = world.terminals.items()
    world.terminals[pid] = structs.replace(row, printed=("a\x1b[2Jb\x00\tc\x9b1m",))
    at = Moment(world, None, len(log), 0, 0, "en", False, 1)
    panel = next(panel for panel in PANELS if panel.id == "terminal")
    shown = panel.render(at, 80, 4).plain
    assert "a·[2Jb·    c·1m" in shown


def test_the_sockets_at_the_other_end_of_a_link_are_shown_below_one_s_own() -> None:
    scene = next(scene for scene in find_scenes() if scene.id == "two-buffers")
    session = Session(setup_of(scene))
    while not session.advance(10_000):
        pass
    log = session.timeline
    panel = next(panel for panel in PANELS if panel.id == "sockets")
    both = 0
    for event in log.events(0, len(log)):
        world = log.world(event.seq + 1)
        here = Moment(world, event, event.seq + 1, 0, 0, "en", False, 1)
        there = Moment(world, event, event.seq + 1, 0, 0, "en", False, 2)
        one, two = (panel.render(moment, 78, 12).plain for moment in (here, there))
        if "over there, on host2:" in one:
            both += "sender 3" in one and "receiver 4" in one
            assert "over there, on host1:" in two
        small = panel.render(here, 78, 2).plain
        assert len(small.splitlines()) <= 2
    session.close()
    assert both > 50


def test_a_long_run_queue_goes_on_in_the_next_row_where_there_is_room() -> None:
    scene = next(scene for scene in find_scenes() if scene.id == "interrupts")
    session = Session(setup_of(scene))
    while not session.advance(10_000):
        pass
    log = session.timeline
    place = next(e.seq for e in log.events(0, len(log)) if type(e).__name__ == "TaskPreempted") + 1
    now = Moment(log.world(place), log.event(place - 1), place, 0, 0, "en", False, 1)
    panel = next(panel for panel in PANELS if panel.id == "sched")
    for width, height in ((36, 4), (36, 3), (36, 2), (78, 4)):
        rows = panel.render(now, width, height).plain.splitlines()
        assert len(rows) <= height
        if height == 4:
            assert [name in "".join(rows) for name in ("102 worker.py", "103 worker.py", "101 polite.py")] == [True] * 3
            assert all(cell_len(row) <= width for row in rows)
    session.close()


def test_the_socket_that_a_call_is_about_is_marked() -> None:
    scene = next(scene for scene in find_scenes() if scene.id == "blocking-write")
    session = Session(setup_of(scene))
    while not session.advance(10_000):
        pass
    log = session.timeline
    panel = next(panel for panel in PANELS if panel.id == "sockets")
    calls = [e for e in log.events(0, len(log)) if isinstance(e, TrapEntered) and e.nr == SYS.sendto]
    assert len(calls) == 3
    for event in calls:
        now = Moment(log.world(event.seq + 1), event, event.seq + 1, 0, 0, "en", False, 1)
        for height in (3, 9):  # also where there is not room for all of them
            marked = [row for row in panel.render(now, 78, height).plain.splitlines() if row.startswith("▶")]
            assert len(marked) >= 1
            assert any("writer 3" in row for row in marked)
    session.close()


def test_an_open_file_that_only_a_sleeping_call_keeps_is_shown_without_a_descriptor() -> None:
    scene = next(scene for scene in find_scenes() if scene.id == "closing")
    session = Session(setup_of(scene))
    while not session.advance(10_000):
        pass
    log = session.timeline
    panel = next(panel for panel in PANELS if panel.id == "files")
    held = [event for event in log.events(0, len(log)) if isinstance(event, FileHeld)]
    assert [event.delta for event in held] == [1, -1]
    returned = next(event for event in log.events(held[0].seq, len(log)) if isinstance(event, SyscallReturned))
    for place, wanted in ((held[0].seq, 0), (returned.seq + 1, 1), (len(log), 0)):
        now = Moment(log.world(place), log.event(place - 1), place, 0, 0, "en", False, 1)
        rows = panel.render(now, 78, 8).plain.splitlines()
        assert sum(row.startswith("no descriptor → socket #") for row in rows) == wanted
    session.close()
