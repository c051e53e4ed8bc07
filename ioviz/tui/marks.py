"""Where in a run a breakpoint is, for the timeline: all of them, in at most so many marks as a rail can show.

The log is gone through a slice at a time, as it grows. Places are kept one a bucket, and when there are too many
buckets each becomes twice as wide: a breakpoint that is passed a million times costs no more than one that is passed
thrice, and no mark is further than a bucket from where it belongs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.model.event import Event
    from ioviz.trace.log import Log

BUCKETS: Final = 1024


class Marks:
    """The places (from 1) of the events that fit, of the first `seen` events of a log."""

    def __init__(self, fits: Callable[[Event], bool]) -> None:
        self._fits = fits
        self.seen = 0
        self.count = 0
        """How many events fit so far."""
        self._width = 1
        self._first: dict[int, int] = {}
        """Bucket → the first place in it."""

    @property
    def places(self) -> tuple[int, ...]:
        """One place a bucket, in order."""
        return tuple(self._first.values())

    def advance(self, log: Log, max_events: int) -> bool:
        """Look through about `max_events` more; True when all that there is has been looked at."""
        start = max(self.seen, log.first)
        fits = self._fits
        self.seen = start
        for part in log.parts(start, start + max_events):
            for place, event in enumerate(part, self.seen + 1):
                if fits(event):
                    self._add(place)
            self.seen += len(part)
        return self.seen >= len(log)

    def _add(self, place: int) -> None:
        self.count += 1
        self._first.setdefault(place // self._width, place)
        while len(self._first) > BUCKETS:
            self._width *= 2
            first: dict[int, int] = {}
            for each in self._first.values():
                first.setdefault(each // self._width, each)
            self._first = first
