"""The screen in a pseudo-terminal: first picture, a step's repaint and idleness, beside bare Textual apps."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from typing import Final

from benchmarks.echo import PROGRAMS, compiled
from benchmarks.report import line

SIZE: Final = (40, 120)
QUIET: Final = 0.25
"""Seconds without a byte after which a picture is complete."""
STEPS: Final = 25
TIMES: Final = 5
IDLE: Final = 3.0
RIGHT: Final = b"\x1b[C"
ENTER: Final = b"\r"


class Terminal:
    """A program in a pseudo-terminal of 120×40; reads what it draws, and answers nothing."""

    def __init__(self, *command: str) -> None:
        environment = {**compiled(), "TERM": "xterm-256color", "COLORTERM": "truecolor", "IOVIZ_LANG": "en"}
        environment.pop("PYTHONHASHSEED", None)  # as a person has it
        self.start = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, *command], environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))

    def until(self, text: bytes) -> float:
        """Read until `text` has been drawn: the seconds since the start."""
        seen = b""
        while text not in seen:
            seen = seen[-4096:] + os.read(self.fd, 1 << 16)
        return time.perf_counter() - self.start

    def settle(self, patience: float = 20.0) -> tuple[float, int]:
        """Read until nothing has come for QUIET seconds: the time of the last byte, and how many there were."""
        last, count = 0.0, 0
        while True:
            ready, _, _ = select.select([self.fd], [], [], QUIET if count else patience)
            if not ready:
                return last, count
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:
                return last, count
            last, count = time.perf_counter(), count + len(data)

    def key(self, key: bytes) -> tuple[float, int]:
        """Press a key: the seconds to the last byte of what it changed, and the bytes."""
        start = time.perf_counter()
        os.write(self.fd, key)
        last, count = self.settle(patience=2.0)
        return max(last - start, 0.0), count

    def cpu(self) -> float:
        """The seconds of CPU that the program has used."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def _first_picture(text: bytes, *command: str) -> tuple[float, float]:
    """The seconds until `text` is there, and until everything is."""
    terminal = Terminal(*command)
    first = terminal.until(text)
    last, count = terminal.settle(patience=QUIET)
    terminal.close()
    return first, last - terminal.start if count else first


def _steps(*command: str) -> tuple[float, float]:
    terminal = Terminal(*command)
    terminal.settle()
    terminal.key(ENTER)  # a scene opens with a page about it
    terminal.key(RIGHT)
    results = [terminal.key(RIGHT) for _ in range(STEPS)]
    terminal.close()
    if not all(count for _, count in results):
        raise RuntimeError(f"a step of {' '.join(command)} drew nothing")
    return statistics.median(spent for spent, _ in results), statistics.median(count for _, count in results)


def _idle(*command: str) -> float:
    terminal = Terminal(*command)
    terminal.settle()
    terminal.settle(patience=1.0)
    before = terminal.cpu()
    time.sleep(IDLE)
    spent = terminal.cpu() - before
    terminal.close()
    return spent / IDLE


def main() -> None:
    """Print the three comparisons."""
    bare = str(PROGRAMS / "bare_app.py")
    pictures: dict[str, list[tuple[float, float]]] = {}
    _first_picture(b"quit", "-m", "ioviz", "play", "epoll-lt-et")
    for _ in range(TIMES):
        for name, text, command in (
            ("empty", b"ready", (bare, "empty")),
            ("gallery", b"quit", ("-m", "ioviz")),
            ("scene", b"quit", ("-m", "ioviz", "play", "epoll-lt-et")),
        ):
            pictures.setdefault(name, []).append(_first_picture(text, *command))
    empty, _ = (statistics.median(times) for times in zip(*pictures["empty"], strict=True))
    for name in ("gallery", "scene"):
        first, whole = (statistics.median(times) for times in zip(*pictures[name], strict=True))
        detail = f"{first * 1000:.0f} ms, all panels {whole * 1000:.0f} ms, empty app {empty * 1000:.0f} ms"
        line(f"first picture of the {name} / empty Textual app", first / empty, "x", 1.5, detail=detail)
    bare_time, bare_bytes = _steps(bare, "panels")
    time_, bytes_ = _steps("-m", "ioviz", "play", "epoll-lt-et")
    detail = f"{time_ * 1000:.1f} ms and {bytes_:.0f} bytes, bare {bare_time * 1000:.1f} ms and {bare_bytes:.0f} bytes"
    line("a step: key to last byte / bare Textual app", time_ / bare_time, "x", 1.3, detail=detail)
    line("idle: share of a CPU", 100 * _idle("-m", "ioviz", "play", "epoll-lt-et"), "%", 0.5)
