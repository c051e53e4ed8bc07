"""Lists as rows: the kernel's `list_head`, so that adding or removing a node never copies a list.

A list is a `Queue` row (head, tail, count) in one table and a `Link` row (prev, next) for each node in another. Ids are
positive, 0 means none. Invariant: walking `next` from the head visits `count` nodes and ends at the tail, and `prev`
is its mirror image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class Link(msgspec.Struct, frozen=True, gc=False):
    """The neighbours of a node."""

    prev: int
    next: int


class Queue(msgspec.Struct, frozen=True, gc=False):
    """The ends of a list and its length."""

    head: int
    tail: int
    count: int


EMPTY = Queue(0, 0, 0)
_ALONE = Link(0, 0)


def append(queues: dict[int, Queue], queue: int, links: dict[int, Link], node: int) -> None:
    """Add `node` at the tail. O(1)."""
    row = queues[queue]
    tail = row.tail
    if tail:
        links[tail] = Link(links[tail].prev, node)
        links[node] = Link(tail, 0)
        queues[queue] = Queue(row.head, node, row.count + 1)
    else:
        links[node] = _ALONE
        queues[queue] = Queue(node, node, 1)


def prepend(queues: dict[int, Queue], queue: int, links: dict[int, Link], node: int) -> None:
    """Add `node` at the head. O(1)."""
    row = queues[queue]
    head = row.head
    if head:
        links[head] = Link(node, links[head].next)
        links[node] = Link(0, head)
        queues[queue] = Queue(node, row.tail, row.count + 1)
    else:
        links[node] = _ALONE
        queues[queue] = Queue(node, node, 1)


def remove(queues: dict[int, Queue], queue: int, links: dict[int, Link], node: int) -> None:
    """Take `node` out, wherever it stands. O(1)."""
    link = links.pop(node)
    prev, after = link.prev, link.next
    row = queues[queue]
    if prev:
        links[prev] = Link(links[prev].prev, after)
    if after:
        links[after] = Link(prev, links[after].next)
    if row.count == 1:
        queues[queue] = EMPTY
    else:
        queues[queue] = Queue(row.head if prev else after, row.tail if after else prev, row.count - 1)


def rotate(queues: dict[int, Queue], queue: int, links: dict[int, Link]) -> None:
    """Move the head to the tail. O(1)."""
    row = queues[queue]
    head, tail = row.head, row.tail
    if head == tail:
        return
    second = links[head].next
    links[tail] = Link(links[tail].prev, head)
    links[head] = Link(tail, 0)
    links[second] = Link(0, links[second].next)
    queues[queue] = Queue(second, head, row.count)


def walk(queues: dict[int, Queue], queue: int, links: dict[int, Link]) -> Iterator[int]:
    """The nodes from head to tail, never more than its count. O(length)."""
    row = queues.get(queue, EMPTY)
    node, left = row.head, row.count
    while node and left > 0:
        yield node
        node, left = links[node].next, left - 1


def check(queues: dict[int, Queue], queue: int, links: dict[int, Link]) -> str:
    """What is wrong with the list, or an empty string."""
    row = queues[queue]
    before, node, count = 0, row.head, 0
    while node:
        link = links.get(node)
        if link is None:
            return f"node {node} of list {queue} has no link"
        if link.prev != before:
            return f"node {node} of list {queue}: prev is {link.prev}, not {before}"
        before, node, count = node, link.next, count + 1
        if count > row.count:
            return f"list {queue} is longer than its count {row.count}"
    if before != row.tail or count != row.count:
        return f"list {queue}: tail {row.tail} or count {row.count} does not fit ({before}, {count})"
    return ""
