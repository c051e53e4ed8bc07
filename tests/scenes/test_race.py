"""What the scene race claims."""

from __future__ import annotations

import re

from ioviz.model.eventpoll import EpitemInserted, EventDelivered
from ioviz.model.poll import FdsScanned
from tests.scenes.played import Played, measured, play

SCENE = "race"


def times(played: Played) -> list[int]:
    """The printed times: select, poll and epoll of the first round, then of the second."""
    return [int(number) for number in re.findall(r"(\d+) ns", played.printed("crowd.py"))]


def test_one_has_spoken_epoll_takes_half_of_the_time() -> None:
    select, poll, epoll, *_ = times(play(SCENE))
    assert epoll < 0.6 * min(select, poll)


def test_all_have_spoken_epoll_is_the_slowest_and_a_scan_takes_no_longer() -> None:
    select, poll, _, select_all, poll_all, epoll_all = times(play(SCENE))
    assert (select_all, poll_all) == (select, poll)
    assert epoll_all > max(select_all, poll_all)


def test_what_each_call_touches() -> None:
    played = play(SCENE)
    assert len(played.of(EpitemInserted)) == 12
    scans = [(scan.call, scan.scanned, scan.ready) for scan in played.of(FdsScanned)]
    assert scans == [("select", 12, 1), ("poll", 12, 1), ("select", 12, 12), ("poll", 12, 12)]
    delivered = played.of(EventDelivered)
    assert [event.relinked for event in delivered] == [True] * 13


def test_edge_triggered_nothing_goes_back_and_the_times_stay() -> None:
    lt, et = play(SCENE), play(SCENE, trigger="et")
    assert times(et) == times(lt)
    assert not any(event.relinked for event in et.of(EventDelivered))


def test_on_this_computer() -> None:
    assert len(measured(SCENE, 1)) == 4  # poll and epoll: one of many has spoken, all have
    one, largest, _, many, same, _ = measured(SCENE, 2)
    assert (one, many) == (1, 400)
    assert largest == same
