"""Keyframes: the world at some places of the log, so that any other place is a few thousand applies away.

A keyframe is a shallow copy of every table; a table that is as it was at the keyframe before is shared with it. Rows
are never copied. With 10,000 connections a world has 200,000 rows and a keyframe takes 3 to 6 MB, so the more rows
there are, the further apart they lie; when all together take too much, every second one is dropped.

Invariants: places rise; the first is 0; nobody writes to a table of a keyframe.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.world import TABLES, World

if TYPE_CHECKING:
    from collections.abc import Collection

NEAR: Final = 2_048
FAR: Final = 6_144
ROWS_AN_EVENT: Final = 16
"""A keyframe for so many events as it has rows, divided by this: at most 500 bytes an event."""
BUDGET: Final = 450 << 20
"""Bytes of tables above which keyframes are thinned out."""
ROW: Final = 30
"""Bytes that a row takes in a table, itself not counted."""

Tables = dict[str, dict[Any, Any]]


class Keyframes:
    """The keyframes of one log."""

    def __init__(self) -> None:
        self._places: list[int] = [0]
        self._tables: list[Tables] = [{name: {} for name in TABLES}]
        self._bytes = 0
        self._spread = 1
        self.due = NEAR
        """The place from which on the next keyframe is wanted."""

    def __len__(self) -> int:
        return len(self._places)

    @property
    def bytes(self) -> int:
        """About what the tables of all keyframes take, rows not counted."""
        return self._bytes

    @property
    def last(self) -> int:
        """The place of the last one."""
        return self._places[-1]

    def add(self, place: int, world: World, touched: Collection[str]) -> None:
        """Keep `world`, which is the one after `place` events; of its tables only those in `touched` can differ from
        the last keyframe's."""
        before, tables = self._tables[-1], {}
        rows = 0
        for name in TABLES:
            table, last = world.table(name), before[name]
            rows += len(table)
            # A table that did change mostly shows it early; rows that are the same object compare at once.
            if name not in touched or table is last or table == last:
                tables[name] = last
            else:
                tables[name] = dict(table)
                self._bytes += len(table) * ROW
        self._places.append(place)
        self._tables.append(tables)
        self.due = place + min(FAR, max(NEAR, rows // ROWS_AN_EVENT)) * self._spread
        if self._bytes > BUDGET:
            self._thin_out()

    def before(self, place: int) -> tuple[int, Tables]:
        """The last keyframe at or before `place`: where it is, and its tables, which nobody may change."""
        found = bisect_right(self._places, place) - 1
        return self._places[found], self._tables[found]

    def _thin_out(self) -> None:
        """Drop every second keyframe, and make new ones half as often."""
        del self._places[1:-1:2], self._tables[1:-1:2]
        self._spread *= 2
        tables = {id(table): len(table) for kept in self._tables for table in kept.values()}
        self._bytes = sum(tables.values()) * ROW
