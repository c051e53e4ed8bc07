"""What the scene select claims."""

from __future__ import annotations

from ioviz.model.poll import FdsScanned
from ioviz.model.socket import CLOSE_WAIT
from ioviz.model.task import TaskSlept
from tests.scenes.played import measured, play, shown, socket_of

SCENE = "select"
SERVER = "select_server.py"


def test_the_whole_set_goes_in_at_each_call_and_the_ready_ones_come_back() -> None:
    played = play(SCENE)
    sets = [entry.args[1] for entry in played.entered("select", SERVER)]
    assert sets[:4] == [(3,), (3, 4), (3, 4, 5), (3, 4, 5)]
    assert [entry.args[0] for entry in played.entered("select", SERVER)][:3] == [4, 5, 6]
    assert played.events[played.chapter("The answer overwrites the question")].out == ((3,), (), ())  # type: ignore[attr-defined]


def test_every_socket_is_asked_before_and_after_the_sleep() -> None:
    played = play(SCENE)
    scans = [(event.scanned, event.ready, event.again) for event in played.of(FdsScanned, SERVER)]
    assert scans[:6] == [(1, 0, False), (1, 1, True), (2, 0, False), (2, 1, True), (3, 0, False), (3, 1, True)]


def test_one_sleeper_on_three_queues() -> None:
    played = play(SCENE)
    place = played.chapter("One sleeper, three wait queues")
    slept = played.events[place]
    assert isinstance(slept, TaskSlept)
    world = played.world(place + 1)
    server = played.pid(SERVER)
    assert slept.queues == tuple(socket_of(world, server, fd).id for fd in (3, 4, 5))
    assert {row.queue for row in world.wait_entries.values() if row.task == server} == set(slept.queues)


def test_the_article_s_server_leaks_its_sockets() -> None:
    played = play(SCENE)
    assert played.returns("recvfrom", SERVER) == [5, 0]
    assert played.returns("close", SERVER, start=played.chapter("Asked once, then asleep")) == []
    assert socket_of(played.world(), played.pid(SERVER), 4).state == CLOSE_WAIT
    seen = played.panel("sockets", played.chapter("Gone, but not closed"), 44, 6)
    assert "select_server 4   CLOSE-WAIT rx 0/128K" in seen


def test_the_limit() -> None:
    played = play(SCENE)
    (entry,) = played.entered("select", "limit.py")  # the second select never enters the kernel
    assert entry.args[:2] == (1001, (1000,))
    (scan,) = played.of(FdsScanned, "limit.py")
    assert (scan.scanned, scan.found[0][0]) == (1, 1000)
    assert "number 1024: filedescriptor out of range" in played.printed("limit.py")


def test_a_trigger_changes_nothing() -> None:
    played, edge = play(SCENE), play(SCENE, trigger="et")
    assert edge.events[1:] == played.events[1:]  # the first event tells the knobs


def test_on_this_computer() -> None:
    assert shown(SCENE, 1) == "ready: 1\n"
    assert shown(SCENE, 2) == "nfds = fd: 0  nfds = fd + 1: 1\n"
    asked, back = [line.rsplit(" ", 1)[1] for line in shown(SCENE, 3).splitlines()]
    assert (asked.count("1"), back.count("1")) == (2, 1)
    assert measured(SCENE, 4)[0:8:2] == [1, 10, 100, 400]  # descriptors; what a call takes stands behind each
    assert shown(SCENE, 5).splitlines()[0] == "readable: 1"
    assert "BlockingIOError" in shown(SCENE, 5)
    assert measured(SCENE, 6)[0] >= 1  # it blocks, and never wakes early
    assert shown(SCENE, 7) == "b'' and the state is 8 (8 is CLOSE_WAIT)\n"
    one, other = [line.split(" -> ") for line in shown(SCENE, 8).splitlines()]
    assert one[0] != other[0]
    assert one[1] == other[1]
    assert shown(SCENE, 9) == "the object itself: True\n"
    assert shown(SCENE, 10) == "urgent [0, 1, 1]\nreset  [1, 1, 0]\n"
