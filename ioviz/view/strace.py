"""The system calls of the main program, as strace prints them: one line a call.

Like `strace -f` of that program, it follows its threads and not its peers. A call is written when it returns; if
another thread calls in between, it is cut into `<unfinished ...>` and `<... resumed>`.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from ioviz.model.cpu import ExceptionRaised, ExceptionReturned, SyscallReturned, TrapEntered
from ioviz.model.idt import DIVIDE_ERROR, PAGE_FAULT
from ioviz.model.memory import LAYOUT_64, PRESENT
from ioviz.model.signals import SignalDelivered
from ioviz.model.syscalls import RESTARTS, SYS, name_of
from ioviz.model.task import ProcessExited, ProcessStarted, TaskCreated, TaskExited
from ioviz.view.strace_args import FORMATS, PLAIN, POINTER, octal, signal_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ioviz.model.event import Event

COLUMN: Final = 40
"""Where strace puts the equals sign if the call is short."""


class _Call(NamedTuple):
    nr: int
    args: tuple[Any, ...]
    cut: bool


class Strace:
    """Feed it every event; it calls `write` with whole lines."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._main = 0
        self._tasks: set[int] = set()
        self._calls: dict[int, _Call] = {}
        self._exceptions: dict[int, ExceptionRaised] = {}
        self._open = 0
        """The task whose call was made last and is not written yet."""

    def feed(self, event: Event) -> None:
        """Take note of one event, and write the lines that are complete now."""
        if isinstance(event, TrapEntered):
            if event.task in self._tasks:
                self._cut(but=0)
                self._calls[event.task] = _Call(event.nr, event.args, False)
                self._open = event.task
        elif isinstance(event, SyscallReturned):
            if event.task in self._calls:
                self._returned(event)
        elif isinstance(event, TaskCreated):
            if event.pid == self._main:
                self._tasks.add(event.tid)
        elif isinstance(event, TaskExited):
            self._exited(event)
        elif isinstance(event, SignalDelivered):
            if event.pid == self._main and event.action != "ignored":
                self._cut(but=0)
                self._line(event.task, f"--- {self._siginfo(event)} ---")
        elif isinstance(event, ExceptionRaised):
            self._exceptions[event.task] = event
        elif isinstance(event, ExceptionReturned):
            self._exceptions.pop(event.task, None)
        elif isinstance(event, ProcessExited):
            if event.pid == self._main:
                how = f"killed by {signal_name(event.signal)}" if event.signal else f"exited with {event.code}"
                self._write(f"+++ {how} +++\n")
                self._tasks.clear()
        elif isinstance(event, ProcessStarted) and event.role == "main":
            self._main = event.pid

    def finish(self) -> None:
        """The run is over: write the calls that never returned."""
        self._cut(but=0)

    def _siginfo(self, event: SignalDelivered) -> str:
        """Why the signal was sent: by an exception of the task, or by a process."""
        name = signal_name(event.number)
        raised = self._exceptions.get(event.task)
        why = f"si_code=SI_USER, si_pid={event.pid}"
        if raised is not None and raised.vector == PAGE_FAULT:
            known = raised.error & PRESENT and raised.address < LAYOUT_64.user_end
            why = f"si_code={'SEGV_ACCERR' if known else 'SEGV_MAPERR'}, si_addr={raised.address:#x}"
        elif raised is not None and raised.vector == DIVIDE_ERROR:
            why = f"si_code=FPE_INTDIV, si_addr={POINTER}"
        elif raised is not None:
            why = "si_code=SI_KERNEL, si_addr=NULL"
        return f"{name} {{si_signo={name}, {why}}}"

    def _cut(self, but: int) -> None:
        """Another line comes: what is open stays unfinished."""
        task, self._open = self._open, 0
        if task and task != but and task in self._calls:
            call = self._calls[task]
            self._calls[task] = call._replace(cut=True)
            self._line(task, f"{name_of(call.nr)}({_enter(call)} <unfinished ...>")

    def _returned(self, event: SyscallReturned) -> None:
        self._cut(but=event.task)
        call = self._calls.pop(event.task)
        form = FORMATS.get(call.nr, PLAIN)
        ret = 0 if call.nr == SYS.rt_sigaction and event.ret > 0 else event.ret
        rest = form.leave(call.args, event.ret, event.out)
        self._result(event.task, call, rest, f"{_result(call, ret)}{form.note(call.args, ret, event.out)}")

    def _exited(self, event: TaskExited) -> None:
        call = self._calls.pop(event.task, None)
        if call is not None:
            self._cut(but=event.task)
            self._result(event.task, call, "", "?")
        if event.task in self._tasks and len(self._tasks) > 1:
            self._line(event.task, f"+++ exited with {event.code} +++")
            self._tasks.discard(event.task)

    def _result(self, task: int, call: _Call, rest: str, result: str) -> None:
        name = name_of(call.nr)
        head = f"<... {name} resumed>" if call.cut else f"{name}({_enter(call)}"
        prefix = self._prefix(task)
        self._write(f"{f'{prefix}{head}{rest}) ':<{COLUMN}}= {result}\n")

    def _line(self, task: int, text: str) -> None:
        self._write(f"{self._prefix(task)}{text}\n")

    def _prefix(self, task: int) -> str:
        return f"[pid {task:5}] " if len(self._tasks) > 1 else ""


def line_of(nr: int, args: tuple[Any, ...], ret: int | None, out: Any) -> str:
    """One call by itself, without padding; `ret` None: it has not returned."""
    call = _Call(nr, args, False)
    if ret is None:
        return f"{name_of(nr)}({_enter(call)} <unfinished ...>"
    form = FORMATS.get(nr, PLAIN)
    return (
        f"{name_of(nr)}({_enter(call)}{form.leave(args, ret, out)}) = {_result(call, ret)}{form.note(args, ret, out)}"
    )


def _enter(call: _Call) -> str:
    return FORMATS.get(call.nr, PLAIN).enter(call.args)


def _result(call: _Call, ret: int) -> str:
    if -ret in RESTARTS:
        name, meaning = RESTARTS[-ret]
        return f"? {name} ({meaning})"
    if ret < 0:
        return f"-1 {errno.errorcode.get(-ret, str(-ret))} ({os.strerror(-ret)})"
    if call.nr == SYS.umask:
        return octal(ret)
    if call.nr == SYS.mmap:
        return hex(ret)
    if call.nr == SYS.fcntl and ret and call.args[1] in (1, 3):
        return hex(ret)
    return str(ret)
