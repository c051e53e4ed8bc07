"""kqueue as epoll: the nearest Linux calls to what a program on macOS or a BSD asks of `kevent`.

kqueue has an entry a (descriptor, filter), epoll an item a descriptor with a mask: so reading and writing of one
descriptor become one item. EV_CLEAR is edge-triggered, EV_ONESHOT and EV_DISPATCH are one-shot. By kqueue(2):

- EV_ADD of an entry that is there does not add a second one, and enables it; how it triggers stays as it was added;
- a disabled entry stays and reports nothing, until EV_ENABLE (its item has an empty mask);
- what was retrieved is deleted by EV_ONESHOT, and disabled by EV_DISPATCH (epoll only ever disables);
- a descriptor that is closed takes its entries with it.

Signals, timers and processes, which kqueue can watch too, are left out. Numbers: <sys/event.h>.
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


HOW: Final = EV_CLEAR | EV_ONESHOT | EV_DISPATCH


class Kqueues:
    """What the program's kqueues watch: by (kqueue, descriptor), of each filter whether it is enabled, and how it
    triggers."""

    def __init__(self) -> None:
        self._entries: dict[tuple[int, int], dict[int, tuple[bool, int]]] = {}

    def change(self, queue: int, ident: int, which: int, flags: int) -> Ctl | None:
        """The `epoll_ctl` of one change; None if it changes nothing that epoll has."""
        if which not in MASK:
            return None
        entries = self._entries.get((queue, ident), {})
        there = bool(entries)
        before = _mask(entries)
        known = entries.get(which)
        if flags & EV_DELETE:
            if entries.pop(which, None) is None:
                return None
        elif flags & EV_ADD:
            entries[which] = (not flags & EV_DISABLE, known[1] if known is not None else flags & HOW)
        elif known is None or not flags & (EV_ENABLE | EV_DISABLE):
            return None
        else:
            entries[which] = (bool(flags & EV_ENABLE), known[1])
        if not entries:
            self._entries.pop((queue, ident), None)
            return CTL_DEL, ident, None
        self._entries[queue, ident] = entries
        events = _mask(entries)
        if not there:
            return CTL_ADD, ident, (events, ident)
        return (CTL_MOD, ident, (events, ident)) if events != before or events & ONESHOT else None

    @staticmethod
    def refused(ident: int, which: int, flags: int) -> Ctl:
        """The `epoll_ctl` of a change that failed."""
        return CTL_DEL if flags & EV_DELETE else CTL_ADD, ident, (MASK.get(which, 0), ident)

    def closed(self, fd: int) -> None:
        """A descriptor that is closed leaves every kqueue, and a kqueue takes its entries with it."""
        for key in [key for key in self._entries if fd in key]:
            del self._entries[key]

    def found(self, queue: int, pairs: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """What `kevent` gave, (ident, filter), as what `epoll_wait` gives: (events, data)."""
        events: dict[int, int] = {}
        for ident, which in pairs:
            if which not in MASK:
                continue
            events[ident] = events.get(ident, 0) | MASK[which]
            entries = self._entries.get((queue, ident), {})
            _, how = entries.get(which, (False, 0))
            if how & EV_ONESHOT:
                del entries[which]
                if not entries:
                    del self._entries[queue, ident]
            elif how & EV_DISPATCH:
                entries[which] = (False, how)
        return tuple((mask, ident) for ident, mask in events.items())


def _mask(entries: dict[int, tuple[bool, int]]) -> int:
    events = 0
    for which, (enabled, how) in entries.items():
        if enabled:
            events |= MASK[which]
            events |= EDGE if how & EV_CLEAR else 0
            events |= ONESHOT if how & (EV_ONESHOT | EV_DISPATCH) else 0
    return events
