"""Two runs side by side: the same panels of both at the same number of events, from their first difference on.

Panels that do not show the same are marked.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.geometry import Region, Size

from ioviz.lesson.endings import told
from ioviz.model.cpu import SyscallReturned
from ioviz.tui.concern import PRIORITY
from ioviz.tui.knobs import differing, shown
from ioviz.tui.layout import Planned
from ioviz.tui.texts import say
from ioviz.tui.widgets.bars import Hints, TitleBar, WhyBar
from ioviz.tui.widgets.lines import Lines, one_strip
from ioviz.tui.widgets.panel import BOXED, RULED, PanelWidget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.trace.log import Log
    from ioviz.tui.app import IovizApp
    from ioviz.tui.picture import View
    from ioviz.tui.source import Source

LEAST_ROWS = 7
SLICE: Final = 4_096
"""Events of each run that are looked at between two looks at the keyboard."""


class Side:
    """One of the two runs with its widgets."""

    def __init__(self, name: str, source: Source) -> None:
        self.name = name
        self.source = source
        self.head = Lines(id=f"head-{name}")
        self.why: WhyBar
        self.panels: list[PanelWidget] = []


class CompareScreen(Planned):
    """`parted` is the first event in which they differ, None if they do not."""

    app: IovizApp
    BINDINGS: ClassVar[list[BindingType]] = [
        ("right,s", "move(1)", ""),
        ("left,S", "move(-1)", ""),
        ("n", "call(1)", ""),
        ("p", "call(-1)", ""),
        ("home", "seek(0)", ""),
        ("end", "seek(-1)", ""),
        ("left_square_bracket,t", "part", ""),
        ("escape,c,enter,backspace", "close", ""),
    ]
    AUTO_FOCUS = ""

    def __init__(self, view: View, here: Source, other: Source, parted: int | None, position: int, host: int) -> None:
        super().__init__()
        self._view = view
        self._sides = (Side("one", here), Side("two", other))
        self._parted = parted
        self._host = host
        self._turned = differing(here, other)
        self.position = parted + 1 if parted is not None else position

    def compose(self) -> ComposeResult:
        """A column a run."""
        look = self.app.look
        self._title_bar = TitleBar(look)
        self._hints = Hints(look)
        scene = self._sides[0].source.scene
        ids = {panel.id: panel for panel in self._view.panels}
        order = [panel for panel in (*(scene.focus if scene is not None else ()), *PRIORITY) if panel in ids]
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
        """Show both runs after `position` events."""
        look, lang, console = self.app.look, self.app.lang, self.app.console
        self.places(self.app.size)
        note = say(lang, "compare-first", n=self._parted + 1) if self._parted is not None else say(lang, "compare-same")
        self._title_bar.update(say(lang, "compare"), note, [str(self.position)])
        for side in self._sides:
            log = side.source.timeline
            position = min(self.position, len(log))
            event = log.event(position - 1) if position else None
            sentence = ""
            if event is not None:
                try:
                    sentence = self._view.narrate(log.world(position - 1), event, lang)
                except Exception as error:
                    sentence = f"{type(event).__name__} ({error})"
            world = log.world(position)
            moment = self._view.moment(
                world=world,
                event=event,
                position=position,
                step=0,
                steps=self._view.steps(event) if event is not None else 0,
                lang=lang,
                ascii=look.ascii,
                host=self._host,
            )
            for panel in side.panels:
                panel.update(moment)
            differs = self._parted is not None and position > self._parted
            knobs = self._turned or ("trigger",)
            name = " ".join(shown(knob, side.source.knob(knob), lang) for knob in knobs)
            parted = (f"{look.glyphs.dot} {say(lang, 'compare-differs')}", look.style("warning", bold=True))
            head = Text.assemble(
                (f" {name} ", look.style("background", bold=True, on="accent")),
                (f" {position}/{len(log)}  ", look.style("foreground", bold=True)),
                parted if differs else (say(lang, "compare-same"), look.muted),
            )
            side.head.show([one_strip(head, console, side.head.extent.width)])
            run = world.runs.get(1)
            texts = [Text(sentence, look.strong)]
            if run is not None and run.ended and run.message:
                texts.append(Text(told(run.message, lang), look.error if run.code else look.style("success")))
            side.why.update(texts)
        for left, right in zip(self._sides[0].panels, self._sides[1].panels, strict=True):
            left.active = right.active = left.text != right.text
            left.update()
            right.update()
        self._hints.update(say(lang, "compare-hint"))

    # -- keys --------------------------------------------------------------------------------------------------------

    @property
    def _length(self) -> int:
        return max(len(side.source.timeline) for side in self._sides)

    def action_move(self, by: int) -> None:
        """An event further or back, in both."""
        self.action_seek(min(max(self.position + by, 0), self._length))

    def action_seek(self, position: int) -> None:
        """To `position`; -1 is the end."""
        self.workers.cancel_group(self, "look")
        self._stand(position if position >= 0 else self._length)

    def _stand(self, position: int) -> None:
        self.position = position
        self.restyle()

    def action_part(self) -> None:
        """To the first difference."""
        if self._parted is not None:
            self.action_seek(self._parted + 1)

    def action_call(self, by: int) -> None:
        """To the next return from a call in either run, or the one before."""
        self.run_worker(self._look(by), group="look", exclusive=True, exit_on_error=False)

    async def _look(self, by: int) -> None:
        """Look for it slice by slice, and say how far we are; any key that moves ends it."""
        said, place = monotonic(), self.position
        while place > 1 if by < 0 else place < self._length:
            low, high = (max(0, place - 1 - SLICE), place - 1) if by < 0 else (place, place + SLICE)
            found = [each for side in self._sides for each in _returns(side.source.timeline, low, high, by)]
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


def _returns(log: Log, low: int, high: int, by: int) -> Iterator[int]:
    """The place of the return from a call that is nearest, among the events from `low` up to `high`."""
    high = min(high, len(log))
    if low < high and SyscallReturned in log.kinds(low, high):
        places = [place for place, event in enumerate(log.events(low, high), low + 1) if type(event) is SyscallReturned]
        yield from places[:1] if by > 0 else places[-1:]
