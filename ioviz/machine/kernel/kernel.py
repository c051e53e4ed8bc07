"""The kernel as a whole: the way in and out (`syscall`), the hooks of guests, and the processes.

`Kernel.syscall` is the only way from a guest into the machine; `Kernel.door` is the same for one call. It logs the
entry, runs the handler that `ioviz.machine.kernel.syscalls` has for the number, logs the result, and attends to what
came up meanwhile.
"""

from __future__ import annotations

from errno import EINTR, ENOSYS
from sys import getrecursionlimit, setrecursionlimit
from typing import TYPE_CHECKING, Any, Literal

from ioviz.machine.kernel import eventpoll
from ioviz.machine.kernel.core import ROOM
from ioviz.machine.kernel.errors import Unsupported
from ioviz.machine.kernel.fast_epoll import send_events
from ioviz.machine.kernel.fastpath import FASTPATH
from ioviz.machine.kernel.files import Descriptors, Files
from ioviz.machine.kernel.flock import release_flock
from ioviz.machine.kernel.flows import forget_item
from ioviz.machine.kernel.inet import Net
from ioviz.machine.kernel.pipe import pipe_fcntl
from ioviz.machine.kernel.process import ProcessState, exit_group, exit_task
from ioviz.machine.kernel.reap import exit_notify
from ioviz.machine.kernel.signals import deliver, restarts, retarget
from ioviz.machine.kernel.softirq import nic_interrupt
from ioviz.machine.kernel.switch import TaskKilled
from ioviz.machine.kernel.syscalls import ENTRIES, OPS
from ioviz.model.cpu import NO_VECTOR, VECTOR_SYSCALL, SyscallReturned, TrapEntered
from ioviz.model.event import Event
from ioviz.model.host import HostBooted, RunStarted
from ioviz.model.syscalls import SYS, TABLE_SIZE, name_of
from ioviz.model.task import LineReached, SourceLoaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.config import Config
    from ioviz.machine.kernel.core import Timer
    from ioviz.machine.kernel.fast_epoll import Look
    from ioviz.machine.kernel.sched import Limits
    from ioviz.machine.kernel.tty import Terminal

EPOCH = 1_704_067_200 * 10**9
"""What CLOCK_REALTIME says when the machine starts: 2024-01-01T00:00:00Z."""
IDLE_READS, IDLE_TURN = 100, 20_000
"""After so many looks at the clock with nothing between them, each costs so many ns more."""
ERESTARTSYS = 512
"""What the log shows as the result of a call that is going to be made again; no program ever sees it."""
PATIENCE = 50
"""How often a task that was told to end may catch that and go on before it is left where it stands."""


