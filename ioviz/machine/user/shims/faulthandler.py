"""faulthandler: when an exception of the CPU ends the program, print where it was. Everything else is accepted and does
nothing.

As in CPython, the handler is C code: it runs on the spot, prints, puts the default action back and returns, so that the
instruction fails once more and the process ends by the signal. Where CPython differs: it prints all threads.
"""

from __future__ import annotations

import signal
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.ending import guest_frame
from ioviz.machine.user.shims import module_from
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

FATAL: Final = {
    signal.SIGBUS: "Bus error",
    signal.SIGILL: "Illegal instruction",
    signal.SIGFPE: "Floating point exception",
    signal.SIGABRT: "Aborted",
    signal.SIGSEGV: "Segmentation fault",
}
DEFAULT, HANDLER = 0, 2
MOST: Final = 100
"""Frames that are printed."""


class _Faulthandler:
    UNDERSCORED = ()

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._enabled = False
        self._fd = 2

    def enable(self, file: Any = None, all_threads: bool = True) -> None:
        """Print the traceback when a fatal signal comes."""
        if isinstance(file, int):
            self._fd = file
        elif file is not None:
            self._fd = file.fileno()
        if not self._enabled:
            self._enabled = True
            for number in FATAL:
                self._guest.syscall(SYS.rt_sigaction, int(number), HANDLER, self._mark)

    def disable(self) -> bool:
        """Leave fatal signals alone again; whether that was otherwise."""
        was, self._enabled = self._enabled, False
        if was:
            for number in FATAL:
                self._guest.syscall(SYS.rt_sigaction, int(number), DEFAULT, None)
        return was

    def is_enabled(self) -> bool:
        return self._enabled

    def _mark(self, number: int) -> None:
        self._guest.urgent.append(lambda: self._fatal(number))

    def _fatal(self, number: int) -> None:
        """The handler itself."""
        guest = self._guest
        name = FATAL[signal.Signals(number)]
        lines = [f"Fatal Python error: {name}", ""]
        lines.append(f"Current thread 0x{guest.kernel.task:016x} (most recent call first):")
        frame = guest_frame()
        while frame is not None and len(lines) < MOST:
            code = frame.f_code
            lines.append(f'  File "{code.co_filename}", line {frame.f_lineno} in {code.co_name}')
            if code.co_name == "<module>" and frame.f_globals.get("__name__") == "__main__":
                break
            frame = frame.f_back
        guest.syscall(SYS.write, self._fd, "\n".join([*lines, ""]).encode("utf-8", "backslashreplace"))
        guest.syscall(SYS.rt_sigaction, number, DEFAULT, None)

    def dump_traceback(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is written."""

    def dump_traceback_later(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is scheduled."""

    def cancel_dump_traceback_later(self) -> None:
        """Nothing was scheduled."""

    def register(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is registered."""

    def unregister(self, signum: int) -> bool:
        return False


def build(guest: Guest) -> ModuleType:
    return module_from("faulthandler", _Faulthandler(guest))
