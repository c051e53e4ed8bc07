"""A world with many sockets: panels look at a few, show the ones concerned, and say how many more there are.

Work is counted, not timed: the tables of the world count which rows are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ioviz.model.buffer import BytesCopiedIn
from ioviz.model.eventpoll import EpitemInserted, EpollCreated, ReadyLinked
from ioviz.model.files import SOCKET, FdInstalled, FileOpened
from ioviz.model.host import HostBooted, RunStarted
from ioviz.model.socket import SocketCreated
from ioviz.model.task import ProcessStarted, TaskCreated
from ioviz.model.world import TABLES, World
from ioviz.view.moment import Moment, Panel
from ioviz.view.panels import PANELS

MOST = 4_000
"""Rows that a panel may look at for its key and its picture together, whatever the world holds."""


class Counting(dict[Any, Any]):
    """A table that counts the rows which are looked at."""

    looked = 0

    def __getitem__(self, key: Any) -> Any:
        Counting.looked += 1
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        Counting.looked += 1
        return super().get(key, default)

    def _counted(self, rows: Iterator[Any]) -> Iterator[Any]:
        for row in rows:
            Counting.looked += 1
            yield row

    def __iter__(self) -> Iterator[Any]:
        return self._counted(super().__iter__())

    def values(self) -> Any:
        return Rows(self, lambda key: dict.__getitem__(self, key))

    def items(self) -> Any:
        return Rows(self, lambda key: (key, dict.__getitem__(self, key)))


class Rows:
    """The rows of a table, in order or backwards, counted."""

    def __init__(self, table: Counting, row: Any) -> None:
        self._table, self._row = table, row

    def __iter__(self) -> Iterator[Any]:
        return self._table._counted(self._row(key) for key in dict.__iter__(self._table))

    def __reversed__(self) -> Iterator[Any]:
        return self._table._counted(self._row(key) for key in dict.__reversed__(self._table))


def large(count: int) -> tuple[World, ReadyLinked]:
    """A server with `count` sockets that an epoll instance watches; the first of them became ready last."""
    world = World()
    head = (0, 0, 1, 101, -1, 0, 0)
    events: list[Any] = [
        RunStarted(*head, 0, (("entry", "int80"),)),
        HostBooted(*head, 1, "host1", "10.0.0.1"),
        ProcessStarted(*head, 101, 1, "server.py", ("server.py",), "main"),
        TaskCreated(*head, 101, 101, 1),
        EpollCreated(*head, 1, 1, 2),
    ]
    for number in range(count):
        sock, file, item = 10 + 4 * number, 11 + 4 * number, 12 + 4 * number
        events += [
            SocketCreated(*head, sock, 1, 2, 1, 0, 65536, 65536),
            FileOpened(*head, file, SOCKET, sock, 0, 0),
            FdInstalled(*head, 101, number + 3, file, False),
            EpitemInserted(*head, 1, item, file, number + 3, 1, 1, 0, sock, item + 1, item - 4 if number else 0, False),
        ]
    events += [BytesCopiedIn(*head, 20, 9, b"hello", 5), ReadyLinked(*head, 1, 12, 1, "callback")]
    for event in events:
        event.apply(world)
    for name in TABLES:
        setattr(world, name, Counting(world.table(name)))
    return world, events[-1]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_work_does_not_grow_with_the_world(panel: Panel) -> None:
    looked = []
    for count in (500, 5_000):
        world, event = large(count)
        moment = Moment(world, event, count, 0, 0, "en", False, 1)
        Counting.looked = 0
        panel.key(moment)
        panel.render(moment, 100, 30)
        panel.line(moment, 100)
        looked.append(Counting.looked)
    assert looked[1] <= looked[0] + 50, looked
    assert max(looked) <= MOST, looked


def test_the_event_s_socket_is_first_and_the_rest_is_counted() -> None:
    world, event = large(5_000)
    panel = next(panel for panel in PANELS if panel.id == "sockets")
    lines = panel.render(Moment(world, event, 1, 0, 0, "en", False, 1), 80, 9).plain.split("\n")
    assert lines[0].startswith("▶#10")
    assert "hello" in lines[1]
    assert "+4,996 more" in lines[-1]
