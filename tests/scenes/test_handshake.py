"""What the scene `handshake` claims."""

from __future__ import annotations

import pytest

from ioviz.lesson.scene import load_scene
from ioviz.model.cpu import SyscallReturned
from ioviz.model.lists import walk
from ioviz.model.nic import PacketQueued
from ioviz.model.socket import ConnectionAccepted, ConnectionCreated, ConnectionQueued, SynDropped
from ioviz.model.tcp import SegmentReceived
from tests.scenes.played import Played, play, shown, socket_of

LISTENER = 3


def queued(scene: Played, title: str) -> int:
    """How many connections are on the server's accept queue at the chapter `title`."""
    world = scene.at(title)
    listener = socket_of(world, scene.pid("server.py"), LISTENER)
    return len(list(walk(world.accept_queues, listener.id, world.accept_links)))


def test_a_new_socket_has_no_address_and_two_empty_buffers() -> None:
    scene = play("handshake")
    world = scene.at("A socket without an address")
    new = socket_of(world, scene.pid("server.py"), LISTENER)
    assert (new.local, new.remote) == ("", "")
    assert [world.buffers[key].bytes for key in (2 * new.id, 2 * new.id + 1)] == [0, 0]


def test_a_port_without_a_socket_is_answered_with_rst() -> None:
    assert play("handshake").returns("connect", "client.py") == [-111, 0, 0, 0, 0, 0]
    assert play("handshake").printed("client.py").startswith("port 9000: Connection refused\n")


@pytest.mark.parametrize("knobs", [{}, {"somaxconn": "1"}, {"latency": "1ms"}])
def test_the_kernel_shakes_hands_while_the_server_sleeps(knobs: dict[str, str]) -> None:
    scene = play("handshake", **knobs)
    titles = ["SYN: half a connection", "connect() returns", "On the accept queue"]
    titles += [] if "latency" in knobs else ["The queue is full"]
    for title in titles:
        server = scene.at(title).tasks[scene.pid("server.py")]
        assert (server.state, server.wchan) == ("sleeping", "hrtimer_nanosleep")
    assert not scene.returns("accept4", "server.py", stop=scene.chapter(titles[-1]))


def test_connections_share_the_port_and_differ_in_four_numbers() -> None:
    scene = play("handshake")
    made = scene.of(ConnectionCreated)
    assert {event.local for event in made} == {"10.0.0.1:8000"}
    assert len({event.remote for event in made}) == 5


def test_a_half_open_connection_is_not_on_the_accept_queue() -> None:
    scene = play("handshake")
    assert queued(scene, "SYN: half a connection") == 0
    assert queued(scene, "On the accept queue") == 1


def test_the_greeting_arrives_before_accept() -> None:
    scene = play("handshake")
    accepted = scene.chapter("accept() only takes what is finished")
    assert len([event for event in scene.of(SegmentReceived, stop=accepted) if event.data.startswith(b"hello")]) == 4


def test_listen_3_lets_four_wait_and_drops_the_fifth_syn() -> None:
    scene = play("handshake")
    assert queued(scene, "The queue is full") == 4
    assert len(scene.of(SynDropped)) == 1
    dropped = scene.events[scene.chapter("The queue is full")]
    again = scene.events[scene.chapter("One second later")]
    assert 0.99e9 < again.t - dropped.t < 1.01e9
    assert scene.returns("accept4", "server.py")[:5] == [4] * 5  # all five are served


def test_who_answers_and_in_which_states_the_connection_is() -> None:
    scene = play("handshake")
    refused = scene.chapter("Port 9000: nobody there")
    answer = scene.of(PacketQueued, stop=refused)[-1]
    assert (answer.cpu, answer.flags, answer.task) == (1, "R.", 0)  # host1's kernel, for no program
    states = []
    made = scene.of(ConnectionCreated)[0].sock
    for title in ("SYN: half a connection", "connect() returns", "On the accept queue"):
        world = scene.at(title)
        client = next(sock for sock in world.sockets.values() if sock.host == 2)
        states.append((client.state, world.sockets[made].state))
    assert states == [("SYN-SENT", "SYN-RECV"), ("ESTABLISHED", "SYN-RECV"), ("ESTABLISHED", "ESTABLISHED")]
    syn_ack = next(event for event in scene.of(PacketQueued, start=scene.chapter("SYN: half a connection")))
    assert (syn_ack.cpu, syn_ack.flags) == (1, "S.")


def test_each_accept_makes_room_for_one() -> None:
    scene = play("handshake")
    assert queued(scene, "accept() only takes what is finished") == 3
    world = scene.at("accept() only takes what is finished")
    accepted = scene.of(ConnectionAccepted)[0].sock
    assert accepted == scene.of(ConnectionQueued)[0].sock  # the oldest
    assert world.buffers[2 * accepted].bytes == len(b"hello 1")
    assert queued(scene, "One second later") == 0


def test_who_is_dropped_gets_no_answer_and_sleeps() -> None:
    scene = play("handshake")
    dropped, again = scene.chapter("The queue is full"), scene.chapter("One second later")
    client = scene.at("The queue is full").tasks[scene.pid("client.py")]
    assert (client.state, client.wchan) == ("sleeping", "inet_wait_for_connect")
    to_it = scene.of(SynDropped)[0].remote
    assert not [event for event in scene.of(PacketQueued, None, dropped, again) if event.target == to_it]


def test_somaxconn_wins_over_listen() -> None:
    scene = play("handshake", somaxconn="1")
    assert queued(scene, "The queue is full") == 2


def test_on_a_long_wire_nobody_is_dropped() -> None:
    scene = play("handshake", latency="1ms")
    assert not scene.of(SynDropped)
    assert len(scene.of(ConnectionQueued)) == 5
    fifth = scene.of(ConnectionQueued)[4]
    woke = next(event for event in scene.of(SyscallReturned, "server.py") if event.t > 10e6)
    assert woke.seq < fifth.seq


def test_what_the_article_says_is_not_what_linux_does() -> None:
    assert shown("handshake", 1) == "('0.0.0.0', 0)\n"
    assert len(set(shown("handshake", 2).split())) == 1
    assert shown("handshake", 3) == "sent 5\nb'early'\n"
    assert shown("handshake", 4) == "4 connected\n"
    assert len(load_scene("handshake").article) == 4
