"""kqueue as epoll: the nearest Linux calls to what a program on macOS or a BSD asks of `kevent`.

kqueue has an entry a (descriptor, filter), epoll an item a descriptor with a mask: so reading and writing of one
descriptor become one item. EV_CLEAR is edge-triggered, EV_ONESHOT and EV_DISPATCH are one-shot, though kqueue forgets a
one-shot entry where epoll only disarms the item. Signals, timers and processes, which kqueue can watch too, are left
out. Numbers: <sys/event.h>.
"""

from __future__ import annotations

from typing import Final

READ, WRITE = -1, -2
EV_ADD, EV_DELETE, EV_ENABLE, EV_DISABLE = 0x1, 0x2, 0x4, 0x8
EV_ONESHOT, EV_CLEAR, EV_DISPATCH = 0x10, 0x20, 0x80
IN, OUT, ONESHOT, EDGE = 0x1, 0x4, 1 << 30, 1 << 31
CTL_ADD, CTL_DEL, CTL_MOD = 1, 2, 3
MASK: Final = {READ: IN, WRITE: OUT}

Ctl = tuple[int, int, tuple[int, int] | None]
"""Operation, descriptor, (events, data)."""


class Kqueues:
    """What the program's kqueues watch, by (kqueue, descriptor)."""

    def __init__(self) -> None:
        self._masks: dict[tuple[int, int], int] = {}

    def change(self, queue: int, ident: int, which: int, flags: int) -> Ctl | None:
        """The `epoll_ctl` of one change; None if it changes nothing that epoll has."""
        bit = MASK.get(which, 0)
        if not bit:
            return None
        before = self._masks.get((queue, ident), 0)
        events = before
        if flags & (EV_DELETE | EV_DISABLE):
            events &= ~bit
        elif flags & (EV_ADD | EV_ENABLE):
            events |= bit
            events |= EDGE if flags & EV_CLEAR else 0
            events |= ONESHOT if flags & (EV_ONESHOT | EV_DISPATCH) else 0
        if not events & (IN | OUT):
            self._masks.pop((queue, ident), None)
            return (CTL_DEL, ident, None) if before else None
        self._masks[queue, ident] = events
        return (CTL_MOD if before else CTL_ADD, ident, (events, ident)) if events != before else None

    def closed(self, fd: int) -> None:
        """A descriptor that is closed leaves every kqueue, and a kqueue takes its entries with it."""
        for key in [key for key in self._masks if fd in key]:
            del self._masks[key]

    @staticmethod
    def found(pairs: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """What `kevent` gave, (ident, filter), as what `epoll_wait` gives: (events, data)."""
        events: dict[int, int] = {}
        for ident, which in pairs:
            if which in MASK:
                events[ident] = events.get(ident, 0) | MASK[which]
        return tuple((mask, ident) for ident, mask in events.items())
