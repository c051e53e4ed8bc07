"""A process's terminal: what it printed and what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World

KEEP = 40
"""Printed pieces that the world keeps for each process; the log has them all."""


class Terminal(msgspec.Struct, frozen=True, gc=False):
    """What stands on the terminal of process `pid`: the last pieces of text that it printed or that were typed, which
    the terminal echoes; and how many bytes of its input are still unread."""

    pid: int
    printed: tuple[str, ...]
    unread: int


class TextPrinted(Event):
    """A process wrote to its terminal (`fd` 1 or 2)."""

    pid: int
    fd: int
    data: bytes

    def apply(self, world: World) -> None:
        row = world.terminals.get(self.pid) or Terminal(self.pid, (), 0)
        text = self.data.decode("utf-8", "replace")
        world.terminals[self.pid] = Terminal(self.pid, (*row.printed[1 - KEEP :], text), row.unread)


class LineTyped(Event):
    """A line of input arrived at the terminal of process `pid`."""

    pid: int
    data: bytes

    def apply(self, world: World) -> None:
        row = world.terminals.get(self.pid) or Terminal(self.pid, (), 0)
        text = self.data.decode("utf-8", "replace")
        world.terminals[self.pid] = Terminal(self.pid, (*row.printed[1 - KEEP :], text), row.unread + len(self.data))


class InputRead(Event):
    """A process read `n` bytes from its terminal."""

    pid: int
    n: int

    def apply(self, world: World) -> None:
        row = world.terminals.get(self.pid) or Terminal(self.pid, (), 0)
        world.terminals[self.pid] = Terminal(self.pid, row.printed, row.unread - self.n)
