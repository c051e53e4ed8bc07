"""What the scene asyncio claims."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioviz.model.cpu import TrapEntered
from ioviz.model.eventpoll import EpitemInserted, EpitemModified, EpollCreated
from ioviz.model.poll_bits import POLLOUT
from ioviz.model.syscalls import name_of
from ioviz.model.task import LineReached, TaskCreated, TaskSlept
from tests.cli.programs import ioviz
from tests.scenes.played import Played, play, shown, socket_of

SCENE = "asyncio"


def calls(played: Played, start: int, stop: int) -> list[str]:
    """The names of the server's calls between two places."""
    return [name_of(event.nr) for event in played.of(TrapEntered, "server.py", start, stop)]


def test_one_thread_that_sleeps_in_epoll_wait_only() -> None:
    played = play(SCENE)
    tasks = [event.tid for event in played.of(TaskCreated) if played.program_of[event.tid] == "server.py"]
    assert len(tasks) == 1
    assert {event.wchan for event in played.of(TaskSlept, "server.py")} == {"ep_poll"}


def test_the_loop_watches_its_bell_the_listener_and_the_connection_once_each() -> None:
    played = play(SCENE)
    inserted = played.of(EpitemInserted, "server.py")
    assert [event.fd for event in inserted] == [4, 6, 7]
    assert not played.of(EpitemModified, "server.py")
    assert not any(event.events & POLLOUT for event in inserted)
    world = played.at("The loop's own bell")
    assert socket_of(world, played.pid("server.py"), 4).family == 1


def test_an_await_is_no_call() -> None:
    played = play(SCENE)
    start = played.chapter("A connection is watched once, not at each await")
    stop = played.chapter("await reader.read(): nothing there, no call")
    assert set(calls(played, start, stop + 1)) <= {"epoll_wait"}
    lines = [event.at & 0xFFFF for event in played.of(LineReached, "server.py", start, stop)]
    assert 7 in lines


def test_epoll_wait_then_recv_then_the_coroutine() -> None:
    played = play(SCENE)
    place = played.chapter("epoll_wait, then recv, then the coroutine")
    received = played.events[place]
    before = calls(played, 0, place)
    assert before[-2:] == ["epoll_wait", "recvfrom"]
    entry = [event for event in played.of(TrapEntered, "server.py", 0, place) if name_of(event.nr) == "recvfrom"][-1]
    assert entry.args[1] == 256 * 1024
    later = [event for event in played.of(LineReached, "server.py", place) if event.at & 0xFFFF == 8]
    assert later[0].seq > received.seq


def test_write_sends_at_once_and_drain_asks_nobody() -> None:
    played = play(SCENE)
    place = played.chapter("write() sends at once; drain() asks nobody")
    assert calls(played, 0, place)[-1] == "sendto"
    nothing = played.of(TaskSlept, "server.py", place)[0]
    assert set(calls(played, place + 1, nothing.seq)) == {"epoll_wait"}


def test_accept_goes_on_to_eagain_and_the_end_is_in_order() -> None:
    played = play(SCENE)
    assert played.returns("accept4", "server.py") == [7, -11]
    end = played.chapter("The end of the stream")
    after = calls(played, end, len(played.events))
    assert after.index("epoll_ctl") < after.index("close")
    assert played.printed("client.py") == "answer: hello\n"


def test_edge_triggered_makes_no_difference_here() -> None:
    lt, et = play(SCENE), play(SCENE, trigger="et")
    assert et.printed("client.py") == lt.printed("client.py")


def test_an_epoll_instance_was_made_to_ask_whether_there_is_one_and_another_for_the_loop() -> None:
    played = play(SCENE)
    asked, loop = played.of(EpollCreated, "server.py")
    assert loop.seq == played.chapter("A loop is an epoll instance")
    assert "close" in calls(played, asked.seq, loop.seq)


ALL_AT_ONCE = """
import asyncio, time
got = 0
async def serve(reader, writer):
    global got
    time.sleep(0.05)  # everything is in the receive buffer by now
    while got < 600_000 and (data := await reader.read(65536)):
        got += len(data)
    writer.close()
    gone.set()
async def main():
    global gone
    gone = asyncio.Event()
    await asyncio.start_server(serve, "127.0.0.1", 8000, limit=1 << 20)
    await gone.wait()
    print("all of it:", got)
asyncio.run(main())
"""
SENDER = """
import socket
connection = socket.create_connection(("127.0.0.1", 8000))
connection.sendall(bytes(600_000))
connection.recv(1)
"""


@pytest.mark.parametrize(("trigger", "code"), [("lt", 0), ("et", 125)])
def test_with_more_than_256_k_in_the_buffer_edge_triggering_would_hang_it(
    trigger: str, code: int, tmp_path: Path
) -> None:
    server, sender = tmp_path / "server.py", tmp_path / "sender.py"
    server.write_text(ALL_AT_ONCE)
    sender.write_text(SENDER)
    knobs = [f"--set={knob}" for knob in (f"trigger={trigger}", "rcvbuf=2m", "sndbuf=2m")]
    result = ioviz("exec", *knobs, "--peer", sender, server)
    assert result.code == code
    assert ("all of it: 600000" in result.out) == (not code)


def test_the_commands_of_the_article_page() -> None:
    assert int(shown(SCENE, 1)) != 0
    where = shown(SCENE, 2).strip()
    assert "epoll" in where or "ep_poll" in where or where in {"", "0"}  # not every kernel lets one look
