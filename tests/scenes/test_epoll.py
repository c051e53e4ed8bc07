"""What the scene epoll claims."""

from __future__ import annotations

from ioviz.model.buffer import BytesCopiedOut
from ioviz.model.eventpoll import EventDelivered, ReadyDropped, ReadyLinked
from ioviz.model.poll import FdsScanned
from ioviz.model.rbtree import walk
from ioviz.model.task import SLEEPING, TaskSlept
from tests.scenes.played import Played, measured, play, ready_fds, shown, socket_of

SCENE = "epoll"


def the_epoll(played: Played) -> int:
    """The server's epoll instance."""
    event = played.events[played.chapter("epoll_create: two empty structures")]
    return event.ep  # type: ignore[attr-defined, no-any-return]


def test_create_makes_an_empty_tree_and_an_empty_list() -> None:
    played = play(SCENE)
    world = played.at("epoll_create: two empty structures")
    ep = the_epoll(played)
    assert (world.eventpolls[ep].root, world.eventpolls[ep].count, ready_fds(world, ep)) == (0, 0, [])


def test_it_sleeps_on_one_queue_and_asks_no_socket() -> None:
    played = play(SCENE)
    slept = played.events[played.chapter("epoll_wait: is the list empty?")]
    assert isinstance(slept, TaskSlept)
    assert slept.queues == (the_epoll(played),)
    assert not played.of(FdsScanned)


def test_the_callback_hangs_on_the_socket_and_wakes_the_server() -> None:
    played = play(SCENE)
    place = played.chapter("The callback")
    world = played.world(place)
    listener = socket_of(world, played.pid("server.py"), 3)
    link = played.events[place]
    assert isinstance(link, ReadyLinked)
    entry = world.wait_entries[world.epitems[link.item].entry]
    assert (entry.queue, entry.item) == (listener.id, link.item)
    assert type(played.events[place + 1]).__name__ == "TaskWoken"


def test_the_list_fills_while_the_server_sleeps() -> None:
    played = play(SCENE)
    ep = the_epoll(played)
    world = played.at("Four in the tree")
    assert [world.epitems[item].fd for item in walk(world, world.eventpolls[ep].root)] == [3, 5, 6, 7]
    world = played.at("The list fills by itself")
    assert ready_fds(world, ep)[-3:] == [7, 5, 6]
    assert world.tasks[played.pid("server.py")].state == SLEEPING


def test_reported_in_the_order_of_becoming_ready_without_data() -> None:
    played = play(SCENE)
    place = played.chapter("In the order of becoming ready")
    back = played.events[place]
    assert [fd for fd, _ in back.out] == [7, 5, 6]  # type: ignore[attr-defined]
    entry = [event.seq for event in played.entered("epoll_wait", "server.py") if event.seq < place][-1]
    kinds = [type(event) for event in played.events[entry + 1 : place]]
    assert kinds == [ReadyDropped, EventDelivered, EventDelivered, EventDelivered]
    assert not played.of(BytesCopiedOut, "server.py", stop=place)


def test_what_was_read_meanwhile_is_dropped_and_time_over_is_0() -> None:
    played = play(SCENE)
    place = played.chapter("On the list, but not ready")
    assert [type(event) for event in played.events[place - 3 : place]] == [ReadyDropped] * 3
    assert played.returns("epoll_wait", "server.py") == [1, 1, 1, 3, 0, 0]


def test_edge_triggered_it_hangs_beside_two_connections() -> None:
    played = play(SCENE, trigger="et")
    world = played.world()
    assert world.runs[1].ended == "stalled"
    listener = socket_of(world, played.pid("server.py"), 3)
    assert world.accept_queues[listener.id].count == 2
    assert world.tasks[played.pid("server.py")].wchan == "ep_poll"
    assert played.chapters[4:] == [None] * 5  # of what does not happen nothing is told


def test_on_this_computer() -> None:
    assert all(int(line) > 0 for line in shown(SCENE, 1).split())
    assert shown(SCENE, 2) == "create(0): -1 Invalid argument\ncreate(1) holds 100\n"
    assert shown(SCENE, 3) == "0\n"
    python, call = measured(SCENE, 4)
    assert python >= 1  # the same number: seconds, and milliseconds
    assert call >= 0.001
    assert shown(SCENE, 5) == "[]\n"
    assert shown(SCENE, 6).count("tfd:") == 3
    assert shown(SCENE, 9) == "a connection: 1  IN OUT ERR HUP: 1 4 8 16\n"
    tree, ready = (line.partition(": ")[2].strip("[]").split(", ") for line in shown(SCENE, 7).splitlines())
    registered = sorted(tree, key=int)
    assert ready == [registered[2], registered[0], registered[3]]
    assert shown(SCENE, 8) == "on the list; read b'x' then asked: []\n"
