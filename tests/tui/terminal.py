"""A real pseudo-terminal with the program in it, and a screen that shows what a person would see."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable

import pexpect
import pyte
from rich.cells import cell_len as wcwidth

KEYS = {
    "right": "\x1b[C",
    "left": "\x1b[D",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "space": " ",
    "backspace": "\x7f",
    "ctrl+p": "\x10",
}
PATIENCE = 30.0
"""Seconds after which a screen that does not come is a failure. Nothing waits that long when all is well."""


class Terminal:
    """The program `args` in a terminal of `columns` × `rows`."""

    def __init__(self, args: list[str], columns: int, rows: int, **environment: str) -> None:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LC_", "LANG", "IOVIZ_", "TEXTUAL", "NO_COLOR", "COLORFGBG"))
        }
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "ioviz", *args],
            dimensions=(rows, columns),
            env={**clean, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
        )

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [self._line(row) for row in range(self.screen.lines)]

    def _line(self, row: int) -> str:
        """A row; the second halves of wide characters are left out (pyte's own `display` fails on one without its
        first half, which is there for a moment while the row is being written)."""
        cells = [self.screen.buffer[row][column].data for column in range(self.screen.columns)]
        return "".join(
            cell or ("" if column and wcwidth(cells[column - 1][:1] or " ") == 2 else " ")
            for column, cell in enumerate(cells)
        ).rstrip()

    @property
    def text(self) -> str:
        """What is on the screen, wide characters without the blank that stands for their second half."""
        return "\n".join(self.lines)

    def press(self, *keys: str) -> None:
        """Type keys."""
        for key in keys:
            self._child.send(KEYS.get(key, key))

    def click(self, column: int, row: int) -> None:
        """Click a cell, counted from 0."""
        for ending in "Mm":
            self._child.send(f"\x1b[<0;{column + 1};{row + 1}{ending}")

    def wait(self, seen: str | Callable[[str], bool]) -> str:
        """Wait until the screen has `seen` on it."""
        until = time.monotonic() + PATIENCE
        while True:
            text = self.text
            if seen in text if isinstance(seen, str) else seen(text):
                return text
            if time.monotonic() > until:
                raise AssertionError(f"{seen!r} never came; the screen is\n{text}")
            self._read(0.05)

    def ended(self) -> int:
        """Wait for the program to leave; its exit code."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                self._read(0.05)
            except EOFError:
                break
        self._child.close()
        assert self._child.exitstatus is not None
        status: int = self._child.exitstatus
        return status

    def close(self) -> None:
        """End the program, whatever it does."""
        self._child.close(force=True)

    def _read(self, seconds: float) -> None:
        try:
            data = self._child.read_nonblocking(1 << 16, timeout=seconds)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            raise EOFError from None
        # pyte does not know synchronized output, and would print its end.
        self._stream.feed(re.sub(rb"\x1b\[\?2026[hl]", b"", data))
