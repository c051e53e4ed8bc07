"""A live session: the place where a source of real calls meets a timeline, beside `ioviz.session`.

To the stage it is a run as any other, with three differences: it goes on by itself (`live`), its timeline is a window
of the last events (`Timeline.first` says where it begins), and `status` says how far it can be trusted.

Nothing here holds up the program that is watched: the source has a thread of its own that drains what comes, `advance`
folds what is there for a few milliseconds and comes back, and a second thread reads the kernel's own tables from time
to time, for a comparison. A snapshot is compared when everything that was observed before it has been folded.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from ioviz.live.calls import Call
from ioviz.live.mirror import Mirror
from ioviz.live.status import Status
from ioviz.trace.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.live.calls import Item
    from ioviz.live.snapshot import Snapshot
    from ioviz.live.source import Refusal, Source
    from ioviz.model.event import Event
    from ioviz.trace.writer import Writer

WINDOW: Final = 1_000_000
"""Events that are kept, about 60 MB packed."""
BATCH: Final = 256
"""Items that are folded between two looks at the clock."""
AT_ONCE: Final = 0.005
"""Seconds that folding may take at a time: a key that is pressed waits so long."""
PAUSE: Final = 1.0
"""Seconds between two comparisons, at least; fifty times as long as one takes, if that is more."""
LAG: Final = 6_000
"""Items that may wait to be folded before those that say least are passed over: a quarter of a second's worth."""
RECENT: Final = 1_000
"""The last items, which are folded in any case."""
WAITS: Final = frozenset({"epoll_wait", "epoll_pwait", "epoll_pwait2"})
CALM: Final = WAITS | {
    "read", "write", "readv", "writev", "recvfrom", "sendto", "sendmsg", "poll", "ppoll", "select", "pselect6", "futex",
}  # fmt: skip
"""Calls that change no descriptor and no interest list (a one-shot item is disarmed by `epoll_wait`, though)."""
SWITCH: Final = 0.001
"""Seconds for which a reading thread may hold the interpreter while the stage wants to draw (else Python's 0.005)."""
SETTLES: Final = 1.0
"""Seconds of silence after which a snapshot is compared although nothing later was seen: nothing was on its way."""
MARGIN: Final = 50_000_000
"""Nanoseconds by which calls may be told late: one that has taken effect is told when it returns."""


