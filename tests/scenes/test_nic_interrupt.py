"""What the scene `nic-interrupt` claims."""

from __future__ import annotations

import pytest

from ioviz.model.cpu import TrapEntered
from ioviz.model.nic import DmaWritten, NapiScheduled, PacketQueued, PacketSent
from ioviz.model.softirq import SoftirqRaised
from ioviz.model.task import TaskSwitched
from tests.scenes.played import Played, play, shown, socket_of


def unread(scene: Played, title: str) -> int:
    """Bytes in the receive buffer of the server's connection at the chapter `title`."""
    world = scene.at(title)
    return world.buffers[2 * socket_of(world, scene.pid("server.py"), 4).id].bytes


def test_the_server_sleeps_in_recv_and_the_cpu_idles() -> None:
    scene = play("nic-interrupt")
    for title in ("Out on the wire", "Into memory, without the CPU"):
        world = scene.at(title)
        server = world.tasks[scene.pid("server.py")]
        assert (server.state, server.wchan) == ("sleeping", "sk_wait_data")
        assert (world.cpus[1].task, world.cpus[1].intr) == (0, True)


def test_send_only_copied_and_the_card_fetched() -> None:
    scene = play("nic-interrupt")
    assert scene.returns("sendto", "client.py", stop=scene.chapter("Out on the wire")) == [5]
    assert unread(scene, "Out on the wire") == 0


def test_dma_comes_before_the_interrupt() -> None:
    scene = play("nic-interrupt")
    written, entered = (scene.chapter(title) for title in ("Into memory, without the CPU", "A hardware interrupt"))
    assert written < entered
    assert isinstance(scene.events[written], DmaWritten)
    assert scene.world(written + 1).cpus[1].vector != 43
    cpu = scene.world(entered + 1).cpus[1]
    assert (cpu.ring, cpu.vector) == (0, 43)


def test_the_handler_masks_the_line_and_asks_for_a_softirq() -> None:
    scene = play("nic-interrupt")
    start, stop = scene.chapter("A hardware interrupt"), scene.chapter("The softirq does the work")
    assert [type(event) for event in scene.events[start + 1 : stop]] == [NapiScheduled, SoftirqRaised]


def test_bytes_then_wake_up_then_the_program() -> None:
    scene = play("nic-interrupt")
    assert unread(scene, "The softirq does the work") == 0
    assert unread(scene, "In the receive buffer") == 5
    woken = scene.chapter("The waiter is woken")
    server = scene.world(woken + 1).tasks[scene.pid("server.py")]
    assert server.state == "ready"
    back = scene.chapter("recv() returns")
    assert not scene.of(TrapEntered, "server.py", scene.chapter("A hardware interrupt"), back)
    assert len(scene.of(TaskSwitched, start=woken, stop=back)) == 1
    assert unread(scene, "recv() returns") == 0


def test_the_driver_puts_the_packet_into_the_ring_and_the_card_takes_it_out() -> None:
    scene = play("nic-interrupt")
    sent = scene.chapter("Out on the wire")
    packet = scene.of(PacketSent)[[event.seq for event in scene.of(PacketSent)].index(sent)].packet
    queued = next(event for event in scene.of(PacketQueued, stop=sent) if event.packet == packet)
    assert queued.data == b"hello"
    (entered,) = scene.of(TrapEntered, "client.py", stop=queued.seq)[-1:]
    assert entered in scene.entered("sendto", "client.py")  # in the same call


def test_the_interrupt_finds_an_idle_cpu_and_saves_where_it_was() -> None:
    scene = play("nic-interrupt")
    entered = scene.events[scene.chapter("A hardware interrupt")]
    assert entered.task == 0
    assert scene.world(entered.seq + 1).cpus[1].intr is False


@pytest.mark.parametrize("knobs", [{"latency": "600us"}, {"entry": "syscall"}])
def test_the_steps_are_the_same(knobs: dict[str, str]) -> None:
    scene = play("nic-interrupt", **knobs)
    assert None not in scene.chapters
    assert len(scene.events) == len(play("nic-interrupt").events)


def test_on_linux_packets_to_oneself_pass_through_net_rx() -> None:
    before, after = ([int(word) for word in line.split()[1:]] for line in shown("nic-interrupt", 1).splitlines())
    assert sum(after) - sum(before) >= 1000
    assert "LOC" in shown("nic-interrupt", 2)
