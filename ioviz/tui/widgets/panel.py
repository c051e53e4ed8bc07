"""One panel of the stage: shows any panel of `view`, large or folded to a line.

It asks the panel's key; only if that, the size or the way of drawing changed is it drawn again, and of that only the
lines that differ are repainted. A click opens it full size. A panel that cannot be drawn says so in its own place.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Final

from rich.style import Style
from rich.text import Text
from textual.message import Message
from textual.strip import Strip

from ioviz.tui.texts import say
from ioviz.tui.widgets.lines import Lines, one_strip, run, to_strips

if TYPE_CHECKING:
    from textual import events

    from ioviz.tui.look import Look
    from ioviz.view.panels import Moment, Panel

FULL, BOXED, RULED, FOLDED = "full", "boxed", "ruled", "folded"
"""How a panel is drawn: bare (it has the screen), in a box, under a title line, or as one line."""


KNOWN: Final = {
    "source": "observed", "terminal": "observed", "syscalls": "observed", "files": "observed", "sockets": "measured",
    "pipes": "inferred", "sched": "inferred", "wait": "inferred", "eventpoll": "inferred",
}  # fmt: skip
"""How a panel's contents are known in a mirror of real processes: its least certain part decides."""


def known(panel: str, moment: Moment) -> str:
    """What stands behind a panel's title: how it is known. Nothing on the simulated machine."""
    mirror = getattr(moment.world, "mirrors", {}).get(1)
    if mirror is None or panel not in KNOWN:
        return ""
    ebpf = panel == "eventpoll" and "ebpf" in mirror.source
    return f" ({say(moment.lang, 'kernel-own' if ebpf else KNOWN[panel])})"


class PanelWidget(Lines):
    """See the module. `mode` is one of the above; `active` says that the event at hand concerns it."""

    class Opened(Message):
        """The panel was clicked."""

        def __init__(self, panel: str) -> None:
            super().__init__()
            self.panel = panel

    def __init__(self, panel: Panel, look: Look, mode: str = BOXED, id: str | None = None) -> None:
        super().__init__(id=id or f"panel-{panel.id}")
        self.panel = panel
        self.look = look
        self.mode = mode
        self.active = False
        self.selected = False
        self.drawn = 0
        """How often its picture was made: the tests count on it."""
        self._moment: Moment | None = None
        self._key: Hashable = None
        self._body: list[Strip] = []
        self._frame: Hashable = None
        self._note = ""

    # -- what it shows -----------------------------------------------------------------------------------------------

    def update(self, moment: Moment | None = None) -> bool:
        """Show `moment` (or the last one again). True if the picture is another one."""
        if moment is not None:
            self._moment = moment
        moment = self._moment
        width, height = self.extent
        if moment is None or not (width and height):
            return False
        try:
            key: Hashable = (self.panel.key(moment), self.mode, width, height, moment.lang, self.look.number)
            changed = key != self._key
            if changed:
                self._body = self._draw(moment, width, height)
        except Exception as error:
            key = (type(error), str(error), self.mode, width, height, moment.lang)
            changed = key != self._key
            self._body = self._failure(error, width, moment.lang)
        self._note = known(self.panel.id, moment)
        frame = (self.active, self.selected, self._note)
        if changed or frame != self._frame:
            self._key, self._frame = key, frame
            self.show(self._framed(width, height, moment.lang))
        return changed

    def _draw(self, moment: Moment, width: int, height: int) -> list[Strip]:
        self.drawn += 1
        console = self.app.console
        if self.mode == FOLDED:
            title = self._title_width(moment.lang)
            room = max(1, width - title - 1)
            return [one_strip(self.panel.line(moment, room), console, room)]
        inner_width, inner_height = self._inside(width, height)
        text = self.panel.render(moment, inner_width, inner_height)
        return to_strips(text, console, inner_width)[:inner_height]

    def _failure(self, error: Exception, width: int, lang: str) -> list[Strip]:
        why = f"{type(error).__name__}: {error}"
        text = Text(say(lang, "panel-failed", why=why), style=self.look.error)
        inner, _ = self._inside(width, 3)
        if self.mode == FOLDED:
            return [one_strip(text, self.app.console, inner)]
        return [one_strip(line, self.app.console, inner) for line in text.wrap(self.app.console, max(8, inner))]

    @property
    def text(self) -> list[str]:
        """What it shows, without its frame."""
        return [strip.text for strip in self._body]

    @property
    def rows(self) -> Hashable:
        """What it would show if it had a place: as long as this is equal, so is its picture."""
        try:
            return self.panel.key(self._moment) if self._moment is not None else None
        except Exception as error:
            return str(error)

    # -- its frame ---------------------------------------------------------------------------------------------------

    def _inside(self, width: int, height: int) -> tuple[int, int]:
        if self.mode == BOXED:
            return max(1, width - 4), max(1, height - 2)
        if self.mode == RULED:
            return max(1, width - 3), max(1, height - 1)
        if self.mode == FULL:
            return max(1, width - 4), height
        return max(1, width - 1), 1

    def _title_width(self, lang: str) -> int:
        return Text(self.panel.title[lang]).cell_len + 5

    def _framed(self, width: int, height: int, lang: str) -> list[Strip]:
        look = self.look
        glyph = look.glyphs
        bright = self.active or self.selected
        edge = look.edge(self.panel.floor, bright)
        # The sides stay as they are when the event moves on: marking a panel repaints its title line and no more.
        side = look.edge(self.panel.floor, self.selected)
        name = look.name(self.panel.floor, bright, self.selected)
        title = self.panel.title[lang]
        mark = glyph.dot if self.active else " "
        if self.mode == FOLDED:
            head = Text.assemble((f" {glyph.folded} ", edge), (title, name), (glyph.dot if self.active else " ", edge))
            return [Strip.join([one_strip(head, self.app.console, self._title_width(lang)), *self._body])]
        inner, rows = self._inside(width, height)
        body = [*self._body, *[Strip.blank(inner)] * (rows - len(self._body))]
        if self.mode == FULL:
            return [Strip.join([run("  ", Style()), line]) for line in body]
        title += self._note
        label = f" {mark}{title} " if self.active else f" {title} "
        if self.mode == RULED:
            head = Text.assemble((glyph.across, edge), (label, name))
            head.append(glyph.across * max(0, width - 1 - head.cell_len), edge)
            bar = run(f"{glyph.down} " if self.selected else "  ", side)
            return [one_strip(head, self.app.console, width), *[Strip.join([bar, line]) for line in body]]
        head = Text.assemble((glyph.top_left + glyph.across, edge), (label, name))
        head.append(glyph.across * max(0, width - 1 - head.cell_len) + glyph.top_right, edge)
        foot = run(glyph.bottom_left + glyph.across * (width - 2) + glyph.bottom_right, side)
        left, right = run(glyph.down + " ", side), run(" " + glyph.down, side)
        return [
            one_strip(head, self.app.console, width),
            *[Strip.join([left, line, right]) for line in body],
            foot,
        ]

    # -- what a person does ------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Open it full size."""
        event.stop()
        self.post_message(self.Opened(self.panel.id))