class LiveSession:
    """See the module. `look` reads the kernel's tables (None: they cannot be read here); `who` tells of threads that
    turn up; `slower` estimates what the watching costs; `writer` records everything, also what the window forgets.
    `paced`: too much to show is thinned out, unless it is recorded; `pause`: seconds between two comparisons."""

    live = True
    can_turn = False
    scene = None

    def __init__(
        self,
        source: Source,
        title: str,
        how: str = "",
        *,
        writer: Writer | None = None,
        look: Callable[[], Snapshot | None] | None = None,
        who: Callable[[int], tuple[int, str, tuple[str, ...]] | None] | None = None,
        slower: Callable[[], float] | None = None,
        window: int = WINDOW,
        paced: bool = True,
        pause: float = PAUSE,
    ) -> None:
        self.title = title
        self.timeline = Timeline()
        self.timeline.fresh = self.live
        self.source = source
        self.writer = writer
        self._window = window
        self._paced = paced and writer is None
        self._look = look
        self._slower = slower
        self._pause = pause
        append = self.timeline.append
        if writer is None:
            sink: Callable[[Event], object] = append
        else:
            write = writer.write

            def sink(event: Event) -> None:
                append(event)
                write(event)

        self.mirror = Mirror(sink, source.name, how, who, bursts=writer is None)
        self._taken: deque[Item] = deque()
        self._pending: deque[tuple[float, Snapshot]] = deque()
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._checker: threading.Thread | None = None
        self._heard = 0.0
        self._rate = 0.0
        self._rated = (time.monotonic(), 0)
        self._finished = False
        self._interval = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._finished

    @property
    def ending(self) -> Refusal | None:
        """Why it ended, if not because the programs did."""
        return self.source.ending

    def start(self) -> None:
        """Attach. Raises SourceError."""
        self.source.start()
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        if self._look is not None:
            self._checker = threading.Thread(target=self._check, name="ioviz-checks", daemon=True)
            self._checker.start()

    def advance(self, max_events: int = 0, /) -> bool:
        """Fold what has come, for a few milliseconds; True when the programs have ended. Never waits."""
        if self._finished:
            return True
        mirror, taken = self.mirror, self._taken
        until = time.monotonic() + AT_ONCE
        while True:
            if not taken and self._behind():
                self._thin()
            if taken:
                batch = [taken.popleft() for _ in range(min(BATCH, len(taken)))]
            else:
                batch = self.source.take(BATCH)
                if not batch:
                    break
            self._heard = time.monotonic()
            mirror.feed(batch)
            self.timeline.keep(mirror.world)
            if self._heard > until:
                break
        self._compare()
        if mirror.wants_look:
            mirror.wants_look = False
            self._wanted.set()
        if len(self.timeline) - self.timeline.first > self._window * 17 // 16:
            self.timeline.forget(len(self.timeline) - self._window)
        if not taken and self.source.ended:
            self._finish()
        return self._finished

    def _behind(self) -> bool:
        """Whether more has come than the stage can show soon."""
        return self._paced and self.source.backlog > LAG

    def _thin(self) -> None:
        """Pass over the calls that only move bytes, except for the last: what is shown is what is now."""
        taken, mirror = self._taken, self.mirror
        calm = CALM if not mirror.has_oneshot else CALM - WAITS
        skim = getattr(self.source, "skim", None)  # without even having to understand them
        if skim is not None:
            taken.extend(skim(calm, RECENT))
            return
        items = [*taken, *self.source.take(self.source.backlog)]
        taken.clear()
        plain = len(items) - RECENT
        kept = [item for item in items[:plain] if type(item) is not Call or item.name not in calm]
        skipped = plain - len(kept)
        mirror.leave_out(skipped)
        taken.extend(kept)
        taken.extend(items[plain:])

    def wait(self, seconds: float) -> None:
        """Wait until there is something to fold; for whoever has nothing else to do (text without a terminal)."""
        if not self._taken:
            self.source.wait(seconds)

    def knob(self, name: str, /) -> str:
        """A real kernel has no knobs of ours."""
        return ""

    def turned(self, name: str, value: str, /) -> None:
        """What really happened cannot be run again."""

    def status(self) -> Status:
        """What the header says."""
        now, calls = time.monotonic(), self.mirror.calls
        since, before = self._rated
        if now - since >= 1.0:
            self._rate = (calls - before) / (now - since)
            self._rated = now, calls
        row = self.mirror.world.mirrors[1]
        slower = self._slower() if self._slower is not None else 0.0
        return Status(
            row.source, self._finished, self._rate, calls, row.gaps, row.lost, row.checks, row.compared,
            row.differences, row.blind, slower, self.timeline.first, row.left_out,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the programs; the timeline stays, and the recording is complete."""
        self._stopping.set()
        self._wanted.set()
        self.source.stop()
        if self._interval:
            sys.setswitchinterval(self._interval)
        if not self._finished:
            self._drain()
            self._finish("unwatched")
        if self.writer is not None:
            self.writer.close()

    def _drain(self) -> None:
        """What had been observed when we let go belongs to the recording."""
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            items = [*self._taken, *self.source.take(BATCH)]
            self._taken.clear()
            if not items:
                break
            self.mirror.feed(items)

    def _finish(self, reason: str = "") -> None:
        self._finished = True
        self._stopping.set()
        self._wanted.set()
        ending = self.source.ending
        if ending is not None:
            self.mirror.finish(ending.sentence(), reason or "unwatched")
        else:
            self.mirror.finish("", reason)
        self.timeline.keep(self.mirror.world)

    # -- comparing with the kernel ------------------------------------------------------------------------------------

    def _check(self) -> None:
        """The thread that reads the kernel's tables."""
        pause = self._pause / 2
        while not self._stopping.is_set():
            self._wanted.wait(pause)
            if self._stopping.is_set():
                return
            self._wanted.clear()
            began = time.monotonic()
            try:
                snapshot = self._look() if self._look is not None else None
            except OSError:
                snapshot = None
            if snapshot is not None and len(self._pending) < 4:
                self._pending.append((time.monotonic(), snapshot))
            took = time.monotonic() - began
            pause = max(self._pause, (50 if self._pause >= PAUSE else 1) * took)
            self._stopping.wait(min(0.1, self._pause))

    def _compare(self) -> None:
        """Compare the oldest snapshot, once nothing from before it can still be on its way."""
        if self._pending:
            came, snapshot = self._pending[0]
            past = self.mirror.last > snapshot.t + snapshot.took + MARGIN
            quiet = not self._taken and time.monotonic() - max(came, self._heard) > SETTLES
            if past or quiet:
                self._pending.popleft()
                self.mirror.feed([snapshot])


class LogSession(LiveSession):
    """A log of calls that somebody else made: read as it is looked at, with nothing to compare with, and kept whole."""

    live = False

    def __init__(self, source: Source, title: str) -> None:
        super().__init__(source, title, title, window=sys.maxsize, paced=False)

    def _finish(self, reason: str = "") -> None:
        """A log may end before the programs do."""
        going_on = any(row.alive for row in self.mirror.world.processes.values())
        super()._finish("logged" if going_on or self.source.ending is not None else reason)

    status = None  # type: ignore[assignment]  # nothing goes on, so nothing is to be said of it
    wait = None  # type: ignore[assignment]  # what there is, is there
