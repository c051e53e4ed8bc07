"""Where the programs' output goes: the main program's as it is, the others' line by line to stderr with their names.

Everything here is called from inside the kernel, on a guest's stack, so nothing may raise: when nobody reads our output
any more, `closed` says so, and the rest goes nowhere.
"""

from __future__ import annotations

import os
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
        self.closed = False
        self.problem = ""
        """Why nothing more could be written, if somebody was there to read it: the disk is full."""

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

    def out(self, data: bytes) -> None:
        """Print something of our own to stdout."""
        self._write(sys.stdout.buffer, data, flush=False)

    def err(self, text: str) -> None:
        """Print something of our own to stderr."""
        self._write(sys.stderr.buffer, text.encode("utf-8", "backslashreplace"))

    def finish(self) -> None:
        """Print the lines that were never ended."""
        for (pid, _), rest in self._lines.items():
            if rest:
                self._peer_line(self._name_of(pid) or "", rest)
        self._lines.clear()
        self._write(sys.stdout.buffer, b"")

    def _peer_line(self, name: str, line: bytes) -> None:
        self._write(sys.stderr.buffer, name.encode("utf-8", "backslashreplace") + b" | " + line + b"\n")

    def _write(self, stream: BinaryIO, data: bytes, *, flush: bool = True) -> None:
        left = memoryview(data)
        try:
            while left:  # unbuffered, a signal cuts a long write short
                left = left[stream.write(left) or 0 :]
            if flush:
                stream.flush()
        except OSError as error:
            self.closed = True
            if not isinstance(error, BrokenPipeError):
                self.problem = self.problem or error.strerror or type(error).__name__
            to_nowhere(stream)


def to_nowhere(stream: BinaryIO) -> None:
    """Let what is still written to `stream`, also by Python itself at exit, disappear."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
