"""Moving through a run: the half of the stage that answers the stepping keys.

A movement may have to look through a million events, or wait for the machine to make them. It gets a few milliseconds
at once, so that a step is on the screen with the next frame; what is left goes on between the frames, says how far it
is, and any other key ends it.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from ioviz.tui.layout import Planned
from ioviz.tui.place import Place
from ioviz.tui.texts import drawn, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer
    from textual.worker import Worker

    from ioviz.tui.app import IovizApp
    from ioviz.tui.breakpoints import Question
    from ioviz.tui.player import Player, Scan

AT_ONCE: Final = 0.012
"""Seconds that a key may take before the rest of its work is put off."""
SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0)
EVENTS_A_SECOND: Final = 2.0
"""At speed 1."""
FRAME: Final = 1 / 30


class Moving(Planned):
    """See the module. Who inherits it shows the place with `show_place` and a note with `note`."""

    app: IovizApp

    def __init__(self) -> None:
        super().__init__()
        self.player: Player | None = None
        self.breakpoints: dict[str, Question] = {}
        self.chapter_places: tuple[int, ...] = ()
        self.speed = SPEEDS.index(1.0)
        self.playing = False
        self._clock: Timer | None = None
        self._owed = 0.0
        self._straight = False
        """Whether the next movement is to pass by whatever lies on its way."""
        self._looking: Worker[None] | None = None

    def show_place(self) -> None:
        """Show the world at the player's place."""
        raise NotImplementedError

    def note(self, key: str, **values: object) -> None:
        """Say something in the last line, until the next key."""
        raise NotImplementedError

    # -- going somewhere ---------------------------------------------------------------------------------------------

    def travel(self, scan: Scan, none: str, then: Callable[[], object] | None = None) -> None:
        """Follow `scan` and stand where it leads; if it leads nowhere, say `none`."""
        self._stop_looking()
        until = monotonic() + AT_ONCE
        try:
            while monotonic() < until:
                next(scan)
        except StopIteration as found:
            self._arrive(found.value, none, then)
            return
        self._looking = self.run_worker(self._look_on(scan, none, then), exit_on_error=False)

    async def _look_on(self, scan: Scan, none: str, then: Callable[[], object] | None) -> None:
        said = monotonic()
        while True:
            until = monotonic() + AT_ONCE
            try:
                while monotonic() < until:
                    far = next(scan)
            except StopIteration as found:
                self._looking = None
                self._arrive(found.value, none, then)
                return
            if monotonic() - said > 0.15:
                self.note("looking", n=f"{far:,}")
                said = monotonic()
            await asyncio.sleep(0)

    def _arrive(self, place: Place | None, none: str, then: Callable[[], object] | None) -> None:
        if self.player is None:
            return
        if place is None:
            self.pause()
            self.run_out(none)
            return
        self.player.go(self.waylaid(place))
        self.show_place()
        if not self.arrived() and then is not None:
            then()

    def waylaid(self, place: Place) -> Place:
        """Where a movement to `place` ends: maybe something on the way has to be attended to first."""
        return place

    def arrived(self) -> bool:
        """Attend to what waylaid the movement that has just ended; whether there was anything."""
        return False

    def run_out(self, none: str) -> None:
        """A movement found nothing to go to: say `none`."""
        self.note(none)

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _go(self, make: Callable[[Player], Scan], none: str = "no-more") -> None:
        if self.player is not None:
            self.pause()
            self.travel(make(self.player), none)

    # -- the keys ----------------------------------------------------------------------------------------------------

    def action_next_event(self) -> None:
        self._go(lambda player: player.forward(), "at-end")

    def action_previous_event(self) -> None:
        self._go(lambda player: player.backward(), "at-first")

    def action_into(self) -> None:
        self._go(lambda player: player.into(), "at-end")

    def action_out_of(self) -> None:
        self._go(lambda player: player.out_of(), "at-first")

    def action_next_call(self) -> None:
        self._go(lambda player: player.call())

    def action_previous_call(self) -> None:
        self._go(lambda player: player.call(back=True), "no-before")

    def action_finish(self) -> None:
        self._go(lambda player: player.until_return())

    def action_entry(self) -> None:
        self._go(lambda player: player.to_entry(), "no-before")

    def action_next_line(self) -> None:
        self._go(lambda player: player.line())

    def action_previous_line(self) -> None:
        self._go(lambda player: player.line(back=True), "no-before")

    def action_next_wakeup(self) -> None:
        self._go(lambda player: player.wakeup())

    def action_previous_wakeup(self) -> None:
        self._go(lambda player: player.wakeup(back=True), "no-before")

    def action_last(self) -> None:
        self._straight = True
        self._go(lambda player: player.end())

    def action_first(self) -> None:
        self.seek(0)

    def seek(self, position: int) -> None:
        """Go to `position` at once."""
        if self.player is not None:
            self.pause()
            self._stop_looking()
            self.player.go(Place(position))
            self.show_place()

    def action_next_chapter(self) -> None:
        here = self.player.place.position if self.player is not None else 0
        self._to_chapter(next((place for place in self.chapter_places if place > here), None), "no-more")

    def action_previous_chapter(self) -> None:
        here = self.player.place.position if self.player is not None else 0
        self._to_chapter(next((place for place in reversed(self.chapter_places) if place < here), None), "no-before")

    def _to_chapter(self, place: int | None, none: str) -> None:
        if place is None:
            self.run_out(none)
        else:
            self.seek(self.waylaid(Place(place)).position)
            self.arrived()

    def action_run_to_breakpoint(self) -> None:
        self._to_breakpoint(back=False)

    def action_back_to_breakpoint(self) -> None:
        self._to_breakpoint(back=True)

    def _to_breakpoint(self, *, back: bool) -> None:
        if self.player is None:
            return
        if not self.breakpoints:
            self.note("breakpoint-none")
            return
        self.pause()
        from ioviz.tui.breakpoints import any_of

        fits = any_of(tuple(self.breakpoints.values()))
        self.travel(self.player.find(fits, back=back), "no-before" if back else "no-more", self._say_breakpoint)

    def _say_breakpoint(self) -> bool:
        """Say which breakpoint we stand at, if any."""
        event = self.player.event if self.player is not None else None
        for what, question in self.breakpoints.items():
            if event is not None and question.fits(event):
                self.note("breakpoint-here", what=what)
                return True
        return False

    # -- playing -----------------------------------------------------------------------------------------------------

    @property
    def speed_text(self) -> str:
        """The speed as a person writes it."""
        return f"{SPEEDS[self.speed]:g}"

    def action_play(self) -> None:
        if self.player is None:
            return
        if self.playing:
            self.pause()
            return
        if self.player.at_end:
            self.player.go(Place(0))
        self.playing = True
        self._owed = 1.0
        self._start_clock()
        self._tick()

    def pause(self) -> None:
        """Stop playing. Nothing runs any more then: no timer, no wake-up."""
        if self._clock is not None:
            self._clock.stop()
            self._clock = None
        if self.playing:
            self.playing = False
            self.show_place()

    def action_faster(self) -> None:
        self._change_speed(+1)

    def action_slower(self) -> None:
        self._change_speed(-1)

    def _change_speed(self, by: int) -> None:
        self.speed = min(max(self.speed + by, 0), len(SPEEDS) - 1)
        if self.playing:
            self._start_clock()
        self.show_place()

    def _start_clock(self) -> None:
        if self._clock is not None:
            self._clock.stop()
        rate = SPEEDS[self.speed] * EVENTS_A_SECOND
        self._clock = self.set_interval(max(FRAME, 1 / rate), self._tick, name="play")

    def _tick(self) -> None:
        """A few events further; the steps of an unfolded one are told at low speed only."""
        player = self.player
        if player is None or not self.playing or self._looking is not None:
            return
        rate = SPEEDS[self.speed] * EVENTS_A_SECOND
        self._owed += max(1.0, rate * FRAME)
        move = player.into if rate <= EVENTS_A_SECOND else player.forward
        until = monotonic() + AT_ONCE
        while self._owed >= 1.0 and monotonic() < until:
            scan = move()
            try:
                while monotonic() < until:
                    next(scan)
                break  # the machine is still making the event: next time
            except StopIteration as found:
                place = found.value
            if place is None:
                self.pause()
                self.run_out("at-end")
                return
            self._owed -= 1.0
            fresh = place.position != player.place.position
            player.go(self.waylaid(place))
            if self.arrived():
                return
            if fresh and self._stops_here():
                self.pause()
                self._say_breakpoint()
                return
        self._owed = min(self._owed, 1.0)
        self.show_place()

    def _stops_here(self) -> bool:
        player = self.player
        if player is None:
            return False
        event = player.event
        if player.place.position in self.chapter_places:
            return True
        return event is not None and any(question.fits(event) for question in self.breakpoints.values())

    def say(self, key: str, **values: object) -> str:
        """A text of the frame in the language in force."""
        return drawn(say(self.app.lang, key, **values), self.app.look.ascii)
