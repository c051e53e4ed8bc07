"""A page over the stage: a title, paragraphs, and maybe items to choose from. `ioviz.tui.pages` makes what it says.

The answer is the id of the item that was chosen, "enter" on a page without items, "key NAME ITEM" for a key that the
page lets through to the stage (and what was chosen), None if the person left. Where an item has something to copy,
Enter copies it and the page stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ioviz.tui.texts import drawn, say
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.tui.app import IovizApp

WIDEST = 100
FRAME = 7
"""Columns that border, padding and the scroll bar take."""


class Line(NamedTuple):
    """A paragraph: `mark` stands before its first line, and the others are indented as far. `item` is the id of what
    is chosen with it, empty if it is only read; `copied` is what goes to the clipboard."""

    text: Text
    mark: str = ""
    item: str = ""
    copied: str = ""


class Content(NamedTuple):
    """What a page says. `start` is the item that is chosen at first; `hint` a key of the texts; `through` are keys that
    close it and go on to the stage: the character and the name of the action."""

    title: str
    lines: tuple[Line, ...]
    hint: str = "page-close"
    start: str = ""
    through: tuple[tuple[str, str], ...] = ()


class Paragraph(Static):
    """One paragraph; a click chooses its item, and another one takes it."""

    def __init__(self, number: int) -> None:
        super().__init__(markup=False)
        self.number = number

    def on_click(self) -> None:
        """See above."""
        screen = self.screen
        assert isinstance(screen, PageScreen)
        screen.clicked(self.number)


class PageScreen(ModalScreen[str | None]):
    """See the module. `make` gives the content in the language in force."""

    app: IovizApp
    DEFAULT_CSS = """
    PageScreen { align: center middle; background: $background 60%; }
    PageScreen VerticalScroll { width: 96%; max-width: 104; height: auto; max-height: 96%; background: $panel;
        border: round $primary; border-title-color: $primary; border-title-style: bold; border-subtitle-color: $muted;
        padding: 0 2; scrollbar-size-vertical: 1; }
    PageScreen Paragraph { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q", "close", ""),
        ("enter", "take", ""),
        ("space,pagedown", "page(1)", ""),
        ("pageup", "page(-1)", ""),
        ("down,j,tab", "move(1)", ""),
        ("up,k,shift+tab", "move(-1)", ""),
        ("L", "app.language", ""),
        ("D", "app.dark", ""),
    ]

    def __init__(self, make: Callable[[], Content]) -> None:
        super().__init__()
        self._make = make
        self._content = make()
        self._chosen = self._content.start or next((line.item for line in self._content.lines if line.item), "")

    def compose(self) -> ComposeResult:
        """The box with its paragraphs."""
        with VerticalScroll() as box:
            box.can_focus = False
            for number in range(len(self._content.lines)):
                yield Paragraph(number)

    def on_mount(self) -> None:
        """Draw."""
        if self.app.look.ascii:
            self.query_one(VerticalScroll).styles.border = ("ascii", self.app.get_css_variables()["primary"])
        self.restyle()

    def on_resize(self) -> None:
        """The lines break elsewhere."""
        self.restyle()

    def restyle(self) -> None:
        """The size, the language, the colours or what is chosen changed."""
        self._content = self._make()
        lang, look = self.app.lang, self.app.look
        width = max(20, min(WIDEST, self.app.size.width * 96 // 100) - FRAME)
        box = self.query_one(VerticalScroll)
        box.border_title = f" {drawn(self._content.title, look.ascii)} "
        box.border_subtitle = f" {drawn(say(lang, self._content.hint), look.ascii)} "
        for paragraph, line in zip(self.query(Paragraph), self._content.lines, strict=False):
            paragraph.update(self._drawn(line, width))

    def _drawn(self, line: Line, width: int) -> Text:
        look = self.app.look
        mark = drawn(line.mark, look.ascii)
        background = "block-cursor-background" if line.item and line.item == self._chosen else ""
        if line.item:
            mark = f"{look.glyphs.folded if background else ' '} {mark}"
        indent = Text(mark).cell_len
        rows = wrap(line.text, width - indent)
        text = Text()
        for number, row in enumerate(rows):
            if number:
                text.append("\n")
            text.append(mark if not number else " " * indent, look.key if line.item else look.muted)
            text.append_text(row)
            if background:
                text.append(" " * max(0, width - indent - row.cell_len))
        if background:
            text.stylize(look.style("foreground", bold=True, on=background))
        return text

    # -- what a person does --------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """A key that means something on the stage."""
        if event.character is not None and self._goes_through(event.character):
            event.stop()

    def _goes_through(self, character: str) -> bool:
        action = dict(self._content.through).get(character)
        if action is not None:
            self.dismiss(f"key {action} {self._chosen}")
        return action is not None

    def clicked(self, number: int) -> None:
        """A paragraph was clicked."""
        item = self._content.lines[number].item
        if item and item == self._chosen:
            self.action_take()
        elif item:
            self._chosen = item
            self.restyle()

    def action_move(self, by: int) -> None:
        """To the next item, or a line further."""
        items = [number for number, line in enumerate(self._content.lines) if line.item]
        if not items:
            self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
            return
        ids = [self._content.lines[number].item for number in items]
        here = ids.index(self._chosen) if self._chosen in ids else 0
        there = min(max(here + by, 0), len(ids) - 1)
        self._chosen = ids[there]
        self.restyle()
        if there == here:  # nothing more to choose: the rest of the text can still be read
            self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
        else:
            self.query(Paragraph)[items[there]].scroll_visible(animate=False)

    def action_page(self, by: int) -> None:
        """A screen further; from the last one, the space bar goes through to the stage."""
        box = self.query_one(VerticalScroll)
        if by > 0 and box.scroll_y >= box.max_scroll_y and self._goes_through(" "):
            return
        (box.scroll_page_down if by > 0 else box.scroll_page_up)(animate=False)

    def action_take(self) -> None:
        """Take what is chosen; copy it, where that is what it is for."""
        line = next((line for line in self._content.lines if line.item and line.item == self._chosen), None)
        if line is not None and line.copied:
            self.app.copy_to_clipboard(line.copied)
            self.query_one(VerticalScroll).border_subtitle = f" {say(self.app.lang, 'copied')} "
        else:
            self.dismiss(line.item if line is not None else "enter")

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)
