"""A guest: one simulated process that runs an unmodified Python program.

`Guest.main` is what the kernel runs on the stack of the process's first task. It boots a private interpreter
environment (own `sys`, own modules, own builtins), runs the program as `__main__`, and ends as CPython ends: what was
not caught is printed with the guest's own frames, threads are joined, `atexit` callbacks run, the standard streams are
flushed, and the last thing that happens is `exit_group`. Boot and imports enter the kernel not once: the first event
of a process is the first line of its program.

Everything that a guest's code can touch hangs on its `Guest`, so that guests neither meet each other nor the host.
"""

from __future__ import annotations

import os
from errno import EAGAIN, ENOSYS
from signal import SIGINT, SIGPIPE, SIGXFSZ
from typing import TYPE_CHECKING, Any, Protocol

from ioviz.machine.kernel.switch import TaskKilled
from ioviz.machine.user import ending
from ioviz.machine.user.importer import Importer
from ioviz.machine.user.loader import Program, run_program
from ioviz.machine.user.patches import Serials
from ioviz.machine.user.shims import builtins as builtins_shim
from ioviz.machine.user.shims import sys as sys_shim
from ioviz.machine.user.spawning import read_program
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from ioviz.machine.user.asyncgens import AsyncgenHooks
    from ioviz.machine.user.programs import CommandLine

DEFAULT_ENVIRON = {
    **{"HOME": "/root", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "xterm"},
    **{f"{package}_NO_EXTENSIONS": "1" for package in ("AIOHTTP", "FROZENLIST", "MULTIDICT", "PROPCACHE", "YARL")},
}
"""The last tell packages that are written twice to use their Python, which runs on the machine's modules throughout:
their C would import the host's."""


class KernelPort(Protocol):
    """What a guest needs of the kernel."""

    task: int
    """The tid that is running; 0 if none is."""
    pid: int
    """Its process."""
    ended: bool
    """Whether the run is over."""
    recursion: int
    """The recursion limit of the guests; the kernel has frames of its own beyond it."""
    line: Callable[[int], None]
    """The hook that instrumented lines call with their `at`."""

    @property
    def processes(self) -> Mapping[int, ProcessPort]: ...

    def door(self, nr: int, *rest: Any) -> Callable[[Any, Any, Any], Any]: ...

    def syscall(self, nr: int, *args: Any) -> Any: ...

    def execute(self, instruction: Callable[..., int | None], *operands: int) -> int | None: ...

    def vdso_clock(self, clock: int) -> int: ...

    def source(self, path: str, text: str) -> int: ...


class ProcessPort(Protocol):
    """What a guest sets in the kernel's state of its process."""

    actions: dict[int, tuple[int, Callable[[int], None] | None]]
    check_signals: Callable[[], None] | None
    marked: set[int]
    cwd: str
    """The working directory, absolute and normal."""


