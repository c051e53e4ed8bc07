"""Red-black trees as rows: a node for each epoll item, keyed by the item's id; 0 is the nil node, which is black.

A tree is named by its epoll instance, whose row holds the root. Invariants (see `check`), broken only between the
events of one insertion or removal: the root is black; a red node has black children; every path from a node down has as
many black nodes; in-order, the items go up by (open file, descriptor).

Where the kernel's code differs: it recolours in the same stores that rotate. A rotation always exchanges the colours of
the two nodes that it turns, in each of its cases, so here that belongs to `TreeRotated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ioviz.model.event import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.model.world import World


class RbNode(msgspec.Struct, frozen=True, gc=False):
    """A node: neighbours by id (0: none) and colour."""

    parent: int
    left: int
    right: int
    red: bool


def link(world: World, tree: int, node: int, parent: int, left: bool) -> None:
    """Hang `node`, red and without children, below `parent` (0: it is the root)."""
    nodes = world.rb_nodes
    nodes[node] = RbNode(parent, 0, 0, True)
    if not parent:
        _set_root(world, tree, node)
        return
    row = nodes[parent]
    if left:
        nodes[parent] = RbNode(row.parent, node, row.right, row.red)
    else:
        nodes[parent] = RbNode(row.parent, row.left, node, row.red)


def unlink(world: World, tree: int, node: int) -> None:
    """Take out `node`, which has at most one child: the child gets its place and its colour."""
    nodes = world.rb_nodes
    row = nodes.pop(node)
    child = row.left or row.right
    if child:
        below = nodes[child]
        nodes[child] = RbNode(row.parent, below.left, below.right, row.red)
    _replace_child(world, tree, row.parent, node, child)


def _set_root(world: World, tree: int, node: int) -> None:
    world.eventpolls[tree] = replace(world.eventpolls[tree], root=node)


def _replace_child(world: World, tree: int, parent: int, old: int, new: int) -> None:
    if not parent:
        _set_root(world, tree, new)
        return
    row = world.rb_nodes[parent]
    if row.left == old:
        world.rb_nodes[parent] = RbNode(row.parent, new, row.right, row.red)
    else:
        world.rb_nodes[parent] = RbNode(row.parent, row.left, new, row.red)


def _set_parent(nodes: dict[int, RbNode], node: int, parent: int) -> None:
    if node:
        row = nodes[node]
        nodes[node] = RbNode(parent, row.left, row.right, row.red)


class TreeRecoloured(Event):
    """Node `node` changed its colour."""

    tree: int
    node: int
    red: bool

    def apply(self, world: World) -> None:
        self.change(world, self.tree, self.node, self.red)

    @staticmethod
    def change(world: World, tree: int, node: int, red: bool) -> None:
        """What `apply` does, of the event's own fields; so has each event of the tree."""
        row = world.rb_nodes[node]
        world.rb_nodes[node] = RbNode(row.parent, row.left, row.right, red)


class TreeColoursFlipped(Event):
    """Black `node` became red and its two red children black: the blackness moved one level down."""

    tree: int
    node: int

    def apply(self, world: World) -> None:
        self.change(world, self.tree, self.node)

    @staticmethod
    def change(world: World, tree: int, node: int, _: int = 0) -> None:
        """See `TreeRecoloured.change`."""
        nodes = world.rb_nodes
        row = nodes[node]
        nodes[node] = RbNode(row.parent, row.left, row.right, True)
        left, right = nodes[row.left], nodes[row.right]
        nodes[row.left] = RbNode(left.parent, left.left, left.right, False)
        nodes[row.right] = RbNode(right.parent, right.left, right.right, False)


