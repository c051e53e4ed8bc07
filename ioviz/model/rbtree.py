"""Red-black trees as rows: a node for each epoll item, keyed by the item's id; 0 is the nil node, which is black.

Invariants: the root is black; a red node has black children; every path from a node down has as many black nodes;
in-order, the items go up by (open file, descriptor).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World


class RbNode(msgspec.Struct, frozen=True, gc=False):
    """A node: neighbours by id (0: none) and colour."""

    parent: int
    left: int
    right: int
    red: bool


class TreeRecoloured(Event):
    """Node `node` changed its colour."""

    tree: int
    node: int
    red: bool

    def apply(self, world: World) -> None:
        row = world.rb_nodes[self.node]
        world.rb_nodes[self.node] = RbNode(row.parent, row.left, row.right, self.red)
