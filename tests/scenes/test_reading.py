"""What the scene `reading` claims."""

from __future__ import annotations

import pytest

from ioviz.model.socket import FinReceived
from ioviz.model.task import TaskSlept, TaskWoken
from ioviz.model.tcp import SegmentReceived
from tests.scenes.played import Played, play, shown, socket_of

EAGAIN = 11


SLOW = {"bandwidth": "50000"}


def unread(scene: Played, title: str) -> int:
    """Bytes in the reader's receive buffer at the chapter `title`."""
    world = scene.at(title)
    return world.buffers[2 * socket_of(world, scene.pid("reader.py"), 4).id].bytes


def test_it_waits_while_the_buffer_is_empty() -> None:
    scene = play("reading")
    assert unread(scene, "Nothing there: wait") == 0
    reader = scene.at("Nothing there: wait").tasks[scene.pid("reader.py")]
    assert (reader.state, reader.wchan) == ("sleeping", "sk_wait_data")


def test_what_each_call_returns() -> None:
    assert play("reading").returns("recvfrom", "reader.py") == [12, 4, 4, 2, -EAGAIN, 0, 0]


@pytest.mark.parametrize("knobs", [{}, SLOW])
def test_two_sends_lie_in_one_buffer_without_a_mark(knobs: dict[str, str]) -> None:
    scene = play("reading", **knobs)
    assert scene.returns("sendto", "writer.py") == [12, 5, 5]
    assert unread(scene, "Two sends, one stream") == 10
    assert "b'hell'\nthen: b'owor'\nthen: b'ld'" in scene.printed("reader.py")


def test_what_was_not_asked_for_stays() -> None:
    scene = play("reading")
    assert unread(scene, "Four, four …") == 2
    assert unread(scene, "… and two") == 0


def test_only_the_first_recv_and_the_one_for_the_end_sleep() -> None:
    scene = play("reading")
    slept = [event for event in scene.of(TaskSlept, "reader.py") if event.wchan == "sk_wait_data"]
    assert len(slept) == 2
    assert slept[1].seq > scene.chapter("Non-blocking and empty: EAGAIN")


def test_the_end_is_a_fin_and_no_data() -> None:
    scene = play("reading")
    fin = next(event for event in scene.of(FinReceived) if event.cpu == 1)
    assert not scene.of(SegmentReceived, start=scene.chapter("Non-blocking and empty: EAGAIN"))
    assert scene.world(fin.seq + 1).sockets[fin.sock].done
    after = scene.of(TaskSlept, "reader.py", start=scene.chapter("b'': the end"))
    assert not [event for event in after if event.wchan == "sk_wait_data"]  # the next b'' comes at once


def test_the_fin_wakes_the_reader() -> None:
    scene = play("reading")
    fin = scene.chapter("The other side closed: FIN")
    asleep = scene.world(fin).tasks[scene.pid("reader.py")]
    assert (asleep.state, asleep.wchan) == ("sleeping", "sk_wait_data")
    assert scene.of(TaskWoken, start=fin)[0].tid == scene.pid("reader.py")


def test_what_may_not_wait_and_finds_nothing_does_not_sleep() -> None:
    scene = play("reading")
    failed = scene.chapter("Non-blocking and empty: EAGAIN")
    entered = [event.seq for event in scene.entered("recvfrom", "reader.py") if event.seq < failed][-1]
    assert not scene.of(TaskSlept, "reader.py", entered, failed)
    assert unread(scene, "Non-blocking and empty: EAGAIN") == 0


def test_a_slow_wire_makes_one_packet_of_two_sends() -> None:
    packets = {
        name: [event.data for event in play("reading", **knobs).of(SegmentReceived)]
        for name, knobs in (("fast", {}), ("slow", SLOW))
    }
    assert packets["fast"] == [b"good morning", b"hello", b"world"]
    assert packets["slow"] == [b"good morning", b"helloworld"]
    assert play("reading").printed("reader.py") == play("reading", **SLOW).printed("reader.py")


def test_on_linux_too() -> None:
    assert "BlockingIOError" in shown("reading", 1)
    assert shown("reading", 2).startswith("b''\n")
    assert "BlockingIOError" in shown("reading", 2)
    assert shown("reading", 3) == "0 1 b'x'\nb'' b'' 1 b'y'\n"
    assert shown("reading", 4) == "(b'hell', b'owor') (b'hell', b'worl')\n"


def test_linux_has_asynchronous_io() -> None:
    found = shown("reading", 5)
    if "io_uring" not in found:
        pytest.skip("this kernel was built without io_uring, or does not show its symbols")
    assert "io_recv" in found
