"""epoll: `epoll_create1`, `epoll_ctl`, `epoll_wait`, and the callback that fills the ready list.

Source: Linux `fs/eventpoll.c`, by whose names the functions go. An item stands on the wait queue of the file it
watches; when that is woken, `ep_poll_callback` appends the item to the ready list and wakes one task in `epoll_wait`.
That task asks each ready file again (`poll`) before it reports anything, and puts level-triggered items back at the
tail. Nothing here is linear in the number of items, except closing the instance and nesting one in another.

Where we differ from Linux: no overflow list (nothing can happen while events are handed over), no EPOLLWAKEUP, no limit
of watches by user; the knob `trigger` can set or clear EPOLLET in every mask that a program gives.
"""

from __future__ import annotations

from errno import EBADF, EEXIST, EINTR, EINVAL, ELOOP, EMFILE, ENOENT, EPERM
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.epoll_nesting import ep_loop_check, reverse_path_check
from ioviz.machine.kernel.files import O_CLOEXEC, FileOps, Result, cannot
from ioviz.model import rbtree
from ioviz.model.eventpoll import (
    PRIVATE_BITS,
    EpitemInserted,
    EpitemModified,
    EpollCreated,
    EpollReleased,
    EventDelivered,
    ReadyDropped,
    ReadyLinked,
)
from ioviz.model.files import EVENTPOLL
from ioviz.model.poll_bits import (
    EPOLLET,
    EPOLLEXCLUSIVE,
    EPOLLONESHOT,
    EPOLLWAKEUP,
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLRDNORM,
)
from ioviz.model.rb_repairs import rb_erase, rb_find_place, rb_insert_color
from ioviz.model.wait import EXCLUSIVE_HEAD

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.eventpoll import Epitem
    from ioviz.model.files import OpenFile
    from ioviz.model.wait import WaitEntry

EPOLL_CTL_ADD: Final = 1
EPOLL_CTL_DEL: Final = 2
EPOLL_CTL_MOD: Final = 3
ALWAYS: Final = POLLERR | POLLHUP
"""Reported whether asked for or not."""
REPORTS: Final = 0xFFFFFFFF & ~PRIVATE_BITS
ONCE: Final = EPOLLET | EPOLLONESHOT
"""An item with one of these does not go back to the ready list."""
EXCLUSIVE_OK: Final = POLLIN | POLLOUT | ALWAYS | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE


def sys_epoll_create1(k: Kernel, flags: int) -> int:
    """epoll_create1(2)."""
    if flags & ~O_CLOEXEC:
        return -EINVAL
    if k.full():
        return -EMFILE
    ep = k.new_ids(2)
    k.emit(EpollCreated, ep, k.cpu, ep + 1)
    file = k.open_file(EVENTPOLL, ep, 2)
    k.epoll_files[ep] = file
    return k.install_fd(file, bool(flags & O_CLOEXEC))


def sys_epoll_ctl(k: Kernel, epfd: int, op: int, fd: int, events: int, data: int) -> int:
    """epoll_ctl(2). `events` and `data` are ignored by EPOLL_CTL_DEL."""
    ep_file, file = k.file(epfd), k.file(fd)
    if ep_file is None or file is None:
        return -EBADF
    if not k.ops[file.kind].polls:
        return -EPERM
    if ep_file.kind != EVENTPOLL or ep_file is file:
        return -EINVAL
    if events & EPOLLEXCLUSIVE and op != EPOLL_CTL_DEL:
        nested = file.kind == EVENTPOLL
        if op == EPOLL_CTL_MOD or (op == EPOLL_CTL_ADD and (nested or events & ~EXCLUSIVE_OK)):
            return -EINVAL
    ep = ep_file.obj
    if op == EPOLL_CTL_ADD and file.kind == EVENTPOLL and ep_loop_check(k, ep, file.obj):
        return -ELOOP
    item = ep_find(k, ep, file.id, fd)
    if op == EPOLL_CTL_ADD:
        return -EEXIST if item else _ep_insert(k, ep, file, fd, events, data)
    if op == EPOLL_CTL_MOD:
        return _ep_modify(k, item, file, events, data) if item else -ENOENT
    if op == EPOLL_CTL_DEL:
        if not item:
            return -ENOENT
        k.watches[file.id].remove(item.id)
        k.forget_item(item)
        rb_erase(k, ep, item.id, "delete")
        return 0
    return -EINVAL


