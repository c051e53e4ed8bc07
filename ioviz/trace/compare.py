"""Two runs of the same programs: where they part, and where in the one a place of the other is.

Two events are the same if they say the same thing about the same task at the same source line; when they happened (or
when what they begin will end), their numbers and those of their causes do not count. What a turned knob does by itself
is not a difference yet: the first event names the knobs, and EPOLLET in the mask of an epoll item is what the knob
`trigger` sets.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.event import HEAD, Event
from ioviz.model.eventpoll import EpitemInserted, EpitemModified
from ioviz.model.host import RunStarted
from ioviz.model.poll_bits import EPOLLET

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.trace.log import Log

SLICE: Final = 1024
TIMES: Final = frozenset({"until", "due"})
"""Fields that hold a time of the clock: when something will happen, which counts as little as when it does."""


class Comparison:
    """A comparison that goes on as the two logs grow. `same` events from the beginning are the same in both; `parted`
    is the number of the first that differs, None as long as none does."""

    def __init__(self, one: Log, two: Log) -> None:
        self.one = one
        self.two = two
        self.same = 0
        self.parted: int | None = None

    def advance(self, max_events: int = 1 << 60) -> int | None:
        """Compare as far as both logs reach, at most `max_events` more; the first difference so far."""
        stop = min(len(self.one), len(self.two), self.same + max_events)
        while self.parted is None and self.same < stop:
            high = min(self.same + SLICE, stop)
            for left, right in zip(self.one.events(self.same, high), self.two.events(self.same, high), strict=True):
                if not same(left, right):
                    self.parted = self.same
                    break
                self.same += 1
        return self.parted

    def finish(self) -> int | None:
        """The first difference of two logs that grow no more: one may also go on where the other ends."""
        self.advance()
        if self.parted is None and len(self.one) != len(self.two):
            self.parted = self.same
        return self.parted


def first_difference(one: Log, two: Log) -> int | None:
    """The number of the first event in which two whole runs differ, the same in both; None if they are the same."""
    return Comparison(one, two).finish()


def same(left: Event, right: Event) -> bool:
    """Whether two events say the same, as the module says."""
    kind = type(left)
    if kind is not type(right):
        return False
    if left == right or kind is RunStarted:
        return True
    ours, theirs = _saying(kind)(left), _saying(kind)(right)
    if ours == theirs:
        return True
    if isinstance(left, (EpitemInserted, EpitemModified)):
        place = _names(kind).index("events")
        return _with_et(ours, place) == _with_et(theirs, place)
    return False


def counterpart(one: Log, two: Log, place: int, parted: int | None) -> int:
    """The place of `two` that is nearest to `place` of `one`, if the runs part at event `parted`.

    Before they part it is the same. After that it is behind the event of the same kind, task and line that has as many
    such events before it; if there is none, it is the place at the same time. O(events after `parted`).
    """
    if parted is None or place <= parted:
        return min(place, len(two))
    wanted = one.event(place - 1)
    key = _key(wanted)
    left = Counter(map(_key, one.events(parted, place)))[key]
    index = by_time = parted
    for part in two.parts(parted, len(two)):
        for event in part:
            index += 1
            if event.t <= wanted.t:
                by_time = index
            if _key(event) == key:
                left -= 1
                if not left:
                    return index
    return by_time


def _key(event: Event) -> tuple[Any, ...]:
    return (type(event), event.task, event.at, getattr(event, "nr", None))


@cache
def _names(kind: type[Event]) -> tuple[str, ...]:
    said = (name for name in kind.__struct_fields__[len(HEAD) :] if name not in TIMES)
    return ("cpu", "task", "origin", "at", *said)


@cache
def _saying(kind: type[Event]) -> Callable[[Event], tuple[Any, ...]]:
    return attrgetter(*_names(kind))


def _with_et(values: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    return (*values[:place], values[place] | EPOLLET, *values[place + 1 :])
