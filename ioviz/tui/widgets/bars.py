"""The bars of the frame: title, the rules between the floors, the sentence for the event, and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from ioviz.tui.actions import footer_actions
from ioviz.tui.texts import drawn, say
from ioviz.tui.widgets.lines import Lines, one_strip, run
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from ioviz.tui.actions import Action
    from ioviz.tui.look import Look


NAMED: Final = 24
"""Columns of a title that say enough of it, where room is scarce."""


class TitleBar(Lines):
    """What is being watched, the chapter, and the state of the knobs and the clock."""

    def __init__(self, look: Look) -> None:
        super().__init__(id="title")
        self.look = look

    def update(self, title: str, chapter: str, state: Sequence[str], spare: Sequence[str] = ()) -> None:
        """Show these. What does not fit is left out: the name of the chapter first, then what of `state` is in `spare`,
        one after the other, then the end of the title; the chapter's number stays."""
        look, width = self.look, self.extent.width
        if not width:
            return
        least = 9 + min(cell_len(title), NAMED)
        state = list(state)
        for piece in spare:
            if piece in state and least + sum(cell_len(each) + 2 for each in state) + 1 > width:
                state.remove(piece)
        status = Text("  ").join(Text(piece, look.style("foreground")) for piece in state)
        head = Text.assemble((" ioviz ", look.style("primary", bold=True, reverse=True)), " ", (title, look.strong))
        number = chapter.partition(" ")[0]
        room = width - status.cell_len - 3
        kept = room - (len(number) + 2 if number else 0)
        if kept < head.cell_len:
            head.truncate(max(10, kept), overflow="ellipsis")
        left = room - head.cell_len - 2
        if number and left >= len(number):
            more = Text(chapter if left >= len(number) + 12 else number, look.style("secondary"))
            more.truncate(left, overflow="ellipsis")
            head.append("  ").append_text(more)
        gap = max(1, width - head.cell_len - status.cell_len - 1)
        self.show([one_strip(Text.assemble(head, " " * gap, status), self.app.console, width)])


class Rule(Lines):
    """The line above a floor: its name, and what crosses the boundary at this moment."""

    def __init__(self, floor: str, look: Look) -> None:
        super().__init__(id=f"rule-{floor}")
        self.floor = floor
        self.look = look
        self._said: tuple[str, Text | None, str] = ("en", None, "")

    def move(self, cargo: str, column: int) -> None:
        """Show `cargo` at `column` of the line; nothing if it is empty."""
        self.update(*self._said, cargo, column)

    def update(self, lang: str, crossing: Text | None, note: str, cargo: str = "", column: int = 0) -> None:
        """`crossing` stands in the middle of the line, `note` at its right end, and `cargo` is on its way."""
        self._said = lang, crossing, note
        look, width = self.look, self.extent.width
        if not width:
            return
        glyph = look.glyphs
        line, name = look.floor(self.floor), look.floor(self.floor, bold=True)
        text = Text.assemble((glyph.heavy * 2, line), (f" {say(lang, self.floor)} ", name))
        tail = (
            Text.assemble((f" {note} ", look.muted), (glyph.heavy * 2, line)) if note else Text(glyph.heavy * 2, line)
        )
        if crossing is not None and crossing.cell_len:
            start = max(text.cell_len + 1, (width - crossing.cell_len) // 2 - 1)
            text.append(glyph.heavy * (start - text.cell_len), line)
            text.append(" ")
            text.append_text(crossing)
            text.append(" ")
        text.append(glyph.heavy * max(0, width - text.cell_len - tail.cell_len), line)
        text.append_text(tail)
        if cargo:
            wide = text.cell_len - len(text.plain)  # the floor's name may be Chinese
            begin = min(max(column - wide - len(cargo) // 2, 14), len(text.plain) - len(cargo) - 2)
            head, under, rest = text.divide([begin, begin + len(cargo)])
            if not under.plain.strip(glyph.heavy):  # what crosses stays readable
                text = Text.assemble(head, (cargo, look.style("accent", bold=True)), rest)
        self.show([one_strip(text, self.app.console, width)])


class WhyBar(Lines):
    """The sentence for the event at hand; at a chapter, its text too."""

    def __init__(self, look: Look, id: str = "why") -> None:
        super().__init__(id=id)
        self.look = look

    @staticmethod
    def wrapped(texts: Sequence[Text], width: int, rows: int) -> list[Text]:
        """The lines of `texts` on `width`, at most `rows` of them; the last says by an ellipsis that there is more."""
        lines: list[Text] = []
        for text in texts:
            lines.extend(wrap(text, max(10, width)))
        if len(lines) > rows:
            lines = lines[:rows]
            lines[-1].truncate(max(4, width - 2))
            lines[-1].append(" …")
        return lines

    def update(self, texts: Sequence[Text]) -> None:
        """Show `texts`, a paragraph each."""
        width, rows = self.extent
        if not (width and rows):
            return
        look = self.look
        lines = self.wrapped(texts, width - 4, rows)
        bar = run(f" {look.glyphs.down} ", look.style("accent", bold=True))
        strips = [Strip.join([bar, one_strip(line, self.app.console, width - 3)]) for line in lines]
        strips += [Strip.join([bar, Strip.blank(width - 3)])] * (rows - len(strips))
        self.show(strips)


class Hints(Lines):
    """The last line of a screen that has keys of its own: what they are, or a note."""

    def __init__(self, look: Look) -> None:
        super().__init__(id="footer")
        self.look = look

    def update(self, text: str) -> None:
        """Show `text`."""
        line = Text(f" {drawn(text, self.look.ascii)}", self.look.muted)
        self.show([one_strip(line, self.app.console, self.extent.width)])


class Footer(Lines):
    """The most useful keys, as many as fit. A click does what the key does."""

    def __init__(self, look: Look) -> None:
        super().__init__(id="footer")
        self.look = look
        self._spans: list[tuple[int, int, str]] = []
        self._shown: object = None

    def update(
        self, lang: str, hidden: frozenset[str] = frozenset(), toast: str = "", first: tuple[str, ...] = ()
    ) -> None:
        """Show the keys, those of the actions `first` before all; those of `hidden` actions cannot be used now. A
        `toast` is shown in their place."""
        look, width = self.look, self.extent.width
        if not width:
            return
        text = Text(" ")
        self._spans = []
        if toast:
            text.append(toast, look.style("warning", bold=True))
            text.truncate(width - 1, overflow="ellipsis")
            self.show([one_strip(text, self.app.console, width)])
            return
        chosen: list[Action] = []
        every = footer_actions(first)
        last = [action for action in every if action.id in {"help", "quit"}]
        used = 1 + sum(_width(action, lang) for action in last)
        for action in every:
            if action in last or action.id in hidden:
                continue
            if used + _width(action, lang) > width:
                break
            chosen.append(action)
            used += _width(action, lang)
        for action in [*chosen, *last]:
            start = text.cell_len
            text.append(key_text(action, look), look.key)
            text.append(f" {action.label.of(lang)}", look.style("foreground"))
            self._spans.append((start, text.cell_len, action.method))
            text.append("  ", Style())
        self.show([one_strip(text, self.app.console, width)])

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        for start, stop, method in self._spans:
            if start <= event.x < stop:
                await self.screen.run_action(method)


def key_text(action: Action, look: Look) -> str:
    """The keys of an action as they are written in force."""
    return {"→": look.glyphs.right, "←": look.glyphs.left}.get(action.shown, action.shown)


def _width(action: Action, lang: str) -> int:
    return Text(f"{action.shown} {action.label.of(lang)}").cell_len + 2
