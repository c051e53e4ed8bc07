"""The timeline: a log, and the world at any place of it.

`world(n)` is the world after the first `n` events. It belongs to the timeline's cursor: the next question may change
it, and nobody else may. Who wants to stand at two places at once takes further cursors.

A cursor goes forward by applying events, and anywhere else from the last keyframe before. Keyframes are made as a
cursor passes for the first time, or from a world that follows the log anyway, such as the machine's (`keep`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.model.footprint import ALL, tables_of
from ioviz.model.world import TABLES, World
from ioviz.trace.keyframes import Kept, Keyframes, Tables
from ioviz.trace.log import Log

if TYPE_CHECKING:
    from collections.abc import Iterable

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

    def forget(self, place: int) -> None:
        """Let go of what came before about `place`; the first place that can still be stood at is `first`."""
        super().forget(self.keyframes.forget(place))

    def keep(self, world: World, *, noted: bool = False) -> None:
        """Take a keyframe, if one is due, of a world to which all events so far have been applied; pack the log.

        For `noted` see `Keyframes.add`.
        """
        self.pack()
        place, keyframes = len(self), self.keyframes
        if place >= keyframes.due:
            keyframes.add(place, world, tables_of(self.kinds(keyframes.last, place)), noted=noted)


class CursorWorld(World):
    """The world of a cursor. A table that nobody has asked for since the cursor came from a keyframe is not there yet,
    and is fetched when it is: most tables of a large world never are."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: Tables = {}
        self._own = set(TABLES)
        """The tables that are the cursor's to write; the others are a keyframe's."""
        self._left: dict[str, Any] = {}
        """Tables of the place that was left. Giving each back only when its successor is there keeps the memory with
        us: else every seek would begin with a thousand page faults."""

    def __getattr__(self, name: str) -> Any:
        kept = self._kept.get(name) if name in ALL else None
        if kept is None:
            raise AttributeError(name)
        if kept.layers:
            table = kept.copy()
            self._own.add(name)
        else:
            table = kept.base
        setattr(self, name, table)
        return table

    def stand(self, tables: Tables) -> None:
        """Become the world of a keyframe."""
        self._kept = tables
        self._own.clear()
        here = vars(self)
        self._left = {name: here.pop(name) for name in TABLES if name in here}

    def keep(self) -> Tables:
        """This world as a keyframe, from which everything that is written from now on is a copy."""
        self._own.clear()
        here = vars(self)
        return {name: Kept(here[name]) if name in here else self._kept[name] for name in TABLES}

    def unshare(self, names: Iterable[str]) -> None:
        """Make the tables `names` the cursor's own."""
        here = vars(self)
        for name in names:
            if name not in self._own:
                setattr(self, name, dict(here[name]) if name in here else self._kept[name].copy())
                self._own.add(name)
                self._left.pop(name, None)

    def settle(self) -> None:
        """Give the rest of the tables of the place before back."""
        self._left.clear()


class Cursor:
    """A place in a timeline and the world there."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._world = CursorWorld()
        self.place = 0
        self._near = -1
        self._near_tables: Tables = {}

    @property
    def world(self) -> World:
        """The world here. It changes when the cursor moves."""
        return self._world

    def seek(self, n: int) -> World:
        """Go to the place after `n` events. Raises IndexError if there are not so many."""
        if n == self.place:
            return self._world
        if not self._timeline.first <= n <= len(self._timeline):
            raise IndexError(f"the timeline has events {self._timeline.first} to {len(self._timeline)}: no place {n}")
        place, tables = self._timeline.keyframes.before(n)
        if not place <= self.place < n:
            back = self.place - n
            if place < self._near <= n:
                place, tables = self._near, self._near_tables
            self.place = place
            self._world.stand(tables)
            if 0 < back <= BACKSTEP and n - RUN_UP > place:
                self._apply(n - RUN_UP)
                self._near, self._near_tables = self.place, self._world.keep()
        self._apply(n)
        self._world.settle()
        return self._world

    def _apply(self, n: int) -> None:
        """Apply the events up to place `n`, and leave keyframes on the way where there are none yet."""
        timeline, world = self._timeline, self._world
        keyframes = timeline.keyframes
        while self.place < n:
            stop = min(n, keyframes.due) if self.place < keyframes.due else n
            world.unshare(tables_of(timeline.kinds(self.place, stop)))
            for part in timeline.parts(self.place, stop):
                for event in part:
                    event.apply(world)
            self.place = stop
            if stop == keyframes.due:
                keyframes.add(stop, world, tables_of(timeline.kinds(keyframes.last, stop)), noted=True)
