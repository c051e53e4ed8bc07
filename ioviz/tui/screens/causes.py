"""Why, all the way down: the event at hand, what led to it, what led to that, to an event that nothing led to.

The chain is followed between the frames; sentences are made for the lines that are to be seen. Enter or a second click
goes to an event, and Backspace on the stage comes back.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.geometry import Region, Size

from ioviz.tui.layout import Planned
from ioviz.tui.picture import clock
from ioviz.tui.screens.moving import AT_ONCE
from ioviz.tui.texts import say
from ioviz.tui.widgets.bars import Hints, TitleBar, WhyBar
from ioviz.tui.widgets.lines import Lines, one_strip

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.model.event import Event
    from ioviz.tui.app import IovizApp
    from ioviz.tui.screens.stage import StageScreen

SLICE: Final = 64
"""Causes that are followed between two looks at the clock."""
HARDWARE: Final = frozenset(
    {"IrqRaised", "PacketSent", "DmaWritten", "PacketDropped", "BlocksLoaded", "PoweredOn", "ExceptionRaised"}
)
USER: Final = frozenset({"LineReached", "SourceLoaded", "TextPrinted"})


def floor_of(event: Event) -> str:
    """On which floor an event happens."""
    kind = type(event).__name__
    return "user" if kind in USER else "hardware" if kind in HARDWARE else "kernel"


class _List(Lines):
    """The lines; it tells the screen which was clicked."""

    def on_click(self, event: events.Click) -> None:
        """Choose it; the chosen one is gone to."""
        assert isinstance(self.screen, CausesScreen)
        self.screen.clicked(event.y)

    def on_mouse_scroll_down(self) -> None:
        """One further."""
        assert isinstance(self.screen, CausesScreen)
        self.screen.action_move(+1)

    def on_mouse_scroll_up(self) -> None:
        """One back."""
        assert isinstance(self.screen, CausesScreen)
        self.screen.action_move(-1)


class CausesScreen(Planned):
    """See the module. `answer` is the number of the event to go to, None if the person stays."""

    app: IovizApp
    BINDINGS: ClassVar[list[BindingType]] = [
        ("down,right,y", "move(1)", ""),
        ("up,left", "move(-1)", ""),
        ("pagedown", "page(1)", ""),
        ("pageup", "page(-1)", ""),
        ("home", "to(0)", ""),
        ("end", "to(-1)", ""),
        ("enter", "take", ""),
        ("escape,backspace,Y", "close", ""),
    ]
    AUTO_FOCUS = ""

    def __init__(self, stage: StageScreen, index: int) -> None:
        super().__init__()
        assert stage.player is not None
        self.answer: int | None = None
        self._stage = stage
        self._log = stage.player.source.timeline
        self._cursor = self._log.cursor()
        self._found = [index]
        self._whole = False
        self._chosen = 0
        self._top = 0
        self._said: dict[tuple[int, str], str] = {}

    def compose(self) -> ComposeResult:
        """Title, list, the chosen sentence, keys."""
        look = self.app.look
        self._title_bar = TitleBar(look)
        self._list = _List(id="causes")
        self._why_bar = WhyBar(look)
        self._hints = Hints(look)
        yield from (self._title_bar, self._list, self._why_bar, self._hints)

    def places(self, size: Size) -> dict[str, Region]:
        """Every child's region, for the layout."""
        width, height = size
        places = {
            "title": Region(0, 0, width, 1),
            "causes": Region(0, 1, width, max(1, height - 6)),
            "why": Region(0, height - 4, width, 3),
            "footer": Region(0, height - 1, width, 1),
        }
        for widget in (self._title_bar, self._list, self._why_bar, self._hints):
            widget.extent = places[widget.id or ""].size
        return places

    def on_mount(self) -> None:
        """Draw, and follow the chain."""
        self.restyle()
        self.run_worker(self._follow(), exit_on_error=False)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.restyle()

    async def _follow(self) -> None:
        from ioviz.trace.causes import chain

        steps = chain(self._log, self._found[0])
        next(steps)
        drawn_at = 0.0
        while not self._whole:
            until = monotonic() + AT_ONCE
            while not self._whole and monotonic() < until:
                for _ in range(SLICE):
                    index = next(steps, -1)
                    if index < self._log.first:
                        self._whole = True
                        break
                    self._found.append(index)
            if self._whole or monotonic() - drawn_at > 0.15:
                drawn_at = monotonic()
                self.restyle()
            await asyncio.sleep(0)

    # -- what it shows -----------------------------------------------------------------------------------------------

    def restyle(self) -> None:
        """Draw the lines that are to be seen."""
        look, lang, console = self.app.look, self.app.lang, self.app.console
        self.places(self.app.size)
        width, rows = self._list.extent
        self._chosen = min(self._chosen, len(self._found) - 1)
        self._top = min(max(self._top, self._chosen - rows + 1), self._chosen)
        count = f"{len(self._found) - 1:,}{'' if self._whole else look.glyphs.ellipsis}"
        self._title_bar.update(say(lang, "causes"), "", [say(lang, "causes-count", n=count)])
        shown = range(self._top, min(self._top + rows, len(self._found)))
        self._list.show([one_strip(self._line(number, width), console, width) for number in shown])
        event = self._log.event(self._found[self._chosen])
        root = self._whole and self._chosen == len(self._found) - 1
        texts = [Text(self._sentence(event), look.strong)]
        if root:
            texts.append(Text(say(lang, "causes-root"), look.muted))
        self._why_bar.update(texts)
        self._hints.update(say(lang, "causes-hint"))

    def _line(self, number: int, width: int) -> Text:
        look, lang = self.app.look, self.app.lang
        index = self._found[number]
        event = self._log.event(index)
        floor = floor_of(event)
        chosen = number == self._chosen
        digits = len(str(self._found[0] + 1))
        name = Text(say(lang, f"floor-{floor}"), look.floor(floor, bold=True))
        name.append(" " * (9 - name.cell_len))
        line = Text.assemble(
            (f" {look.glyphs.play if chosen else ' '} ", look.style("accent", bold=True)),
            (f"{index + 1:>{digits}}  ", look.strong if chosen else look.muted),
            name,
            (self._sentence(event), look.strong if chosen else look.style("foreground")),
        )
        if width >= 100:
            time = clock(event.t, look.ascii)[2:]
            line.truncate(width - 14, overflow="ellipsis", pad=True)
            line.append(f"{time:>13}", look.muted)
        line.truncate(width, overflow="ellipsis")
        return line

    def _sentence(self, event: Event) -> str:
        key = (event.seq, self.app.lang)
        if key not in self._said:
            self._said[key] = self._stage.sentence_of(event, self._cursor.seek(event.seq))
        return self._said[key]

    # -- keys and mouse ----------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """The next line, or the one before."""
        self.action_to(min(max(self._chosen + by, 0), len(self._found) - 1))

    def action_page(self, by: int) -> None:
        """A screen further."""
        self.action_move(by * max(1, self._list.extent.height - 1))

    def action_to(self, number: int) -> None:
        """To a line; -1 is the last."""
        self._chosen = number if number >= 0 else len(self._found) - 1
        self.restyle()

    def clicked(self, row: int) -> None:
        """A line was clicked: it is chosen, and the chosen one is gone to."""
        number = self._top + row
        if number == self._chosen:
            self.action_take()
        elif number < len(self._found):
            self.action_to(number)

    def action_take(self) -> None:
        """Go to the chosen event."""
        self.answer = self._found[self._chosen]
        self.dismiss(None)

    def action_close(self) -> None:
        """Stay where we are."""
        self.dismiss(None)