def ep_find(k: Kernel, ep: int, file: int, fd: int) -> Epitem | None:
    """The item of `ep` for (`file`, `fd`). Linux searches the tree; we look through the few items of the file."""
    for item in k.watches.get(file, ()):
        row = k.world.epitems[item]
        if row.fd == fd and row.ep == ep:
            return row
    return None


def mask_of(k: Kernel, requested: int) -> int:
    """The mask in force where a program gave `requested`."""
    trigger = k.config.trigger
    if trigger == "lt":
        requested &= ~EPOLLET
    elif trigger == "et":
        requested |= EPOLLET
    return requested | ALWAYS


def _ep_insert(k: Kernel, ep: int, file: OpenFile, fd: int, requested: int, data: int) -> int:
    # Only a file that is, or comes to be, watched through several levels can have too many paths.
    if (file.kind == EVENTPOLL or k.watches.get(k.epoll_files[ep])) and reverse_path_check(k, ep, file):
        return -EINVAL
    ops = k.ops[file.kind]
    events = mask_of(k, requested)
    parent, left = rb_find_place(k.world, ep, file.id, fd)
    item = k.new_ids(2)
    queue = ops.queue(k, file)
    k.emit(EpitemInserted, ep, item, file.id, fd, events, requested, data, queue, item + 1, parent, left)
    k.watches.setdefault(file.id, []).append(item)
    rb_insert_color(k, ep, item)
    revents = ops.poll(k, file) & events
    if revents:
        _link(k, ep, item, revents, "add")
    return 0


def _ep_modify(k: Kernel, item: Epitem, file: OpenFile, requested: int, data: int) -> int:
    if item.events & EPOLLEXCLUSIVE:
        return -EINVAL
    events = mask_of(k, requested)
    k.forget_item(item)
    k.emit(EpitemModified, item.ep, item.id, events, requested, data)
    revents = k.ops[file.kind].poll(k, file) & events
    if revents and item.id not in k.world.ready_links:
        _link(k, item.ep, item.id, revents, "modify")
    return 0


def _link(k: Kernel, ep: int, item: int, events: int, by: str) -> None:
    """Append an item to the ready list if it is not there, and wake one task in `epoll_wait` and all who poll the epoll
    descriptor."""
    world = k.world
    saved = k.cause
    if item not in world.ready_links:
        k.cause = seq = k.seq
        k.seq = seq + 1
        k.now += k.costs.epitem
        event = ReadyLinked(seq, k.now, k.cpu, k.task, saved, 0, k.at, ep, item, events, by)
        event.apply(world)
        k.sink(event)
    queues = world.wait_queues
    if queues[ep].count:
        k.wake(ep, POLLIN)
    poll_queue = world.eventpolls[ep].poll_queue
    if queues[poll_queue].count:
        k.wake(poll_queue, POLLIN)
    k.cause = saved


def ep_poll_callback(k: Kernel, waiter: WaitEntry, mask: int) -> bool:
    """The file of an item was woken with `mask` (0: unknown). True if for an exclusive entry that is a wake-up."""
    world = k.world
    item = waiter.item
    row = world.epitems[item]
    events = row.events
    if not events & REPORTS or (mask and not mask & events):
        return not events & EPOLLEXCLUSIVE
    took = True
    if events & EPOLLEXCLUSIVE:
        direction = mask & (POLLIN | POLLOUT)
        wanted = not direction or (direction != POLLIN | POLLOUT and bool(direction & events))
        took = wanted and world.wait_queues[row.ep].count > 0
    _link(k, row.ep, item, mask & events, "callback")
    return took


