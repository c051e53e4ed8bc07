"""An strace log that somebody made, as a source: `ioviz play strace.log`.

The whole file is read once to see who is meant by lines without a PID (the first process, until a second one makes
strace write them), then as it is taken. A log is foreign: whatever it holds, it gives calls or one sentence.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ioviz.live.source import Refusal
from ioviz.live.strace_lines import LONGEST, NAMELESS, Lines

if TYPE_CHECKING:
    from ioviz.live.calls import Item

PIECE: Final = 1 << 16
"""Characters that are read at a time."""
LOOKED_AT: Final = 200
"""Lines by which a log is recognised."""
_LIKE: Final = re.compile(
    r" *(?:\[pid +\d+(?:<.*?>)?\] +|\d+(?:<.*?>)? +)?(?:\d\d:\d\d:\d\d(?:\.\d+)? |\d+\.\d+ )? *"
    r"(?:\(\+ *[\d.]+\) )?(?:\[[ 0-9a-f?]+\] ){0,2}"
    r"(?:[a-z_]\w*\(.*(?:\)\s+= (?:-?\d|\?|0x)|<unfinished \.\.\.>$)|<\.\.\. \S+ resumed>|"
    r"\+\+\+ (?:exited|killed)|--- SIG)"
)
_BRACKETED: Final = re.compile(r"^\[pid +(\d+)(?:<.*?>)?\]", re.M)
_BORN: Final = re.compile(
    r"Process (\d+) attached$|^(?:\[pid +\d+\] )?(?:[\d:. ]+)?"
    r"(?:(?:clone3?|v?fork)\(|<\.\.\. (?:clone3?|v?fork) resumed>).*= (\d+)",
    re.M,
)


def looks_like_strace(path: Path) -> bool:
    """Whether a file may well be an strace log: of its first lines, some are system calls."""
    try:
        with path.open("rb") as file:
            head = file.read(64 << 10)
    except OSError:
        return False
    if b"\0" in head:
        return False
    lines = head.decode("utf-8", "surrogateescape").splitlines()[:LOOKED_AT]
    found = sum(_LIKE.match(line) is not None for line in lines)
    return found >= 1 and found * 3 >= len([line for line in lines if line.strip() and not line.startswith(" > ")])


class StraceLog:
    """See the module. `take` reads on; it is no thread's business."""

    name = "strace log"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ending: Refusal | None = None
        self._file = path.open(encoding="utf-8", errors="surrogateescape", newline="\n")
        self.lines = Lines(self._first())
        self._rest = ""
        self._waiting: deque[str] = deque()
        self._done = False

    def _first(self) -> int:
        """The process that lines without a PID mean."""
        text = self._file.read(8 << 20)
        self._file.seek(0)
        born = {pid for both in _BORN.findall(text) for pid in both}
        named = next((pid for pid in _BRACKETED.findall(text) if pid not in born), "")
        return int(named[:10]) if named else NAMELESS

    @property
    def pids(self) -> tuple[int, ...]:
        """Nobody's business any more."""
        return ()

    @property
    def ended(self) -> bool:
        """See `Source`."""
        return self._done

    def start(self) -> None:
        """See `Source`."""

    @property
    def backlog(self) -> int:
        """See `Source`."""
        return 0

    def take(self, limit: int) -> list[Item]:
        """See `Source`."""
        out: list[Item] = []
        feed, waiting = self.lines.feed, self._waiting
        while len(out) < limit and not self._done:
            while waiting and len(out) < limit:
                feed(waiting.popleft(), out)
            if not waiting and len(out) < limit:
                self._read(out)
        return out

    def _read(self, out: list[Item]) -> None:
        """Have more lines waiting; at the end of the file, what stands behind the last newline is fed."""
        text = self._file.read(PIECE)
        if text:
            *lines, self._rest = (self._rest + text).split("\n")
            self._waiting.extend([line.rstrip("\r") for line in lines] if "\r" in text else lines)
            if len(self._rest) <= LONGEST:
                return
            self._waiting.append(self._rest)
            self._rest = ""
        else:
            self.lines.finish(out, self._rest)
            self._done = True
            self._say_unknown()

    def _say_unknown(self) -> None:
        lines = self.lines
        if lines.first_unknown is not None:
            number, text = lines.first_unknown
            shown = text.encode("ascii", "backslashreplace").decode()
            self.ending = Refusal(
                f"{lines.unknown} of {lines.lines} lines were not understood, the first is line {number}: {shown}", "",
                f"{lines.lines} 行中有 {lines.unknown} 行看不懂，第一处在第 {number} 行：{shown}",
            )  # fmt: skip

    def wait(self, seconds: float) -> bool:
        """See `Source`."""
        return True

    def look(self) -> None:
        """There is nothing to look at any more."""

    def stop(self) -> None:
        """See `Source`."""
        self._done = True
        self._file.close()
