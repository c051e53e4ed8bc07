"""What kinds of events are where in the log, in at most a thousand buckets: the ground of the timeline.

The log grows while the machine runs; when the buckets are full, pairs of them merge and each is twice as wide. So a
bucket's width is a power of two, adding an event is O(1), and the picture of a million events costs as much as one of a
thousand.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ioviz.model.event import Event

BUCKETS: Final = 1024
LINE, TRAP, DATA, TASK, EPOLL, IRQ, OTHER = range(7)
"""The sorts that the timeline tells apart, from the most common to the most telling."""

_BY_CONCEPT: Final = {
    "cpu": TRAP,
    "buffer": DATA,
    "mirror": DATA,
    "terminal": DATA,
    "pipe": DATA,
    "socket": DATA,
    "task": TASK,
    "futex": TASK,
    "signals": TASK,
    "process": TASK,
    "eventpoll": EPOLL,
    "rbtree": EPOLL,
    "poll": EPOLL,
    "nic": IRQ,
}
BEGINNINGS: Final = ("LineReached", "PoweredOn")
"""Where the story begins: at the first line of a program, or before there is any."""
_TELLING: Final = (IRQ, EPOLL, TASK, DATA, TRAP, LINE)


@cache
def sort_of(kind: type[Event]) -> int:
    """Which sort a kind of event is."""
    if kind.__name__ == "LineReached":
        return LINE
    if kind.__name__.startswith("Irq"):
        return IRQ
    return _BY_CONCEPT.get(kind.__module__.rpartition(".")[2], OTHER)


class Overview:
    """Counts of each sort, a bucket after the other."""

    def __init__(self) -> None:
        self.seen = 0
        self.width = 1
        self._buckets: list[list[int]] = []
        self.kinds: set[type[Event]] = set()
        """The kinds that happened so far."""
        self.first_line: int | None = None
        """Where the story begins: the first line of a program, or power on."""

    def has(self, kind: str) -> bool:
        """Whether an event of the kind called `kind` happened so far."""
        return any(each.__name__ == kind for each in self.kinds)

    def clear(self) -> None:
        """Start again, for another log."""
        self.seen, self.width, self._buckets = 0, 1, []
        self.kinds.clear()
        self.first_line = None

    def skip(self, count: int) -> None:
        """So many events of the log were forgotten before they were counted: they leave a blank."""
        self.seen += count
        while self.seen > BUCKETS * self.width:
            self._merge()
        while len(self._buckets) < self.seen // self.width:
            self._buckets.append([0] * 7)

    def add(self, events: Iterable[Event]) -> None:
        """Count the next events of the log."""
        buckets, width, seen, kinds = self._buckets, self.width, self.seen, self.kinds
        for event in events:
            place = seen // width
            if place == len(buckets):
                if place == BUCKETS:
                    self._merge()
                    buckets, width = self._buckets, self.width
                    place = seen // width
                if place == len(buckets):
                    buckets.append([0] * 7)
            kind = type(event)
            buckets[place][sort_of(kind)] += 1
            if kind not in kinds:
                kinds.add(kind)
                if self.first_line is None and kind.__name__ in BEGINNINGS:
                    self.first_line = seen
            seen += 1
        self.seen = seen

    def columns(self, count: int) -> list[int | None]:
        """The sort that tells most of each of `count` equal parts of the log; None where there is nothing."""
        buckets = self._buckets
        found: list[int | None] = []
        for column in range(count):
            first = self.seen * column // count // self.width
            last = max(first + 1, -(-self.seen * (column + 1) // count // self.width))
            part = buckets[first:last]
            totals = [sum(bucket[sort] for bucket in part) for sort in range(7)] if part else [0] * 7
            found.append(_telling(totals))
        return found

    def _merge(self) -> None:
        old = self._buckets
        self._buckets = [
            [a + b for a, b in zip(old[n], old[n + 1] if n + 1 < len(old) else [0] * 7, strict=True)]
            for n in range(0, len(old), 2)
        ]
        self.width *= 2


def _telling(totals: list[int]) -> int | None:
    """The rarest sorts tell most: one that has an eighth of the events wins over those before it in number."""
    whole = sum(totals)
    if not whole:
        return None
    for sort in _TELLING:
        if totals[sort] * 8 >= whole:
            return sort
    return max(range(7), key=lambda sort: totals[sort])
