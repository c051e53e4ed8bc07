"""_signal: actions are the kernel's, Python handlers run in the main thread, between two lines or after an interrupted
call."""

from __future__ import annotations

import signal
from errno import EAGAIN, EBADF, EINTR
from operator import index
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims import error, module_from
from ioviz.machine.user.shims.arguments import c_int, nanoseconds
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from types import FrameType

    from ioviz.machine.user.guest import Guest

SIG_DFL: Final = 0
SIG_IGN: Final = 1
HANDLER: Final = 2
SIGNALS: Final = 65
SA_RESTART: Final = 0x10000000
SI_USER, SI_TKILL = 0, -6


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
        guest.check_signals()
        return before

    def getsignal(self, number: int, /) -> Any:
        """Return the current action for the given signal."""
        _check(number)
        return self._guest.signal_handlers.get(number, SIG_DFL)

    def raise_signal(self, number: int, /) -> None:
        """Send a signal to the executing process (as in C, to its running thread)."""
        self._send(SYS.tgkill, self._guest.pid, self._guest.kernel.task, number)

    def pthread_kill(self, thread: int, number: int, /) -> None:
        """Send a signal to a thread."""
        self._send(SYS.tgkill, self._guest.pid, thread, number)

    def pidfd_send_signal(self, pidfd: int, number: int, info: Any = None, flags: int = 0, /) -> None:
        """There are no descriptors of processes."""
        raise error(-EBADF)

    def _send(self, *call: int) -> None:
        result = self._guest.syscall(*map(index, call))
        if result < 0:
            raise error(result)
        self._guest.check_signals()

    def alarm(self, seconds: int, /) -> int:
        """Arrange for SIGALRM to arrive after the given number of seconds."""
        left: int = self._guest.syscall(SYS.alarm, c_int(seconds) & 0xFFFF_FFFF)
        return left

    def setitimer(self, which: int, seconds: Any, interval: Any = 0.0, /) -> tuple[float, float]:
        """Set an interval timer; returns the old values."""
        return self._timer(SYS.setitimer, which, _microseconds(seconds), _microseconds(interval))

    def getitimer(self, which: int, /) -> tuple[float, float]:
        """Returns current value of given itimer."""
        return self._timer(SYS.getitimer, which)

    def _timer(self, *call: int) -> tuple[float, float]:
        if call[1] in (signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            raise self._guest.lacks("timers of processor time; signal.ITIMER_REAL is there")
        result = self._guest.syscall(*call)
        if isinstance(result, int):
            raise ItimerError(-result, "Invalid argument")
        remaining, again = result[1]
        return remaining / 1e9, again / 1e9

    def pause(self) -> None:
        """Wait until a signal arrives."""
        if self._guest.syscall(SYS.pause) == -EINTR:
            self._guest.check_signals()

    def set_wakeup_fd(self, fd: int, /, *, warn_on_full_buffer: bool = True) -> int:
        """Sets the fd to be written to (with the signal number) when a signal comes in; returns the one before."""
        guest = self._guest
        if guest.kernel.task != guest.pid:
            raise ValueError("set_wakeup_fd only works in main thread of the main interpreter")
        if isinstance(fd, bool) or not isinstance(fd, int):
            raise TypeError("an integer is required")
        if fd != -1:
            if guest.syscall(SYS.fstat, fd) == -EBADF:
                raise error(-EBADF)
            flags = guest.syscall(SYS.fcntl, fd, 3, 0)
            if flags < 0:
                raise error(flags)
            if not flags & 0o4000:
                raise ValueError(f"the fd {fd} must be in non-blocking mode")
        before, guest.wakeup_fd = guest.wakeup_fd, fd
        guest.wakeup_warns = bool(warn_on_full_buffer)
        return before

    def siginterrupt(self, number: int, flag: int, /) -> None:
        """Whether calls that the signal interrupts fail with EINTR (true) or are made again by the kernel."""
        guest = self._guest
        _check(number)
        kind = 2 if callable(guest.signal_handlers.get(number)) else guest.signal_handlers.get(number, SIG_DFL)
        mark = guest.mark_signal if kind == HANDLER else None
        result = guest.syscall(SYS.rt_sigaction, number, kind, mark, 0 if flag else SA_RESTART)
        if result < 0:
            raise error(result)

    def pthread_sigmask(self, how: int, mask: Any, /) -> set[int]:
        """Fetch and/or change the signal mask of the calling thread."""
        result = self._guest.syscall(SYS.rt_sigprocmask, c_int(how), _set(mask))
        if isinstance(result, int):
            raise error(result)
        self._guest.check_signals()
        return set(result[1])

    def sigpending(self) -> set[int]:
        """Examine pending signals."""
        return set(self._guest.syscall(SYS.rt_sigpending)[1])

    def sigwait(self, sigset: Any, /) -> int:
        """Wait for a signal; returns its number."""
        return int(self._await(_set(sigset), None)[0])

    def sigwaitinfo(self, sigset: Any, /) -> Any:
        """Wait synchronously until one of the signals in *sigset* is delivered; returns a struct_siginfo."""
        return signal.struct_siginfo(self._await(_set(sigset), None)[1])

    def sigtimedwait(self, sigset: Any, timeout: Any, /) -> Any:
        """Like sigwaitinfo(), but with a timeout."""
        ns = nanoseconds(timeout)
        if ns < 0:
            raise ValueError("timeout must be non-negative")
        result = self._await(_set(sigset), ns)
        return signal.struct_siginfo(result[1]) if result is not None else None

    def _await(self, numbers: tuple[int, ...], timeout: int | None) -> Any:
        clock = self._guest.kernel.vdso_clock
        deadline = None if timeout is None else clock(1) + timeout
        while True:
            result = self._guest.syscall(SYS.rt_sigtimedwait, numbers, timeout)
            if isinstance(result, tuple):
                number, info = result
                # glibc hides that raise() and pthread_kill() use tgkill.
                return number, (info[0], SI_USER if info[1] == SI_TKILL else info[1], *info[2:])
            if result == -EAGAIN:
                return None
            if result != -EINTR:
                raise error(result)
            self._guest.check_signals()
            if deadline is not None:
                timeout = max(deadline - clock(1), 0)

    def strsignal(self, number: int, /) -> str | None:
        """Describe a signal."""
        _check(number)
        return signal.strsignal(number)

    def valid_signals(self) -> set[int]:
        return {int(each) for each in signal.valid_signals()}


def _check(number: int) -> None:
    if not 1 <= number < SIGNALS:
        raise ValueError("signal number out of range")


def _microseconds(seconds: Any) -> int:
    """Seconds as ns in whole microseconds, which is what setitimer(2) takes."""
    return -(-nanoseconds(seconds) // 1000) * 1000


def _set(numbers: Any) -> tuple[int, ...]:
    """`_Py_Sigset_Converter`: the signals of an iterable, in order."""
    found: set[int] = set()
    for each in numbers:
        number = index(each)
        if not 0 < number < SIGNALS:
            raise ValueError(f"signal number {number} out of range [1; {SIGNALS - 1}]")
        found.add(number)
    return tuple(sorted(found))


def build(guest: Guest) -> ModuleType:
    names = ("SIG", "ITIMER_")
    constants: dict[str, Any] = {
        name: int(value) for name, value in vars(signal).items() if name.startswith(names) and isinstance(value, int)
    }
    constants |= {"NSIG": SIGNALS, "ItimerError": ItimerError, "struct_siginfo": signal.struct_siginfo}
    module = module_from("_signal", _Signal(guest), constants)
    for number in (*guest.inherited, signal.SIGPIPE, signal.SIGXFSZ):
        guest.signal_handlers.setdefault(number, SIG_IGN)
    guest.signal_handlers.setdefault(signal.SIGINT, module.__dict__["default_int_handler"])
    return module
