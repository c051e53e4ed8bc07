"""eventpoll: the interest tree, the ready list and what `epoll_wait` takes from it.

An instance (`Eventpoll`) has a red-black tree of its items (`World.rb_nodes`), a ready list (`World.ready_lists` and
`ready_links`, keyed by instance and item) and two wait queues: `id` for the tasks in `epoll_wait`, `poll_queue` for those who
poll the epoll descriptor itself. An item (`Epitem`) watches an open file under the number `fd`; its entry on the
file's wait queue makes `ep_poll_callback` run. Invariants: an item on the ready list is in the tree.

Where we differ from Linux: nothing happens while ready items are handed over, so there is no overflow list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event
from ioviz.model.lists import append, remove

if TYPE_CHECKING:
    from ioviz.model.world import World


class Eventpoll(msgspec.Struct, frozen=True, gc=False):
    """An epoll instance: the root of its tree (0: empty) and the number of items."""

    id: int
    host: int
    root: int
    count: int
    poll_queue: int


class Epitem(msgspec.Struct, frozen=True, gc=False):
    """Interest of instance `ep` in open file `file`, registered as descriptor `fd`; `events` is the mask with EPOLLET,
    EPOLLONESHOT and EPOLLEXCLUSIVE in it, `data` the program's own; `entry` its wait entry on the file."""

    id: int
    ep: int
    file: int
    fd: int
    events: int
    data: int
    entry: int


class ReadyLinked(Event):
    """`ep_poll_callback` (or `epoll_ctl` on a descriptor that is ready already) put `item` at the tail of the ready list.

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
    """`epoll_wait` handed `events` of `item` to the program. Level-triggered items go back to the tail of the ready list
    (`relinked`), edge-triggered and one-shot ones do not."""

    ep: int
    item: int
    events: int
    relinked: bool

    def apply(self, world: World) -> None:
        lists = world.ready_lists
        if self.relinked and lists[self.ep].count == 1:
            return
        remove(lists, self.ep, world.ready_links, self.item)
        if self.relinked:
            append(lists, self.ep, world.ready_links, self.item)
