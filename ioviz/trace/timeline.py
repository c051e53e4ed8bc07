"""The timeline: a log, and the world at any place of it.

`world(n)` is the world after the first `n` events. It belongs to the timeline's cursor: the next question may change
it, and nobody else may. Who wants to stand at two places at once takes further cursors.

A cursor goes forward by applying events, and anywhere else from the last keyframe before. Keyframes are made as a
cursor passes for the first time, or from a world that follows the log anyway, such as the machine's (`keep`).
"""

from __future__ import annotations

from typing import Final

from ioviz.model.world import World
from ioviz.trace.footprint import ALL, tables_of
from ioviz.trace.keyframes import Keyframes, Tables
from ioviz.trace.log import Log

BACKSTEP: Final = 64
"""A way back of at most so many events counts as stepping back, and more of it is expected."""
RUN_UP: Final = 512
"""How far before the cursor a world is kept for further steps back."""


class Timeline(Log):
    """A log with keyframes and a cursor of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.keyframes = Keyframes()
        self._cursor = Cursor(self)

    def world(self, n: int) -> World:
        """The world after the first `n` events; valid until the next question. Raises IndexError."""
        return self._cursor.seek(n)

    def cursor(self) -> Cursor:
        """Another place to stand at, with a world of its own."""
        return Cursor(self)

    def keep(self, world: World) -> None:
        """Take a keyframe, if one is due, of a world to which all events so far have been applied; pack the log."""
        self.pack()
        place, keyframes = len(self), self.keyframes
        if place >= keyframes.due:
            keyframes.add(place, world, tables_of(self.kinds(keyframes.last, place)))


class Cursor:
    """A place in a timeline and the world there.

    The tables in `_own` are the cursor's; the others are a keyframe's, and are copied before an event may write them.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.place = 0
        self.world = World()
        self._own = ALL
        self._near = -1
        self._near_tables: Tables = {}

    def seek(self, n: int) -> World:
        """Go to the place after `n` events. Raises IndexError if there are not so many."""
        if n == self.place:
            return self.world
        if not 0 <= n <= len(self._timeline):
            raise IndexError(f"the timeline has {len(self._timeline)} events: no place {n}")
        place, tables = self._timeline.keyframes.before(n)
        if not place <= self.place < n:
            back = self.place - n
            if place < self._near <= n:
                place, tables = self._near, self._near_tables
            self._stand(place, tables)
            if 0 < back <= BACKSTEP and n - RUN_UP > place:
                self._apply(n - RUN_UP)
                self._near, self._near_tables = self.place, dict(vars(self.world))
                self._own = frozenset()
        self._apply(n)
        return self.world

    def _stand(self, place: int, tables: Tables) -> None:
        """Be at `place`, whose tables are `tables`, without copying any."""
        self.place, self._own = place, frozenset()
        vars(self.world).update(tables)

    def _apply(self, n: int) -> None:
        """Apply the events up to place `n`, and leave keyframes on the way where there are none yet."""
        timeline, world = self._timeline, self.world
        keyframes = timeline.keyframes
        while self.place < n:
            stop = min(n, keyframes.due) if self.place < keyframes.due else n
            written = tables_of(timeline.kinds(self.place, stop))
            for name in written - self._own:
                setattr(world, name, dict(world.table(name)))
            self._own |= written
            for part in timeline.parts(self.place, stop):
                for event in part:
                    event.apply(world)
            self.place = stop
            if stop == keyframes.due:
                keyframes.add(stop, world, tables_of(timeline.kinds(keyframes.last, stop)))
