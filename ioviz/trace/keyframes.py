"""Keyframes: the world at some places of the log, so that any other place is a few thousand applies away.

A keyframe shares with the one before it every table that no event in between could write. Of a small table that
changed it has a copy; of a large one what changed since the last copy, a layer for each keyframe, until the layers have
a quarter of the rows of the table. Rows are never copied. With 10,000 connections a world has 250,000 rows, and a
keyframe takes about 0.3 MB.

Invariants: places rise; the first is 0; nobody writes to a table of a keyframe. A large table that is put together
from layers may have its rows in another order.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import compress
from operator import is_not
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ioviz.model.world import TABLES, World
from ioviz.trace.noted import NotedTable

if TYPE_CHECKING:
    from collections.abc import Collection

SPACING: Final = 2_048
"""Events between two keyframes."""
ROWS_AN_EVENT: Final = 40
"""In a world that is not noted: events between two keyframes for so many rows, since every row is looked at."""
BUDGET: Final = 400 << 20
"""With each so many bytes of keyframes they lie further apart by the same distance again."""
ROW: Final = 32
"""Bytes that a row takes in a table, itself not counted."""
SMALL: Final = 512
"""Rows up to which a table is small."""

Table = dict[Any, Any]


class Layer(NamedTuple):
    """What became of a table: the rows that are new or others, and the keys that are gone."""

    rows: Table
    gone: tuple[Any, ...]

    @property
    def size(self) -> int:
        """How many rows are concerned."""
        return len(self.rows) + len(self.gone)


class Kept(NamedTuple):
    """A table as it was: a copy and the layers over it."""

    base: Table
    layers: tuple[Layer, ...] = ()

    def copy(self) -> Table:
        """The table, to be written to."""
        table = dict(self.base)
        for rows, gone in self.layers:
            table.update(rows)
            for key in gone:
                del table[key]
        return table


Tables = dict[str, Kept]


class Keyframes:
    """The keyframes of one log."""

    def __init__(self) -> None:
        self._places: list[int] = [0]
        self._tables: list[Tables] = [{name: Kept({}) for name in TABLES}]
        self._last: dict[str, Table] = {name: {} for name in TABLES}
        """The tables of the last keyframe; those of small ones are their base."""
        self.bytes = 0
        """About what all keyframes take, rows not counted."""
        self.due = SPACING
        """The place from which on the next keyframe is wanted."""

    def __len__(self) -> int:
        return len(self._places)

    @property
    def last(self) -> int:
        """The place of the last one."""
        return self._places[-1]

    def add(self, place: int, world: World, touched: Collection[str], *, noted: bool = False) -> None:
        """Keep `world`, which is the one after `place` events; of its tables only those in `touched` can differ from
        the last keyframe's. With `noted`, the world is its owner's alone, and its large tables become `NotedTable`s,
        so that the next keyframe costs less."""
        before = self._tables[-1]
        kept = dict(before)
        for name in touched:
            table, last = world.table(name), self._last[name]
            if len(table) <= SMALL:
                if table != last:
                    kept[name] = self._copy(name, table)
                continue
            if isinstance(table, NotedTable):
                layer = _noted(table, last)
            else:
                layer = _difference(table, last)
                if noted:
                    setattr(world, name, NotedTable(table))
            if layer.size:
                kept[name] = self._lay(name, table, before[name], layer)
        self._places.append(place)
        self._tables.append(kept)
        spacing = SPACING if noted else max(SPACING, sum(map(len, self._last.values())) // ROWS_AN_EVENT)
        self.due = place + spacing * (1 + self.bytes // BUDGET)

    def forget(self, place: int) -> int:
        """Let go of the keyframes before the last one at or before `place`, whose own place it gives."""
        found = bisect_right(self._places, place) - 1
        if found > 0:
            del self._places[:found], self._tables[:found]
        return self._places[0]

    def before(self, place: int) -> tuple[int, Tables]:
        """The last keyframe at or before `place`: where it is, and its tables."""
        found = bisect_right(self._places, place) - 1
        return self._places[found], self._tables[found]

    def _lay(self, name: str, table: Table, before: Kept, layer: Layer) -> Kept:
        """Put `layer` over a table as it was; if that would be too much, copy the table as it is."""
        last = self._last[name]
        if last is before.base or sum(each.size for each in before.layers) + layer.size > len(table) // 4:
            kept = self._copy(name, table)
            self._last[name] = dict(table)
            return kept
        last.update(layer.rows)
        for key in layer.gone:
            del last[key]
        self.bytes += layer.size * ROW
        return Kept(before.base, (*before.layers, layer))

    def _copy(self, name: str, table: Table) -> Kept:
        copy = self._last[name] = dict(table)
        self.bytes += len(table) * ROW
        return Kept(copy)


def _noted(table: NotedTable, last: Table) -> Layer:
    """What has to be done to `last` to get `table`, by the notes of the table."""
    written = table.written
    rows = {key: table[key] for key in written if key in table}
    gone = tuple(key for key in written if key in last and key not in table)
    written.clear()
    return Layer(rows, gone)


def _difference(table: Table, last: Table) -> Layer:
    """What has to be done to `last` to get `table`. O(rows), without a step of Python for each."""
    rows = dict(compress(table.items(), map(is_not, table.values(), map(last.get, table))))
    new = len(rows) - sum(map(last.__contains__, rows))
    gone = tuple(last.keys() - table.keys()) if len(last) + new > len(table) else ()
    return Layer(rows, gone)
