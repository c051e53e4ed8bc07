"""A widget that is a list of lines, and repaints those that changed and no other.

Everything on the stage is one of these. Whoever owns it computes the strips for its size and hands them to `show`,
which compares them with what is there; `render_line` only looks up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.style import Style
    from rich.text import Text

BLANK = Strip([])


def merged(pieces: Iterable[tuple[str, Style]]) -> Strip:
    """One strip of pieces of text, neighbours of one style joined."""
    segments: list[Segment] = []
    text, style = "", None
    for piece, its_style in pieces:
        if its_style is not style and text:
            segments.append(Segment(text, style))
            text = ""
        text, style = text + piece, its_style
    segments.append(Segment(text, style))
    return Strip(segments)


def to_strips(text: Text, console: Console, width: int) -> list[Strip]:
    """The lines of `text`, each exactly `width` cells wide."""
    return [one_strip(line, console, width) for line in text.split("\n", allow_blank=True)]


def one_strip(text: Text, console: Console, width: int) -> Strip:
    """A text without line breaks as a strip of exactly `width` cells."""
    if text.spans:
        strip = Strip(text.render(console, end=""))
    else:  # rich gives such a text without its style
        strip = Strip([Segment(text.plain, console.get_style(text.style, default="none"))])
    return strip.adjust_cell_length(width)


def run(text: str, style: Style) -> Strip:
    """A piece of one style."""
    return Strip([Segment(text, style)])


class Lines(Widget, can_focus=False):
    """See the module."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Strip] = []
        self.extent = Size(0, 0)
        """The size that the layout is about to give it: what it draws for, a frame before it has it."""

    def show(self, lines: Sequence[Strip]) -> int:
        """Show `lines`. Returns how many of them have to be repainted."""
        old, new = self._lines, list(lines)
        if len(old) != len(new):
            self._lines = new
            self.refresh()
            return len(new)
        width = self.extent.width
        changed = [y for y, (before, after) in enumerate(zip(old, new, strict=True)) if before != after]
        if changed:
            self._lines = new
            self.refresh(*_regions(changed, width))
        return len(changed)

    def render_line(self, y: int) -> Strip:
        """The strip that `show` was given, over the widget's own colours."""
        strip = self._lines[y] if y < len(self._lines) else BLANK
        return strip.adjust_cell_length(self.size.width).apply_style(self.rich_style)


def _regions(rows: Sequence[int], width: int) -> list[Region]:
    """Neighbouring rows as one region."""
    found: list[Region] = []
    start = before = rows[0]
    for row in rows[1:]:
        if row != before + 1:
            found.append(Region(0, start, width, before - start + 1))
            start = row
        before = row
    found.append(Region(0, start, width, before - start + 1))
    return found
