"""What the scene `two-buffers` claims."""

from __future__ import annotations

import pytest

from ioviz.model.nic import PacketQueued, PacketSent
from ioviz.model.socket import ConnectionAccepted
from ioviz.model.tcp import SegmentSent
from ioviz.model.world import World
from tests.scenes.played import Played, play, shown, socket_of

KNOBS: list[dict[str, str]] = [{}, {"latency": "1ms"}, {"bandwidth": "100000"}]


def filled(scene: Played, world: World) -> tuple[int, int, int, int]:
    """Bytes in the sender's receive and send buffer, then in the receiver's."""
    found: list[int] = []
    for program, fd in (("sender.py", 3), ("receiver.py", 4)):
        pid = scene.pid(program)
        sock = socket_of(world, pid, fd).id
        found += [world.buffers[2 * sock].bytes, world.buffers[2 * sock + 1].bytes]
    return found[0], found[1], found[2], found[3]


@pytest.mark.parametrize(
    ("title", "bytes_"),
    [
        ("Twelve bytes in the program", (0, 0, 0, 0)),
        ("The first copy: into the send buffer", (0, 12, 0, 0)),
        ("send() has returned 12", (0, 12, 0, 0)),
        ("In the receive buffer, over there", (0, 12, 12, 0)),
        ("Only now is the send buffer empty", (0, 0, 12, 0)),
        ("The second copy: out to the program", (0, 0, 0, 0)),
        ("The other direction has its own pair", (0, 0, 0, 9)),
    ],
)
def test_where_the_bytes_are(title: str, bytes_: tuple[int, int, int, int]) -> None:
    for knobs in KNOBS:
        scene = play("two-buffers", **knobs)
        assert filled(scene, scene.at(title)) == bytes_


@pytest.mark.parametrize("knobs", KNOBS)
def test_send_does_not_wait_for_the_wire(knobs: dict[str, str]) -> None:
    scene = play("two-buffers", **knobs)
    entered = scene.events[scene.chapter("Twelve bytes in the program")]
    returned = scene.events[scene.chapter("send() has returned 12")]
    assert returned.t - entered.t < 1000
    packets = scene.of(PacketSent, start=entered.seq, stop=returned.seq)
    assert not packets  # the card has not even fetched it
    assert scene.returns("sendto", "sender.py") == [12]


@pytest.mark.parametrize("knobs", KNOBS)
def test_the_receiver_sleeps_while_its_kernel_takes_and_acknowledges(knobs: dict[str, str]) -> None:
    scene = play("two-buffers", **knobs)
    for title in ("In the receive buffer, over there", "Only now is the send buffer empty"):
        receiver = scene.at(title).tasks[scene.pid("receiver.py")]
        assert (receiver.state, receiver.wchan) == ("sleeping", "hrtimer_nanosleep")
    sender = scene.at("Only now is the send buffer empty").tasks[scene.pid("sender.py")]
    assert (sender.state, sender.wchan) == ("sleeping", "sk_wait_data")


def test_recv_finds_the_data_and_does_not_wait() -> None:
    scene = play("two-buffers")
    start = scene.chapter("Only now is the send buffer empty")
    assert scene.returns("recvfrom", "receiver.py", start)[0] == 12
    assert scene.printed("receiver.py") == "received: hello kernel\n"


def test_the_segment_is_made_and_given_to_the_driver_in_the_same_call() -> None:
    scene = play("two-buffers")
    copied, returned = scene.chapter("The first copy: into the send buffer"), scene.chapter("send() has returned 12")
    (sent,) = scene.of(SegmentSent, "sender.py", copied, returned)
    (queued,) = scene.of(PacketQueued, "sender.py", copied, returned)
    assert (sent.n, queued.data) == (12, b"hello kernel")


def test_both_ends_stand_before_the_first_byte_and_the_receiver_reads_five_milliseconds_later() -> None:
    scene = play("two-buffers")
    world = scene.at("Twelve bytes in the program")
    ends = [socket_of(world, scene.pid(program), fd) for program, fd in (("sender.py", 3), ("receiver.py", 4))]
    assert [end.state for end in ends] == ["ESTABLISHED", "ESTABLISHED"]
    accepted = next(event for event in scene.of(ConnectionAccepted))
    copied = scene.events[scene.chapter("The second copy: out to the program")]
    assert 5e6 <= copied.t - accepted.t < 5.1e6


def test_on_linux_send_returns_though_nobody_reads_and_buffers_are_limits_that_move() -> None:
    assert shown("two-buffers", 1) == "50000\n"
    before, after = shown("two-buffers", 2).splitlines()
    assert before != after
