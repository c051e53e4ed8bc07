"""The timeline: where we are in the run, its chapters and breakpoints, and which sort of event is where.

One row where room is short, two where it is not: the sorts above, the rail with the place below. A click goes to a
place, a drag scrubs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual.message import Message

from ioviz.tui.overview import DATA, EPOLL, IRQ, LINE, OTHER, TASK, TRAP, Overview
from ioviz.tui.widgets.lines import BLANK, Lines, merged

if TYPE_CHECKING:
    from rich.style import Style
    from textual import events
    from textual.strip import Strip

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
    ticks: tuple[int, ...]
    """Where chapters begin, and the moment that is kept."""
    breakpoints: tuple[int, ...]
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
        self._sorts: tuple[object, Strip] = (None, BLANK)

    def update(self, state: State | None = None) -> None:
        """Show `state` (or the last one again)."""
        if state is not None:
            self._state = state
        state = self._state
        width, height = self.extent
        if state is None or not (width and height):
            return
        lines = [self._rail_line(state, width).adjust_cell_length(width)]
        if height > 1:
            lines.insert(0, self._sorts_line().adjust_cell_length(width))
        self.show(lines)

    # -- the two rows ------------------------------------------------------------------------------------------------

    def _rail_line(self, state: State, width: int) -> Strip:
        look, glyph = self.look, self.look.glyphs
        digits = len(str(state.length))
        count = f" {state.position:>{digits}}/{state.length}{glyph.ellipsis if state.growing else ''}"
        if state.steps:
            count += f" +{state.step}/{state.steps}" if state.step else f" +{state.steps}"
        count = count.ljust(2 + 2 * digits + 6)
        mark = glyph.play if state.playing else glyph.pause
        tail = f" {mark} {state.speed}{glyph.times} ".rjust(8)
        left, right = cell_len(count), cell_len(tail)
        rail = max(4, width - left - right)
        self._rail = (left, rail)
        place = self._column(state.position, state.length, rail)
        marks: dict[int, tuple[str, Style]] = {}
        for positions, character, colour in (
            (state.ticks, glyph.tick, "primary"),
            (state.breakpoints, glyph.stop, "error"),
        ):
            for position in positions:
                marks[self._column(position, state.length, rail)] = (character, look.style(colour, bold=True))
        marks[place] = (glyph.knob, look.style("accent", bold=True))
        done, ahead = (glyph.done, look.style("primary")), (glyph.rail, look.faint)
        return merged(
            [
                (count, look.strong),
                *(marks.get(column) or (done if column < place else ahead) for column in range(rail)),
                (tail, look.style("success" if state.playing else "muted", bold=state.playing)),
            ]
        )

    def _sorts_line(self) -> Strip:
        left, rail = self._rail
        key = (self.overview.seen, left, rail, self.look.number)
        if self._sorts[0] != key:
            pieces = [(" " * left, self.look.muted)]
            for sort in self.overview.columns(rail):
                plain, ascii_only, colour = SORTS[OTHER if sort is None else sort][:3]
                character = " " if sort is None else ascii_only if self.look.ascii else plain
                pieces.append((character, self.look.style(colour)))
            self._sorts = (key, merged(pieces))
        return self._sorts[1]

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