def sys_epoll_wait(k: Kernel, epfd: int, maxevents: int, timeout: int) -> Result:
    """epoll_wait(2). `timeout` in ns, 0 to poll, negative for ever; the result is (n, ((data, events), …))."""
    if maxevents <= 0:
        return -EINVAL
    file = k.file(epfd)
    if file is None:
        return -EBADF
    if file.kind != EVENTPOLL:
        return -EINVAL
    ep = file.obj
    found = ep_send_events(k, ep, maxevents)
    if found or not timeout:
        return len(found), found
    until = k.now + timeout if timeout > 0 else 0
    k.hold(file)
    while True:
        why = k.sleep("ep_poll", (ep,), EXCLUSIVE_HEAD, until)
        found = ep_send_events(k, ep, maxevents)
        if found or why != "event":
            break
    return -EINTR if why == "signal" and not found else (len(found), found)


def ep_send_events(k: Kernel, ep: int, maxevents: int) -> tuple[tuple[int, int], ...]:
    """Take from the ready list what still holds, at most `maxevents`: pairs of (data, events)."""
    world = k.world
    lists = world.ready_lists
    left = lists[ep].count
    if not left:
        return ()
    if k.fastpath:
        quickly = k.send_events(ep, maxevents)
        if quickly is not None:
            return quickly
    items, files, ops, sink = world.epitems, world.files, k.ops, k.sink
    cpu, task, at, cause = k.cpu, k.task, k.at, k.cause
    found: list[tuple[int, int]] = []
    kind, poll, handling = "", ops[EVENTPOLL].poll, k.costs.poll + k.costs.epitem
    # Each item that was ready at the start is looked at once: those that go back stand behind the others.
    while left and len(found) < maxevents:
        left -= 1
        id = lists[ep].head
        item = items[id]
        file = files[item.file]
        if file.kind != kind:
            kind = file.kind
            poll = ops[kind].poll
        mask = item.events
        events = poll(k, file) & mask
        k.now += handling
        seq = k.seq
        k.seq = seq + 1
        if events:
            delivered = EventDelivered(seq, k.now, cpu, task, cause, 0, at, ep, id, events, not mask & ONCE)
            delivered.apply(world)
            sink(delivered)
            found.append((item.data, events))
        else:
            dropped = ReadyDropped(seq, k.now, cpu, task, cause, 0, at, ep, id)
            dropped.apply(world)
            sink(dropped)
    _wake_next(k, ep)
    return tuple(found)


def _wake_next(k: Kernel, ep: int) -> None:
    """Something is still ready: the next sleeper may as well look (this is why level-triggered wakes everybody)."""
    if k.world.ready_lists[ep].count and k.world.wait_queues[ep].count:
        k.wake(ep, POLLIN)


def ep_eventpoll_poll(k: Kernel, file: OpenFile) -> int:
    """An epoll descriptor is readable while something in it is ready; what turns out not to be leaves the list."""
    world, ep = k.world, file.obj
    mask = 0
    while head := world.ready_lists[ep].head:
        item = world.epitems[head]
        watched = world.files[item.file]
        if k.ops[watched.kind].poll(k, watched) & item.events:
            mask = POLLIN | POLLRDNORM
            break
        k.emit(ReadyDropped, ep, head)
    _wake_next(k, ep)
    return mask


def eventpoll_release_file(k: Kernel, file: int) -> None:
    """The last reference to open file `file` is gone: its items leave their instances, silently."""
    for item in k.watches.pop(file):
        k.seen_items.pop(item, None)
        rb_erase(k, k.world.epitems[item].ep, item, "close")


def ep_eventpoll_release(k: Kernel, file: OpenFile) -> None:
    """The instance goes with all its items."""
    ep = file.obj
    for item in rbtree.walk(k.world, k.world.eventpolls[ep].root):
        k.watches[k.world.epitems[item].file].remove(item)
        k.seen_items.pop(item, None)
    del k.epoll_files[ep]
    k.emit(EpollReleased, ep)


def _queue(k: Kernel, file: OpenFile) -> int:
    return k.world.eventpolls[file.obj].poll_queue


def ep_eventpoll_ioctl(k: Kernel, file: OpenFile, request: int, arg: int) -> int:
    """Busy polling's parameters (Linux 6.9) are all that there would be."""
    return -EINVAL


OPS = FileOps(cannot, cannot, ep_eventpoll_poll, ep_eventpoll_release, ep_eventpoll_ioctl, _queue)
