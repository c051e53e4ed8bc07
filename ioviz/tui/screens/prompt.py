"""One line of input at the foot of the screen, with a sentence that says what may be typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ioviz.tui.texts import say

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.tui.app import IovizApp


class Prompt(ModalScreen[str | None]):
    """Asks for a text; the answer is None if the person changed their mind."""

    app: IovizApp
    DEFAULT_CSS = """
    Prompt { align: center bottom; background: $background 40%; }
    Prompt Vertical { height: auto; width: 100%; background: $panel; padding: 0 1; border-top: solid $accent; }
    Prompt Input { border: none; height: 1; background: $panel; padding: 0; }
    Prompt .hint { color: $muted; height: auto; }
    Prompt .name { color: $accent; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "")]
    AUTO_FOCUS = "Input"

    def __init__(self, kind: str, text: str, hint: str = "", **values: object) -> None:
        """`kind` and `hint` are keys of the texts, `values` what is filled in."""
        super().__init__()
        self._kind = kind
        self._hint = hint or f"{kind}-hint"
        self._values = values
        self._text = text

    def compose(self) -> ComposeResult:
        """The question, the line, the hint."""
        lang = self.app.lang
        with Vertical():
            yield Static(say(lang, self._kind, **self._values), classes="name", markup=False)
            field = Input(self._text, select_on_focus=True, compact=True)
            field.cursor_blink = False
            yield field
            yield Static(say(lang, self._hint, **self._values), classes="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done."""
        self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        """Never mind."""
        self.dismiss(None)
