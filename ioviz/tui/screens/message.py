"""Something went wrong: what, and what to do next. The app goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ioviz.lesson.endings import told
from ioviz.tui.texts import say

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.tui.app import IovizApp


class MessageScreen(ModalScreen[None]):
    """Says what failed; any of Enter, Esc and Space closes it."""

    app: IovizApp
    DEFAULT_CSS = """
    MessageScreen { align: center middle; background: $background 60%; }
    MessageScreen Vertical { width: 80%; max-width: 90; height: auto; max-height: 80%; background: $panel;
        border: round $error; padding: 1 2; }
    MessageScreen .name { color: $error; text-style: bold; margin-bottom: 1; }
    MessageScreen .next { color: $muted; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("enter,escape,space", "close", "")]

    def __init__(self, key: str, error: Exception) -> None:
        super().__init__()
        self._key = key
        self._error = error

    def compose(self) -> ComposeResult:
        """What, why, what next."""
        lang = self.app.lang
        with Vertical():
            yield Static(say(lang, self._key), classes="name", markup=False)
            text = str(self._error)
            # An error made for people says it all; another one is named, so that it can be reported.
            known = type(self._error).__module__.startswith("ioviz.") and text
            yield Static(told(text, lang) if known else f"{type(self._error).__name__}: {text}", markup=False)
            yield Static(say(lang, "message-next"), classes="next", markup=False)

    def action_close(self) -> None:
        """Back to what was there."""
        self.dismiss(None)
