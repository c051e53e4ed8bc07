"""The stage: three floors with their panels, the sentence for the event, the timeline and the keys.

Every movement ends in `show_place`, which works out what the place looks like and lets each widget find out whether
that is new to it. Where things lie is decided by `ioviz.tui.layout`; what is concerned, by `ioviz.tui.concern`.
"""

from __future__ import annotations

import asyncio
import os
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.geometry import Region, Size
from textual.message import Message

from ioviz.tui.actions import STAGE, bindings
from ioviz.tui.concern import PRIORITY, concerned, present
from ioviz.tui.layout import FLOORS, Plan, Wish, make_plan, wish_of
from ioviz.tui.place import Place
from ioviz.tui.screens.living import Living
from ioviz.tui.source import Careful
from ioviz.tui.widgets.panel import BOXED, FOLDED, RULED, PanelWidget
from ioviz.tui.widgets.timeline import TimelineWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.binding import BindingType

    from ioviz.lesson.scene import Chapter
    from ioviz.model.event import Event
    from ioviz.model.world import World
    from ioviz.tui.source import Source
    from ioviz.view.panels import Panel

SLICE: Final = 1_024
"""Events that the machine makes, or the timeline counts, between two looks at the keyboard."""
AT_OPENING: Final = 0.06
"""Seconds that the machine may run before the first picture: most scenes are whole by then."""


