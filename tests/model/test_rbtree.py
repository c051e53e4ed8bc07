"""The tree of rows against a plain sorted list: random insertions and removals, the rules after each of them."""

from __future__ import annotations

import bisect
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.model.event import Event
from ioviz.model.eventpoll import EpitemInserted, EpollCreated, check
from ioviz.model.rb_repairs import rb_erase, rb_find_place, rb_insert_color
from ioviz.model.rbtree import RbNode, TreeRotated, TreeSwapped, height, walk
from ioviz.model.rbtree import check as check_tree
from ioviz.model.world import World

TREE = 1

Key = tuple[int, int]


class Tree:
    """An epoll instance without a kernel around it, and the sorted list that it is to be equal to."""

    def __init__(self) -> None:
        self.world = World()
        self.log: list[Event] = []
        self.items: dict[Key, int] = {}
        self.model: list[Key] = []
        self.last_id = 10
        self.emit(EpollCreated, TREE, 1, 2)

    def emit(self, kind: type[Event], *own: Any) -> int:
        event = kind(len(self.log), 0, 1, 1, -1, 0, 0, *own)
        event.apply(self.world)
        self.log.append(event)
        return event.seq

    def insert(self, key: Key) -> None:
        self.last_id += 1
        item = self.last_id
        parent, left = rb_find_place(self.world, TREE, *key)
        self.emit(EpitemInserted, TREE, item, *key, 1, 1, 0, 0, 0, parent, left)
        rb_insert_color(self, TREE, item)
        self.items[key] = item
        bisect.insort(self.model, key)

    def erase(self, key: Key) -> None:
        rb_erase(self, TREE, self.items.pop(key), "delete")
        self.model.remove(key)

    def keys(self) -> list[Key]:
        items = self.world.epitems
        return [(items[node].file, items[node].fd) for node in walk(self.world, self.root)]

    @property
    def root(self) -> int:
        return self.world.eventpolls[TREE].root

    def verify(self) -> None:
        assert check(self.world, TREE) == ""
        assert self.keys() == self.model
        assert height(self.world, self.root) <= 2 * math.log2(len(self.model) + 1)
        assert set(self.world.rb_nodes) == set(self.items.values())


KEYS = st.tuples(st.integers(1, 12), st.integers(0, 6))


@given(st.lists(KEYS, max_size=120))
def test_toggling_keys_keeps_the_rules_and_the_order(keys: list[Key]) -> None:
    """Each key is inserted when it is absent and erased when it is there."""
    tree = Tree()
    for key in keys:
        if key in tree.items:
            tree.erase(key)
        else:
            tree.insert(key)
        tree.verify()
    replayed = World()
    for event in tree.log:
        event.apply(replayed)
    assert replayed == tree.world


@given(st.permutations(range(24)), st.permutations(range(24)))
def test_fill_and_empty_in_any_order(fill: list[int], empty: list[int]) -> None:
    tree = Tree()
    for fd in fill:
        tree.insert((1, fd))
        tree.verify()
    for fd in empty:
        tree.erase((1, fd))
        tree.verify()
    assert tree.root == 0


def test_an_ascending_row_of_keys_stays_balanced() -> None:
    tree = Tree()
    for fd in range(1000):
        tree.insert((fd, fd))
    tree.verify()
    assert sum(isinstance(event, TreeRotated) for event in tree.log) < 1000


def test_three_ascending_keys_take_one_rotation() -> None:
    tree = Tree()
    for fd in (1, 2, 3):
        tree.insert((1, fd))
    nodes = tree.world.rb_nodes
    assert tree.root == tree.items[(1, 2)]
    assert [nodes[tree.items[(1, fd)]].red for fd in (1, 2, 3)] == [True, False, True]
    assert [type(event).__name__ for event in tree.log[1:]] == [
        "EpitemInserted",
        "TreeRecoloured",
        "EpitemInserted",
        "EpitemInserted",
        "TreeRotated",
    ]


def test_a_node_with_two_children_changes_places_with_its_successor() -> None:
    tree = Tree()
    for fd in (4, 2, 6, 5, 7):
        tree.insert((1, fd))
    tree.erase((1, 4))
    assert [event.successor for event in tree.log if isinstance(event, TreeSwapped)] == [tree.items[(1, 5)]]
    tree.verify()


def test_same_file_under_two_descriptors_is_two_keys() -> None:
    tree = Tree()
    tree.insert((5, 9))
    tree.insert((5, 8))
    assert tree.keys() == [(5, 8), (5, 9)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda row: RbNode(row.parent, row.left, row.right, True), "is red"),
        (lambda row: RbNode(3, row.left, row.right, row.red), "has the parent"),
        (lambda row: RbNode(row.parent, row.right, row.left, row.red), "comes after"),
        (lambda row: RbNode(row.parent, row.left, 0, row.red), "black nodes below it"),
    ],
)
def test_check_sees_a_broken_rule(change: Any, complaint: str) -> None:
    tree = Tree()
    for fd in range(7):
        tree.insert((1, fd))
    nodes = tree.world.rb_nodes
    nodes[tree.root] = change(nodes[tree.root])
    assert complaint in check_tree(tree.world, tree.root)


def test_check_sees_two_reds_in_a_row() -> None:
    tree = Tree()
    for fd in range(4):
        tree.insert((1, fd))
    nodes = tree.world.rb_nodes
    parent = nodes[tree.items[(1, 3)]].parent
    row = nodes[parent]
    nodes[parent] = RbNode(row.parent, row.left, row.right, True)
    assert "has the red child" in check_tree(tree.world, tree.root)
