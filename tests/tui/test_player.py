"""The player: where it goes, and that looking for something never takes long at once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.task import LineReached, TaskSwitched
from ioviz.tui.place import Place
from ioviz.tui.player import SLICE, Player, Scan
from tests.tui.fakes import FakeSource, events, steps


def follow(scan: Scan) -> Place | None:
    while True:
        try:
            next(scan)
        except StopIteration as found:
            place: Place | None = found.value
            return place


def go(player: Player, scan: Scan) -> Place:
    place = follow(scan)
    assert place is not None
    player.go(place)
    return place


@pytest.fixture
def player() -> Player:
    return Player(FakeSource(), steps)


def test_forward_and_back_over_everything(player: Player) -> None:
    for position in range(1, len(events()) + 1):
        assert go(player, player.forward()) == Place(position)
    assert follow(player.forward()) is None
    assert player.at_end
    for position in range(len(events()) - 1, -1, -1):
        assert go(player, player.backward()) == Place(position)
    assert follow(player.backward()) is None


def test_into_counts_the_steps_of_a_trap_and_out_of_is_its_mirror(player: Player) -> None:
    places = [player.place]
    while (place := follow(player.into())) is not None:
        player.go(place)
        places.append(place)
    entry = next(n for n, event in enumerate(events(), 1) if isinstance(event, TrapEntered))
    assert [place for place in places if place.position == entry] == [Place(entry, n) for n in range(1, 6)]
    back = [player.place]
    while (place := follow(player.out_of())) is not None:
        player.go(place)
        back.append(place)
    assert back == places[::-1]


def test_an_event_can_be_entered_after_it_was_seen_as_a_whole(player: Player) -> None:
    entry = next(n for n, event in enumerate(events(), 1) if isinstance(event, TrapEntered))
    player.go(Place(entry))
    assert player.steps == 5
    assert go(player, player.into()) == Place(entry, 1)
    assert go(player, player.backward()) == Place(entry - 1)


def test_calls_lines_and_switches(player: Player) -> None:
    log = events()
    returns = [n for n, event in enumerate(log, 1) if isinstance(event, SyscallReturned)]
    assert [go(player, player.call()).position for _ in returns] == returns
    assert follow(player.call()) is None
    assert [go(player, player.call(back=True)).position for _ in returns[1:]] == returns[-2::-1]
    player.go(Place(0))
    lines = [n for n, event in enumerate(log, 1) if isinstance(event, LineReached)]
    assert [go(player, player.line()).position for _ in lines] == lines
    player.go(Place(0))
    switch = next(n for n, event in enumerate(log, 1) if isinstance(event, TaskSwitched))
    assert go(player, player.wakeup()) == Place(switch)


def test_until_it_returns_and_back_to_its_entry(player: Player) -> None:
    log = events()
    entry = next(n for n, event in enumerate(log, 1) if isinstance(event, TrapEntered))
    player.go(Place(entry + 1))
    assert go(player, player.until_return()) == Place(entry + 2)
    assert go(player, player.to_entry()) == Place(entry)
    assert go(player, player.call()) == Place(entry + 2)


def test_why_and_back(player: Player) -> None:
    entry = next(n for n, event in enumerate(events(), 1) if isinstance(event, TrapEntered))
    player.go(Place(entry + 2))
    cause = player.why()
    assert cause == Place(entry)
    player.go(cause)
    assert player.why() is None
    assert player.because() == Place(entry + 2)
    assert player.because() is None


def test_a_machine_that_is_still_running_is_run_a_slice_at_a_time() -> None:
    source = FakeSource(events(3000), whole=False)
    player = Player(source, steps)
    assert go(player, player.forward()) == Place(1)
    assert len(source.timeline) == SLICE
    scan = player.find(lambda event: event.seq == 9000)
    seen = [next(scan)]
    while seen[-1] < 8192:
        seen.append(next(scan))
    assert all(later - earlier <= SLICE for earlier, later in pairwise(seen))
    assert follow(scan) == Place(9001)
    assert follow(player.end()) == Place(len(source.timeline))


def test_looking_back_goes_in_slices_too() -> None:
    player = Player(FakeSource(events(3000)), steps)
    player.go(Place(15000))
    scan = player.find(lambda event: event.seq == 3, back=True)
    assert sum(1 for _ in iter(lambda: next(scan, None), None)) >= 15000 // SLICE - 1


def test_a_place_beyond_the_end_is_the_end() -> None:
    player = Player(FakeSource(whole=False), steps)
    assert follow(player.reach(Place(10**6))) == Place(len(events()))
