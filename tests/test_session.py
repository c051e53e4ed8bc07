"""Sessions: a run made slice by slice, run again with a knob turned, and a recording that is read as it is watched."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioviz.lesson.scene import load_scene
from ioviz.machine.kernel.config import Config, KnobError
from ioviz.machine.launch import Launch
from ioviz.machine.user.loader import load_program
from ioviz.model.eventpoll import EpitemInserted
from ioviz.model.world import World
from ioviz.session import Replay, Session, Setup, setup_of
from ioviz.trace.compare import counterpart, first_difference, same
from ioviz.trace.recording import RecordingError, save
from ioviz.tui.screens.typing import waits_for_line

PROGRAMS = Path(__file__).parent.parent / "benchmarks" / "programs"


def echo(count: int) -> Setup:
    server = load_program(str(PROGRAMS / "epoll_echo_server.py"), ("8000", str(count)))
    client = load_program(str(PROGRAMS / "epoll_echo_client.py"), ("8000", str(count), "6"))
    return Setup((Launch(server, stdin=()), Launch(client, "peer", ())), Config())


def whole(setup: Setup) -> Session:
    session = Session(setup)
    while not session.advance(1_000):
        pass
    return session


def test_slices_of_any_size_make_the_same_run() -> None:
    one, two = whole(echo(8)), Session(echo(8))
    while not two.advance(37):
        assert not two.ended
    assert len(one.timeline) > 1_000
    assert one.timeline.events(0, len(one.timeline)) == two.timeline.events(0, len(two.timeline))
    one.close()
    two.close()


def test_any_place_of_a_run_can_be_looked_at_while_it_goes_on() -> None:
    session = Session(echo(30))
    while not session.advance(700):
        for place in (0, len(session.timeline) // 2, len(session.timeline)):
            session.timeline.world(place)
    assert len(session.timeline.keyframes) > 2
    world = World()
    for n, event in enumerate(session.timeline.events(0, len(session.timeline))):
        if n % 997 == 0:
            assert session.timeline.world(n) == world
        event.apply(world)
    assert session.timeline.world(len(session.timeline)) == world
    session.close()


def test_closing_in_the_middle_leaves_the_log() -> None:
    session = Session(echo(8))
    session.advance(500)
    session.close()
    kept = session.timeline.events(0, len(session.timeline))
    full = whole(echo(8)).timeline
    assert kept == full.events(0, len(kept))


def test_the_other_trigger_parts_where_level_and_edge_do() -> None:
    one = whole(setup_of(load_scene("epoll-lt-et")))
    trigger = "lt" if one.knob("trigger") == "et" else "et"
    two = one.turned("trigger", trigger)
    assert two.knob("trigger") == trigger
    while not two.advance(1_000):
        pass
    parted = first_difference(one.timeline, two.timeline)
    assert parted is not None
    items = [event for event in one.timeline.events(0, parted) if isinstance(event, EpitemInserted)]
    assert items, "they part before epoll has anything to do with it"
    assert all(same(one.timeline.event(n), two.timeline.event(n)) for n in range(parted))
    assert not same(one.timeline.event(parted), two.timeline.event(parted))
    assert counterpart(one.timeline, two.timeline, parted, parted) == parted
    assert 0 <= counterpart(one.timeline, two.timeline, len(one.timeline), parted) <= len(two.timeline)


def test_a_knob_that_does_not_exist() -> None:
    session = Session(echo(1))
    assert session.knob("colour") == ""
    with pytest.raises(KnobError):
        session.turned("colour", "red")
    session.close()


def test_a_replay_is_read_as_it_is_watched(tmp_path: Path) -> None:
    run = whole(echo(60))
    save(run.timeline, tmp_path / "run.ioviz")
    replay = Replay(tmp_path / "run.ioviz")
    lengths = [0]
    while not replay.advance(500):
        lengths.append(len(replay.timeline))
        replay.timeline.world(lengths[-1] // 2)
    assert len(lengths) > 2
    assert replay.ended
    assert replay.title == "run.ioviz"
    assert replay.knob("entry") == run.knob("entry")
    assert replay.timeline.events(0, len(replay.timeline)) == run.timeline.events(0, len(run.timeline))
    replay.close()


def test_what_is_no_recording_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "run.ioviz").write_text("hello\n")
    with pytest.raises(RecordingError):
        Replay(tmp_path / "run.ioviz")


def test_a_held_program_waits_until_somebody_types_and_the_rest_of_the_run_stays(tmp_path: Path) -> None:
    file = tmp_path / "asks.py"
    file.write_text("a = input('a? ')\nprint('b? ')\nprint(a + input())\n")
    (tmp_path / "other.py").write_text("pass\n")
    program, other = load_program(str(file), ()), load_program(str(tmp_path / "other.py"), ())
    first = whole(Setup((Launch(program, stdin=(), held=True), Launch(other, "peer", ())), Config()))
    end = first.timeline.world(len(first.timeline))
    assert end.runs[1].ended == "stalled"
    assert [task.wchan for task in end.tasks.values() if task.state == "sleeping"] == ["n_tty_read"]
    main, peer = end.processes
    at = first.timeline.event(len(first.timeline) - 1).t
    assert first.can_type(end, main, at)
    assert not first.can_type(end, peer, at)
    assert first.typed(end, peer, "x", at) is None
    assert first.typed(end, 77, "x", at) is None
    session = first
    for line in ("one", "two"):
        made = session.typed(end, main, line, session.timeline.event(len(session.timeline) - 1).t)
        assert made is not None
        while not made.advance(1_000):
            pass
        parted = first_difference(session.timeline, made.timeline)
        assert parted == len(session.timeline) - 1  # all but that it stalled is the same
        session = made
    world = session.timeline.world(len(session.timeline))
    assert world.runs[1].ended == "exit"
    assert "onetwo" in "".join(world.terminals[main].printed)
    ended = first.typed(end, main, None, at)
    assert ended is not None
    while not ended.advance(1_000):
        pass
    assert "EOFError" in "".join(ended.timeline.world(len(ended.timeline)).terminals[main].printed)


WAITS = {
    "select": "select.select([0], [], [], 0.5)[0]",
    "poll": "p.poll(500)",
    "epoll_wait": "ep.poll(0.5)",
    "read": "True",
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_line_comes_when_it_is_typed_however_the_program_waits(tmp_path: Path, wait: str) -> None:
    file = tmp_path / "asks.py"
    file.write_text(
        "import select, sys, time\n"
        "p = select.poll(); p.register(0, select.POLLIN)\n"
        "ep = select.epoll(); ep.register(0, select.EPOLLIN)\n"
        "for _ in range(9):\n"
        f"    if {WAITS[wait]}:\n"
        "        line = sys.stdin.readline()\n"
        "        print(round(time.monotonic(), 1), line, end='')\n"
    )
    first = whole(Setup((Launch(load_program(str(file), ()), stdin=(), held=True),), Config()))
    log = first.timeline
    asleep = next(n for n in range(len(log)) if type(log.event(n)).__name__ == "TaskSlept")
    assert any(waits_for_line(log.world(asleep + 1), task) for task in log.world(asleep + 1).tasks.values())
    (main,) = log.world(len(log)).processes
    at = log.event(0).t + 1_300_000_000
    session: Session | None = first
    for line, when in (("second", at + 200_000_000), ("first", at)):  # typed back in time: it still comes first
        assert session is not None
        session = session.typed(log.world(asleep), main, line, when)
    assert session is not None
    while not session.advance(10_000):
        pass
    parted = first_difference(log, session.timeline)
    assert parted is not None
    assert session.timeline.event(parted).t >= at or wait == "read"
    shown = "".join(session.timeline.world(len(session.timeline)).terminals[main].printed).split("\n")
    assert [text for text in shown if " " in text][:2] == ["1.3 first", "1.5 second"]


def test_after_the_end_of_input_nobody_can_type_and_before_it_one_can(tmp_path: Path) -> None:
    file = tmp_path / "asks.py"
    file.write_text("input()\n")
    first = whole(Setup((Launch(load_program(str(file), ()), stdin=(), held=True),), Config()))
    world = first.timeline.world(len(first.timeline))
    (main,) = world.processes
    ended = first.typed(world, main, None, 10**9)
    assert ended is not None
    assert ended.can_type(world, main, 10**8)
    assert not ended.can_type(world, main, 10**9)