class Guest:
    """A process. Before its `main` runs it is only a description."""

    def __init__(
        self,
        kernel: KernelPort,
        program: Program,
        *,
        pid: int = 1,
        host_name: str = "host",
        environ: Mapping[str, str] | None = None,
        seed: int = 0,
        lines: bool = True,
    ) -> None:
        self.kernel = kernel
        self.syscall = kernel.syscall
        self.program = program
        self.pid = pid
        self.host_name = host_name
        self.environ = dict(DEFAULT_ENVIRON if environ is None else environ)
        self.seed = seed
        self.serials = Serials()
        self.lines = lines
        """Whether the guest's own files are instrumented."""
        self.argv = list(program.argv)
        self.modules: dict[str, ModuleType] = {}
        self.builtins: dict[str, Any] = {}
        self.pending_signals: set[int] = set()
        self._tripped = False
        """Whether a signal came since the handlers were last run (`is_tripped`)."""
        self.urgent: list[Callable[[], None]] = []
        """Signal handlers that are C code: they run at once, before the instruction that failed is tried again."""
        self.wakeup_fd = -1
        """Where signal numbers are written to, as `signal.set_wakeup_fd` has set it."""
        self.wakeup_warns = True
        """Whether it is worth a complaint if there is no room for them."""
        self.wakeup_failure: OSError | None = None
        self.signal_handlers: dict[int, Any] = {}
        self.asyncgens: AsyncgenHooks | None = None
        self.family: dict[int, Guest] = {}
        """All guests of the machine by pid, to which those that this one starts are added."""
        self.spawned: CommandLine | None = None
        """The command line by which another guest started this one."""
        self.inherited: frozenset[int] = frozenset()
        """The signals that it was told to ignore before it began."""
        self.interrupted = False
        """Whether a KeyboardInterrupt that nobody caught ended the program."""
        self.lacked = False
        """Whether the program was refused something that the machine lacks: an exit by that error has its own code."""
        self.over = False
        """Whether the program has ended and only what it leaves is taken apart."""
        self._last_key = 0
        self._sources: dict[str, int] = {}
        self._warned: dict[str, dict[Any, Any]] = {}
        self.sys: ModuleType = sys_shim.build(self)
        builtins_shim.build(self)
        self.importer = Importer(self)
        self.builtins["__import__"] = self.importer.import_

    def attach(self, process: ProcessPort) -> None:
        """Give the kernel the hooks of this process, and the signal actions that CPython sets when it starts."""
        process.check_signals = self.check_signals
        process.marked = self.pending_signals
        if self.spawned is None:
            process.cwd = self.program.cwd
        self.inherited = frozenset(number for number, (kind, _) in process.actions.items() if kind == 1)
        process.actions[SIGPIPE] = (1, None)  # writing to a closed pipe raises BrokenPipeError
        process.actions[SIGXFSZ] = (1, None)
        if process.actions.get(SIGINT, (0, None))[0] == 0:
            process.actions[SIGINT] = (2, self.mark_signal)

    # -- the life of the process

    def main(self) -> None:
        """Run the program from start to `exit_group`. The entry of the first task; never returns an error."""
        sys_shim.open_stdio(self)
        self.import_module("_signal")  # for the handler of SIGINT
        code = ending.guarded(self, self._run)
        code = ending.finalize(self, code)
        if self.interrupted and code == ending.INTERRUPTED:  # so that whoever waits for it sees what ended it
            self.syscall(SYS.rt_sigaction, SIGINT, 0, None)
            self.syscall(SYS.kill, self.pid, SIGINT)
        self.syscall(SYS.exit_group, code)

    def _run(self) -> None:
        if self.spawned is not None:
            self.program = read_program(self, self.spawned)
        run_program(self, self.program)

    def release(self) -> None:
        """The process is over: let go of everything that its program made, so that it can be collected."""
        if self.asyncgens is not None:
            self.asyncgens.forget()
        self.signal_handlers.clear()
        self.modules.clear()

    # -- services for shims

    @property
    def cwd(self) -> str:
        """The working directory of the running process: this one, or a child of it that executes nothing yet."""
        return self.kernel.processes[self.kernel.pid].cwd

    def new_key(self) -> int:
        """A futex key that this process has not used."""
        self._last_key += 1
        return self._last_key

    def mark_signal(self, number: int) -> None:
        """What Python's C handler does (`trip_signal`): its Python handler is to run soon, in the main thread."""
        self.pending_signals.add(number)
        self._tripped = True
        if self.wakeup_fd >= 0:
            result = self.syscall(SYS.write, self.wakeup_fd, bytes((number,)))
            if result < 0 and (result != -EAGAIN or self.wakeup_warns):
                self.wakeup_failure = OSError(-result, os.strerror(-result))

    def check_signals(self) -> None:
        """Run the Python handlers of the signals that are marked, the lowest number first, if this is the main thread.
        They may raise. A handler that is running is interrupted only by signals that come meanwhile."""
        if not self._tripped or self.kernel.task != self.pid:
            return
        self._tripped = False
        try:
            self._run_handlers()
        except BaseException:
            self._tripped = bool(self.pending_signals)
            raise

    def _run_handlers(self) -> None:
        while self.pending_signals:
            if self.wakeup_failure is not None:
                failure, self.wakeup_failure = self.wakeup_failure, None
                ending.write_wakeup_failure(self, failure)
            number = min(self.pending_signals)
            self.pending_signals.remove(number)
            handler = self.signal_handlers.get(number)
            if callable(handler):
                handler(number, ending.guest_frame())
            elif number == SIGINT and handler is None:  # the program has never loaded `signal`
                raise KeyboardInterrupt

    def print_exception(self, error: BaseException) -> None:
        """Print `error` to the guest's stderr, as an uncaught one is printed."""
        ending.print_exception(self, error)

    def lacks(self, what: str) -> OSError:
        """The error for something that the machine lacks: to be raised into the guest."""
        self.lacked = True
        return OSError(ENOSYS, f"ioviz lacks {what}")

    def source_id(self, path: str, text: str) -> int:
        """The id of a source file of this guest; the kernel is told of it once."""
        known = self._sources.get(path)
        if known is None:
            known = self._sources[path] = self.kernel.source(self.shown(path), text)
        return known

    def shown(self, path: str) -> str:
        """How the stage calls a file: relative to where the guest was started, as a person would type it."""
        base = self.program.cwd.rstrip("/") + "/"
        return path.removeprefix(base)

    def warn(self, message: Any, category: Any, filename: str, lineno: int) -> None:
        """A warning of C code: the guest's `warnings` decides what becomes of it."""
        warnings: Any = self.import_module("warnings")
        warnings.warn_explicit(message, category, filename, lineno, None, self._warned.setdefault(filename, {}))

    def import_module(self, name: str) -> ModuleType:
        """The guest's own module `name`, imported if it is not yet."""
        return self.importer.import_name(name)


__all__ = ["Guest", "KernelPort", "ProcessPort", "Program", "TaskKilled"]
