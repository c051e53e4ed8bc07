"""The probe: what it notes of real programs is what they did, and they do not feel it."""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioviz.live.calls import Call, Ended, LeftOut, Lost
from ioviz.live.probe.agent.notes import left_out, notes
from ioviz.live.probe.agent.sender import Sender, noted_in
from ioviz.live.probe.source import ProbeSource, environment, why_not
from ioviz.live.probe.wire import Decoder, WireError
from ioviz.live.source import Inbox, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ioviz.live.calls import Item


def probed(tmp_path: Path, program: str) -> tuple[list[Item], str, int]:
    """What the probe delivers of `program`, what that printed, and its exit code."""
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(program), encoding="utf-8")
    source = ProbeSource([sys.executable, str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    source.start()
    items: list[Item] = []
    while not source.ended:
        source.wait(5)
        items += source.take(10_000)
    assert source.process is not None
    out, _ = source.process.communicate()
    return items, out.decode(), source.process.returncode


def finished(items: list[Item], *names: str) -> list[Call]:
    """The calls that returned; of these names, if there are any."""
    calls = [item for item in items if isinstance(item, Call) and not item.entered_only]
    return [call for call in calls if call.name in names] if names else calls


EPOLL = """
    import select, socket
    a, b = socket.socketpair()
    ep = select.epoll()
    ep.register(b, select.EPOLLIN | select.EPOLLET)
    a.send(b"hello")
    print(ep.poll(1))
    print(b.recv(3), b.recv(9))
    b.setblocking(False)
    try:
        b.recv(1)
    except BlockingIOError as error:
        print(error.errno)
    ep.modify(b, select.EPOLLOUT)
    ep.unregister(b)
    b.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
def test_calls_have_their_arguments_results_bytes_and_lines(tmp_path: Path) -> None:
    items, out, code = probed(tmp_path, EPOLL)
    assert (out.split("\n")[1], code) == ("b'hel' b'lo'", 0)
    calls = finished(items)
    pair = next(call for call in calls if call.name == "socketpair").args[3]
    epfd = next(call for call in calls if call.name == "epoll_create1").result
    told = [(call.args, call.result) for call in calls if call.name == "epoll_ctl"]
    assert told == [
        ((epfd, 1, pair[1], (0x80000001, pair[1])), 0),
        ((epfd, 3, pair[1], (4, pair[1])), 0),
        ((epfd, 2, pair[1], None), 0),
    ]
    (sent,) = finished(items, "sendto")
    assert (sent.args[0], sent.args[2], sent.result, sent.data) == (pair[0], 5, 5, b"hello")
    (waited,) = finished(items, "epoll_wait")
    assert (waited.args[1], waited.result) == (((1, pair[1]),), 1)
    received = finished(items, "recvfrom")
    assert [(call.args[2], call.result, call.data) for call in received] == [
        (3, 3, b"hel"),
        (9, 2, b"lo"),
        (1, -11, None),
    ]
    assert sent.at == (str(tmp_path / "program.py"), 6)
    assert 0 < sent.start <= sent.end <= waited.end
    assert (pair[1],) in [call.args for call in calls if call.name == "close"]
    assert isinstance(items[-1], Ended)


def test_the_numbers_of_descriptors_are_those_without_the_probe(tmp_path: Path) -> None:
    program = "import socket\nprint(socket.socket().fileno(), socket.socket().fileno())\n"
    _, out, _ = probed(tmp_path, program)
    alone = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out == alone


def test_a_sleeping_call_is_seen_while_it_sleeps(tmp_path: Path) -> None:
    file = tmp_path / "sleeper.py"
    file.write_text("import socket\na, b = socket.socketpair()\nb.recv(10)\n", encoding="utf-8")
    source = ProbeSource([sys.executable, str(file)])
    source.start()
    seen: list[Item] = []
    deadline = time.monotonic() + 10
    while not any(isinstance(item, Call) and item.entered_only for item in seen) and time.monotonic() < deadline:
        source.wait(0.1)
        seen += source.take(100)
    assert source.process is not None
    source.process.kill()
    source.process.wait()
    asleep = [item for item in seen if isinstance(item, Call) and item.entered_only]
    assert [(call.name, call.args[2], call.result) for call in asleep] == [("recvfrom", 10, None)]
    while not source.ended:
        source.wait(5)
        seen += source.take(100)
    assert isinstance(seen[-1], Ended)
    assert seen[-1].signal == 9


def test_asyncio_selectors_threads_and_children(tmp_path: Path) -> None:
    items, out, code = probed(
        tmp_path,
        """
        import asyncio, os, threading, socket

        async def serve(reader, writer):
            writer.write(await reader.read(100))
            await writer.drain()
            writer.close()

        async def main():
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"ping")
            print(await reader.read(100), flush=True)
            writer.close()
            server.close()

        asyncio.run(main())
        a, b = socket.socketpair()
        thread = threading.Thread(target=lambda: b.send(b"x"))
        thread.start()
        thread.join()
        pid = os.fork()
        if pid == 0:
            a.recv(1)
            exit(3)
        os.waitpid(pid, 0)
        """,
    )
    assert (out.strip(), code) == ("b'ping'", 0)
    names = {call.name for call in finished(items)}
    assert {"epoll_create1", "epoll_ctl", "epoll_wait", "accept4", "connect", "listen", "recvfrom", "sendto"} <= names
    (made,) = finished(items, "clone")
    (sent,) = [call for call in finished(items, "sendto") if call.data == b"x"]
    assert sent.tid == made.result != made.tid
    (forked,) = finished(items, "fork")
    assert {call.pid for call in finished(items, "recvfrom") if call.args[2] == 1} == {forked.result}
    assert forked.result in {item.tid for item in items if isinstance(item, Ended)}


def test_select_and_poll_tell_what_was_asked(tmp_path: Path) -> None:
    items, _, _ = probed(
        tmp_path,
        """
        import select, socket
        a, b = socket.socketpair()
        a.send(b"x")
        select.select([a, b], [a], [], 0)
        p = select.poll()
        p.register(b, select.POLLIN)
        p.poll(0)
        """,
    )
    (pair,) = [call.args[3] for call in finished(items, "socketpair")]
    (selected,) = finished(items, "select")
    assert (selected.args[1:], selected.out) == ((pair, (pair[0],), (), 0), ((pair[1],), (pair[0],), ()))
    (polled,) = finished(items, "poll")
    assert (polled.args, polled.result) == ((((pair[1], 1, 1),), 1, 0), 1)


def test_a_program_whose_watcher_is_gone_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        "import socket, sys, time\na, b = socket.socketpair()\nsys.stdin.readline()\n"
        "for _ in range(30):\n    a.send(b'x'); b.recv(1); time.sleep(0.01)\n"
        "print(socket.socket.recv is socket.socket.__mro__[1].recv)\n",
        encoding="utf-8",
    )
    source = ProbeSource([sys.executable, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    source.start()
    source.stop()
    assert source.process is not None
    out, _ = source.process.communicate(b"\n", timeout=20)
    assert out.strip() == b"True"
    assert source.process.returncode == 0


def test_without_a_listener_the_program_runs_as_ever() -> None:
    env = environment(os.environ, "/nowhere/at/all")
    done = subprocess.run([sys.executable, "-c", "print(6 * 7)"], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("42\n", "", 0)


def test_a_busy_program_is_counted_where_it_is_not_noted(tmp_path: Path) -> None:
    """It goes on until it was only counted for a while, which it sees, and is noted again."""
    items, out, _ = probed(
        tmp_path,
        """
        import socket
        a, b = socket.socketpair()
        made = counted = 0
        while made < 120_000 or counted < 1_000 or a.send.__name__ == "counted":
            counted += a.send.__name__ == "counted"
            a.send(b"x")
            b.recv(1)
            made += 2
        print(made)
        """,
    )
    told = len(finished(items, "sendto", "recvfrom"))
    only_counted = sum(item.count for item in items if isinstance(item, LeftOut))
    # What this test was too slow to take is lost, and is told as well: the beginnings of calls with the calls.
    lost = sum(item.count for item in items if isinstance(item, Lost))
    made = int(out)
    assert only_counted
    assert made <= told + only_counted + lost <= made + (lost and 100)


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="epoll is Linux's")
@pytest.mark.parametrize("oneshot", [False, True])
def test_the_waits_of_a_busy_program_are_counted_unless_they_change_the_interest_list(
    tmp_path: Path, oneshot: bool
) -> None:
    """At the end it sleeps in a wait that began while waits were only counted: that is told."""
    items, out, _ = probed(
        tmp_path,
        f"""
        import select, socket, threading, time
        a, b = socket.socketpair()
        mask = select.EPOLLIN | (select.EPOLLONESHOT if {oneshot} else 0)
        ep = select.epoll(); ep.register(b, mask)
        made = 0
        while made < 20_000 or (type(ep).poll.__name__ != "counted" and made < 1_000_000):
            a.send(b"x"); ep.poll(); b.recv(1)
            if {oneshot}: ep.modify(b, mask)
            made += 1
        late = threading.Timer(0.5, a.send, [b"x"]); late.start()
        ep.poll()
        print(made + 1)
        """,
    )
    waits = finished(items, "epoll_wait")
    asleep = [item.name for item in items if isinstance(item, Call) and item.entered_only]
    lost = sum(item.count for item in items if isinstance(item, Lost))
    made = int(out)
    if oneshot:
        assert made <= len(waits) + lost <= made + (lost and 100)
    else:
        assert len(waits) < made - 500
        assert "epoll_wait" in asleep


def test_nothing_is_forgotten_of_what_nobody_takes() -> None:
    inbox: Inbox[Item] = Inbox(10)
    inbox.put([LeftOut(500), *[Call(1, "read", ())] * 8, Lost(70)])
    inbox.put([Call(1, "read", ())] * 12)
    first, *rest = inbox.take(100)
    assert first == Lost(500 + 8 + 70 + 2, "nobody took them")
    assert len(rest) == 10


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[Sender]:
    """An agent's sender, here."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        agent = Sender(str(tmp_path / "s"))
    agent.link.close()
    yield agent
    notes.calls.clear()
    notes.names.clear()


class Told:
    """In a link's place: keeps what is sent."""

    def __init__(self, sender: Sender) -> None:
        self.frames: list[tuple[bytes, bool]] = []
        self.sender = sender

    def send(self, data: memoryview) -> int:
        """Asks another thread whether the lock is held: this one may always enter it."""

        def ask() -> None:
            free = self.sender.lock.acquire(blocking=False)
            self.frames.append((bytes(data), not free))
            if free:
                self.sender.lock.release()

        other = threading.Thread(target=ask)
        other.start()
        other.join()
        return len(data)


def test_who_ends_the_program_waits_until_all_is_told(sender: Sender) -> None:
    """What has been taken to be sent is not the notes' any more: ending the program before it is sent would lose it."""
    sender.link = told = Told(sender)
    left_out()
    left_out()
    notes.add((1, 5, 10, 20, 3, 99, 4, 0))
    sender.finish()
    assert [frame[:1] for frame, _ in told.frames][-2:] == [b"C", b"G"]
    assert told.frames[-1][0][5:] == b"[0, 2]"
    assert all(held for _, held in told.frames)


def test_notes_that_are_thrown_away_are_counted_one_by_one() -> None:
    waited = (3, 5, 10, 20, 3, -1, 2, 0, 7, 1, 8, 1)
    failed = (3, 5, 10, 20, 3, -1, -4, 0)
    assert noted_in([*waited, *failed, *(1, 5, 10, 20, 3, 99, 4, 0)]) == 3


@pytest.mark.parametrize("end", ["os._exit(0)", "os.execv('/bin/true', ['true'])", "sys.exit()"])
def test_a_child_tells_its_own_calls_to_the_last(tmp_path: Path, end: str) -> None:
    """However it ends, and whatever its parent was only counting when it forked."""
    items, out, code = probed(
        tmp_path,
        f"""
        import os, socket, sys
        a, b = socket.socketpair()
        c, d = socket.socketpair()
        for _ in range(20_000):
            a.send(b"x")
            b.recv(1)
        if not os.fork():
            for _ in range(50):
                c.send(b"y")
                d.recv(1)
            {end}
        os.wait()
        """,
    )
    assert (out, code) == ("", 0)
    (child,) = [call.result for call in finished(items, "fork")]
    told = [call.pid or 0 for call in finished(items, "sendto", "recvfrom")]
    lost = sum(item.count for item in items if isinstance(item, LeftOut))
    assert told.count(child or 0) == 100
    assert len(told) + lost == 40_100


@pytest.mark.parametrize("argv", [[sys.executable, "-I", "-c", "0"], ["/bin/true"], ["no-such-program-here"], []])
def test_what_cannot_be_probed_is_refused_in_a_sentence(argv: list[str]) -> None:
    refusal = why_not(argv)
    assert refusal is not None
    assert refusal.mend
    assert refusal.reason_zh
    with pytest.raises(SourceError):
        ProbeSource(argv).start()


def test_a_running_process_is_refused() -> None:
    assert why_not([], os.getpid()) is not None


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(b"HNCSGx"), st.binary(max_size=80)), max_size=6))
def test_a_hostile_agent_ends_its_connection_and_nothing_else(frames: list[tuple[int, bytes]]) -> None:
    decoder = Decoder()
    try:
        for kind, body in frames:
            decoder.feed(struct.pack("<BI", kind, len(body)) + body)
    except WireError:
        pass


def test_a_frame_that_is_too_long_is_refused() -> None:
    with pytest.raises(WireError):
        Decoder().feed(b"C\xff\xff\xff\xff")


def test_frames_may_come_in_any_pieces(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    hello = b'{"pid": 7, "ppid": 1, "calls": ["", "recvfrom"], "detailed": [], "lists": []}'
    data = struct.pack("<cI", b"H", len(hello)) + hello + struct.pack("<cI8q", b"C", 64, 1, 5, 10, 20, 3, 99, 4, 0)

    def send() -> None:
        with theirs:
            for byte in data:
                theirs.send(bytes([byte]))

    writer = threading.Thread(target=send)
    writer.start()
    decoder, items = Decoder(), []
    while piece := ours.recv(1):
        items += decoder.feed(piece)
    writer.join()
    ours.close()
    assert items == [Call(5, "recvfrom", (3, None, 99, 0, None, None), 4, 10, 20, pid=7)]
