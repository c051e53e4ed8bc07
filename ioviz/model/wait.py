"""Wait queues: who is to be told when something changes.

An entry stands for a sleeping task or for an epoll item whose `ep_poll_callback` is to run. As in Linux, non-exclusive
entries are added at the head, exclusive ones at the tail (`add_wait_queue_exclusive`), and those of `epoll_wait` at the
head although they are exclusive (`__add_wait_queue_exclusive`), which is why the last one to sleep is woken first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.model.lists import append, prepend, remove

if TYPE_CHECKING:
    from ioviz.model.world import World

SHARED: Final = 0
"""Not exclusive: every such sleeper is woken. Added at the head."""
EXCLUSIVE: Final = 1
"""One of them is woken. Added at the tail."""
EXCLUSIVE_HEAD: Final = 2
"""One of them is woken, the last to come first. Added at the head."""


class WaitEntry(msgspec.Struct, frozen=True, gc=False):
    """One place on a wait queue: of the task `task`, or of the epoll item `item` (the other is 0)."""

    queue: int
    task: int
    item: int
    exclusive: bool


def add_entries(world: World, queues: tuple[int, ...], first: int, task: int, mode: int) -> None:
    """Put `task` on `queues`; its entries get the ids from `first` on."""
    exclusive = mode != SHARED
    put = append if mode == EXCLUSIVE else prepend
    for entry, queue in enumerate(queues, first):
        world.wait_entries[entry] = WaitEntry(queue, task, 0, exclusive)
        put(world.wait_queues, queue, world.wait_links, entry)


def add_item_entry(world: World, queue: int, entry: int, item: int, exclusive: bool) -> None:
    """Put the epoll item `item` on `queue`."""
    world.wait_entries[entry] = WaitEntry(queue, 0, item, exclusive)
    (append if exclusive else prepend)(world.wait_queues, queue, world.wait_links, entry)


def remove_entries(world: World, first: int, count: int) -> None:
    """Take the `count` entries from `first` on off their queues; those that are gone already are passed over."""
    for entry in range(first, first + count):
        row = world.wait_entries.pop(entry, None)
        if row is not None:
            remove(world.wait_queues, row.queue, world.wait_links, entry)
