"""Asking about a run: search, breakpoints, why, the other trigger, the other host. The other half of the stage's
keys."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from ioviz.tui.screens.moving import AT_ONCE, Moving

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from ioviz.model.event import Event
    from ioviz.model.task import Source as SourceText
    from ioviz.model.world import World
    from ioviz.tui.breakpoints import Question
    from ioviz.tui.marks import Marks
    from ioviz.tui.picture import View
    from ioviz.tui.place import Place
    from ioviz.tui.player import Player
    from ioviz.tui.source import Source

SLICE: Final = 2_048
"""Events in which breakpoints are looked for between two looks at the clock."""


class Asking(Moving):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.query_text = ""
        self.marks: dict[str, Marks] = {}
        """Where each breakpoint is, as far as has been looked."""
        self._marking = False
        self.other: Source | None = None
        """The run with the other trigger, once there is one."""
        self.other_knob = ""
        """What was turned for it, as `knob=value`."""
        self.parted: int | None = None
        """The first event in which the two runs differ."""
        self.kept: int | None = None
        """The moment to compare others with, in a run of which there is no other."""
        self.host = 1
        self.view: View | None = None
        self._question: Question | None = None

    def sentence(self, event: Event, before: World) -> str:
        """What the event is, in a sentence."""
        raise NotImplementedError

    def sentence_of(self, event: Event, before: World) -> str:
        """What the event is as a whole, wherever we stand."""
        raise NotImplementedError

    def take(self, source: Source, place: Place, *, opening: bool = False) -> None:
        """Show another run, at `place`."""
        raise NotImplementedError

    # -- search ------------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        if self.player is None:
            return
        self.pause()
        from ioviz.tui.screens.prompt import Prompt

        self.app.push_screen(Prompt("search", self.query_text), self._search_for)

    def _search_for(self, text: str | None) -> None:
        if not text or self.player is None:
            return
        from ioviz.tui.breakpoints import advanced, understand

        self.query_text = text
        self._question = understand(text, self._sources()) or advanced(text) or self._words(text)
        self._to_match(back=False)

    def _words(self, text: str) -> Question:
        """Whether the event's sentence has `text` in it. Slow, so only for what is nothing else."""
        from ioviz.tui.breakpoints import Question

        assert self.player is not None
        wanted, cursor = text.lower(), self.player.source.timeline.cursor()

        def fits(event: Event) -> bool:
            return wanted in self.sentence(event, cursor.seek(event.seq)).lower()

        return Question(text, fits)

    def action_next_match(self) -> None:
        self._to_match(back=False)

    def action_previous_match(self) -> None:
        self._to_match(back=True)

    def _to_match(self, *, back: bool) -> None:
        if self.player is None:
            return
        if self._question is None:
            self.note("no-search")
            return
        self.pause()
        self.travel(self.player.find(self._question.fits, back=back), "no-before" if back else "no-more")

    # -- breakpoints -------------------------------------------------------------------------------------------------

    def action_breakpoint(self) -> None:
        if self.player is None:
            return
        self.pause()
        from ioviz.tui.breakpoints import line_question
        from ioviz.tui.screens.prompt import Prompt

        event = self.player.event
        here = line_question(event.at, self._sources()) if event is not None else None
        self.app.push_screen(Prompt("breakpoint", here.text if here is not None else ""), self._set_breakpoint)

    def _set_breakpoint(self, text: str | None) -> None:
        if not text or self.player is None:
            return
        from ioviz.tui.breakpoints import understand

        question = understand(text, self._sources())
        if question is None:
            self.note("breakpoint-bad", what=text)
            return
        if self.breakpoints.pop(question.text, None) is not None:
            del self.marks[question.text]
            self.note("breakpoint-removed", what=question.text)
        else:
            from ioviz.tui.marks import Marks

            self.breakpoints[question.text] = question
            self.marks[question.text] = Marks(question.fits)
            self.note("breakpoint-set", what=question.text)
        self.show_place()

    @property
    def break_places(self) -> tuple[int, ...]:
        """Where the timeline marks breakpoints."""
        return tuple(place for marks in self.marks.values() for place in marks.places)

    def mark_anew(self) -> None:
        """Look for the breakpoints in another run."""
        self.marks = {text: type(marks)(self.breakpoints[text].fits) for text, marks in self.marks.items()}

    def mark_on(self) -> None:
        """Go on looking for the breakpoints between the frames, if there is more of the log than was looked at."""
        if self.player is not None and not self._marking and self._behind(self.player) is not None:
            self._marking = True
            self.run_worker(self._mark_on(self.player), group="marks", exit_on_error=False)

    def _behind(self, player: Player) -> str | None:
        """A breakpoint that was not looked for in all of the log."""
        length = len(player.source.timeline)
        return next((text for text, marks in self.marks.items() if marks.seen < length), None)

    async def _mark_on(self, player: Player) -> None:
        log, shown = player.source.timeline, monotonic()
        try:
            while player is self.player and (text := self._behind(player)) is not None:
                marks, until = self.marks[text], monotonic() + AT_ONCE
                done = marks.advance(log, SLICE)
                while not done and monotonic() < until:
                    done = marks.advance(log, SLICE)
                if done and player.source.ended:
                    self.instead("breakpoint-set", "breakpoint-times", what=text, n=f"{marks.count:,}")
                elif monotonic() - shown > 0.15:
                    shown = monotonic()
                    seen = {"n": f"{marks.seen:,}", "of": f"{len(log):,}"}
                    self.instead("breakpoint-set", "breakpoint-marking", what=text, **seen)
                    self._show_timeline()
                await asyncio.sleep(0)
        finally:
            self._marking = False
        self._show_timeline()

    def _show_timeline(self) -> None:
        """Show the place, the chapters and the breakpoints."""
        raise NotImplementedError

    def instead(self, key: str, by: str, **values: object) -> None:
        """Say `by` if the last line still says `key`."""
        raise NotImplementedError

    def _sources(self) -> Mapping[int, SourceText]:
        """Every source file of the run, also those that are loaded later than the place at hand."""
        assert self.player is not None
        log = self.player.source.timeline
        return log.world(len(log)).sources

    # -- why ---------------------------------------------------------------------------------------------------------

    def action_why(self) -> None:
        if self.player is not None:
            self._jump(self.player.why(), "no-cause", "cause-found")

    def action_causes(self) -> None:
        """All causes, down to the root."""
        event = self.player.event if self.player is not None else None
        if event is None or event.cause < 0:
            self.note("no-cause")
            return
        self.pause()
        self._stop_looking()
        self.open_causes(event.seq)

    def open_causes(self, index: int) -> None:
        """Show what led to event `index`."""
        raise NotImplementedError

    def go_to_cause(self, index: int | None) -> None:
        """Stand at event `index`; Backspace comes back."""
        if index is not None and self.player is not None and index + 1 != self.player.place.position:
            self._jump(self.player.leap(index), "no-cause", "cause-found")

    def action_because(self) -> None:
        if self.player is not None:
            self._jump(self.player.because(), "no-because")

    def _jump(self, place: Place | None, none: str, said: str = "") -> None:
        self.pause()
        self._stop_looking()
        if place is None or self.player is None:
            self.note(none)
            return
        self.player.go(place)
        self.show_place()
        if said:
            self.note(said)

    # -- the other trigger -------------------------------------------------------------------------------------------

    def action_toggle_trigger(self) -> None:
        if self.player is not None:
            self.with_other(self._turn(self.player))

    def action_compare(self) -> None:
        if self.player is not None and not getattr(self.player.source, "can_turn", True):
            self._compare_moments(self.player)
        elif self.player is not None and self.other is None and self.lacks_epoll():
            self.note("compare-nothing")
        elif self.player is not None:
            self.with_other(self._side_by_side(self.player))

    def lacks_epoll(self) -> bool:
        """Whether it is known that nobody uses epoll in this run."""
        raise NotImplementedError

    def with_other(self, work: Coroutine[None, None, None]) -> None:
        """Do what needs the run with the other trigger; any key that moves ends it."""
        self.pause()
        self._stop_looking()

        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                self.note("machine-failed", why=f"{type(error).__name__}: {error}")
            finally:
                self._looking = None

        self._looking = self.run_worker(guarded(), exit_on_error=False)

    async def _turn(self, player: Player) -> None:
        """Stand at the same place of the other run."""
        if not self.other_knob.startswith("trigger="):
            self.drop_other()
        other = await self._other_run(player.source)
        if other is not None:
            await self._swap(player, other)

    async def _turn_knobs(self, player: Player, knobs: Mapping[str, str]) -> None:
        """Stand at the same place of the run with `knobs` turned; the one at hand can be compared with it."""
        self.drop_other()
        other = await self._run_with(player.source, knobs)
        if other is not None:
            await self._swap(player, other)

    async def _swap(self, player: Player, other: Source) -> None:
        source, place, parted = player.source, player.place, self.parted
        if parted is not None and place.position > parted:
            place = await self._counterpart(source, other, place, parted)
        self.other = source
        self.take(other, place)
        if parted is None:
            trigger = self.other_knob.startswith("trigger=")
            self.note("same-run" if trigger else "same-run-knob", knob=self.other_knob)
        else:
            self.note("differ-at", n=parted + 1)

    def drop_other(self) -> None:
        """Let go of the other run."""
        if self.other is not None:
            self.other.close()
        self.other, self.other_knob, self.parted = None, "", None

    async def _side_by_side(self, player: Player) -> None:
        """Show both runs."""
        other = await self._other_run(player.source)
        if other is None or self.view is None:
            return
        from ioviz.tui.screens.compare import RunsScreen

        place = player.place.position
        self.app.push_screen(RunsScreen(self.view, player.source, other, self.parted, place, self.host))

    def _compare_moments(self, player: Player) -> None:
        """Keep this moment; if another is kept, show both side by side."""
        here, first = player.place.position, player.source.timeline.first
        if self.kept is not None and self.kept < first:
            self.kept = None
            self.note("moment-forgotten")
        elif self.kept == here:
            self.kept = None
            self.note("moment-dropped")
        elif self.kept is None:
            self.kept = here
            self.note("moment-kept", n=f"{here:,}")
        elif self.view is not None:
            from ioviz.tui.screens.compare import MomentsScreen

            self.pause()
            self._stop_looking()

            def keep(place: int) -> None:
                self.kept = place

            self.app.push_screen(MomentsScreen(self.view, player.source, self.kept, here, self.host, keep))
            return
        self.show_place()

    async def _other_run(self, source: Source) -> Source | None:
        """The run with the other trigger, and where the two part. None, and a note, if it cannot be had."""
        if self.other is not None:
            return self.other
        trigger = "lt" if await self._is_edge_triggered(source) else "et"
        return await self._run_with(source, {"trigger": trigger})

    async def _run_with(self, source: Source, knobs: Mapping[str, str]) -> Source | None:
        """The run with `knobs` turned. None, and a note, if it cannot be had."""
        said = " ".join(f"{knob}={value}" for knob, value in knobs.items())
        self.note("rerunning", knob=said)
        await asyncio.sleep(0)
        other = source
        for knob, value in knobs.items():
            try:
                turned = other.turned(knob, value)
            except ValueError as error:
                self.note("no-such-knob", why=error)
                turned = None
            else:
                if turned is None:
                    self.note("no-rerun-real" if getattr(source, "live", False) else "no-rerun")
            if other is not source:  # one on the way
                other.close()
            if turned is None:
                return None
            other = turned
        self.parted = await self.compare_runs(source, other)
        self.other, self.other_knob = other, said
        return other

    async def _counterpart(self, source: Source, other: Source, place: Place, parted: int) -> Place:
        """Where in the other run the same is happening, if the runs had parted before."""
        from ioviz.trace.compare import counterpart
        from ioviz.tui.place import Place

        while not other.advance(1024):
            await asyncio.sleep(0)
        return Place(counterpart(source.timeline, other.timeline, place.position, parted))

    async def _is_edge_triggered(self, source: Source) -> bool:
        """Whether epoll is edge-triggered in this run: by the knob, or by the first item that the program registers."""
        from ioviz.model.eventpoll import EpitemInserted
        from ioviz.model.poll_bits import EPOLLET

        trigger = source.knob("trigger")
        if trigger in {"lt", "et"}:
            return trigger == "et"
        index = 0
        while True:
            for event in source.timeline.events(index, min(index + 1024, len(source.timeline))):
                index += 1
                if isinstance(event, EpitemInserted):
                    return bool(event.events & EPOLLET)
            if index >= len(source.timeline) and source.advance(1024) and index >= len(source.timeline):
                return False
            await asyncio.sleep(0)

    async def compare_runs(self, one: Source, two: Source) -> int | None:
        """The first event in which the runs differ, None when they do not."""
        from ioviz.trace.compare import Comparison

        comparison = Comparison(one.timeline, two.timeline)
        while comparison.advance(1024) is None and not (
            one.ended and two.ended and comparison.same == min(len(one.timeline), len(two.timeline))
        ):
            for source in (one, two):
                if not source.ended and len(source.timeline) <= comparison.same + 1024:
                    source.advance(1024)
            await asyncio.sleep(0)
        return comparison.finish()

    # -- hosts -------------------------------------------------------------------------------------------------------

    def action_other_host(self) -> None:
        if self.player is None:
            return
        hosts = sorted(self.player.source.timeline.world(self.player.place.position).hosts)
        if len(hosts) < 2:
            self.note("one-host")
            return
        self.host = hosts[(hosts.index(self.host) + 1) % len(hosts)] if self.host in hosts else hosts[0]
        world = self.player.source.timeline.world(self.player.place.position)
        self.show_place()
        self.note("host", name=world.hosts[self.host].name)
