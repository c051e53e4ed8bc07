"""The terminal of each process: lines come in by keyboard interrupts, text goes out.

A read takes at most one line, as from a terminal in canonical mode. Scripted lines are typed one after the other,
`typing` apart or at their own times (as soon as the program waits, if that is later), beginning when the program first
waits for one; a program without script or person reads end of file. Where a terminal is `held`, somebody may type more
in a later run, and the program waits for it; what was typed so comes at its time, whether the program asks or not.
Somebody who types in earnest is asked for a line `typing` after the program first looks for one, and meanwhile the
others go on; what comes through a pipe is there at once.
"""

from __future__ import annotations

from collections import deque
from errno import EAGAIN, EINTR, ENOTTY
from typing import TYPE_CHECKING

from ioviz.machine.kernel.files import O_NONBLOCK, FileOps, Result
from ioviz.model.files import OpenFile
from ioviz.model.idt import KEYBOARD
from ioviz.model.poll_bits import POLLIN, POLLOUT
from ioviz.model.terminal import InputRead, LineTyped, TextPrinted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ioviz.machine.kernel.kernel import Kernel

TCGETS, FIONREAD, TIOCOUTQ = 0x5401, 0x541B, 0x5411


class Terminal:
    """The input side of a process's terminal. `script` gives the lines still to be typed, `times` when, if that is
    fixed; `ask` our own next line, or b"" at the end of input, and `person` whether somebody types it."""

    def __init__(
        self,
        pid: int,
        host: int,
        script: Iterator[bytes] | None,
        ask: Callable[[], bytes | None] | None,
        times: Sequence[int] = (),
        held: bool = False,
        person: bool = False,
    ) -> None:
        self.pid = pid
        self.host = host
        self.script = script
        self.ask = ask
        self.times = iter(times)
        self.held = held
        self.person = person
        self.lines: deque[bytes] = deque()
        self.typing = False
        self.eof = script is None and ask is None


def type_line(k: Kernel, terminal: Terminal, queue: int, line: bytes) -> None:
    """Somebody types a line, or ends the input (b""): in interrupt context."""
    terminal.typing = False

    def keyboard() -> None:
        if line:
            terminal.lines.append(line)
            k.cause = k.emit(LineTyped, terminal.pid, line)
        else:
            terminal.eof = True
        k.wake(queue, POLLIN)

    k.interrupt(terminal.host, KEYBOARD, keyboard)


def _ask(k: Kernel, terminal: Terminal, queue: int) -> None:
    """Ask the person, now that the others had their turn; after Ctrl+C nothing is typed."""
    terminal.typing = False
    line = terminal.ask() if terminal.ask is not None else None
    if line is not None:
        type_line(k, terminal, queue, line)


def _want_line(k: Kernel, terminal: Terminal, queue: int) -> bool:
    """See to it that a line comes, if none is there; False if a person was asked and interrupted."""
    if terminal.lines or terminal.eof:
        return True
    if terminal.person:
        if not terminal.typing:
            terminal.typing = True
            k.after(k.config.typing, terminal.host, _ask, k, terminal, queue, waits=True)
    elif terminal.ask is not None:
        line = terminal.ask()
        if line is None:
            return False
        if line:
            terminal.lines.append(line)
            k.cause = k.emit(LineTyped, terminal.pid, line)
        else:
            terminal.eof = True
    elif not terminal.typing:
        line = next(terminal.script, b"") if terminal.script is not None else b""
        if line or not terminal.held:
            terminal.typing = True
            when = next(terminal.times, None)
            delay = k.config.typing if when is None else max(when - k.now, 1)
            k.after(delay, terminal.host, type_line, k, terminal, queue, line)
    return True


def tty_read(k: Kernel, file: OpenFile, n: int) -> Result:
    """The next line, or as much of it as fits; 0 bytes at the end of input."""
    terminal = k.terminals[file.obj]
    while True:
        if not _want_line(k, terminal, file.obj):
            return -EINTR
        if terminal.lines:
            line = terminal.lines.popleft()
            if len(line) > n:
                terminal.lines.appendleft(line[n:])
                line = line[:n]
            k.emit(InputRead, terminal.pid, len(line))
            return len(line), line
        if terminal.eof:
            return 0, b""
        if file.flags & O_NONBLOCK:
            return -EAGAIN
        if terminal.person and k.processes[k.pid].marked:
            return -EINTR  # a Ctrl+C that came just before, and of which Python has not heard yet
        if k.sleep("n_tty_read", (file.obj,)) == "signal":
            return -EINTR


def tty_write(k: Kernel, file: OpenFile, data: bytes) -> int:
    """Print."""
    terminal = k.terminals[file.obj]
    fd = 2 if file.flags & STDERR else 1
    k.emit(TextPrinted, terminal.pid, fd, data)
    k.printed(terminal.pid, fd, data)
    return len(data)


def tty_poll(k: Kernel, file: OpenFile) -> int:
    """Always writable; readable when a line is there or the input has ended."""
    terminal = k.terminals[file.obj]
    _want_line(k, terminal, file.obj)
    return POLLOUT | (POLLIN if terminal.lines or terminal.eof else 0)


def tty_ioctl(k: Kernel, file: OpenFile, request: int, arg: int) -> Result:
    """TCGETS, which only terminals answer; FIONREAD and TIOCOUTQ."""
    if request in (TCGETS, TIOCOUTQ):
        return 0, 0
    if request == FIONREAD:
        lines = k.terminals[file.obj].lines
        return 0, len(lines[0]) if lines else 0
    return -ENOTTY


STDERR = 1 << 30
"""Not a flag of Linux: marks the open file behind descriptor 2, so that the two streams stay apart."""

OPS = FileOps(tty_read, tty_write, tty_poll, lambda k, file: None, tty_ioctl, lambda k, file: file.obj)
