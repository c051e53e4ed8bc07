"""What the scene echo-server claims."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioviz.model.buffer import tx
from ioviz.model.eventpoll import EpitemModified, EpitemRemoved, EventDelivered
from ioviz.model.poll_bits import POLLHUP, POLLIN, POLLOUT
from ioviz.model.socket import ESTABLISHED
from ioviz.model.task import SLEEPING, ProcessExited, TaskWoken
from ioviz.model.terminal import TextPrinted
from tests.scenes.played import play, ready_fds, shown, socket_of

SCENE = "echo-server"
ARTICLE = Path(__file__).parent.parent / "guests" / "article"


@pytest.mark.parametrize("name", ["epoll_server.py", "epoll_client.py"])
def test_the_server_and_its_first_client_are_the_articles_own(name: str) -> None:
    assert (Path(play(SCENE).scene.folder) / name).read_bytes() == (ARTICLE / name).read_bytes()


def test_mod_to_out_is_ready_at_once() -> None:
    played = play(SCENE)
    place = played.chapter("MOD: from IN to OUT")
    event = played.events[place]
    assert isinstance(event, EpitemModified)
    returned = played.of(type(played.events[place + 1]), "epoll_server.py", place)[0]
    assert ready_fds(played.world(returned.seq + 1), event.ep) == [5]


def test_an_answer_costs_two_reports_of_out_and_two_mods() -> None:
    played = play(SCENE)
    delivered = [event.events for event in played.of(EventDelivered, "epoll_server.py")]
    a_client = [POLLIN, POLLIN, POLLOUT, POLLOUT]  # its connection, its message, the answer, and nothing to say
    assert delivered == [*a_client, *a_client, POLLIN]
    assert [event.requested for event in played.of(EpitemModified, "epoll_server.py")] == [POLLOUT, POLLIN] * 2


def test_the_articles_client_closes_and_nobody_is_told_until_the_server_dies() -> None:
    played = play(SCENE)
    place = played.chapter("The article's client leaves, and nobody is told")
    world = played.world(place + 1)
    pid, server = played.pid("epoll_client.py"), played.pid("epoll_server.py")
    assert pid << 24 | 3 not in world.fds
    ours = socket_of(world, server, 5)
    assert (ours.state, world.sockets[ours.peer].state) == (ESTABLISHED, ESTABLISHED)
    (reader,) = [task for task in world.tasks.values() if task.process == pid and task.id != pid]
    assert (reader.state, reader.wchan) == (SLEEPING, "sk_wait_data")
    dies = played.chapter("The server is gone")
    woken = [event for event in played.of(TaskWoken, start=place) if event.tid == reader.id]
    assert woken[0].seq > played.chapter("close() first")
    assert "子线程由于client断开连接而退出" in played.printed("epoll_client.py")
    assert "子线程" not in "".join(
        event.data.decode() for event in played.of(TextPrinted, "epoll_client.py", stop=dies)
    )


def test_a_client_that_leaves_is_in_and_the_hup_branch_is_never_taken() -> None:
    played = play(SCENE)
    event = played.events[played.chapter("The client leaves: IN, not HUP")]
    assert isinstance(event, EventDelivered)
    assert event.events == POLLIN
    assert not any(each.events & POLLHUP for each in played.of(EventDelivered))


def test_close_takes_the_item_and_unregister_fails_and_the_server_dies() -> None:
    played = play(SCENE)
    (removed,) = [event for event in played.of(EpitemRemoved, "epoll_server.py") if event.item and event.by == "close"][
        :1
    ]
    assert removed.seq == played.chapter("close() first")
    assert played.returns("epoll_ctl", "epoll_server.py")[-1] == -9
    exited = played.events[played.chapter("The server is gone")]
    assert isinstance(exited, ProcessExited)
    assert exited.code == 1
    assert "OSError" in played.printed("epoll_server.py")


def test_mended_out_is_asked_for_only_when_something_is_left() -> None:
    played = play(SCENE)
    first = played.chapter("Mended: OUT only when something is left")
    assert not played.of(EpitemModified, "mended.py", stop=first)
    sent = played.returns("sendto", "mended.py", stop=first)
    received = played.returns("recvfrom", "mended.py", stop=first)
    assert sum(max(0, n) for n in sent) < sum(received)
    assert "all 20000 bytes came back" in played.printed("client.py")
    assert not played.of(EpitemModified, "mended.py")[-1].requested & POLLOUT


def test_epollout_is_news_once_at_most_two_thirds_of_the_send_buffer_are_used() -> None:
    played = play(SCENE)
    full, room = played.chapter("Mended: OUT only when something is left"), played.chapter("Room again")
    for place, at_most in ((full, False), (room, True)):
        world = played.world(place + 1)
        unsent = world.buffers[tx(socket_of(world, played.pid("mended.py"), 5).id)]
        assert (3 * max(unsent.bytes, unsent.truesize) <= 2 * unsent.limit) == at_most
    for chapter in ("EPOLLOUT: there is room here", "And again: nothing to say"):
        world = played.at(chapter)
        assert world.buffers[tx(socket_of(world, played.pid("epoll_server.py"), 5).id)].bytes == 0


def test_with_a_large_send_buffer_the_mended_server_never_asks_for_out() -> None:
    played = play(SCENE, sndbuf="64k")
    assert not played.of(EpitemModified, "mended.py")
    assert "all 20000 bytes came back" in played.printed("client.py")


def test_mended_unregisters_first() -> None:
    played = play(SCENE)
    removed = played.events[played.chapter("First unregister, then close")]
    assert isinstance(removed, EpitemRemoved)
    assert removed.by == "delete"
    assert all(result >= 0 for result in played.returns("epoll_ctl", "mended.py"))


def test_the_real_kernel_agrees() -> None:
    assert "IN True RDHUP True HUP False" in shown(SCENE, 1)
    sent = shown(SCENE, 2)
    assert int(sent.split()[1]) > 8192
    assert sent.endswith("writable: True\n")
    assert "Bad file descriptor" in shown(SCENE, 3)
    assert shown(SCENE, 4) == "0x19 ERR True SO_ERROR 104\n"
    assert shown(SCENE, 5).startswith("closed; the other end is in state 1 ")
    assert shown(SCENE, 6) == "reported 1 received b''\n" * 3
