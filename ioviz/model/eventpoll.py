"""eventpoll: the interest tree, the ready list and what `epoll_wait` takes from it.

An instance (`Eventpoll`) has a red-black tree of its items (`World.rb_nodes`), a ready list (`World.ready_lists` and
`ready_links`, keyed by instance and item) and two wait queues: `id` for the tasks in `epoll_wait`, `poll_queue` for
those who poll the epoll descriptor itself. An item (`Epitem`) watches an open file under the number `fd`; its entry on
the file's wait queue makes `ep_poll_callback` run. Invariants (`check`): an item on the ready list is in the tree; the
tree has `count` items and keeps its rules.

Where we differ from Linux: nothing happens while ready items are handed over, so there is no overflow list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from ioviz.model import lists, rbtree
from ioviz.model.event import Event
from ioviz.model.lists import EMPTY, append, remove, rotate
from ioviz.model.poll_bits import EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP
from ioviz.model.wait import add_item_entry, remove_entries

if TYPE_CHECKING:
    from ioviz.model.world import World

PRIVATE_BITS: Final = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE
"""What of a mask says how to report; the rest says what. A one-shot item that fired keeps only these."""


class Eventpoll(msgspec.Struct, frozen=True, gc=False):
    """An epoll instance: the root of its tree (0: empty) and the number of items."""

    id: int
    host: int
    root: int
    count: int
    poll_queue: int


class Epitem(msgspec.Struct, frozen=True, gc=False):
    """Interest of instance `ep` in open file `file`, registered as descriptor `fd`; `events` is the mask in force, with
    EPOLLET, EPOLLONESHOT and EPOLLEXCLUSIVE in it; `requested` the mask that the program gave (the knob `trigger` can
    make them differ, and the kernel adds ERR and HUP); `data` the program's own; `entry` its wait entry on the file
    (0: the file has no queue)."""

    id: int
    ep: int
    file: int
    fd: int
    events: int
    requested: int
    data: int
    entry: int


class EpollCreated(Event):
    """`epoll_create1`: an empty tree, an empty ready list, two wait queues."""

    ep: int
    host: int
    poll_queue: int

    def apply(self, world: World) -> None:
        world.eventpolls[self.ep] = Eventpoll(self.ep, self.host, 0, 0, self.poll_queue)
        world.ready_lists[self.ep] = EMPTY
        world.wait_queues[self.ep] = EMPTY
        world.wait_queues[self.poll_queue] = EMPTY


class EpitemInserted(Event):
    """`EPOLL_CTL_ADD`: the item is a red leaf below `parent` (0: it is the root), on its `left` or right, and has an
    entry on wait queue `queue` of the file. Recolouring and rotations follow as events of their own."""

    ep: int
    item: int
    file: int
    fd: int
    events: int
    requested: int
    data: int
    queue: int
    entry: int
    parent: int
    left: bool

    def apply(self, world: World) -> None:
        row = Epitem(
            self.item, self.ep, self.file, self.fd, self.events, self.requested, self.data,
            self.entry if self.queue else 0,
        )  # fmt: skip
        self.change(world, row, self.queue, self.parent, self.left)

    @staticmethod
    def change(world: World, item: Epitem, queue: int, parent: int, left: bool) -> None:
        """What `apply` does, of the item's row."""
        id, ep = item.id, item.ep
        row = world.eventpolls[ep]
        world.epitems[id] = item
        world.eventpolls[ep] = Eventpoll(row.id, row.host, row.root, row.count + 1, row.poll_queue)
        rbtree.link(world, ep, id, parent, left)
        if queue:
            add_item_entry(world, queue, item.entry, id, bool(item.events & EPOLLEXCLUSIVE))


class EpitemModified(Event):
    """`EPOLL_CTL_MOD`: the item has a new mask, which also arms it again."""

    ep: int
    item: int
    events: int
    requested: int
    data: int

    def apply(self, world: World) -> None:
        row = world.epitems[self.item]
        world.epitems[self.item] = Epitem(
            row.id, row.ep, row.file, row.fd, self.events, self.requested, self.data, row.entry
        )


