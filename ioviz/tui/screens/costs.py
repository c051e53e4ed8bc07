"""What it costs: the machine's table beside what this computer takes, measured while one watches.

Measuring waits for another process, so it runs on a thread of its own, which touches nothing but its own results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import get_current_worker

from ioviz.tui.texts import drawn, say
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.worker import Worker

    from ioviz.tui.app import IovizApp


class CostsScreen(Screen[None]):
    """See the module."""

    app: IovizApp
    DEFAULT_CSS = """
    CostsScreen { background: $background; color: $foreground; }
    CostsScreen VerticalScroll { height: 1fr; padding: 1 2 0 2; scrollbar-size-vertical: 1; }
    CostsScreen #table, CostsScreen #notes { height: auto; }
    CostsScreen #heading, CostsScreen #hint { height: 1; background: $panel; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "close", ""),
        ("enter", "measure", ""),
        ("w", "write", ""),
        ("x", "reset", ""),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.measured: dict[str, float] = {}
        self._worker: Worker[None] | None = None
        self._note = ""

    def compose(self) -> ComposeResult:
        """Title, table, notes, keys."""
        yield Static(id="heading", markup=False)
        with VerticalScroll(can_focus=False):
            yield Static(id="table", markup=False)
            yield Static(id="notes", markup=False)
        yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        """Draw."""
        self._note = say(self.app.lang, "costs-start")
        self.restyle()

    def on_resize(self) -> None:
        """The bars have other room."""
        self.restyle()

    def restyle(self) -> None:
        """What was measured, the language, the colours or the size changed."""
        from ioviz.machine.hardware.costs import CostsError, load_costs, own_file
        from ioviz.measure.costs_table import costs_lines, verdicts

        lang, look = self.app.lang, self.app.look
        width = max(40, self.app.size.width - 6)
        try:
            costs = load_costs("own" if own_file().exists() else "built-in")
        except (CostsError, OSError) as error:
            costs, self._note = load_costs(), str(error)
        lines = costs_lines(self.measured, costs, lang, width, "#" if look.ascii else "█")
        self.query_one("#heading", Static).update(Text(say(lang, "costs-title"), look.style("primary", bold=True)))
        self.query_one("#table", Static).update(Text(drawn("\n", look.ascii)).join(lines))
        notes = [*(verdicts(self.measured, lang) if not self.running else ()), self._note]
        text = Text()
        for note in notes:
            for row in wrap(Text(drawn(note, look.ascii), look.style("foreground")), width):
                text.append("\n").append_text(row)
        self.query_one("#notes", Static).update(text)
        hint = "costs-hint-running" if self.running else "costs-hint"
        self.query_one("#hint", Static).update(Text(drawn(say(lang, hint), look.ascii), look.style("foreground")))

    @property
    def running(self) -> bool:
        """Whether something is being measured."""
        return self._worker is not None and not self._worker.is_finished

    # -- what a person does --------------------------------------------------------------------------------------------

    def action_measure(self) -> None:
        """Measure, from the beginning."""
        if not self.running:
            self.measured = {}
            self._worker = self.run_worker(self._measure, thread=True, exit_on_error=False)
            self._say(0)

    def _measure(self) -> None:
        """On a thread: each result is handed to the screen."""
        from ioviz.measure.calibrate import MeasureError, measure

        worker = get_current_worker()
        try:
            for one in measure(stop=lambda: worker.is_cancelled):
                if worker.is_cancelled:
                    return
                self.app.call_from_thread(self._got, one.name, one.ns)
            if not worker.is_cancelled:
                self.app.call_from_thread(self._finish, "")
        except MeasureError as error:
            self.app.call_from_thread(self._finish, str(error))

    def _got(self, name: str, ns: float) -> None:
        self.measured[name] = ns
        self._say(len(self.measured))

    def _say(self, count: int) -> None:
        from ioviz.measure.calibrate import ORDER

        self._note = say(self.app.lang, "costs-running", n=count, all=len(ORDER))
        self.restyle()

    def _finish(self, note: str) -> None:
        self._worker, self._note = None, note
        self.restyle()

    def action_write(self) -> None:
        """The machine goes by what was measured."""
        from ioviz.measure.calibrate import MeasureError, table_of, write_table

        if self.running or not self.measured:
            self._note = say(self.app.lang, "costs-none")
        else:
            try:
                write_table(table_of(self.measured))
                self._note = say(self.app.lang, "costs-written")
            except MeasureError as error:
                self._note = str(error)
        self.restyle()

    def action_reset(self) -> None:
        """The built-in table again."""
        from ioviz.measure.calibrate import MeasureError, remove_table

        try:
            remove_table()
            self._note = say(self.app.lang, "costs-reset")
        except MeasureError as error:
            self._note = str(error)
        self.restyle()

    def action_close(self) -> None:
        """Stop what runs; else back."""
        if self._worker is not None and self.running:
            self._worker.cancel()
            self._finish("")
        else:
            self.app.close_further(self)
