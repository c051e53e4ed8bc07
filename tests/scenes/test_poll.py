"""What the scene poll claims."""

from __future__ import annotations

from ioviz.model.poll import FdsScanned
from ioviz.model.task import TaskSlept
from tests.scenes.played import play, shown

SCENE = "poll"
IN, HUP, NVAL = 1, 16, 32


def test_the_list_goes_in_whole_and_three_queues_are_slept_on() -> None:
    played = play(SCENE)
    place = played.chapter("Three lines, three questions, three queues")
    entry = [event for event in played.entered("poll", "server.py") if event.seq < place][-1]
    assert entry.args[0] == ((3, IN), (4, IN), (5, IN))
    slept = played.events[place]
    assert isinstance(slept, TaskSlept)
    assert len(slept.queues) == 3
    scan = list(played.of(FdsScanned, "server.py", stop=place))[-1]
    assert (scan.scanned, scan.ready, scan.again) == (3, 0, False)


def test_client_b_speaks_first_and_only_its_line_is_answered() -> None:
    played = play(SCENE)
    back = played.events[played.chapter("The answer stands beside the question")]
    assert back.out == ((5, IN),)  # type: ignore[attr-defined]
    assert "fd 5: I am B" in played.printed("server.py")
    lists = [entry.args[0] for entry in played.entered("poll", "server.py") if entry.seq > back.seq]
    assert lists[0] == ((3, IN), (4, IN), (5, IN))  # the same one goes in again


def test_three_descriptors() -> None:
    played = play(SCENE)
    scan = played.events[played.chapter("Three descriptors that select cannot tell")]
    assert isinstance(scan, FdsScanned)
    masks = [mask for _, mask in scan.found]
    assert masks == [NVAL, IN | HUP, NVAL]
    assert scan.found[0][0] == 3
    assert scan.found[2][0] == 1024


def test_select_says_readable_or_fails_as_a_whole() -> None:
    played = play(SCENE)
    assert played.returns("select", "server.py") == [1, -9]
    assert "select: [Errno 9]" in played.printed("server.py")


def test_on_this_computer() -> None:
    poll, select, error = shown(SCENE, 1).splitlines()
    assert "17), (1024, 32)]" in poll
    assert select.startswith("select: [")
    assert error.startswith("ValueError")
