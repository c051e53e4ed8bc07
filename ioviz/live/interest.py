"""The interest lists of the mirror: items in their trees, on the ready lists, and by what `epoll_wait` calls them.

The rules were found by comparing with `fdinfo`: ERR and HUP are in every mask; data has 64 bits; an item goes with the
last reference to its open file. The item is observed, where it stands in the tree is inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.model.eventpoll import (
    EpitemInserted,
    EpitemModified,
    ReadyDropped,
)
from ioviz.model.lists import walk
from ioviz.model.poll_bits import EPOLLONESHOT, POLLERR, POLLHUP
from ioviz.model.rb_repairs import rb_erase, rb_find_place, rb_insert_color

if TYPE_CHECKING:
    from ioviz.live.mirror import Mirror

ALWAYS: Final = POLLERR | POLLHUP
"""What the kernel adds to every mask."""
MASK64: Final = (1 << 64) - 1


def insert(m: Mirror, ep: int, file: int, fd: int, events: int, data: int, mask: int = 0) -> int:
    """An item for (`file`, `fd`), with the origin in force; the tree around it is inferred. `mask` is the one in force,
    if it is not that of a fresh item."""
    world, origin = m.world, m.origin
    parent, left = rb_find_place(world, ep, file, fd)
    item = m.new_ids(2)
    row = world.files[file]
    queue = row.obj if row.obj in world.wait_queues else 0
    mask = mask or events | ALWAYS
    m.has_oneshot |= bool(events & EPOLLONESHOT)
    m.emit(EpitemInserted, ep, item, file, fd, mask, events, data & MASK64, queue, item + 1, parent, left)
    m.origin = 2
    rb_insert_color(m, ep, item)
    m.origin = origin
    m.watches.setdefault(file, []).append(item)
    m.by_fd[ep, file, fd] = item
    m.by_data.setdefault((ep, data), []).append(item)
    return item


def modify(m: Mirror, item: int, events: int, data: int, mask: int = 0) -> None:
    """A new mask, with the origin in force. For `mask` see `insert`."""
    row = m.world.epitems[item]
    m.has_oneshot |= bool(events & EPOLLONESHOT)
    m.emit(EpitemModified, row.ep, item, mask or events | ALWAYS, events, data & MASK64)
    if data != row.data:
        _unname(m, item, row.ep, row.data)
        m.by_data.setdefault((row.ep, data), []).append(item)


def erase(m: Mirror, item: int, by: str, *, watched: bool = True) -> None:
    """The item goes, with the origin in force; the repairs of the tree are inferred."""
    row = m.world.epitems[item]
    if watched:
        m.watches[row.file].remove(item)
    m.by_fd.pop((row.ep, row.file, row.fd), None)
    _unname(m, item, row.ep, row.data)
    rb_erase(m, row.ep, item, by)


def _unname(m: Mirror, item: int, ep: int, data: int) -> None:
    named = m.by_data.get((ep, data))
    if named is not None and item in named:
        named.remove(item)
        if not named:
            del m.by_data[ep, data]


def forget_items(m: Mirror, ep: int) -> None:
    for item in [item for item, row in m.world.epitems.items() if row.ep == ep]:
        row = m.world.epitems[item]
        m.watches[row.file].remove(item)
        m.by_fd.pop((ep, row.file, row.fd), None)
        _unname(m, item, ep, row.data)


def drop_ready(m: Mirror, ep: int, but: frozenset[int] | set[int] = frozenset()) -> None:
    """`epoll_wait` has asked every item on the list again: those that it did not report had nothing, and left it."""
    world = m.world
    if world.ready_lists[ep].count:
        for item in [item for item in walk(world.ready_lists, ep, world.ready_links) if item not in but]:
            m.infer(ReadyDropped, ep, item)
