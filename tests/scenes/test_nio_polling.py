"""What the scene nio-polling claims."""

from __future__ import annotations

from ioviz.lesson.scene import load_scene
from ioviz.model.socket import ConnectionQueued, SynDropped
from ioviz.model.task import TaskSlept, TaskWoken
from tests.scenes.played import measured, play, shown, socket_of

SCENE = "nio-polling"
EAGAIN = 11


def test_the_bill() -> None:
    for entry in ("int80", "syscall"):
        played = play(SCENE, entry=entry)
        calls = played.returns("accept4", "nio_server.py") + played.returns("recvfrom", "nio_server.py")
        useful = [ret for ret in calls if ret >= 0]
        assert (len(calls), len(useful)) == (66, 7)
        assert {ret for ret in calls if ret < 0} == {-EAGAIN}
    text = load_scene(SCENE).chapters[-1].text
    assert "66 times. 7 of" in text.of("en")
    assert "66 次" in text.of("zh")
    assert "只有 7 次" in text.of("zh")


def test_listen_3_lets_four_wait_and_serves_five() -> None:
    played = play(SCENE)
    place = played.chapter("The fifth is turned away")
    world = played.world(place + 1)
    listener = socket_of(world, played.pid("nio_server.py"), 3)
    assert (listener.backlog, world.accept_queues[listener.id].count) == (3, 4)
    dropped, *others = played.of(SynDropped)
    assert not others
    assert played.of(ConnectionQueued)[-1].t - dropped.t >= 1_000_000_000
    assert len([ret for ret in played.returns("accept4", "nio_server.py") if ret > 0]) == 5


def test_the_first_client_waits_80_ms_to_be_accepted() -> None:
    played = play(SCENE)
    waited = played.events[played.chapter("Accepted, late")].t - played.of(ConnectionQueued)[0].t
    assert 79_000_000 < waited < 81_000_000


def test_in_the_round_that_finds_the_message_every_client_is_asked() -> None:
    played = play(SCENE)
    found = played.chapter("Found, by asking everybody")
    asked = played.entered("recvfrom", "nio_server.py")
    at = max(number for number, entry in enumerate(asked) if entry.seq < found)
    assert [entry.args[0] for entry in asked[at - 2 : at + 2]] == [4, 5, 6, 7]


def test_only_the_clock_wakes_the_server() -> None:
    played = play(SCENE)
    server = played.pid("nio_server.py")
    assert {event.wchan for event in played.of(TaskSlept, "nio_server.py")} == {"hrtimer_nanosleep"}
    assert {event.reason for event in played.of(TaskWoken) if event.tid == server} == {"timeout"}
    place = played.chapter("Bytes arrive, and nobody is told")
    world = played.world(place + 1)
    sock = socket_of(world, server, 6)
    assert world.buffers[sock.id * 2].bytes == 5
    assert world.wait_queues[sock.id].count == 0
    assert played.events[played.chapter("Found, by asking everybody")].t - played.events[place].t > 70_000_000


def test_the_line_that_asks_is_seen_among_five_clients() -> None:
    played = play(SCENE)
    told = played.panel("source", played.chapter("Anything? No."), 78, 6).splitlines()
    assert told[0].startswith("101 nio_server.py")
    assert any(line.startswith("▶38") for line in told[1:3])


def test_on_this_computer() -> None:
    assert shown(SCENE, 1) == "50 clients at once with listen(3)\n"
    again, end = shown(SCENE, 2).splitlines()
    assert again.startswith("BlockingIOError")
    assert end == "b''"
    assert measured(SCENE, 3)[0] > 1  # as many as this computer manages in a second
    assert measured(SCENE, 4)[1] < 100  # of 100,000 calls
    assert len(measured(SCENE, 5)) == 2  # ms: how late the reader that blocks, and the one that naps
    assert shown(SCENE, 6) == "False True False\n"
