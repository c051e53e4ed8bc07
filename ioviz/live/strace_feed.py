"""Between strace's FIFO and whoever folds: lines wait here as they came, and are understood when they are taken.

The reading thread only cuts what it read into lines. So it never holds the interpreter while the stage wants to draw,
and when there is too much to show, the lines that say least are passed over without having been understood.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ioviz.live.calls import Call, Ended, LeftOut
from ioviz.live.source import Inbox
from ioviz.live.strace_lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ioviz.live.calls import Item


class Sleeping(str):
    """A line that has no end yet: its call sleeps. The line itself is still to come."""


class Last(str):
    """What stood behind the last newline when there was nobody any more to write."""


Piece = str
"""A line, or one of those."""


@cache
def _whole(names: frozenset[str]) -> re.Pattern[str]:
    """A whole call with one of `names`, as our own flags make strace write it."""
    return re.compile(rf"\d+ +\d+\.\d+ (?:{'|'.join(sorted(names))})\(.*<\d+\.\d+>")


class Feed:
    """See the module. `hides`: until the program's `execve`, for what our launcher does is nobody's business."""

    def __init__(self, *, hides: bool) -> None:
        self.lines = Lines()
        self.rest = ""
        """What came behind the last newline."""
        self._hides = hides
        self._inbox: Inbox[Piece | Item] = Inbox()

    # -- for who reads -------------------------------------------------------------------------------------------------

    def read(self, data: bytes) -> int:
        """Take what came; how many lines that ended."""
        lines = (self.rest + data.decode("utf-8", "surrogateescape")).split("\n")
        self.rest = lines.pop()
        if lines:
            self._inbox.put(lines)
        return len(lines)

    def sleeps(self) -> None:
        """Nothing has come for a while: the call that has begun sleeps."""
        self._inbox.put([Sleeping(self.rest)])

    def put(self, items: Iterable[Item]) -> None:
        """What did not come from strace."""
        self._inbox.put(items)

    def finish(self) -> None:
        """Nobody writes any more."""
        self._inbox.put([Last(self.rest)])
        self.rest = ""

    def close(self) -> None:
        """Nothing more will come."""
        self._inbox.close()

    # -- for who takes -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._inbox)

    @property
    def empty(self) -> bool:
        """Closed, and everything has been taken."""
        return self._inbox.empty

    def wait(self, seconds: float) -> bool:
        """See `Inbox`."""
        return self._inbox.wait(seconds)

    def take(self, limit: int) -> list[Item]:
        """The items of about `limit` lines; empty only if nothing is there."""
        out: list[Item] = []
        while not out:
            pieces = self._inbox.take(limit)
            if not pieces:
                break
            self._understand(pieces, out)
        return out

    def skim(self, calm: frozenset[str], last: int) -> list[Item]:
        """Everything that is there, without the whole calls named in `calm`, except among the `last` lines."""
        pieces = self._inbox.take(len(self._inbox))
        split = max(0, len(pieces) - last)
        passes = _whole(calm).fullmatch
        kept = [piece for piece in pieces[:split] if type(piece) is not str or passes(piece) is None]
        out: list[Item] = [LeftOut(split - len(kept))]
        self._understand(kept, out)
        self._understand(pieces[split:], out)
        return out

    def _understand(self, pieces: Iterable[Piece | Item], out: list[Item]) -> None:
        if self._hides:
            found: list[Item] = []
            self._each(pieces, found)
            out += self._shown(found)
        else:
            self._each(pieces, out)

    def _each(self, pieces: Iterable[Piece | Item], out: list[Item]) -> None:
        feed = self.lines.feed
        for piece in pieces:
            if type(piece) is str:
                feed(piece, out)
            elif isinstance(piece, Sleeping):
                self.lines.enter(piece, out)
            elif isinstance(piece, Last):
                self.lines.finish(out, piece)
            else:
                out.append(piece)  # type: ignore[arg-type]

    def _shown(self, items: list[Item]) -> list[Item]:
        """Without what the launcher did before the program was there."""
        for place, item in enumerate(items):
            if isinstance(item, Call) and item.name == "execve" and item.result == 0 and not item.entered_only:
                self._hides = False
                return items[place:]
            if isinstance(item, Ended):
                self._hides = False
                return items[place:]
        return []