class Kernel(Files):
    """One object serves all hosts: hosts are rows, and whose turn it is says `cpu`."""

    def __init__(
        self,
        config: Config,
        seed: int,
        sink: Callable[[Event], object],
        limits: Limits,
        printed: Callable[[int, int, bytes], object],
        *,
        lines: bool | Literal["once"],
        bursts: bool = False,
    ) -> None:
        """With `bursts`, `sink` gets bursts for some of the events (`ioviz.model.bursts`)."""
        super().__init__(config, seed, sink, limits)
        self.fastpath = FASTPATH if bursts else {}
        self.looked: Look | None = None
        """What an epoll_wait that is about to sleep has found on its ready list."""
        self.ops = OPS
        self.printed = printed
        self.net = Net(nic_interrupt)
        self.processes: dict[int, ProcessState] = {}
        self.visible: dict[int, tuple[str, ...]] = {}
        """Folders of the real disk that each host sees: see `ioviz.machine.kernel.ramfs`."""
        self.timers_of_files: dict[int, Timer] = {}
        """The running timer of each timerfd."""
        self.terminals: dict[int, Terminal] = {}
        """The input of each terminal, keyed by the object of its open files."""
        self.vector = VECTOR_SYSCALL if config.entry == "int80" else NO_VECTOR
        follow = self._line_once if lines == "once" else self._line_logged if lines else self._line
        self.line: Callable[[int], None] = follow
        self._told: set[int] = set()
        """With lines="once": the source lines that were logged since anything else happened."""
        self._told_until = 0
        """The `seq` behind the last of them."""
        self.on_attend.append(lambda: deliver(self))
        self._line_cost = self.costs.line
        self._trap_cost = self.costs.trap
        self._sysret_cost = self.costs.sysret
        self.recursion = getrecursionlimit()
        """The recursion limit of the guests."""
        self.frames_given = 0
        """Pages of physical memory that page faults have used; the first one is that of zeros."""
        self.page_cache: dict[tuple[str, int], int] = {}
        """The physical page of each page of a file that was touched, by path and page number."""
        self.refaults = 0
        """Exceptions in a row whose handler led back to the same instruction."""
        self._sources = 0
        self._clock_read = self._idle_reads = 0
        self.emit(RunStarted, seed, config.settings())

    # -- the door

    def syscall(self, nr: int, *args: Any) -> Any:
        """A guest calls the kernel; see the table in `ioviz.machine.kernel.syscalls` for arguments and results.

        Returns an int, negative for an errno, or a pair of such an int and what the kernel copied to the user.
        """
        if not self.task or self.thread.killed:
            return self._refuse(nr, args)
        fast = self.fastpath.get(nr)
        if fast is not None:
            setrecursionlimit(self.recursion + ROOM)
            result = fast(self, *args)
            if result is not None:
                if self.now >= self.attention:
                    self.attend()
                self._narrow()
                return result
        return self._enter(nr, args)

    def door(self, nr: int, *rest: Any) -> Callable[[Any, Any, Any], Any]:
        """`syscall` of number `nr` alone, for the hottest calls. It takes the first three arguments; `rest` are the
        others, which the fast path has as its defaults."""
        fast = self.fastpath.get(nr)

        def door(a: Any, b: Any, c: Any) -> Any:
            if not self.task or self.thread.killed:
                return self._refuse(nr, (a, b, c, *rest))
            setrecursionlimit(self.recursion + ROOM)
            result = None if fast is None else fast(self, a, b, c)
            if result is None:
                return self._enter(nr, (a, b, c, *rest))
            if self.now >= self.attention:
                self.attend()
            try:  # noqa: SIM105  # `_narrow` in place: a call more is 3 % of a message
                setrecursionlimit(self.recursion)
            except RecursionError:
                pass
            return result

        return door

    def _narrow(self) -> None:
        """The program has no more frames than it should have again."""
        try:  # noqa: SIM105  # `suppress` takes ten times as long
            setrecursionlimit(self.recursion)
        except RecursionError:  # it was in user mode while another slept in a call
            pass

    def _enter(self, nr: int, args: tuple[Any, ...]) -> Any:
        """By the trap to the handler and back."""
        entry = ENTRIES[nr] if 0 <= nr < TABLE_SIZE else None
        if entry is None:
            self.stop("unsupported", f"the machine has no system call {name_of(nr)} {self.where()}", 126)
        handler, show_args, _ = entry
        setrecursionlimit(self.recursion + ROOM)
        # The two events are made in place: this is the hottest path there is, and `emit` would cost half as much again.
        world, sink = self.world, self.sink
        self.now = self.last_trap = now = self.now + self._trap_cost
        cause, seq = self.cause, self.seq
        shown = args if show_args is None else show_args(args)
        event: Event = TrapEntered(seq, now, self.cpu, self.task, cause, 0, self.at, self.vector, nr, shown)
        event.apply(world)
        sink(event)
        self.seq = seq + 1
        self.cause = seq
        try:
            result = handler(self, *args)
        except Unsupported as error:
            self.stop("unsupported", f"{name_of(nr)} {self.where()}: {error}", 126)
        return self.return_to_user(nr, args, result)

    def return_to_user(self, nr: int, args: tuple[Any, ...], result: Any) -> Any:
        """The handler of a call has its result: back to user mode, which is what interrupts wait for."""
        show_out = ENTRIES[nr][2]  # type: ignore[index]  # it was called
        world, sink = self.world, self.sink
        if self.thread.held:
            self.release_held(self.thread)
        if type(result) is tuple:
            ret, out = result
            if show_out is not None:
                out = show_out(out)
        else:
            ret, out = result, None
            if ret == -EINTR and restarts(self, nr, args):
                return self._restart(nr, args)
        self.now = now = self.now + self._sysret_cost
        seq = self.seq
        event = SyscallReturned(seq, now, self.cpu, self.task, self.cause, 0, self.at, nr, ret, out)
        event.apply(world)
        sink(event)
        self.seq = seq + 1
        self.cause = seq
        if now >= self.attention:
            self.attend()
        self._narrow()
        return result

    def execute(self, instruction: Callable[..., int | None], *operands: int) -> int | None:
        """A guest executes an instruction (`ioviz.machine.hardware.instructions`); None: it is to try again."""
        if not self.task or self.thread.killed:
            if not self.disposed and self.task and not self.switch.in_hub():
                self._insist()
            return 0
        result = instruction(self, *operands)
        if result is not None:
            self.refaults = 0
        if self.now >= self.attention:
            self.attend()
        return result

    def _restart(self, nr: int, args: tuple[Any, ...]) -> Any:
        """A signal came that was set with SA_RESTART: run its handler, then make the call again."""
        handler, show_args, show_out = ENTRIES[nr]  # type: ignore[misc]  # it was called
        shown = args if show_args is None else show_args(args)
        result: Any = -EINTR
        while result == -EINTR and restarts(self, nr, args):
            self.now += self._sysret_cost
            self.cause = self.emit(SyscallReturned, nr, -ERESTARTSYS, None)
            self.attend()
            self.now += self._trap_cost
            self.cause = self.emit(TrapEntered, self.vector, nr, shown)
            result = handler(self, *args)
            if self.thread.held:
                self.release_held(self.thread)
        ret, out = result if type(result) is tuple else (result, None)
        self.now += self._sysret_cost
        self.cause = self.emit(SyscallReturned, nr, ret, out if show_out is None or out is None else show_out(out))
        self.attend()
        check = self.processes[self.pid].check_signals
        if check is not None:
            check()
        return result

    def _refuse(self, nr: int, args: tuple[Any, ...]) -> int:
        """A call from no task (a finalizer in the hub), or from one that was told to end. Finalizers flush and close
        files: let them believe it, or each would complain on the screen."""
        if self.disposed or not self.task or self.switch.in_hub():
            return len(args[1]) if nr == SYS.write else 0 if nr == SYS.close else -ENOSYS
        self._insist()
        return -ENOSYS

    def _insist(self) -> None:
        thread = self.thread
        thread.refusals += 1
        if thread.refusals > PATIENCE:
            while True:
                self.switch.to_hub()
        raise TaskKilled

    def attend(self) -> None:
        super().attend()
        process = self.processes.get(self.pid)
        if process is not None and process.marked and self.task == self.pid:
            self.attention = 0  # its Python handlers are to run before the next line

    # -- the hooks of guests

    def _line(self, at: int) -> None:
        """The guest reached a source line."""
        self.at = at
        self.now += self._line_cost
        if self.now >= self.attention:
            self._attend_user()

    def _line_once(self, at: int) -> None:
        """A loop that only computes is told once: a line is logged when it is the first time since something else
        happened, and when the program is interrupted there, so that the log says where it was."""
        if self.seq != self._told_until:
            self._told.clear()
        elif at in self._told and self.now + self._line_cost < self.attention:
            self.at = at
            self.now += self._line_cost
            return
        self._told.add(at)
        self._told_until = self.seq + 1
        self._line_logged(at)

    def _line_logged(self, at: int) -> None:
        self.at = at
        self.now = now = self.now + self._line_cost
        seq, task = self.seq, self.task
        self.world.lines[task] = at  # as by its `apply`: there are more of these than of all the others
        sink = self.sink
        sink(LineReached(seq, now, self.cpu, task, self.cause, 0, at))
        self.seq = seq + 1
        self.cause = seq
        if now >= self.attention:
            self._attend_user()

    def _attend_roomily(self) -> None:
        setrecursionlimit(self.recursion + ROOM)
        self.attend()
        self._narrow()

    def _attend_user(self) -> None:
        if not self.task or self.switch.in_hub():
            return
        if self.thread.killed:
            self._insist()
        self._attend_roomily()
        process = self.processes.get(self.pid)
        if process is not None and process.check_signals is not None:
            process.check_signals()

    def vdso_clock(self, clock: int) -> int:
        """Read clock 0 (real time) or 1 (monotonic), in ns, without entering the kernel."""
        self.now += self.costs.vdso
        return EPOCH + self.now if clock == 0 else self.now

    def read_clock(self, clock: int) -> int:
        """`vdso_clock` for a guest's own code, where it may lose the CPU: a loop in a library that neither calls us nor
        has hooked lines looks at the clock at least. Such a loop is charged for its turns, whose lines cost nothing."""
        if self.now == self._clock_read:
            self._idle_reads += 1
            if self._idle_reads > IDLE_READS:
                self.now += IDLE_TURN
        else:
            self._idle_reads = 0
        now = self.vdso_clock(clock)
        self._clock_read = self.now
        if self.now >= self.attention:
            self._attend_user()
        return now

    def source(self, path: str, text: str) -> int:
        """Register a source file of a guest, for `at` and for the stage; returns its id."""
        self._sources += 1
        self.emit(SourceLoaded, self._sources, path, text)
        return self._sources

    # -- hosts and processes

    def boot(self, host: int, name: str, address: str) -> None:
        """Add a host."""
        self.cpu = host
        self.emit(HostBooted, host, name, address)

    def add_process(self, pid: int) -> ProcessState:
        """Kernel-side state for a new process."""
        state = self.processes[pid] = ProcessState(pid)
        self.descriptors[pid] = Descriptors()
        return state

    def task_returned(self) -> None:
        if self.processes[self.pid].threads == 1:
            exit_group(self, 0)
        else:
            exit_task(self, 0)

    # -- what other files add

    ep_poll_callback = eventpoll.ep_poll_callback
    release_flock = release_flock
    eventpoll_release_file = eventpoll.eventpoll_release_file
    send_events = send_events
    forget_item = forget_item
    retarget = retarget
    exit_notify = exit_notify
    pipe_fcntl = pipe_fcntl
