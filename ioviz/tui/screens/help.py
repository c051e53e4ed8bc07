"""Help: every key from the table of actions, and what the timeline's characters mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ioviz.tui.actions import by_group
from ioviz.tui.texts import say
from ioviz.tui.widgets.bars import key_text
from ioviz.tui.widgets.timeline import legend

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.tui.app import IovizApp

KEY_WIDTH = 11


class HelpScreen(ModalScreen[None]):
    """See the module."""

    app: IovizApp
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen VerticalScroll { width: 96%; max-width: 132; height: auto; max-height: 92%; background: $panel;
        border: round $primary; border-title-color: $primary; border-title-style: bold; border-subtitle-color: $muted;
        padding: 0 2; scrollbar-size-vertical: 1; }
    HelpScreen Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape,question_mark,f1,enter", "close", "")]

    def compose(self) -> ComposeResult:
        """One column on a narrow screen, two on a wide one."""
        lang = self.app.lang
        with VerticalScroll() as box:
            box.border_title = f" {say(lang, 'keys')} "
            box.border_subtitle = f" {say(lang, 'help-scroll')} "
            yield Static(self._table())

    def restyle(self) -> None:
        """The language or the colours changed."""
        self.query_one(Static).update(self._table())

    def on_resize(self) -> None:
        """The number of columns may change."""
        self.query_one(Static).update(self._table())

    def _table(self) -> Text:
        from ioviz.tui.wrap import wrap

        lang, look = self.app.lang, self.app.look
        width = min(132, self.app.size.width * 96 // 100) - 7
        columns = 2 if width >= 92 else 1
        room = width // columns - 2
        blocks: list[list[Text]] = []
        for title, actions in by_group():
            lines = [Text(title.of(lang), look.style("secondary", bold=True))]
            for action in actions:
                words = wrap(Text(action.help.of(lang), look.style("foreground")), room - KEY_WIDTH)
                lines.append(Text.assemble((f"{key_text(action, look):<{KEY_WIDTH}}", look.key), words[0]))
                lines.extend(Text(" " * KEY_WIDTH).append_text(line) for line in words[1:])
            blocks.append([*lines, Text("")])
        sides: list[list[Text]] = [[] for _ in range(columns)]
        for block in blocks:
            min(sides, key=len).extend(block)
        text = Text()
        for row in range(max(len(side) for side in sides)):
            for side in sides:
                cell = side[row] if row < len(side) else Text("")
                text.append_text(cell)
                if columns > 1 and side is not sides[-1]:
                    text.append(" " * max(0, room + 3 - cell.cell_len))
            text.append("\n")
        text.append_text(legend(lang, look)).append("\n")
        return text.append(say(lang, "mouse"), look.muted)

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)
