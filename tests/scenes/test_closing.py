"""What the scene `closing` claims."""

from __future__ import annotations

from ioviz.model.cpu import SyscallReturned
from ioviz.model.files import FileReleased
from ioviz.model.socket import FinReceived, FinSent, RstSent
from ioviz.model.task import TaskSlept, TaskWoken
from ioviz.model.tcp import SegmentReceived
from tests.scenes.played import Played, play, shown, socket_of

ESTABLISHED = "ESTABLISHED"


def buffers(scene: Played, title: str, fd: int = 3) -> tuple[int, int, int]:
    """Bytes unread and unsent at closer.py, and unread at its peer, at the chapter `title`."""
    world = scene.at(title)
    sock = socket_of(world, scene.pid("closer.py"), fd)
    return tuple(world.buffers[key].bytes for key in (2 * sock.id, 2 * sock.id + 1, 2 * sock.peer))  # type: ignore[return-value]


def test_close_delivers_what_is_in_the_send_buffer() -> None:
    scene = play("closing")
    unread, unsent, there = buffers(scene, "close() with a full send buffer")
    assert unread == 0
    assert unsent + there == 16384
    assert unsent > there > 0
    world = scene.at("The program is out, the kernel goes on")
    orphan = next(sock for sock in world.sockets.values() if sock.orphan)
    assert world.buffers[2 * orphan.id + 1].bytes == unsent
    end = scene.chapter("Everything arrived, then the end")
    assert sum(ret for ret in scene.returns("recvfrom", "peer.py", stop=end)) == 16384


def test_close_with_something_unread_loses_it() -> None:
    scene = play("closing")
    unread, unsent, there = buffers(scene, "close() with something unread")
    assert unread == 4
    start, reset = scene.chapter("RST: the rest is thrown away"), scene.chapter("ECONNRESET")
    assert scene.returns("recvfrom", "peer.py", start, reset + 1) == [there, -104]
    assert unsent > there  # the larger part
    assert not scene.of(FinSent, "closer.py", scene.chapter("close() with something unread"), reset)
    returned = scene.returns("sendto", "closer.py")
    assert returned == [16384] * 3


def test_the_closed_one_answers_data_with_rst() -> None:
    scene = play("closing")
    world = scene.world(scene.chapter("close() with something unread"))
    assert scene.returns("sendto", "peer.py", stop=scene.chapter("close() with something unread"))[:2] == [7, 8]
    assert not [sock for sock in world.sockets.values() if sock.orphan]
    end = scene.chapter("Everything arrived, then the end")
    answer = next(event for event in scene.entered("sendto", "peer.py") if event.seq > end)
    (reset,) = scene.of(RstSent, start=answer.seq, stop=scene.chapter("close() with something unread"))
    assert scene.world(reset.seq).sockets[reset.sock].orphan


def test_half_closed_the_answer_still_comes() -> None:
    scene = play("closing")
    world = scene.at("shutdown(SHUT_WR): half closed")
    sock = socket_of(world, scene.pid("closer.py"), 3)
    assert sock.shutdown == 2
    assert scene.of(FinReceived, start=scene.chapter("shutdown(SHUT_WR): half closed"))[0].sock == sock.peer
    assert "answer: all here" in scene.printed("closer.py")


def test_close_neither_wakes_the_reader_nor_sends_fin() -> None:
    scene = play("closing")
    place = scene.chapter("close() under a reading thread")
    world = scene.world(place + 1)
    pid = scene.pid("threads.py")
    assert pid << 24 | 4 not in world.fds
    reader = next(task for task in world.tasks.values() if task.process == pid and task.id != pid)
    assert (reader.state, reader.wchan) == ("sleeping", "sk_wait_data")
    assert sum(sock.state == ESTABLISHED for sock in world.sockets.values()) == 2
    received = scene.chapter('The "closed" socket receives')
    assert scene.returns("recvfrom", "threads.py", place, received + 1) == [12]
    sent = scene.entered("sendto", "threads.py")[0].seq
    assert not [*scene.of(FinSent, None, place, sent), *scene.of(FileReleased, None, place, sent)]
    assert scene.of(FinSent, "threads.py", sent, received + 1)  # by the reader, with the last reference


def test_the_closed_socket_receives_and_shutdown_wakes() -> None:
    scene = play("closing")
    assert scene.printed("threads.py") == "reader woke up with b'still there?'\nreader woke up with b''\n"
    place = scene.chapter("shutdown() wakes the reader")
    entered = scene.entered("shutdown", "threads.py")[0].seq
    assert scene.of(FinSent, "threads.py", entered, place)
    assert scene.of(TaskWoken, "threads.py", entered, place)


def test_close_returns_at_once_and_fin_goes_last() -> None:
    scene = play("closing")
    begins, end = scene.chapter("close() with a full send buffer"), scene.chapter("Everything arrived, then the end")
    assert not scene.of(TaskSlept, "closer.py", begins, scene.chapter("The program is out, the kernel goes on") + 3)
    (fin,) = (event for event in scene.of(FinReceived, None, begins, end))
    assert not scene.of(SegmentReceived, None, fin.seq, end)


def test_the_closed_descriptor_is_a_millisecond_old_when_data_comes() -> None:
    scene = play("closing")
    closed = scene.events[scene.chapter("close() under a reading thread")]
    got = scene.events[scene.chapter('The "closed" socket receives')]
    assert 1e6 <= got.t - closed.t < 1.1e6


def test_rst_takes_the_socket_and_its_buffers_at_once() -> None:
    scene = play("closing")
    reset = scene.events[scene.chapter("RST: the rest is thrown away")]
    assert isinstance(reset, RstSent)
    returned = scene.of(SyscallReturned, "closer.py", reset.seq)[0]
    assert reset.sock not in scene.world(returned.seq + 1).sockets


def test_with_more_sent_rst_loses_more() -> None:
    lost = {}
    for knobs in ({}, {"sndbuf": "64k"}):
        scene = play("closing", **knobs)
        lost[scene.returns("sendto", "closer.py")[1]] = buffers(scene, "close() with something unread")[1]
        assert scene.printed("peer.py").count("and the end") == 2
    assert lost[32768] > lost[16384]


def test_on_linux_too() -> None:
    whole, error, part = shown("closing", 1).splitlines()
    assert whole == "1000000"
    assert error == "[Errno 104] Connection reset by peer"
    assert int(part) < 1_000_000
    assert "Bad file descriptor" in shown("closing", 2)
    assert shown("closing", 3).startswith("b''\nb'late'\nb'' ")
    assert shown("closing", 4) == "closed; reader alive: True\nreader: b'hello'\n"
