"""Where the programs' output goes: the main program's as it is, the others' line by line to stderr with their names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

STDERR = 2


class Output:
    """`printed` takes what a process printed. `name_of` gives a process's name, None for the main program."""

    def __init__(self, name_of: Callable[[int], str | None], *, show_stdout: bool = True) -> None:
        self._name_of = name_of
        self._show_stdout = show_stdout
        self._lines: dict[tuple[int, int], bytes] = {}

    def printed(self, pid: int, fd: int, data: bytes) -> None:
        """Pass on what process `pid` wrote to descriptor `fd`."""
        name = self._name_of(pid)
        if name is not None:
            *lines, rest = (self._lines.get((pid, fd), b"") + data).split(b"\n")
            self._lines[(pid, fd)] = rest
            for line in lines:
                self._peer_line(name, line)
        elif fd == STDERR:
            self._write(sys.stderr.buffer, data)
        elif self._show_stdout:
            self._write(sys.stdout.buffer, data)

    def finish(self) -> None:
        """Print the lines that were never ended."""
        for (pid, _), rest in self._lines.items():
            if rest:
                self._peer_line(self._name_of(pid) or "", rest)
        self._lines.clear()

    def _peer_line(self, name: str, line: bytes) -> None:
        self._write(sys.stderr.buffer, name.encode() + b" | " + line + b"\n")

    @staticmethod
    def _write(stream: BinaryIO, data: bytes) -> None:
        stream.write(data)
        stream.flush()
