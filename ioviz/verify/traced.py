"""The calls of a program: what is compared, and how the machine's run is read as a list of calls and an order.

A task is named by (number of the program, number of the thread in it), in the order in which they were started: so it
has the same name on both kernels.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from errno import EINTR
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.launch import MAIN, PEER, REMOTE
from ioviz.machine.machine import START_GAP, Machine
from ioviz.machine.user.ending import is_ours
from ioviz.machine.user.guest import Guest
from ioviz.machine.user.shims import posix
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import file_and_line
from ioviz.model.syscalls import SYS, name_of
from ioviz.model.task import ProcessExited, ProcessStarted, SourceLoaded, TaskCreated
from ioviz.verify.rules import is_compared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType

    from ioviz.machine.kernel.config import Config
    from ioviz.machine.kernel.sched import Limits
    from ioviz.machine.launch import Launch
    from ioviz.model.event import Event

TaskName = tuple[int, int]
ROLES: Final = (MAIN, PEER, REMOTE)
STREAMS: Final = (1, 2)
MAX_CALLS: Final = 20_000
"""Calls of a run that are compared; a server's loop has no end."""


@dataclass
class Call:
    """A system call as the log has it: x86-64 number, arguments, result and what was copied out; where the program made
    it; when it began and ended (ns, on the machine's clock or the real one)."""

    task: TaskName
    nr: int
    args: tuple[Any, ...]
    at: tuple[str, int] = ("", 0)
    begun: int = 0
    ended: int = 0
    ret: int | None = None
    """None: it has not returned."""
    out: Any = None
    seq: int = 0
    """The number of its first event, on the machine."""

    @property
    def name(self) -> str:
        """Its name."""
        return name_of(self.nr)


@dataclass
class Traced:
    """A run as calls. `calls` has those of each task in its order; `order` has ("enter", call) and ("return", call) of
    all, and ("exit", number of the program), in the order in which they happened; `printed` is what each program wrote,
    `endings` how each ended."""

    calls: dict[TaskName, list[Call]] = field(default_factory=dict)
    order: list[tuple[str, Call | int]] = field(default_factory=list)
    printed: dict[int, bytes] = field(default_factory=dict)
    endings: dict[int, int | None] = field(default_factory=dict)
    why: str = ""
    """How the run ended, if not by itself."""
    code: int = 0
    """Its exit code."""
    interrupted: int = 0
    """Calls that ended with EINTR, and are not among `calls`: Python makes them again, or its handler raised."""

    def add(self, call: Call) -> None:
        """A task enters a call."""
        self.calls.setdefault(call.task, []).append(call)
        self.order.append(("enter", call))

    def drop(self, call: Call) -> None:
        """It was never made."""
        self.calls[call.task].remove(call)
        self.order.remove(("enter", call))


