"""Two worlds side by side, in the same panels; panels that do not show the same are marked.

`RunsScreen` has two runs of the same programs at the same number of events, from their first difference on. What
really happened cannot be run again: `MomentsScreen` has two moments of one run, and one of them moves.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.geometry import Region, Size

from ioviz.lesson.endings import told
from ioviz.model.cpu import SyscallReturned
from ioviz.model.syscalls import name_of
from ioviz.tui.concern import PRIORITY
from ioviz.tui.knobs import differing, shown
from ioviz.tui.layout import Planned
from ioviz.tui.picture import clock
from ioviz.tui.source import Careful
from ioviz.tui.texts import say
from ioviz.tui.widgets.bars import Hints, TitleBar, WhyBar
from ioviz.tui.widgets.lines import Lines, one_strip
from ioviz.tui.widgets.panel import BOXED, RULED, PanelWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.model.event import Event
    from ioviz.model.world import World
    from ioviz.trace.log import Log
    from ioviz.tui.app import IovizApp
    from ioviz.tui.picture import View
    from ioviz.tui.source import Source

LEAST_ROWS = 7
SLICE: Final = 4_096
"""Events of each run that are looked at between two looks at the keyboard."""
COUNTED: Final = 20_000
"""Events between two moments in which calls are counted: a few milliseconds' worth."""


class Side:
    """One of the two worlds with its widgets: that of `source` after `position` events."""

    def __init__(self, name: str, source: Source, position: int) -> None:
        self.name = name
        self.source = source
        self.position = position
        self._cursor = source.timeline.cursor()
        self.head = Lines(id=f"head-{name}")
        self.why: WhyBar
        self.panels: list[PanelWidget] = []

    @property
    def place(self) -> int:
        """Where it stands: at its position, if the log reaches so far and has not forgotten it."""
        log = self.source.timeline
        return max(log.first, min(self.position, len(log)))

    @property
    def event(self) -> Event | None:
        """The last event, if it is still known."""
        log = self.source.timeline
        return log.event(self.place - 1) if self.place > log.first else None

    def world(self, place: int) -> World:
        """The world after `place` events, until the next question."""
        return self._cursor.seek(place)