class StageScreen(Living):
    """See the module. `open_source` makes the run, which may take a while or fail."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(STAGE)]
    AUTO_FOCUS = ""

    class Filled(Message):
        """The whole run is in the log, and the timeline knows it."""

    def __init__(self, open_source: Callable[[], Source]) -> None:
        super().__init__()
        self._open = open_source
        self._plan: Plan | None = None
        self._plan_key: object = None
        self._panels: dict[str, PanelWidget] = {}
        self._follow = True
        self._grown = ""
        self._selected = ""
        self._why_rows = 2
        self._chapter_host = 1
        """The host that the last chapter wanted to be looked at."""

    # -- set-up ------------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show the frame at once, and load what it is for behind it."""
        self.why_texts = [Text(self.say("loading"), self.app.look.muted)]
        self._make_plan(self.app.size)
        self._show_bars()
        self.call_after_refresh(self._load)

    async def _load(self) -> None:
        from ioviz.tui.picture import load_view

        try:
            source = Careful(self._open())
            self.view = load_view()
        except Exception as error:
            if os.environ.get("IOVIZ_DEBUG"):
                raise
            from ioviz.tui.screens.message import MessageScreen

            self.app.push_screen(MessageScreen("load-failed", error), lambda _: self.action_back())
            return
        panels = [PanelWidget(panel, self.app.look) for panel in self.view.panels if panel.floor in FLOORS]
        await self.mount_all(panels)
        self._panels = {widget.panel.id: widget for widget in panels}
        self.take(source, Place(0), opening=True)
        self.open_lesson()

    def take(self, source: Source, place: Place, *, opening: bool = False) -> None:
        """Show a run, at `place`, as soon as the machine is there; at `opening`, where the first program begins."""
        from ioviz.tui.player import Player

        assert self.view is not None
        careful = source if isinstance(source, Careful) else Careful(source)
        self.player = Player(careful, self.view.steps)
        self._overview.clear()
        self.mark_anew()
        if careful.live:
            self.begin_live()
            return
        until = monotonic() + AT_OPENING
        whole = self._fill_slice()
        while not whole and (monotonic() < until or (opening and self._overview.first_line is None)):
            whole = self._fill_slice()
            if monotonic() > until + AT_OPENING * 4:
                break
        self._find_chapters()
        if opening:
            first = self._overview.first_line
            place = Place(first + 1) if first is not None else place
        self._straight = True
        self.travel(self.player.reach(place), "no-more")
        if whole:
            self._filled()
        else:
            self.run_worker(self._fill(), group="machine", exclusive=True, exit_on_error=False)

    async def _fill(self) -> None:
        """Let the machine go on between the frames until its run has ended. No threads: the guests' greenlets live
        here."""
        said = monotonic()
        while not self._fill_slice():
            if monotonic() - said > 0.1:
                said = monotonic()
                self._show_timeline()
            await asyncio.sleep(0)
        self._find_chapters()
        self.show_place()
        self._filled()

    def _fill_slice(self) -> bool:
        """A slice more of the log, or of what the timeline knows of it. True when there is no more of either."""
        assert self.player is not None
        source, seen = self.player.source, self._overview.seen
        behind = len(source.timeline) - seen
        if behind:
            self._overview.add(source.timeline.events(seen, seen + min(behind, 4 * SLICE)))
        elif not source.ended:
            source.advance(SLICE)
        return source.ended and self._overview.seen == len(source.timeline)

    def _filled(self) -> None:
        self.app.ready()
        self.post_message(self.Filled())

    # -- where things lie --------------------------------------------------------------------------------------------

    def places(self, size: Size) -> dict[str, Region]:
        """Every child's region, for the layout."""
        plan = self._make_plan(size)
        found = {"title": plan.title, "why": plan.why, "timeline": plan.timeline, "footer": plan.footer}
        found |= {f"rule-{floor}": region for floor, region in plan.rules.items()}
        found |= {f"panel-{spot.id}": spot.region for spot in plan.spots}
        return found

    def _make_plan(self, size: Size) -> Plan:
        source = self.player.source if self.player is not None else None
        focus = source.focus if isinstance(source, Careful) else ()
        asked = self._chapter.focus if self._chapter is not None else ()
        named = tuple(panel for panel in asked or focus if panel in self._panels)
        grown = self._grown if self._follow and not named and not self.following else ""
        wishes = self._wishes()
        key = (size, named, grown, wishes, self._why_rows)
        if self._plan is None or key != self._plan_key:
            self._plan_key = key
            point = named or self._usual_point()
            order = tuple(dict.fromkeys((*point, *PRIORITY, *self._panels)))
            plan = make_plan(*size, wishes, order, self._why_rows, len(point))
            if grown and grown not in plan.large():  # small: the panel that the event concerns takes another's place
                plan = make_plan(*size, wishes, (grown, *order), self._why_rows, 2)
            if plan != self._plan:
                self._plan = plan
                self._place_widgets(plan)
        assert self._plan is not None
        return self._plan

    @property
    def _chapter(self) -> Chapter | None:
        """The chapter at or before the place."""
        if self.player is None or not self.chapter_places:
            return None
        number = sum(place <= self.player.place.position for place in self.chapter_places)
        return self.nth_chapter(number) if number else None

    def _usual_point(self) -> tuple[str, ...]:
        """What is large where no scene says it: the programs, unless they are real and nobody sees their lines."""
        names = {kind.__name__ for kind in self._overview.kinds}
        if "MirrorStarted" in names and "LineReached" not in names:
            return ("eventpoll", "sockets") if "EpitemInserted" in names else ("sockets",)
        return ("source",)

    def _place_widgets(self, plan: Plan) -> None:
        """Tell each widget for which size it is to draw, so that its first picture there is right."""
        self._title_bar.extent = plan.title.size
        for floor, rule in self._rules.items():
            rule.extent = plan.rules[floor].size if floor in plan.rules else Size(0, 0)
        self._why_bar.extent = plan.why.size
        self._timeline.extent = plan.timeline.size
        self._footer.extent = plan.footer.size
        for widget in self._panels.values():
            widget.extent = Size(0, 0)
        for spot in plan.spots:
            widget = self._panels[spot.id]
            widget.extent = spot.region.size
            widget.mode = FOLDED if spot.folded else BOXED if plan.boxed else RULED

    def _wishes(self) -> tuple[Wish, ...]:
        shown = present(self._overview.kinds)
        scene = self.player.source.scene if self.player is not None else None
        named: set[str] = set()
        if scene is not None:
            named = {*scene.focus, *(panel for chapter in scene.chapters for panel in chapter.focus)}
        panels = (widget.panel for widget in self._panels.values())
        return tuple(wish_of(panel) for panel in panels if shown(panel.id) or panel.id in named)

    # -- showing a place ---------------------------------------------------------------------------------------------

    def show_place(self) -> None:
        """Show the world at the player's place."""
        player, view = self.player, self.view
        if player is None or view is None or not self._panels:
            self._show_bars()
            return
        position, step = player.place
        event, log = player.event, player.source.timeline
        now = self.world_now()
        before = (now or log.world(position - 1)) if event is not None else None
        sentence = self.sentence(event, before) if event is not None and before is not None else ""
        world = now or log.world(position)
        if self.host not in world.hosts:
            self.host = min(world.hosts, default=1)
        self._look_where_the_chapter_does(world)
        self.moment = moment = view.moment(
            world=world,
            event=event,
            position=position,
            step=step,
            steps=player.steps,
            lang=self.app.lang,
            ascii=self.app.look.ascii,
            host=self.host,
        )
        named = concerned(event)
        self._grown = next((panel for panel in named if panel in self._panels), self._grown)
        self.why_texts = self._make_texts(sentence, event, world)
        self._why_rows = self._rows_for(self.why_texts, self.app.size)
        plan_before = self._plan
        plan = self._make_plan(self.app.size)
        for panel, widget in self._panels.items():
            widget.active = panel in named
            widget.selected = panel == self._selected
            widget.update(moment)
        self._show_bars()
        self.saw_chapter(sum(place <= position for place in self.chapter_places))
        if plan is not plan_before:
            self.lay_out()
        if not self.following:
            self.move_bytes(event, {spot.id: spot.region.x + spot.region.width // 2 for spot in plan.spots}.get)
        for listener in self.listeners:
            listener()

    def _look_where_the_chapter_does(self, world: World) -> None:
        """A chapter begins that looks at another host than the one before it did."""
        wanted = self._chapter.host if self._chapter is not None else 1
        if wanted != self._chapter_host and wanted in world.hosts:
            self.host = self._chapter_host = wanted

    def sentence(self, event: Event, before: World) -> str:
        """What the event is, in a sentence."""
        from ioviz.lesson.words import in_ascii

        assert self.view is not None
        try:
            step = self.player.place.step if self.player is not None else 0
            text = self.view.step(event, step, self.app.lang)
            if text:
                return in_ascii(text) if self.app.look.ascii else text
        except Exception as error:  # a sentence that cannot be made must not take the stage with it
            return f"{type(event).__name__} ({type(error).__name__}: {error})"
        return self.sentence_of(event, before)

    def sentence_of(self, event: Event, before: World) -> str:
        """What the event is as a whole, in a sentence."""
        from ioviz.lesson.words import in_ascii

        assert self.view is not None
        try:
            text = self.view.narrate(before, event, self.app.lang)
            return in_ascii(text) if self.app.look.ascii else text
        except Exception as error:
            return f"{type(event).__name__} ({type(error).__name__}: {error})"

    # -- for the screens above -----------------------------------------------------------------------------------------

    @property
    def panel_ids(self) -> list[str]:
        """The panels that are on the stage, in its order."""
        return [spot.id for spot in self._plan.spots] if self._plan is not None else []

    def panel(self, panel: str) -> Panel:
        """A panel of `view`."""
        return self._panels[panel].panel

    # -- what a person does ------------------------------------------------------------------------------------------

    def on_key(self) -> None:
        """A note stays until the next key."""
        self._toast = ""
        self._footer.update(self.app.lang, self.unusable(), toast=self._last_line(), first=self._keys_first())

    def on_resize(self, event: events.Resize) -> None:
        """Lay out anew, and draw for that."""
        if self._plan is not None and self._plan.size == event.size:
            return
        self.show_place()

    def on_timeline_widget_sought(self, message: TimelineWidget.Sought) -> None:
        """The timeline was clicked or dragged."""
        self.seek(message.position)

    def on_panel_widget_opened(self, message: PanelWidget.Opened) -> None:
        """A panel was clicked."""
        self._open_panel(message.panel)

    def action_open_panel(self) -> None:
        """Open the chosen panel, or the one that the event concerns."""
        self._open_panel(self._selected or self._grown or next(iter(self._panels), ""))

    def _open_panel(self, panel: str) -> None:
        if panel in self._panels and self.moment is not None:
            from ioviz.tui.screens.panel_full import PanelScreen

            self.pause()
            self.app.push_screen(PanelScreen(self, panel))

    def open_causes(self, index: int) -> None:
        """Show what led to event `index`."""
        from ioviz.tui.screens.causes import CausesScreen

        screen = CausesScreen(self, index)
        self.app.push_screen(screen, lambda _: self.go_to_cause(screen.answer))

    def action_next_panel(self) -> None:
        """Choose the next panel."""
        self._choose(+1)

    def action_previous_panel(self) -> None:
        """Choose the one before."""
        self._choose(-1)

    def _choose(self, by: int) -> None:
        if self._plan is None:
            return
        ids = ["", *[spot.id for spot in self._plan.spots]]
        here = ids.index(self._selected) if self._selected in ids else 0
        self._selected = ids[(here + by) % len(ids)]
        self.show_place()

    def action_auto_focus(self) -> None:
        """Whether the layout follows the events."""
        self._follow = not self._follow
        self.show_place()
        self.note("follow-on" if self._follow else "follow-off")

    def action_back(self) -> None:
        """Stop what runs; else leave."""
        if self.playing or self._looking is not None:
            self.pause()
            self._stop_looking()
        elif self._selected:
            self._selected = ""
            self.show_place()
        else:
            self.app.leave(self)

    def restyle(self) -> None:
        """The language or the colours changed."""
        self._plan_key = None
        self.show_place()

    def on_unmount(self) -> None:
        """End the guests."""
        if self.player is not None:
            self.player.source.close()
        if self.other is not None:
            self.other.close()
