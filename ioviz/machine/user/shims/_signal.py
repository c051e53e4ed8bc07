"""_signal: actions are the kernel's, Python handlers run in the main thread, between two lines or after an interrupted
call."""

from __future__ import annotations

import signal
from errno import EINTR, EINVAL
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims import error, module_from
from ioviz.machine.user.shims.arguments import nanoseconds
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from types import FrameType

    from ioviz.machine.user.guest import Guest

SIG_DFL: Final = 0
SIG_IGN: Final = 1
HANDLER: Final = 2
SIGNALS: Final = 65


class ItimerError(OSError):
    """What setitimer raises."""


class _Signal:
    UNDERSCORED = ()

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def default_int_handler(self, number: int, frame: FrameType | None, /) -> None:
        """The default handler for SIGINT."""
        raise KeyboardInterrupt

    def signal(self, number: int, handler: Any, /) -> Any:
        """Set the action for the given signal; returns the one before."""
        guest = self._guest
        if guest.kernel.task != guest.pid:
            raise ValueError("signal only works in main thread of the main interpreter")
        _check(number)
        if callable(handler):
            result = guest.syscall(SYS.rt_sigaction, number, HANDLER, guest.mark_signal)
        elif handler in (SIG_DFL, SIG_IGN):
            handler = int(handler)
            result = guest.syscall(SYS.rt_sigaction, number, handler, None)
        else:
            raise TypeError("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object")
        if result < 0:
            raise error(result)
        before = self.getsignal(number)
        guest.signal_handlers[number] = handler
        return before

    def getsignal(self, number: int, /) -> Any:
        """Return the current action for the given signal."""
        _check(number)
        return self._guest.signal_handlers.get(number, SIG_DFL)

    def raise_signal(self, number: int, /) -> None:
        """Send a signal to the executing process."""
        self._send(SYS.kill, self._guest.pid, number)

    def pthread_kill(self, thread: int, number: int, /) -> None:
        """Send a signal to a thread."""
        self._send(SYS.tgkill, self._guest.pid, thread, number)

    def _send(self, *call: int) -> None:
        result = self._guest.syscall(*call)
        if result < 0:
            raise error(result)
        self._guest.check_signals()

    def alarm(self, seconds: int, /) -> int:
        """Arrange for SIGALRM to arrive after the given number of seconds."""
        remaining, _ = self._set_timer(0, seconds * 1_000_000_000, 0)
        return -(-remaining // 1_000_000_000)

    def setitimer(self, which: int, seconds: Any, interval: Any = 0.0, /) -> tuple[float, float]:
        """Set an interval timer; returns the old values."""
        remaining, again = self._set_timer(which, nanoseconds(seconds), nanoseconds(interval))
        return remaining / 1e9, again / 1e9

    def getitimer(self, which: int, /) -> tuple[float, float]:
        """Read an interval timer. The kernel has no call for that alone: it is set again to what it was."""
        remaining, again = self._set_timer(which, 0, 0)
        if remaining:
            self._set_timer(which, remaining, again)
        return remaining / 1e9, again / 1e9

    def _set_timer(self, which: int, first: int, interval: int) -> tuple[int, int]:
        result = self._guest.syscall(SYS.setitimer, which, first, interval)
        if isinstance(result, int):
            raise ItimerError(-result, "Invalid argument")
        before: tuple[int, int] = result[1]
        return before

    def pause(self) -> None:
        """Wait until a signal arrives."""
        if self._guest.syscall(SYS.pause) == -EINTR:
            self._guest.check_signals()

    def set_wakeup_fd(self, fd: int, /, *, warn_on_full_buffer: bool = True) -> int:
        """Sets the fd to be written to (with the signal number) when a signal comes in; returns the one before."""
        guest = self._guest
        if guest.kernel.task != guest.pid:
            raise ValueError("set_wakeup_fd only works in main thread of the main interpreter")
        if fd != -1:
            flags = guest.syscall(SYS.fcntl, fd, 3, 0)
            if flags < 0:
                raise error(flags)
            if not flags & 0o4000:
                raise ValueError(f"the fd {fd} must be in non-blocking mode")
        before, guest.wakeup_fd = guest.wakeup_fd, fd
        return before

    def siginterrupt(self, number: int, flag: int, /) -> None:
        """Calls are always interrupted, and tried again by Python."""
        _check(number)

    def pthread_sigmask(self, how: int, mask: Any, /) -> set[int]:
        """Masks are accepted, and nothing is blocked."""
        if how not in (signal.SIG_BLOCK, signal.SIG_UNBLOCK, signal.SIG_SETMASK):
            raise error(-EINVAL)
        _, before = self._guest.syscall(SYS.rt_sigprocmask, how, tuple(sorted(int(each) for each in mask)))
        return set(before)

    def sigpending(self) -> set[int]:
        """The signals that are waiting: none, since none is blocked."""
        return set()

    def strsignal(self, number: int, /) -> str | None:
        """Describe a signal."""
        _check(number)
        return signal.strsignal(number)

    def valid_signals(self) -> set[int]:
        return {int(each) for each in signal.valid_signals()}


def _check(number: int) -> None:
    if not 1 <= number < SIGNALS:
        raise ValueError("signal number out of range")


def build(guest: Guest) -> ModuleType:
    names = ("SIG", "ITIMER_")
    constants: dict[str, Any] = {
        name: int(value) for name, value in vars(signal).items() if name.startswith(names) and isinstance(value, int)
    }
    constants |= {"NSIG": SIGNALS, "ItimerError": ItimerError, "struct_siginfo": signal.struct_siginfo}
    module = module_from("_signal", _Signal(guest), constants)
    guest.signal_handlers.setdefault(signal.SIGPIPE, SIG_IGN)
    guest.signal_handlers.setdefault(signal.SIGINT, module.__dict__["default_int_handler"])
    return module