class EpitemRemoved(Event):
    """`EPOLL_CTL_DEL`, or the last reference to the file is gone: the item left the tree (where it had at most one
    child), the ready list and the file's wait queue. Repairs of the tree follow. `by` is delete or close."""

    ep: int
    item: int
    by: str

    def apply(self, world: World) -> None:
        self.change(world, self.ep, self.item, self.by)

    @staticmethod
    def change(world: World, ep: int, item: int, _: object) -> None:
        """See `TreeRecoloured.change`."""
        rbtree.unlink(world, ep, item)
        row = world.eventpolls[ep]
        world.eventpolls[ep] = Eventpoll(row.id, row.host, row.root, row.count - 1, row.poll_queue)
        _forget(world, ep, item)


class EpollReleased(Event):
    """The epoll descriptor's last reference is gone, and with it the instance and all its items."""

    ep: int

    def apply(self, world: World) -> None:
        ep = self.ep
        row = world.eventpolls.pop(ep)
        for item in list(rbtree.walk(world, row.root)):
            _forget(world, ep, item)
            del world.rb_nodes[item]
        for queue in (ep, row.poll_queue):
            for entry in list(lists.walk(world.wait_queues, queue, world.wait_links)):
                remove_entries(world, entry, 1)
            del world.wait_queues[queue]
        del world.ready_lists[ep]


class ReadyLinked(Event):
    """`ep_poll_callback` (or `epoll_ctl` on a descriptor that is ready already) put `item` at the tail of the ready
    list.

    `events` is what woke it; `by` is callback, add or modify."""

    ep: int
    item: int
    events: int
    by: str

    def apply(self, world: World) -> None:
        append(world.ready_lists, self.ep, world.ready_links, self.item)


class ReadyDropped(Event):
    """`epoll_wait` asked the file again, found nothing, and took `item` off the ready list without reporting it."""

    ep: int
    item: int

    def apply(self, world: World) -> None:
        remove(world.ready_lists, self.ep, world.ready_links, self.item)


class EventDelivered(Event):
    """`epoll_wait` handed `events` of `item` to the program. Level-triggered items go back to the tail of the ready
    list (`relinked`), edge-triggered and one-shot ones do not; a one-shot item is disarmed by it."""

    ep: int
    item: int
    events: int
    relinked: bool

    def apply(self, world: World) -> None:
        ready = world.ready_lists
        if self.relinked and ready[self.ep].head == self.item:
            rotate(ready, self.ep, world.ready_links)
            return
        remove(ready, self.ep, world.ready_links, self.item)
        if self.relinked:
            append(ready, self.ep, world.ready_links, self.item)
            return
        row = world.epitems[self.item]
        if row.events & EPOLLONESHOT:
            world.epitems[self.item] = replace(row, events=row.events & PRIVATE_BITS)


def _forget(world: World, ep: int, item: int) -> None:
    row = world.epitems.pop(item)
    if row.entry:
        remove_entries(world, row.entry, 1)
    if item in world.ready_links:
        remove(world.ready_lists, ep, world.ready_links, item)


def check(world: World, ep: int) -> str:
    """What is wrong with an instance, or an empty string. O(items)."""
    row = world.eventpolls[ep]
    wrong = rbtree.check(world, row.root) or lists.check(world.ready_lists, ep, world.ready_links)
    if wrong:
        return wrong
    items = list(rbtree.walk(world, row.root))
    if len(items) != row.count:
        return f"the tree of eventpoll {ep} has {len(items)} items and says {row.count}"
    for item in items:
        if world.epitems[item].ep != ep:
            return f"item {item} is in the tree of {ep} and belongs to {world.epitems[item].ep}"
    stray = set(lists.walk(world.ready_lists, ep, world.ready_links)) - set(items)
    return f"items {sorted(stray)} are ready in {ep} but not in its tree" if stray else ""
