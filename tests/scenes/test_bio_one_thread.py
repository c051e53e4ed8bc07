"""What the scene bio-one-thread claims."""

from __future__ import annotations

from ioviz.model.cpu import SyscallReturned
from ioviz.model.socket import ConnectionAccepted, ConnectionQueued, SynDropped
from ioviz.model.syscalls import BY_NAME
from ioviz.model.task import TaskSlept, TaskWoken
from tests.scenes.played import play, shown, socket_of

SCENE = "bio-one-thread"


def test_a_newcomer_cannot_wake_the_server_out_of_recv() -> None:
    played = play(SCENE)
    place = played.chapter("recv() waits, for this client only")
    slept = played.events[place]
    assert isinstance(slept, TaskSlept)
    world = played.world(place + 1)
    server = played.pid("server.py")
    assert slept.queues == (socket_of(world, server, 4).id,)
    assert world.wait_queues[socket_of(world, server, 3).id].count == 0


def test_clients_connect_and_send_while_the_server_sleeps() -> None:
    played = play(SCENE)
    stop = played.chapter("The silent one leaves")
    assert played.returns("connect", "eager.py", stop=stop) == [0, 0, 0]
    assert played.returns("sendto", "eager.py", stop=stop) == [6, 6, 6]
    world = played.world(stop)
    listener = socket_of(world, played.pid("server.py"), 3)
    assert world.accept_queues[listener.id].count == 3
    waiting = [sock for sock in world.sockets.values() if sock.listener == listener.id]
    assert [world.buffers[sock.id * 2].bytes for sock in waiting] == [6, 6, 6]


def test_a_s_bytes_lie_in_a_socket_that_no_program_has_and_the_panel_shows_them_first() -> None:
    played = play(SCENE)
    place = played.chapter("And sent, too")
    world = played.world(place + 1)
    (holding,) = [number >> 1 for number, buffer in world.buffers.items() if buffer.bytes]
    assert holding not in {world.files[fd.file].obj for fd in world.fds.values()}
    told = played.panel("sockets", place, 70, 4)
    assert "I am A" in told
    assert "more" in told


def test_afterwards_nothing_makes_the_server_sleep() -> None:
    played = play(SCENE)
    leaves = played.chapter("The silent one leaves")
    assert played.returns("recvfrom", "server.py")[0] == 0
    assert played.of(TaskSlept, "server.py", start=leaves) == []
    assert played.returns("recvfrom", "server.py", start=leaves + 1) == [6, 6, 6]
    order = [event.sock for event in played.of(ConnectionQueued)]
    assert [event.sock for event in played.of(ConnectionAccepted)] == order


def test_the_silent_one_leaves_after_ten_milliseconds_and_the_server_slept_all_that_time() -> None:
    played = play(SCENE)
    asleep = played.chapter("recv() waits, for this client only")
    leaves = played.chapter("The silent one leaves")
    connected = next(event.t for event in played.of(SyscallReturned, "quiet.py") if event.nr == BY_NAME["connect"].nr)
    assert 10_000_000 <= played.events[leaves].t - connected < 10_100_000
    woken = played.of(TaskWoken, start=asleep, stop=leaves)
    assert [event.seq for event in woken if event.tid == played.pid("server.py")] == [woken[-1].seq]


def test_with_somaxconn_1_the_third_waits_for_a_second() -> None:
    played = play(SCENE, somaxconn="1")
    assert len(played.of(SynDropped)) == 1
    assert "C: connected after 1000 ms" in played.printed("eager.py")
    assert played.of(SynDropped)[0].t < played.events[played.chapter("The silent one leaves")].t


def test_what_is_printed_fits_the_terminal_at_the_end() -> None:
    played = play(SCENE)
    told = played.panel("terminal", played.chapter("Blocking is the reason"), 78, 11)
    assert told.count("served after") == 3
    assert told.count("message: I am") >= 2


def test_on_this_computer() -> None:
    assert shown(SCENE, 1) == "connected, sent 2 bytes; now accept\nb'hi'\n"
