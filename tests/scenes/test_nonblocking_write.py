"""What the scene `nonblocking-write` claims."""

from __future__ import annotations

import pytest

from ioviz.model.socket import NoSpaceSet
from ioviz.model.task import TaskSlept
from tests.scenes.played import play, shown, socket_of

EAGAIN = 11
O_NONBLOCK = 0o4000
KNOBS: list[dict[str, str]] = [{}, {"sndbuf": "4k"}, {"rcvbuf": "16k"}]


def test_one_flag_of_the_open_file() -> None:
    scene = play("nonblocking-write")
    world = scene.at("O_NONBLOCK")
    file = world.files[world.fds[scene.pid("writer.py") << 24 | 3].file]
    assert file.flags & O_NONBLOCK
    peer = socket_of(world, scene.pid("writer.py"), 3).peer
    assert not any(file.flags & O_NONBLOCK for file in world.files.values() if file.obj == peer)


def test_a_part_then_eagain_and_never_asleep_in_send() -> None:
    scene = play("nonblocking-write")
    returned = scene.returns("sendto", "writer.py")
    taken = [ret for ret in returned if ret > 0]
    assert returned[0] < 3 * 16384
    assert returned[1] == -EAGAIN
    assert sum(taken) == 3 * 16384
    assert set(returned) - set(taken) == {-EAGAIN}
    assert {event.wchan for event in scene.of(TaskSlept, "writer.py")} == {"hrtimer_nanosleep"}


@pytest.mark.parametrize("knobs", KNOBS)
def test_both_buffers_are_full_when_a_part_was_taken(knobs: dict[str, str]) -> None:
    scene = play("nonblocking-write", **knobs)
    world = scene.at("A part was taken")
    sock = socket_of(world, scene.pid("writer.py"), 3)
    sending, receiving = world.buffers[2 * sock.id + 1], world.buffers[2 * sock.peer]
    assert sending.truesize >= sending.limit
    assert sending.bytes + receiving.bytes == scene.returns("sendto", "writer.py")[0]
    assert sock.nospace


@pytest.mark.parametrize("knobs", KNOBS)
def test_nothing_changed_between_two_questions_in_vain(knobs: dict[str, str]) -> None:
    scene = play("nonblocking-write", **knobs)
    first, later = scene.chapter("No room at all: EAGAIN"), scene.chapter("Asked in vain")
    assert not scene.returns("recvfrom", "reader.py", first, later)


@pytest.mark.parametrize("knobs", KNOBS)
def test_room_comes_while_the_writer_sleeps_on_a_timer(knobs: dict[str, str]) -> None:
    scene = play("nonblocking-write", **knobs)
    place = scene.chapter("There is room, and nobody hears of it")
    writer = scene.world(place + 1).tasks[scene.pid("writer.py")]
    assert (writer.state, writer.wchan) == ("sleeping", "hrtimer_nanosleep")
    event = scene.events[place]
    assert isinstance(event, NoSpaceSet)
    buffer = scene.world(place + 1).buffers[2 * event.sock + 1]
    assert buffer.limit - buffer.truesize >= buffer.limit / 3


def test_the_calls_in_vain_are_counted() -> None:
    for knobs in KNOBS:
        scene = play("nonblocking-write", **knobs)
        refused = scene.returns("sendto", "writer.py").count(-EAGAIN)
        assert refused > 0
        assert scene.printed("writer.py").endswith(f"refused {refused} times\n")


def test_more_room_over_there_makes_the_first_part_larger() -> None:
    small, large = (
        play("nonblocking-write", **knobs).returns("sendto", "writer.py")[0] for knobs in ({}, {"rcvbuf": "16k"})
    )
    assert small < large


def test_with_a_small_buffer_two_calls_each_take_more_than_it_holds() -> None:
    scene = play("nonblocking-write", sndbuf="4k")
    taken = [ret for ret in scene.returns("sendto", "writer.py") if ret > 0]
    sock = socket_of(scene.at("A part was taken"), scene.pid("writer.py"), 3)
    limit = scene.at("A part was taken").buffers[2 * sock.id + 1].limit
    assert len(taken) == 2
    assert min(taken) > limit


def test_on_linux_too() -> None:
    part, whole = shown("nonblocking-write", 1).split(" of ")
    assert 0 < int(part) < int(whole)
    assert "BlockingIOError" in shown("nonblocking-write", 2)