class Tracer:
    """Reads the machine's log."""

    def __init__(self, starts: Sequence[int], is_over: Callable[[int], bool] = lambda pid: False) -> None:
        """`starts` are the numbers of the programs in the order in which they are started; `is_over(pid)` says whether
        a program has ended."""
        self._starts = starts
        self._is_over = is_over
        self.traced = Traced()
        self.ports: set[int] = set()
        self._names: dict[int, TaskName] = {}
        self._threads: dict[int, int] = {}
        self._programs: dict[int, int] = {}
        self._pids: dict[int, int] = {}
        self._open: dict[int, Call] = {}
        self._paths: dict[int, str] = {}
        self.count = 0

    def feed(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, TrapEntered):
            name = self._names.get(event.task)
            if name is not None and is_compared(event.nr, event.args) and self._own(event):
                file, line = file_and_line(event.at)
                path = self._paths.get(file, "").rsplit("/", 1)[-1]
                call = Call(name, event.nr, event.args, (path, line), event.t, seq=event.seq)
                self._open[event.task] = call
                self.traced.add(call)
                self.count += 1
                address: Any = event.args[1] if event.nr == SYS.bind else None
                if isinstance(address, tuple):
                    self.ports.add(address[1])
        elif isinstance(event, SyscallReturned):
            call_ = self._open.pop(event.task, None)
            if call_ is not None and event.ret == -EINTR:
                self.traced.drop(call_)
                self.traced.interrupted += 1
            elif call_ is not None:
                call_.ret, call_.out, call_.ended = event.ret, event.out, event.t
                self.traced.order.append(("return", call_))
        elif isinstance(event, ProcessExited):
            if event.pid in self._programs:
                self.traced.order.append(("exit", self._programs[event.pid]))
        elif isinstance(event, ProcessStarted):
            if event.role in ROLES:
                self._programs[event.pid] = self._starts[len(self._programs)]
        elif isinstance(event, TaskCreated):
            if event.pid not in self._programs:
                return
            self._pids[event.tid] = event.pid
            thread = self._threads.get(event.pid, 0)
            self._threads[event.pid] = thread + 1
            self._names[event.tid] = (self._programs[event.pid], thread)
        elif isinstance(event, SourceLoaded):
            self._paths[event.file] = event.path

    def _own(self, event: TrapEntered) -> bool:
        """Whether the program makes the call itself: not as it is taken apart, not to print, nor in a C handler, nor
        by a file object, which is written in C on Linux and tells nobody."""
        if self._is_over(self._pids[event.task]):
            return False
        if event.nr == SYS.write and event.args[0] in STREAMS:
            return _by_os_write()
        if event.nr not in (SYS.read, SYS.write, SYS.close) or event.args[0] == 0:
            return True
        return not _by_a_file() and not _runs(Guest.mark_signal.__code__)

    def program_of(self, pid: int) -> int | None:
        """The number of the program that process `pid` runs; None for one that is no program of the run."""
        return self._programs.get(pid)


def _runs(code: CodeType) -> bool:
    """Whether the running task is in the function of `code`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


def _by_os_write() -> bool:
    """Whether the running task has called `os.write`, and not a stream's method."""
    caller = _caller_of_posix()
    return caller is not None and not is_ours(caller.f_code.co_filename)


def _by_a_file() -> bool:
    """Whether the running task has called a method of a file, as `os.fdopen` makes them."""
    caller = _caller_of_posix()
    return caller is not None and caller.f_code.co_filename.endswith(f"{os.sep}_pyio.py")


def _caller_of_posix() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != posix.__file__:
        frame = frame.f_back
    return frame and frame.f_back


def trace_machine(launches: Sequence[Launch], config: Config, seed: int, limits: Limits) -> tuple[Traced, set[int]]:
    """Run `launches` on the machine: its calls, and the ports that programs bind by number."""
    delays = [one.delay if one.delay >= 0 else number * START_GAP for number, one in enumerate(launches)]
    tracer = Tracer(sorted(range(len(launches)), key=delays.__getitem__), lambda pid: machine.is_over(pid))
    printed: dict[int | None, list[bytes]] = {}
    machine = Machine(
        launches,
        config,
        tracer.feed,
        seed=seed,
        limits=limits,
        printed=lambda pid, fd, data: printed.setdefault(tracer.program_of(pid), []).append(data if fd == 1 else b""),
        lines=False,
    )
    try:
        while not machine.run(2_000) and tracer.count < MAX_CALLS:
            pass
        world = machine.world
        traced = tracer.traced
        end = world.runs[1].message if machine.ended else ""
        traced.why, traced.code = end, world.runs[1].code if machine.ended else 0
        for pid, process in world.processes.items():
            number = tracer.program_of(pid)
            if number is not None:
                traced.endings[number] = None if process.alive else process.exit_code
    finally:
        machine.dispose()
    traced.printed = {number: b"".join(pieces) for number, pieces in printed.items() if number is not None}
    return traced, tracer.ports
