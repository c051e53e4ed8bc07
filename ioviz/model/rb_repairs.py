"""The red-black tree of an epoll instance: where a key belongs, and the repairs after an insertion and a removal.

The algorithm is that of Linux `lib/rbtree.c`, case by case and with its numbering, so the trees have the same shapes.
It only emits events, for the machine and for
the mirror: the tree itself is the rows. Keys are (open file, descriptor), compared as `ep_cmp_ffd` does; an
open file's id stands for its address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ioviz.model.eventpoll import EpitemRemoved
from ioviz.model.rbtree import RbNode, TreeColoursFlipped, TreeRecoloured, TreeRotated, TreeSwapped

if TYPE_CHECKING:
    from typing import Any

    from ioviz.model.event import Event
    from ioviz.model.world import World


class Emitter(Protocol):
    """What of the kernel the tree needs."""

    world: World

    def emit(self, kind: type[Event], *own: Any) -> int:
        """Make, apply and log an event."""


def rb_find_place(world: World, tree: int, file: int, fd: int) -> tuple[int, bool]:
    """The node below which a new key is to hang (0: the tree is empty), and whether on its left. O(log n)."""
    nodes, items = world.rb_nodes, world.epitems
    node = world.eventpolls[tree].root
    parent, left = 0, False
    while node:
        item = items[node]
        parent = node
        left = file < item.file or (file == item.file and fd < item.fd)
        node = nodes[node].left if left else nodes[node].right
    return parent, left


def rb_insert_color(k: Emitter, tree: int, node: int) -> None:
    """Restore the rules after `node`, red, was linked as a leaf. O(log n), at most two rotations."""
    nodes = k.world.rb_nodes
    while True:
        parent = nodes[node].parent
        if not parent:
            k.emit(TreeRecoloured, tree, node, False)
            return
        above = nodes[parent]
        if not above.red:
            return
        grandparent = above.parent
        top = nodes[grandparent]
        on_left = top.left == parent
        uncle = top.right if on_left else top.left
        if uncle and nodes[uncle].red:
            # Case 1: the uncle is red too. Push the blackness of the grandparent down and look again from there.
            k.emit(TreeColoursFlipped, tree, grandparent)
            node = grandparent
            continue
        if node == (above.right if on_left else above.left):
            # Case 2: an inner grandchild. Turn it outward.
            k.emit(TreeRotated, tree, parent, on_left)
        # Case 3: an outer grandchild. The parent takes the grandparent's place and colour.
        k.emit(TreeRotated, tree, grandparent, not on_left)
        return


def rb_erase(k: Emitter, tree: int, node: int, by: str) -> None:
    """Remove `node`, and its epoll item with it (see `EpitemRemoved` for `by`). O(log n), at most three rotations."""
    nodes = k.world.rb_nodes
    row = nodes[node]
    if row.left and row.right:
        successor = row.right
        while nodes[successor].left:
            successor = nodes[successor].left
        k.emit(TreeSwapped, tree, node, successor)
        row = nodes[node]
    parent = row.parent
    on_left = bool(parent) and nodes[parent].left == node
    # An only child is red, and takes over the black of its parent: nothing is missing then.
    short = not row.red and not row.left and not row.right
    k.emit(EpitemRemoved, tree, node, by)
    if short and parent:
        _rb_erase_color(k, tree, parent, on_left)


def _rb_erase_color(k: Emitter, tree: int, parent: int, on_left: bool) -> None:
    """The paths through the left (or right) child of `parent` are one black node short."""
    nodes = k.world.rb_nodes
    while True:
        sibling = _child(nodes[parent], not on_left)
        if nodes[sibling].red:
            # Case 1: a red sibling. Turn it up; the new sibling is black.
            k.emit(TreeRotated, tree, parent, on_left)
            sibling = _child(nodes[parent], not on_left)
        row = nodes[sibling]
        far, near = _child(row, not on_left), _child(row, on_left)
        if not far or not nodes[far].red:
            if not near or not nodes[near].red:
                # Case 2: no red near: make the sibling's paths as short, and pass the fault upward unless the parent,
                # being red, can take it.
                k.emit(TreeRecoloured, tree, sibling, True)
                if nodes[parent].red:
                    k.emit(TreeRecoloured, tree, parent, False)
                    return
                node, parent = parent, nodes[parent].parent
                if not parent:
                    return
                on_left = nodes[parent].left == node
                continue
            # Case 3: the near nephew is red. Turn it outward.
            k.emit(TreeRotated, tree, sibling, not on_left)
            far = sibling
        # Case 4: the far nephew is red. The sibling takes the parent's place and colour, the nephew pays with its red.
        k.emit(TreeRotated, tree, parent, on_left)
        k.emit(TreeRecoloured, tree, far, False)
        return


def _child(row: RbNode, left: bool) -> int:
    return row.left if left else row.right