class TreeRotated(Event):
    """A rotation around `pivot`: it went down to the left (`left`) or to the right, its child on the other side came up
    into its place, the grandchild between them changed sides, and the two exchanged colours."""

    tree: int
    pivot: int
    left: bool

    def apply(self, world: World) -> None:
        self.change(world, self.tree, self.pivot, self.left)

    @staticmethod
    def change(world: World, tree: int, pivot: int, left: bool) -> None:
        """See `TreeRecoloured.change`."""
        nodes = world.rb_nodes
        row = nodes[pivot]
        if left:
            child = row.right
            up = nodes[child]
            nodes[pivot] = RbNode(child, row.left, up.left, up.red)
            nodes[child] = RbNode(row.parent, pivot, up.right, row.red)
            _set_parent(nodes, up.left, pivot)
        else:
            child = row.left
            up = nodes[child]
            nodes[pivot] = RbNode(child, up.right, row.right, up.red)
            nodes[child] = RbNode(row.parent, up.left, pivot, row.red)
            _set_parent(nodes, up.right, pivot)
        _replace_child(world, tree, row.parent, pivot, child)


class TreeSwapped(Event):
    """Before a removal: `node`, which has two children, exchanged place and colour with its in-order `successor`, the
    leftmost node of its right subtree. Where `node` is now it has at most one child and can be unlinked."""

    tree: int
    node: int
    successor: int

    def apply(self, world: World) -> None:
        self.change(world, self.tree, self.node, self.successor)

    @staticmethod
    def change(world: World, tree: int, node: int, successor: int) -> None:
        """See `TreeRecoloured.change`."""
        nodes = world.rb_nodes
        row, after = nodes[node], nodes[successor]
        _replace_child(world, tree, row.parent, node, successor)
        _set_parent(nodes, row.left, successor)
        _set_parent(nodes, after.right, node)
        if row.right == successor:
            nodes[successor] = RbNode(row.parent, row.left, node, row.red)
            nodes[node] = RbNode(successor, 0, after.right, after.red)
            return
        _set_parent(nodes, row.right, successor)
        above = nodes[after.parent]
        nodes[after.parent] = RbNode(above.parent, node, above.right, above.red)
        nodes[successor] = RbNode(row.parent, row.left, row.right, row.red)
        nodes[node] = RbNode(after.parent, 0, after.right, after.red)


def walk(world: World, root: int) -> Iterator[int]:
    """The nodes in order, smallest key first. O(n). Raises ValueError if they are no tree (in a forged recording)."""
    nodes = world.rb_nodes
    stack: list[int] = []
    node, left = root, len(nodes)
    while node or stack:
        while node:
            left -= 1
            if left < 0:
                raise ValueError(f"the nodes below {root} go round in circles")
            stack.append(node)
            node = nodes[node].left
        node = stack.pop()
        yield node
        node = nodes[node].right


def height(world: World, root: int) -> int:
    """The nodes on the longest path from `root` down, 0 for an empty tree. O(n)."""
    depth = {0: 0}
    for node in _bottom_up(world, root):
        row = world.rb_nodes[node]
        depth[node] = 1 + max(depth[row.left], depth[row.right])
    return depth[root]


def check(world: World, root: int) -> str:
    """What is wrong with the tree below `root`, or an empty string. O(n)."""
    nodes = world.rb_nodes
    if not root:
        return ""
    if nodes[root].parent:
        return f"root {root} has the parent {nodes[root].parent}"
    if nodes[root].red:
        return f"root {root} is red"
    black = {0: 0}
    for node in _bottom_up(world, root):
        row = nodes[node]
        for child in (row.left, row.right):
            if child and nodes[child].parent != node:
                return f"node {child} says its parent is {nodes[child].parent}, not {node}"
            if child and row.red and nodes[child].red:
                return f"red node {node} has the red child {child}"
        if black[row.left] != black[row.right]:
            return (
                f"node {node} has {black[row.left]} black nodes below it on the left, {black[row.right]} on the right"
            )
        black[node] = black[row.left] + (not row.red)
    last = (0, -1)
    for node in walk(world, root):
        item = world.epitems[node]
        if (item.file, item.fd) <= last:
            return f"node {node} with key {(item.file, item.fd)} comes after {last}"
        last = (item.file, item.fd)
    return ""


def _bottom_up(world: World, root: int) -> list[int]:
    order = [root] if root else []
    for node in order:
        row = world.rb_nodes[node]
        order.extend(child for child in (row.left, row.right) if child)
    order.reverse()
    return order