class CompareScreen(Planned):
    """See the module. What the two have in common."""

    app: IovizApp
    BINDINGS: ClassVar[list[BindingType]] = [
        ("right,s", "move(1)", ""),
        ("left,S", "move(-1)", ""),
        ("n", "call(1)", ""),
        ("p", "call(-1)", ""),
        ("home", "seek(0)", ""),
        ("end", "seek(-1)", ""),
        ("escape,c,enter,backspace", "close", ""),
    ]
    AUTO_FOCUS = ""
    HINT: ClassVar[str]
    """The name of the text that tells the keys."""

    def __init__(self, view: View, sides: tuple[Side, Side], host: int) -> None:
        super().__init__()
        self._view = view
        self._sides = sides
        self._host = host

    @property
    def moving(self) -> Sequence[Side]:
        """The sides that the keys move; they stand at one position."""
        raise NotImplementedError

    @property
    def position(self) -> int:
        """Where the moving sides stand, in events."""
        return self.moving[0].position

    def note(self) -> str:
        """What the title says of the two."""
        raise NotImplementedError

    def head(self, side: Side) -> Text:
        """The line over a side."""
        raise NotImplementedError

    def remarks(self, side: Side) -> list[Text]:
        """What is to be said below a side, beside its event."""
        return []

    def compose(self) -> ComposeResult:
        """A column a run."""
        look = self.app.look
        self._title_bar = TitleBar(look)
        self._hints = Hints(look)
        source = self._sides[0].source
        focus = source.focus if isinstance(source, Careful) else source.scene.focus if source.scene is not None else ()
        ids = {panel.id: panel for panel in self._view.panels}
        order = [panel for panel in (*focus, *PRIORITY) if panel in ids]
        yield self._title_bar
        for side in self._sides:
            side.why = WhyBar(look, id=f"why-{side.name}")
            side.panels = [
                PanelWidget(ids[panel], look, RULED, id=f"panel-{side.name}-{panel}") for panel in dict.fromkeys(order)
            ]
            yield side.head
            yield from side.panels
            yield side.why
        yield self._hints

    def places(self, size: Size) -> dict[str, Region]:
        """Every child's region, for the layout."""
        width, height = size
        places = {"title": Region(0, 0, width, 1), "footer": Region(0, height - 1, width, 1)}
        half = (width - 1) // 2
        why = 4 if height < 34 else 5
        body = max(1, height - 3 - why)
        boxed = height >= 34
        count = max(1, min(len(self._sides[0].panels), body // (LEAST_ROWS + 2 * boxed)))
        for number, side in enumerate(self._sides):
            x = number * (half + 1)
            places[side.head.id or ""] = Region(x, 1, half, 1)
            for row, panel in enumerate(side.panels):
                panel.extent = Size(0, 0)
                panel.mode = BOXED if boxed else RULED
                if row < count:
                    top, after = body * row // count, body * (row + 1) // count
                    places[panel.id or ""] = Region(x, 2 + top, half, after - top)
            places[side.why.id or ""] = Region(x, 2 + body, half, why)
        for widget in self.query(Lines):
            if widget.id in places:
                widget.extent = places[widget.id].size
        return places

    def on_mount(self) -> None:
        """Draw."""
        self.restyle()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.restyle()

    def restyle(self) -> None:
        """Show both worlds."""
        look, lang, console = self.app.look, self.app.lang, self.app.console
        self.places(self.app.size)
        self._title_bar.update(say(lang, "compare"), self.note(), [str(self.position)])
        for side in self._sides:
            place, event = side.place, side.event
            sentence = ""
            if event is not None:
                try:
                    sentence = self._view.narrate(side.world(place - 1), event, lang)
                except Exception as error:
                    sentence = f"{type(event).__name__} ({error})"
            world = side.world(place)
            moment = self._view.moment(
                world=world,
                event=event,
                position=place,
                step=0,
                steps=self._view.steps(event) if event is not None else 0,
                lang=lang,
                ascii=look.ascii,
                host=self._host,
            )
            for panel in side.panels:
                panel.update(moment)
            side.head.show([one_strip(self.head(side), console, side.head.extent.width)])
            run = world.runs.get(1)
            texts = [Text(sentence, look.strong), *self.remarks(side)]
            if run is not None and run.ended and run.message:
                texts.append(Text(told(run.message, lang), look.error if run.code else look.style("success")))
            side.why.update(texts)
        for left, right in zip(self._sides[0].panels, self._sides[1].panels, strict=True):
            left.active = right.active = left.text != right.text
            left.update()
            right.update()
        self._hints.update(say(lang, self.HINT))

    # -- keys --------------------------------------------------------------------------------------------------------

    @property
    def _length(self) -> int:
        return max(len(side.source.timeline) for side in self.moving)

    @property
    def _first(self) -> int:
        return min(side.source.timeline.first for side in self.moving)

    def action_move(self, by: int) -> None:
        """An event further or back."""
        self.action_seek(min(max(self.position + by, self._first), self._length))

    def action_seek(self, position: int) -> None:
        """To `position`; -1 is the end."""
        self.workers.cancel_group(self, "look")
        self._stand(max(position, self._first) if position >= 0 else self._length)

    def _stand(self, position: int) -> None:
        for side in self.moving:
            side.position = position
        self.restyle()

    def action_call(self, by: int) -> None:
        """To the next return from a call in what moves, or the one before."""
        self.run_worker(self._look(by), group="look", exclusive=True, exit_on_error=False)

    async def _look(self, by: int) -> None:
        """Look for it slice by slice, and say how far we are; any key that moves ends it."""
        said, place = monotonic(), self.position
        while place > self._first + 1 if by < 0 else place < self._length:
            low, high = (max(self._first, place - 1 - SLICE), place - 1) if by < 0 else (place, place + SLICE)
            found = [each for side in self.moving for each in _returns(side.source.timeline, low, high, by)]
            if found:
                self._stand(min(found) if by > 0 else max(found))
                return
            place = low + 1 if by < 0 else high
            if monotonic() - said > 0.15:
                said = monotonic()
                self._hints.update(say(self.app.lang, "looking", n=f"{abs(place - self.position):,}"))
            await asyncio.sleep(0)
        self._hints.update(say(self.app.lang, "no-before" if by < 0 else "no-more"))

    def action_close(self) -> None:
        """Back to the stage."""
        self.dismiss(None)


class RunsScreen(CompareScreen):
    """`parted` is the first event in which the runs differ, None if they do not."""

    BINDINGS: ClassVar[list[BindingType]] = [("left_square_bracket,t", "part", "")]
    HINT = "compare-hint"

    def __init__(self, view: View, here: Source, other: Source, parted: int | None, position: int, host: int) -> None:
        position = parted + 1 if parted is not None else position
        super().__init__(view, (Side("one", here, position), Side("two", other, position)), host)
        self._parted = parted
        self._turned = differing(here, other)

    @property
    def moving(self) -> Sequence[Side]:
        """Both."""
        return self._sides

    def note(self) -> str:
        """Where they part."""
        lang = self.app.lang
        return say(lang, "compare-same") if self._parted is None else say(lang, "compare-first", n=self._parted + 1)

    def head(self, side: Side) -> Text:
        """The knobs in which the runs differ."""
        look, lang = self.app.look, self.app.lang
        differs = self._parted is not None and side.place > self._parted
        parted = (f"{look.glyphs.dot} {say(lang, 'compare-differs')}", look.style("warning", bold=True))
        knobs = self._turned or ("trigger",)
        name = " ".join(shown(knob, side.source.knob(knob), lang) for knob in knobs)
        return Text.assemble(
            (f" {name} ", look.style("background", bold=True, on="accent")),
            (f" {side.place}/{len(side.source.timeline)}  ", look.style("foreground", bold=True)),
            parted if differs else (say(lang, "compare-same"), look.muted),
        )

    def action_part(self) -> None:
        """To the first difference."""
        if self._parted is not None:
            self.action_seek(self._parted + 1)


class MomentsScreen(CompareScreen):
    """The moment that was kept on the left, another on the right; `keep` is told what is kept in the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("tab,shift+tab", "other_side", ""),
        ("k", "keep", ""),
    ]
    HINT = "moments-hint"

    def __init__(
        self, view: View, source: Source, kept: int, position: int, host: int, keep: Callable[[int], object]
    ) -> None:
        super().__init__(view, (Side("one", source, kept), Side("two", source, position)), host)
        self._moving = 1
        self._keep = keep

    def on_mount(self) -> None:
        """Draw, and where there is no room for all panels, those first that are not the same at the beginning."""
        self.restyle()
        one, two = (side.panels for side in self._sides)
        order = sorted(range(len(one)), key=lambda number: one[number].rows == two[number].rows)
        for side in self._sides:
            side.panels = [side.panels[number] for number in order]
        self.restyle()

    @property
    def moving(self) -> Sequence[Side]:
        """The one side or the other."""
        return (self._sides[self._moving],)

    def note(self) -> str:
        """How far they are apart."""
        one, two = (side.event for side in self._sides)
        apart = clock(abs(two.t - one.t), self.app.look.ascii)[2:] if one is not None and two is not None else ""
        between = abs(self._sides[1].place - self._sides[0].place)
        return say(self.app.lang, "moments-apart", n=f"{between:,}", t=apart)

    def head(self, side: Side) -> Text:
        """Which moment it is, and whether it moves."""
        look = self.app.look
        moves = side in self.moving
        event = side.event
        state = "moments-moves" if moves else "moments-stands"
        return Text.assemble(
            (f" {side.place:,} ", look.style("background", bold=True, on="accent" if moves else "muted")),
            (f" {clock(event.t, look.ascii)}  " if event is not None else "  ", look.style("foreground", bold=True)),
            (say(self.app.lang, state), look.muted),
        )

    def remarks(self, side: Side) -> list[Text]:
        """Below the side that moves: the calls between the two, the most frequent first."""
        low, high = sorted(each.place for each in self._sides)
        if side not in self.moving or not 0 < high - low <= COUNTED:
            return []
        calls = Counter(e.nr for e in self._sides[0].source.timeline.events(low, high) if type(e) is SyscallReturned)
        counts = "  ".join(f"{name_of(nr)} {n:,}" for nr, n in calls.most_common())
        return [Text(say(self.app.lang, "moments-calls", calls=counts), self.app.look.muted)] if counts else []

    def action_other_side(self) -> None:
        """Let the other side move."""
        self._moving = 1 - self._moving
        self.restyle()

    def action_keep(self) -> None:
        """The moment that moves is the one that is kept from now on."""
        self._sides[0].position = self._sides[1].position = self.position
        self._moving = 1
        self.restyle()

    def action_close(self) -> None:
        """Back to the stage, which keeps the left moment."""
        self._keep(self._sides[0].position)
        super().action_close()


def _returns(log: Log, low: int, high: int, by: int) -> Iterator[int]:
    """The place of the return from a call that is nearest, among the events from `low` up to `high`."""
    high = min(high, len(log))
    if low < high and SyscallReturned in log.kinds(low, high):
        places = [place for place, event in enumerate(log.events(low, high), low + 1) if type(event) is SyscallReturned]
        yield from places[:1] if by > 0 else places[-1:]
