"""What the scene epoll-lt-et claims."""

from __future__ import annotations

import pytest

from ioviz.model.eventpoll import EventDelivered
from tests.scenes.played import Played, measured, play, ready_fds, shown, socket_of

SCENE = "epoll-lt-et"


def delivered(played: Played, program: str) -> list[EventDelivered]:
    """The reports of connections (not of the listening socket) to `program`."""
    reports = played.of(EventDelivered, program)
    return [event for event in reports if event.item != reports[0].item]


def unread(played: Played, place: int) -> int:
    """The bytes in the receive buffer of the server's connection."""
    world = played.world(place)
    return world.buffers[socket_of(world, played.pid("server.py"), 5).id * 2].bytes


def test_level_triggered_the_item_goes_back_to_the_tail() -> None:
    played = play(SCENE)
    reports = delivered(played, "server.py")
    assert [event.relinked for event in reports] == [True, True, True]
    world = played.world(reports[0].seq + 1)
    assert ready_fds(world, reports[0].ep)[-1] == 5
    assert played.returns("recvfrom", "server.py") == [4, 4, 4]
    assert played.world().runs[1].code == 0


def test_edge_triggered_it_sleeps_beside_eight_bytes() -> None:
    played = play(SCENE, trigger="et")
    (report,) = delivered(played, "server.py")
    assert not report.relinked
    assert 5 not in ready_fds(played.world(report.seq + 1), report.ep)
    assert unread(played, played.chapter("Asleep beside eight bytes") + 1) == 8
    assert played.world().runs[1].ended == "stalled"


@pytest.mark.parametrize("trigger", ["as-written", "lt", "et"])
def test_the_right_loop_gets_everything_with_one_report_and_one_eagain(trigger: str) -> None:
    played = play(SCENE, trigger=trigger)
    assert played.returns("recvfrom", "drain.py") == [4, 4, 4, -11]
    assert len(delivered(played, "drain.py")) == 1
    assert "all of it: hello kernel" in played.printed("drain.py")


def test_recv_does_not_touch_the_ready_list() -> None:
    played = play(SCENE)
    place = played.chapter("Four of twelve")
    ep = delivered(played, "server.py")[0].ep
    before = ready_fds(played.world(place - 3), ep)
    assert ready_fds(played.world(place + 1), ep) == before
    assert unread(played, place + 1) == 8


def test_on_this_computer() -> None:
    turns = [int(fd) for fd in shown(SCENE, 1).strip("[]\n").split(",")]
    assert turns[0] != turns[1]
    assert turns == turns[:2] * 3
    first, new, mod = shown(SCENE, 2).splitlines()
    assert first.endswith("[]")
    assert "1)]" in new
    assert "1)]" in mod
    assert min(measured(SCENE, 3)) > 0
