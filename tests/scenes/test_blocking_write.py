"""What the scene `blocking-write` claims."""

from __future__ import annotations

import pytest

from ioviz.model.buffer import Buffer
from ioviz.model.socket import ConnectionAccepted, NoSpaceSet
from ioviz.model.task import TaskSlept
from ioviz.model.world import World
from tests.scenes.played import Played, play, shown, socket_of


def sending(scene: Played, world: World) -> Buffer:
    """The writer's send buffer."""
    return world.buffers[2 * socket_of(world, scene.pid("writer.py"), 3).id + 1]


def asleep(scene: Played, world: World) -> bool:
    """Whether the writer waits for room."""
    return world.tasks[scene.pid("writer.py")].wchan == "sk_stream_wait_memory"


def test_what_fits_is_in_before_the_writer_sleeps() -> None:
    scene = play("blocking-write")
    for title, size in (
        ("What fits is in; the writer sleeps", 49152),
        ("Too little room: again what fits", 8192 + 16384),
    ):
        world = scene.at(title)
        assert asleep(scene, world)
        buffer = sending(scene, world)
        assert buffer.truesize >= buffer.limit == 16384  # the send buffer is full …
        assert 8192 < buffer.total < size  # … of a part of the message


def test_the_reader_has_yet_to_accept_when_the_writer_begins() -> None:
    scene = play("blocking-write")
    begins, woken = (scene.chapter(title) for title in ("Three times what the buffer holds", "Room again"))
    assert not scene.returns("accept4", "reader.py", stop=begins)
    accepted, asked = scene.of(ConnectionAccepted)[0], scene.entered("recvfrom", "reader.py")[0]
    assert asked.t - accepted.t >= 5e6
    assert accepted.seq < asked.seq < woken


def test_for_want_of_room_in_the_receive_buffer() -> None:
    scene = play("blocking-write")
    world = scene.at("What fits is in; the writer sleeps")
    sock = socket_of(world, scene.pid("writer.py"), 3)
    assert world.buffers[2 * sock.peer].bytes == 4096
    assert sock.nospace


def test_it_is_woken_when_a_third_is_free() -> None:
    scene = play("blocking-write")
    before = scene.chapter("What fits is in; the writer sleeps") + 1
    freed = next(event for event in scene.of(NoSpaceSet, start=before) if not event.nospace)
    buffer = sending(scene, scene.world(freed.seq + 1))
    assert buffer.limit - buffer.truesize >= buffer.limit / 3
    world = scene.at("Room again")
    assert world.tasks[scene.pid("writer.py")].state == "ready"
    somewhat = [n for n in range(before, freed.seq) if sending(scene, scene.world(n)).truesize < buffer.limit]
    assert somewhat  # there was some room before, and it was not woken for it


@pytest.mark.parametrize("knobs", [{}, {"rcvbuf": "64k"}, {"sndbuf": "64k"}])
def test_it_returns_the_full_size_while_bytes_are_still_in_the_buffers(knobs: dict[str, str]) -> None:
    scene = play("blocking-write", **knobs)
    assert sum(scene.returns("sendto", "writer.py")) == 4.5 * sending(scene, scene.at("The whole message is in")).limit
    for title in ("send() returns the full size", "The whole message is in"):
        world = scene.at(title)
        there = world.buffers[2 * socket_of(world, scene.pid("writer.py"), 3).peer]
        assert sending(scene, world).bytes + there.bytes > 0


def test_half_a_buffer_fits_at_once() -> None:
    scene = play("blocking-write")
    start, stop = scene.chapter("send() returns the full size"), scene.chapter("A new connection: half fits")
    assert not [event for event in scene.of(TaskSlept, "writer.py", start, stop) if event.wchan.startswith("sk_stream")]


def test_with_room_over_there_it_does_not_sleep() -> None:
    scene = play("blocking-write", rcvbuf="64k")
    assert not [event for event in scene.of(TaskSlept, "writer.py") if event.wchan == "sk_stream_wait_memory"]
    assert scene.returns("sendto", "writer.py") == [49152, 8192, 16384]


def test_with_four_times_the_buffer_it_sleeps_just_as_before() -> None:
    scene = play("blocking-write", sndbuf="64k")
    for title in ("What fits is in; the writer sleeps", "Too little room: again what fits"):
        assert asleep(scene, scene.at(title))
    assert scene.returns("sendto", "writer.py") == [196608, 32768, 65536]


def test_on_linux_too() -> None:
    buffer, size, sent, number = shown("blocking-write", 1).split()
    assert (buffer, sent, number) == ("buffer", "sent", "10000000")
    assert int(size) < 10_000_000
    part, whole = shown("blocking-write", 2).split(" of ")
    assert 0 < int(part) < int(whole)
