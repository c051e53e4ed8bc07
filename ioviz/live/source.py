"""A source: something that observes real processes. The one interface that a live session knows.

    source = StraceSource(...)        # the arguments are the source's own; making one touches nothing
    source.start()                    # attaches, starts its own thread; raises SourceError
    while not source.ended:
        for item in source.take(5_000): …
    source.stop()                     # detaches; what is queued can still be taken

A source drains what it listens to in a thread of its own (`Inbox.put` from there), so whoever takes late never holds up
the program that is watched; when nobody takes for long, the oldest items make room and a `Lost` tells how many. Each
module of a source has `why_not(pid)`: None if it can be used here, else a `Refusal` with the reason and the mend.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from ioviz.live.calls import LeftOut, Lost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ioviz.live.calls import Item

HELD: Final = 400_000
"""Items that wait to be taken, at most (about 150 MB)."""


@dataclass(frozen=True)
class Refusal:
    """Why something cannot be done here, and what would help; each a clause in both languages, no full stop."""

    reason: str
    mend: str = ""
    reason_zh: str = ""
    mend_zh: str = ""

    def sentence(self, lang: str = "en") -> str:
        """One sentence for the person."""
        chinese = lang == "zh"
        reason = (chinese and self.reason_zh) or self.reason
        mend = (chinese and self.mend_zh) or self.mend
        if not mend:
            return reason
        return f"{reason}；{mend}" if chinese else f"{reason}; {mend}"


class SourceError(Exception):
    """A source could not begin, or had to stop. Its text is the sentence of `refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence())
        self.refusal = refusal


class Source(Protocol):
    """See the module."""

    name: str
    """strace, procfs, probe or ebpf: what `--source` calls it."""

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that are watched from the start: known after `start`."""
        ...

    @property
    def ended(self) -> bool:
        """Nothing will come any more: everything has been taken, and what was watched is gone or let go."""
        ...

    @property
    def ending(self) -> Refusal | None:
        """Why it ended, if not simply because the program did or `stop` was called."""
        ...

    @property
    def backlog(self) -> int:
        """How many items wait to be taken."""
        ...

    def start(self) -> None:
        """Begin. Raises SourceError, and then nothing is left behind."""
        ...

    def take(self, limit: int) -> list[Item]:
        """At most `limit` of the items that have come, oldest first; empty if there are none. Never waits."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to take or the end; False if the time was over before."""
        ...

    def look(self) -> None:
        """Put a fresh `Snapshot` with `seed` set among the items soon, if the source can; after a loss, say."""
        ...

    def stop(self) -> None:
        """Let go: the program goes on unharmed (one that we started is let go, too). Twice does no harm."""
        ...


T = TypeVar("T")


class Inbox(Generic[T]):
    """The queue between a source's thread and who takes: bounded, never blocking the one who puts."""

    def __init__(self, held: int = HELD) -> None:
        self._items: deque[T] = deque()
        self._held = held
        self._lost = 0
        self._there = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self.received = 0
        """Items that ever came."""

    def put(self, items: Iterable[T]) -> None:
        """Add items; the oldest make room if nobody takes them."""
        with self._lock:
            queue = self._items
            before = len(queue)
            queue.extend(items)
            self.received += len(queue) - before
            while len(queue) > self._held:
                dropped = queue.popleft()
                self._lost += dropped.count if isinstance(dropped, (Lost, LeftOut)) else 1
        self._there.set()

    def take(self, limit: int) -> list[T | Lost]:
        """The oldest items, at most `limit`; a `Lost` before them if some were dropped."""
        with self._lock:
            queue = self._items
            taken: list[T | Lost] = []
            if self._lost:
                taken.append(Lost(self._lost, "nobody took them"))
                self._lost = 0
            taken.extend(queue.popleft() for _ in range(min(limit, len(queue))))
            if not queue and not self._closed:
                self._there.clear()
        return taken

    def wait(self, seconds: float) -> bool:
        """Wait until something is there or nothing more will be."""
        return self._there.wait(seconds)

    def close(self) -> None:
        """Nothing more will come."""
        with self._lock:
            self._closed = True
        self._there.set()

    @property
    def empty(self) -> bool:
        """Closed, and everything has been taken."""
        return self._closed and not self._items and not self._lost

    def __len__(self) -> int:
        return len(self._items)
