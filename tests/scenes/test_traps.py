"""What the scene traps claims."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ioviz.model.eventpoll import EpitemModified, EpitemRemoved, EventDelivered, ReadyDropped
from ioviz.model.poll_bits import POLLOUT
from tests.cli.programs import ioviz
from tests.scenes.played import play, ready_fds, shown

SCENE = "traps"


def test_closed_and_still_in_the_tree() -> None:
    played = play(SCENE)
    world = played.at("Closed, and still in the tree")
    pid = played.pid("traps.py")
    assert pid << 24 | 3 not in world.fds
    assert [item.fd for item in world.epitems.values()] == [3]
    event = played.events[played.chapter("Reported under a dead number")]
    assert isinstance(event, EventDelivered)
    removed = played.events[played.chapter("Gone with the last reference")]
    assert isinstance(removed, EpitemRemoved)
    assert (removed.item, removed.by) == (event.item, "close")


TAKEN = """
import os, select, socket
ours, theirs = socket.socketpair()
ep = select.epoll()
ep.register(ours, select.EPOLLIN)
number, copy = ours.fileno(), os.dup(ours.fileno())
ours.close()
another = open(os.devnull)
theirs.send(b"!")
print(another.fileno() == number, ep.poll(0) == [(number, select.EPOLLIN)])
try:
    ep.unregister(number)
except OSError as error:
    print(error.errno)
"""


def test_the_event_is_taken_for_that_of_the_file_which_has_the_number_now(tmp_path: Path) -> None:
    program = tmp_path / "taken.py"
    program.write_text(TAKEN)
    assert ioviz("exec", program).out == "True True\n1\n"  # EPERM: /dev/null cannot be watched
    if sys.platform == "linux":
        done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
        assert done.stdout == "True True\n1\n"


def test_the_lost_drain() -> None:
    played = play(SCENE)
    event = played.events[played.chapter("Edge-triggered: told once")]
    assert isinstance(event, EventDelivered)
    world = played.at("The lost drain")
    assert ready_fds(world, event.ep) == []
    left = [buffer.bytes for buffer in world.buffers.values() if buffer.bytes]
    assert left == [4]
    assert played.returns("recvfrom", "traps.py") == [4, 4, -11]


def test_epollout_is_always_ready_and_without_it_the_task_sleeps() -> None:
    played = play(SCENE)
    delivered = [event for event in played.of(EventDelivered) if event.events == POLLOUT]
    assert len(delivered) == 3
    slept = played.chapter("Without EPOLLOUT it can sleep")
    dropped = played.of(ReadyDropped, "traps.py", stop=slept)[-1]
    assert dropped.item == delivered[0].item


def test_one_a_call_round_robin() -> None:
    assert "one event a call: 4 6 8 4" in play(SCENE).printed("traps.py")


def test_hanging_up() -> None:
    said = play(SCENE).printed("traps.py")
    assert "the peer closed: 0x2001" in said
    assert "and so did we: 0x2011" in said


def test_edge_triggered_epollout_once() -> None:
    played = play(SCENE, trigger="et")
    assert "idle, asked three times: 1 0 0" in played.printed("traps.py")
    (modified,) = played.of(EpitemModified)
    assert played.chapter("Without EPOLLOUT it can sleep") > modified.seq
    titles = [chapter.title.en for chapter in played.scene.chapters]
    assert played.chapters[titles.index("One a call, and nobody starves")] is None
    assert "one event a call: 4 6 8\n" in played.printed("traps.py")


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
def test_the_real_kernel_prints_the_same() -> None:
    played = play(SCENE)
    file = Path(played.scene.folder) / "traps.py"
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout == played.printed("traps.py")
    assert "0x2011" not in shown(SCENE, 1)
    assert "closed" in shown(SCENE, 2)
