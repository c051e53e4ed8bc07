"""Predict first: a question over the foot of the stage, its choices, and after the answer whether it was right and why.

Keys 1…9 choose, Enter answers, Esc leaves it open. The answer of the screen is whether the person was right; None if
they did not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ioviz.tui.texts import drawn, say
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.lesson.questions import Asked
    from ioviz.tui.app import IovizApp


class Choices(Static):
    """The choices, a line each (a long one takes two); a click chooses."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.rows: list[int] = []

    def on_click(self, event: object) -> None:
        """Choose what was clicked."""
        screen, y = self.screen, getattr(event, "y", -1)
        assert isinstance(screen, QuestionScreen)
        if 0 <= y < len(self.rows):
            screen.clicked(self.rows[y])


class QuestionScreen(ModalScreen[bool | None]):
    """See the module. `answered` is called with the verdict before it is shown: the stage steps on below, and gives
    the sentence that says why."""

    app: IovizApp
    DEFAULT_CSS = """
    QuestionScreen { align: center bottom; background: $background 0%; }
    QuestionScreen Vertical { width: 100%; height: auto; background: $panel; border: round $accent; padding: 0 2;
        border-title-color: $accent; border-title-style: bold; border-subtitle-color: $muted; }
    QuestionScreen Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "close", ""),
        ("enter", "answer", ""),
        ("space", "mark", ""),
        ("down,j,tab", "move(1)", ""),
        ("up,k,shift+tab", "move(-1)", ""),
        *[(str(n), f"number({n})", "") for n in range(1, 10)],
        ("L", "app.language", ""),
    ]

    def __init__(self, asked: Asked, answered: Callable[[bool], Text]) -> None:
        super().__init__()
        self._asked = asked
        self._answered = answered
        self._marked: set[int] = set()
        self._at = 0
        self._verdict: bool | None = None
        self._why: Text | None = None

    def compose(self) -> ComposeResult:
        """The question, the choices, and later the verdict."""
        with Vertical() as box:
            box.border_title = f" {say(self.app.lang, 'predict')} "
            yield Static(id="prompt", markup=False)
            yield Choices()

    def on_mount(self) -> None:
        """Draw."""
        if self.app.look.ascii:
            self.query_one(Vertical).styles.border = ("ascii", self.app.get_css_variables()["accent"])
        self.restyle()

    def on_resize(self) -> None:
        """The lines break elsewhere."""
        self.restyle()

    def restyle(self) -> None:
        """Draw what is asked, what is chosen and what came out."""
        lang, look = self.app.lang, self.app.look
        width = max(20, self.app.size.width - 7)
        over = self._verdict is not None
        text = Text("\n").join(wrap(Text(self._asked.prompt.of(lang), look.strong), width))
        if over:
            word = say(lang, "right" if self._verdict else "wrong")
            style = look.style("success", bold=True) if self._verdict else look.error
            text = Text.assemble((f"{word}  ", style))
            if self._why is not None:
                text.append_text(self._why)
            text = Text("\n").join(wrap(text, width))
        self.query_one("#prompt", Static).update(text)
        choices = self.query_one(Choices)
        lines: list[Text] = []
        choices.rows = []
        for number in range(len(self._asked.choices)):
            for row in wrap(self._choice(number), width):
                lines.append(row)
                choices.rows.append(number)
        choices.update(Text("\n").join(lines))
        key = "predict-on" if over else "predict-several" if self._asked.several else "predict-one"
        self.query_one(Vertical).border_subtitle = f" {drawn(say(lang, key), look.ascii)} "

    def _choice(self, number: int) -> Text:
        look, over = self.app.look, self._verdict is not None
        here, marked = number == self._at and not over, number in self._marked
        if self._asked.several:
            box = "[x]" if marked else "[ ]"
        else:
            box = "(*)" if marked or (here and not self._marked) else "( )"
        right = number in self._asked.right
        note = ""
        if over:
            note = drawn(say(self.app.lang, "this-is-right"), look.ascii) if right else ""
            style = look.style("success", bold=True) if right else look.error if marked else look.muted
        else:
            style = look.style("foreground", bold=True, on="block-cursor-background" if here else "")
        text = Text(f"{number + 1} {box} {self._asked.choices[number].of(self.app.lang)}", style)
        return text.append(f"  {note}") if note else text

    # -- what a person does --------------------------------------------------------------------------------------------

    def clicked(self, number: int) -> None:
        """A choice was clicked; the verdict closes."""
        if self._verdict is not None:
            self.dismiss(self._verdict)
        else:
            self.action_number(number + 1)

    def action_number(self, number: int) -> None:
        """Choose by number; where one alone is right, that is the answer."""
        if self._verdict is None and number <= len(self._asked.choices):
            self._at = number - 1
            if self._asked.several:
                self._marked ^= {self._at}
                self.restyle()
            else:
                self.action_answer()

    def action_mark(self) -> None:
        """Choose what is under the cursor; where one alone is right, that is the answer."""
        self.action_number(self._at + 1)
        if self._verdict is not None:
            return

    def action_move(self, by: int) -> None:
        """The next choice."""
        if self._verdict is None:
            self._at = (self._at + by) % len(self._asked.choices)
            self.restyle()

    def action_answer(self) -> None:
        """That is the answer; or, after the verdict, go on."""
        if self._verdict is not None:
            self.dismiss(self._verdict)
            return
        if not self._asked.several:
            self._marked = {self._at}
        self._verdict = self._marked == self._asked.right
        self._why = self._answered(self._verdict)
        self.restyle()

    def action_close(self) -> None:
        """Leave it open; after the verdict, go on."""
        self.dismiss(self._verdict)
