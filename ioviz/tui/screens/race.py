"""The race: who wins on each track, on the machine and on this computer, while it is run.

The machine's half goes on between the frames, since its greenlets never cross threads; this computer's half waits for
other processes on a thread of its own. Esc stops both.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import get_current_worker

from ioviz.measure.race import CONNECTIONS, METHODS, SHARES, LeftOut, RaceError, cell, cells
from ioviz.measure.race_table import FIRST, WIDE, bar_lines, growth_lines, left_out, map_lines, verdicts
from ioviz.tui.texts import drawn, say
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.worker import Worker

    from ioviz.measure.race import Lap, Left, Times
    from ioviz.tui.app import IovizApp

LAPS = 2 * len(METHODS) * len(set(cells()))
BETWEEN = 3
"""Columns between the two maps."""
MAP = FIRST + WIDE * len(SHARES)


class Maps(Static):
    """The two maps; a click chooses a track."""

    def on_click(self, event: events.Click) -> None:
        """See above."""
        screen = self.screen
        assert isinstance(screen, RaceScreen)
        x = event.x if event.x < MAP else event.x - MAP - BETWEEN
        column, row = (x - FIRST) // WIDE, event.y - 2
        if x >= FIRST and 0 <= column < len(SHARES) and 0 <= row < len(CONNECTIONS):
            screen.choose(row, column)


class RaceScreen(Screen[None]):
    """See the module."""

    app: IovizApp
    DEFAULT_CSS = """
    RaceScreen { background: $background; color: $foreground; }
    RaceScreen VerticalScroll { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    RaceScreen #maps, RaceScreen #bars, RaceScreen #growth, RaceScreen #notes { height: auto; }
    RaceScreen #bars { margin: 1 0; }
    RaceScreen #growth { margin-bottom: 1; }
    RaceScreen #heading, RaceScreen #hint { height: 1; background: $panel; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "close", ""),
        ("enter", "race", ""),
        ("left", "go(0, -1)", ""),
        ("right", "go(0, 1)", ""),
        ("up", "go(-1, 0)", ""),
        ("down", "go(1, 0)", ""),
        ("pagedown,space", "page(1)", ""),
        ("pageup", "page(-1)", ""),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.machine: Times = {}
        self.here: Times = {}
        self.left: Left = {}
        self._at = (len(CONNECTIONS) - 1, 0)
        self._workers: list[Worker[None]] = []
        self._note = ""

    def compose(self) -> ComposeResult:
        """Title, maps, the chosen track, words, keys."""
        yield Static(id="heading", markup=False)
        with VerticalScroll(can_focus=False):
            yield Maps(id="maps", markup=False)
            yield Static(id="bars", markup=False)
            yield Static(id="growth", markup=False)
            yield Static(id="notes", markup=False)
        yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        """It starts at once."""
        self.action_race()

    def on_resize(self) -> None:
        """The bars have other room."""
        self.restyle()

    def restyle(self) -> None:
        """A lap was run; or the track, the language, the colours or the size changed."""
        lang, look = self.app.lang, self.app.look
        width = max(60, self.app.size.width - 4)
        chosen = cell(CONNECTIONS[self._at[0]], SHARES[self._at[1]])
        left = map_lines(self.machine, "simulated", lang, chosen)
        right = map_lines(self.here, "measured", lang, chosen, self.left)
        maps = Text()
        for number, (one, two) in enumerate(zip(left, right, strict=True)):
            maps.append("\n" if number else "").append_text(one)
            maps.append(" " * (MAP + BETWEEN - one.cell_len)).append_text(two)
        self.query_one("#maps", Static).update(maps)
        title = say(lang, "race-track", n=chosen.connections, k=chosen.active)
        both = (("simulated", self.machine), ("measured", self.here))
        bars = Text(title, look.style("secondary", bold=True))
        for line in bar_lines(both, chosen, lang, width, "#" if look.ascii else "█"):
            bars.append("\n").append_text(line)
        self.query_one("#bars", Static).update(bars)
        growth = growth_lines(both, SHARES[self._at[1]], lang, "" if look.ascii else "▁▂▃▄▅▆▇█")
        growth[0].stylize(look.style("secondary", bold=True))
        self.query_one("#growth", Static).update(Text("\n").join(growth))
        run = len(self.machine) + len(self.here) + len(self.left)
        state = say(lang, "race-running", n=run, all=LAPS) if self.running else self._note
        heading = Text(say(lang, "race-title"), look.style("primary", bold=True))
        self.query_one("#heading", Static).update(heading.append(f"   {drawn(state, look.ascii)}", look.muted))
        told = left_out(self.left, lang)
        if not self.running:
            told += [self._note, *verdicts(self.machine, self.here, lang, self.left), say(lang, "race-about")]
        words = Text("\n").join(
            row for note in told if note for row in wrap(Text(note, look.style("foreground")), width)
        )
        self.query_one("#notes", Static).update(words)
        hint = "race-hint-running" if self.running else "race-hint"
        self.query_one("#hint", Static).update(Text(drawn(say(lang, hint), look.ascii), look.style("foreground")))

    @property
    def running(self) -> bool:
        """Whether anybody is still racing."""
        return any(not worker.is_finished for worker in self._workers)

    # -- the race ------------------------------------------------------------------------------------------------------

    def action_race(self) -> None:
        """Race, from the beginning."""
        if self.running:
            return
        self.machine, self.here, self.left, self._note = {}, {}, {}, ""
        self._workers = [
            self.run_worker(self._simulate, exit_on_error=False),
            self.run_worker(self._measure, thread=True, exit_on_error=False),
        ]
        self.restyle()

    async def _simulate(self) -> None:
        """The machine's half, a slice between two frames."""
        from ioviz.machine.hardware.costs import own_file
        from ioviz.machine.kernel.config import Config
        from ioviz.measure.race import simulated

        try:
            config = Config().turned("costs", "own") if own_file().exists() else Config()
            for lap in simulated(config):
                if lap is not None:
                    self._got(self.machine, lap)
                await asyncio.sleep(0)
        except (RaceError, ValueError, OSError) as error:
            self._note = str(error)
        self.call_later(self.restyle)

    def _measure(self) -> None:
        """This computer's half, on a thread."""
        from ioviz.measure.race import measured

        worker = get_current_worker()
        try:
            for lap in measured(lambda: worker.is_cancelled):
                if worker.is_cancelled:
                    return
                self.app.call_from_thread(self._got, self.here, lap)
        except RaceError as error:
            self._note = str(error)
        if not worker.is_cancelled:
            self.app.call_from_thread(self.call_later, self.restyle)

    def on_worker_state_changed(self) -> None:
        """One half is over: what it comes to may be said."""
        if self.is_mounted:
            self.restyle()

    def _got(self, times: Times, lap: Lap | LeftOut) -> None:
        if isinstance(lap, LeftOut):
            self.left[lap.method, lap.cell] = lap.why
        else:
            times[lap.method, lap.cell] = lap.ns
        self.restyle()

    # -- what a person does --------------------------------------------------------------------------------------------

    def choose(self, row: int, column: int) -> None:
        """Show another track."""
        self._at = (row, column)
        self.restyle()

    def action_go(self, down: int, right: int) -> None:
        """To the track beside it."""
        row = min(max(self._at[0] + down, 0), len(CONNECTIONS) - 1)
        self.choose(row, min(max(self._at[1] + right, 0), len(SHARES) - 1))

    def action_page(self, by: int) -> None:
        """A screen further."""
        box = self.query_one(VerticalScroll)
        (box.scroll_page_down if by > 0 else box.scroll_page_up)(animate=False)

    def action_close(self) -> None:
        """Stop what runs; else back."""
        if self.running:
            for worker in self._workers:
                worker.cancel()
            self._workers = []
            self._note = say(self.app.lang, "race-stopped")
            self.restyle()
        else:
            self.app.close_further(self)
