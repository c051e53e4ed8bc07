"""The live half of the stage: real processes go on, whether one looks or not.

While the stage follows, each frame shows the last state; thirty frames a second at most, however much happens, and
fewer when the processors are busy: what a person presses comes first, so the work of a frame is cut into pieces, and
between them it gives way. Every movement leaves the present: the run goes on being recorded below, and
`action_present` goes back to it. A run that has ended is as any other.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from ioviz.tui.place import Place
from ioviz.tui.screens.framing import Said
from ioviz.tui.screens.moving import FRAME
from ioviz.tui.screens.steering import Steering, short_number
from ioviz.tui.source import Careful

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.model.world import World
    from ioviz.tui.player import Player, Scan

TAKEN: Final = 0.018
"""Seconds that a frame may spend on what has come."""
PIECE: Final = 0.004
"""Seconds: an `advance` that took less has found nothing more to take."""
REST: Final = 0.5
"""What a frame leaves to others, as a share of the time that it took itself: keys, and whoever needs the processor."""
HOPS: Final = 4
"""Turns of the loop that a key needs on its way from the terminal to the screen."""
COUNTED: Final = 8_192
"""Events that the timeline takes note of in a frame, at most."""
HURRY: Final = 400
"""Events in a frame above which only the last state is looked at, not the one before it."""
NOT_LIVE: Final = frozenset({"next-chapter", "toggle-trigger"})
"""Actions that say nothing of real processes."""
SLOWER: Final = 1.05
"""Times from which on a program counts as slowed."""
IDLE: Final = 0.25
"""Seconds between two looks at the header while nothing happens, or while the person looks at the past."""


class Living(Steering):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.following = False
        self._hurried = False
        self.listeners: list[Callable[[], None]] = []
        """Called after every change of the picture: a panel that is open full size."""

    @property
    def is_live(self) -> bool:
        """Whether real processes are being watched, and have not ended."""
        source = self.player.source if self.player is not None else None
        return isinstance(source, Careful) and source.live and not source.ended

    def begin_live(self) -> None:
        """Follow the present from now on."""
        self.following = True
        assert self.player is not None
        self.player.source.advance(0)
        self._count(self.player)
        self._show_present()
        self.app.ready()
        self.run_worker(self._keep_up(), group="machine", exclusive=True, exit_on_error=False)

    async def _keep_up(self) -> None:
        """A frame after the other, until the programs have ended."""
        said = 0.0
        while True:
            began = monotonic()
            player = self.player
            assert player is not None
            ended = await self._take_in(player)
            counted = self._count(player)
            await _give_way()
            due = not self._covered() or began - said > IDLE
            if self.following and player.place.position != player.log_length and due:
                self._show_present()
                said = began
            elif began - said > IDLE:
                said = began
                self._show_bars()
            if ended and counted:
                break
            took = monotonic() - began
            await asyncio.sleep(max(FRAME - took, REST * took))
        self.following = False
        self.show_place()
        self._filled()

    async def _take_in(self, player: Player) -> bool:
        """Fold what has come, in pieces; True when nothing more will."""
        until = monotonic() + TAKEN
        while True:
            began = monotonic()
            ended = player.source.advance(0)
            now = monotonic()
            await _give_way()
            if ended or now - began < PIECE or now > until:
                return ended

    def _covered(self) -> bool:
        """Whether another screen is on top that does not show what the stage shows."""
        return self.app.screen is not self and not self.listeners

    def _count(self, player: Player) -> bool:
        """Let the timeline take note of what is new; True when it knows all."""
        log, seen = player.source.timeline, self._overview.seen
        if seen < log.first:
            self._overview.skip(log.first - seen)
            seen = log.first
        self._overview.add(log.events(seen, seen + COUNTED))
        return self._overview.seen == len(log)

    def _show_present(self) -> None:
        player = self.player
        assert player is not None
        self._hurried = player.log_length - player.place.position > HURRY
        player.go(Place(player.log_length))
        self.show_place()

    def world_now(self) -> World | None:
        """The world of the present, if that is what is to be shown and too much happens to look at each event."""
        source = self.player.source if self.player is not None else None
        return source.present if self.following and self._hurried and isinstance(source, Careful) else None

    def _filled(self) -> None:
        raise NotImplementedError

    # -- leaving the present, and coming back --------------------------------------------------------------------------

    def _leave_present(self) -> None:
        if self.following:
            self.following = False
            if self.player is not None:
                self.player.go(self.player.place)

    def travel(self, scan: Scan, none: str, then: Callable[[], object] | None = None) -> None:
        """Every movement leaves the present."""
        self._leave_present()
        super().travel(scan, none, then)

    def seek(self, position: int) -> None:
        """The same."""
        self._leave_present()
        super().seek(position)

    def action_play(self) -> None:
        """Space stands still, and goes on from there."""
        if self.is_live and self.following:
            self._leave_present()
            self.show_place()
            self.note("live-paused")
        elif self.is_live and not self.playing and self.player is not None and self._at_present():
            self.action_present()
        else:
            super().action_play()

    def _at_present(self) -> bool:
        return self.player is not None and self.player.place.position >= self.player.log_length

    def action_last(self) -> None:
        """The end of what still happens is the present."""
        if self.is_live:
            self.action_present()
        else:
            super().action_last()

    def action_present(self) -> None:
        """Follow the present again."""
        if not self.is_live:
            self.note("not-live")
            return
        self.pause()
        self._stop_looking()
        self.following = True
        self._show_present()
        self.note("live-follows")

    def unusable(self) -> frozenset[str]:
        """What happens by itself has no chapters, and cannot be run again."""
        return NOT_LIVE - set(self.footer_first()) if self.is_live else super().unusable()

    def live_state(self) -> list[Said]:
        """What the header says of a live session."""
        source = self.player.source if self.player is not None else None
        status = source.status if isinstance(source, Careful) else None
        if status is None:
            return []
        glyphs = self.app.look.ascii
        say = self.say
        mark = "live-ended" if status.ended else "live-now" if self.following else "live-past"
        found = [Said(say(mark, dot="*" if glyphs else "●", bars="||" if glyphs else "‖", stop="#" if glyphs else "■"))]
        if status.blind:
            found.append(Said(say("live-blind", why=status.blind)))
        elif status.checks:
            found.append(Said(say("live-differences", n=status.differences, of=short_number(status.compared))))
        if status.gaps:
            found.append(Said(say("live-gaps", n=status.gaps, lost=short_number(status.lost))))
        if status.left_out:
            found.append(Said(say("live-left-out", n=short_number(status.left_out))))
        if not status.ended:
            found.append(Said(say("live-rate", n=short_number(round(status.rate))), 3))
            if status.slower:
                slower = status.slower >= SLOWER
                slow = say("live-slower", x=f"{status.slower:.1f}") if slower else say("live-not-slower")
                found.append(Said(slow, 0 if slower else 5))
        return found + self.demo_state()


async def _give_way() -> None:
    """Let whatever else is due happen first: a key, say."""
    for _ in range(HOPS):
        await asyncio.sleep(0)
