"""The timeline: where we are in the run, its chapters and breakpoints, and which sort of event is where.

One row where room is short, two where it is not: the sorts above, the rail with the place below. A click goes to a
place, a drag scrubs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text
from textual.message import Message

from ioviz.tui.overview import DATA, EPOLL, IRQ, LINE, OTHER, TASK, TRAP, Overview
from ioviz.tui.texts import say
from ioviz.tui.widgets.lines import Lines, one_strip

if TYPE_CHECKING:
    from textual import events

    from ioviz.tui.look import Look

SORTS: Final[dict[int, tuple[str, str, str, str, str]]] = {
    # sort: character, in ASCII, colour, name in English, in Chinese
    LINE: ("·", ".", "muted", "line", "源码行"),
    TRAP: ("▾", "v", "floor-kernel", "system call", "系统调用"),
    DATA: ("▪", "#", "floor-user", "data", "数据"),
    TASK: ("⇄", "%", "secondary", "tasks", "任务"),
    EPOLL: ("◇", "o", "warning", "epoll", "epoll"),
    IRQ: ("!", "!", "floor-hardware", "interrupt", "中断"),
    OTHER: ("·", ".", "faint", "other", "其他"),
}


class State(NamedTuple):
    """What the timeline shows."""

    position: int
    step: int
    steps: int
    length: int
    growing: bool
    chapters: tuple[int, ...]
    breakpoints: tuple[int, ...]
    matches: tuple[int, ...]
    playing: bool
    speed: str
    lang: str


class TimelineWidget(Lines):
    """See the module."""

    class Sought(Message):
        """The person pointed at a place of the timeline."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

        def can_replace(self, message: Message) -> bool:
            """Only the last of a drag counts."""
            return isinstance(message, TimelineWidget.Sought)

    def __init__(self, look: Look, overview: Overview) -> None:
        super().__init__(id="timeline")
        self.look = look
        self.overview = overview
        self._state: State | None = None
        self._dragging = False
        self._rail = (0, 1)
        self._sorts: tuple[object, Text] = (None, Text())

    def update(self, state: State | None = None) -> None:
        """Show `state` (or the last one again)."""
        if state is not None:
            self._state = state
        state = self._state
        width, height = self.extent
        if state is None or not (width and height):
            return
        console = self.app.console
        lines = [one_strip(self._rail_line(state, width), console, width)]
        if height > 1:
            lines.insert(0, one_strip(self._sorts_line(state, width), console, width))
        self.show(lines)

    # -- the two rows ------------------------------------------------------------------------------------------------

    def _rail_line(self, state: State, width: int) -> Text:
        look, glyph = self.look, self.look.glyphs
        digits = len(str(state.length))
        count = f" {state.position:>{digits}}/{state.length}{glyph.ellipsis if state.growing else ''}"
        if state.steps:
            count += f" +{state.step}/{state.steps}" if state.step else f" +{state.steps}"
        count = count.ljust(3 + 2 * digits + 7)
        speed = say(state.lang, "speed", speed=state.speed)
        tail = f" {glyph.play if state.playing else glyph.pause} {speed} "
        left, right = Text(count).cell_len, max(8, Text(tail).cell_len)
        rail = max(4, width - left - right)
        self._rail = (left, rail)
        place = self._column(state.position, state.length, rail)
        marks: dict[int, tuple[str, str]] = {}
        for positions, mark, colour in (
            (state.matches, "'", "warning"),
            (state.chapters, glyph.tick, "primary"),
            (state.breakpoints, glyph.stop, "error"),
        ):
            for position in positions:
                marks[self._column(position, state.length, rail)] = (mark, colour)
        text = Text(count, style=look.style("foreground", bold=True))
        done, ahead = look.style("primary"), look.faint
        for column in range(rail):
            if column == place:
                text.append(glyph.knob, look.style("accent", bold=True))
            elif column in marks:
                mark, colour = marks[column]
                text.append(mark, look.style(colour, bold=True))
            else:
                text.append(glyph.done if column < place else glyph.rail, done if column < place else ahead)
        text.append(tail, look.style("success" if state.playing else "muted", bold=state.playing))
        return text

    def _sorts_line(self, state: State, width: int) -> Text:
        left, rail = self._rail
        key = (self.overview.seen, left, rail, width, state.lang, self.look.number)
        if self._sorts[0] == key:
            return self._sorts[1]
        text = Text(" " * left)
        for sort in self.overview.columns(rail):
            if sort is None:
                text.append(" ")
            else:
                plain, ascii_only, colour = SORTS[sort][:3]
                text.append(ascii_only if self.look.ascii else plain, self.look.style(colour))
        self._sorts = (key, text)
        return text

    def _column(self, position: int, length: int, rail: int) -> int:
        return min(rail - 1, position * (rail - 1) // length) if length else 0

    # -- the mouse ---------------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go there, and follow the mouse until it is released."""
        self._dragging = True
        self.capture_mouse()
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Scrub."""
        if self._dragging:
            self._seek(event.x)

    def on_mouse_up(self) -> None:
        """Stay here."""
        self._dragging = False
        self.release_mouse()

    def _seek(self, x: int) -> None:
        left, rail = self._rail
        if self._state is not None and self._state.length:
            part = min(max(x - left, 0), rail - 1)
            self.post_message(self.Sought(round(part * self._state.length / max(1, rail - 1))))


def legend(lang: str, look: Look) -> Text:
    """The sorts with their characters, for the help."""
    text = Text()
    for sort in (LINE, TRAP, DATA, TASK, EPOLL, IRQ):
        plain, ascii_only, colour, en, zh = SORTS[sort]
        text.append(f" {ascii_only if look.ascii else plain}", look.style(colour, bold=True))
        text.append(f" {zh if lang == 'zh' else en}  ", look.style("foreground"))
    return text
