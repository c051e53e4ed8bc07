"""What the scene epoll-tree claims."""

from __future__ import annotations

from ioviz.model.eventpoll import EpitemInserted, EpollCreated, ReadyLinked
from ioviz.model.rbtree import check, walk
from tests.scenes.played import Played, measured, play, ready_fds, shape, shown

SCENE = "epoll-tree"


def tree(played: Played, title: str) -> object:
    """The tree as it is at a chapter."""
    world = played.at(title)
    return shape(world, world.eventpolls[played.of(EpollCreated)[-1].ep].root)


def leaf(name: str) -> tuple[None, str, None]:
    return (None, name, None)


def test_growth() -> None:
    played = play(SCENE)
    assert tree(played, "The root") == leaf("4 black")
    assert tree(played, "The third one: a rotation") == (leaf("4 red"), "5 black", leaf("6 red"))
    place = played.chapter("The fourth: only colours")
    world = played.world(place + 2)  # the root is made black by the next event
    root = world.eventpolls[played.of(EpollCreated)[-1].ep].root
    assert shape(world, root) == (leaf("4 black"), "5 black", (None, "6 black", leaf("7 red")))


def test_the_second_time_it_is_found_and_nothing_changes() -> None:
    played = play(SCENE)
    place = played.chapter("Found: it is in already")
    before = played.of(EpitemInserted, stop=place)
    assert len(before) == 7
    assert [event.fd for event in before] == [4, 5, 6, 7, 8, 9, 10]
    right = (leaf("8 red"), "9 black", leaf("10 red"))
    assert tree(played, "Found: it is in already") == (leaf("4 black"), "5 black", (leaf("6 black"), "7 red", right))


def test_a_duplicate_has_the_same_file_and_another_key() -> None:
    played = play(SCENE)
    items = played.at("A duplicate that is none").epitems.values()
    files = {item.fd: item.file for item in items}
    assert files[11] == files[7]
    assert len(files) == 8


def test_where_the_tree_is_larger_than_the_panel_the_item_at_hand_is_seen() -> None:
    played = play(SCENE)
    place = played.chapter("A duplicate that is none")
    told = played.panel("eventpoll", place, 70, 9)
    assert "●11" in told
    assert "here those below fd" in told
    assert "nobody sleeps here" in played.panel("eventpoll", place, 90, 14)
    small = played.panel("eventpoll", played.chapter("Ready, and no tree was searched"), 70, 8)
    assert "1 further down" in small


def test_the_callback_reaches_both_and_touches_no_node() -> None:
    played = play(SCENE)
    place = played.chapter("Ready, and no tree was searched")
    world = played.world(place + 1)
    ep = played.of(EpollCreated)[-1].ep
    assert ready_fds(world, ep) == [11, 7]
    assert {event.by for event in played.of(ReadyLinked)} == {"callback"}
    before = dict(played.world(place - 5).rb_nodes)
    assert played.world(place + 1).rb_nodes == before


def test_fd_7_changes_places_with_its_successor_and_the_order_stays() -> None:
    played = play(SCENE)
    place = played.chapter("Out of the middle")
    world = played.world(place - 1)  # before TreeSwapped
    ep = played.of(EpollCreated)[-1].ep
    item = next(row.id for row in world.epitems.values() if row.fd == 7)
    assert world.rb_nodes[item].left
    assert world.rb_nodes[item].right
    order = [world.epitems[node].fd for node in walk(world, world.eventpolls[ep].root)]
    assert order == [4, 5, 6, 7, 11, 8, 9, 10]  # by file first: 7 and 11 are neighbours
    world = played.world(place + 1)
    assert [world.epitems[node].fd for node in walk(world, world.eventpolls[ep].root)] == [4, 5, 6, 11, 8, 9, 10]
    assert check(world, world.eventpolls[ep].root) == ""


def test_results() -> None:
    played = play(SCENE)
    assert [ret for ret in played.returns("epoll_ctl", "tree.py") if ret] == [-17, -2]
    assert "ready: [7, 11]" in played.printed("tree.py")


def test_edge_triggered_the_tree_is_the_same() -> None:
    played, edge = play(SCENE), play(SCENE, trigger="et")
    for title in ("Found: it is in already", "A duplicate that is none", "Out of the middle"):
        assert tree(edge, title) == tree(played, title)
    ep = played.of(EpollCreated)[-1].ep
    assert ready_fds(edge.at("Changed in place"), ep) == []
    assert ready_fds(edge.world(edge.chapter("Out of the middle") - 2), ep) == []


def test_on_this_computer() -> None:
    both, again = shown(SCENE, 1).splitlines()
    assert both.count("1)") == 2
    assert again.startswith("FileExistsError")
    assert measured(SCENE, 2)[0::2] == [1, 400]  # watched; what a message takes stands behind each
