"""Textual apps with nothing to show: `empty`, and `panels`, which updates as many panels a key as the stage does."""

import sys

from textual.app import App
from textual.containers import Horizontal, Vertical
from textual.widgets import Static


class Empty(App):
    def compose(self):
        yield Static("ready")


class Panels(App):
    """A source, CPU, run queue, wait queues, sockets, epoll, NIC, a sentence and a timeline: nine panels."""

    CSS = "Horizontal { height: 1fr; } Static { width: 1fr; height: 1fr; border: round white; }"
    BINDINGS = [("right", "step", "step")]
    count = 0

    def compose(self):
        with Vertical():
            for _ in range(3):
                with Horizontal():
                    for _ in range(3):
                        yield Static("ready")

    def action_step(self):
        self.count += 1
        # One event changes what is said about it, the place in time, the line of the program and one table.
        for panel in list(self.query(Static))[:4]:
            panel.update("\n".join(f"row {row} of step {self.count}" for row in range(5)))


{"empty": Empty, "panels": Panels}[sys.argv[1]]().run()
