"""A sequence of operations, run on the simulated and on the real kernel: what each operation gave, step by step.

Both work alike. Task 0 drives: it makes an operation or hands it to another task, then waits until every task has its
result or sleeps in the kernel, and notes who has come back. So the order of all calls is given, and what is left to the
kernel is what is compared: results, and at which step which sleeper wakes.
"""

from __future__ import annotations

import _thread
import os
import platform
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ioviz.machine.kernel.sched import Limits
from ioviz.model.syscalls import SYS
from ioviz.verify.ops import Op, Table
from ioviz.verify.real import RealKernel
from ioviz.verify.simulated import run_bodies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ioviz.machine.kernel.config import Config
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.event import Event

SETTLE: Final = 1_000_000
"""Virtual ns in which all that can happen by itself has happened."""
PATIENCE: Final = 5.0
"""Seconds until a thread that neither ends nor sleeps is taken for a fault."""
FUTEX: Final = "202" if platform.machine() in {"x86_64", "AMD64"} else "98"
"""The call in which a Python thread waits for the interpreter: that is no rest."""


class Step(NamedTuple):
    """What an operation gave, and the operations of other tasks that came back at this step, by number."""

    result: Any
    back: tuple[tuple[int, Any], ...]


WAITS: Final = "waits"
"""What an operation gives whose task has not come back at once."""
ENDS: Final = ("shutdown", "close", "reset")
BUSY: Final = "task sleeps"
"""What an operation gives whose task still sleeps in an earlier one."""


def simulate(
    ops: Sequence[Op],
    sink: Callable[[Event], object] | None = None,
    config: Config | None = None,
    *,
    bursts: bool = False,
) -> list[Any]:
    """The steps on the machine, and last the operations that sleep for ever, or how the run ended if it did early."""
    steps: list[Any] = []

    def body(k: Kernel) -> None:
        table = Table(k.syscall)
        running: dict[int, int] = {}
        back: list[tuple[int, Any]] = []

        def start(op: Op, number: int) -> None:
            def entry() -> None:
                result = table.do(op)
                back.append((number, result))
                del running[op.task]
                k.syscall(SYS.exit, 0)

            running[op.task] = number
            k.syscall(SYS.clone, 0, entry)

        for number, op in enumerate(ops):
            if op.task in running:
                result: Any = BUSY
            elif op.task:
                start(op, number)
                result = WAITS
            else:
                result = table.do(op)
            if running:
                k.syscall(SYS.clock_nanosleep, SETTLE)
            steps.append(_step(number, result, back))
            back.clear()
        steps.append(sorted(running.values()))

    kernel = run_bodies([body], sink=sink or _ignore, config=config, limits=Limits(), bursts=bursts or sink is None)
    if len(steps) <= len(ops):
        steps.append(kernel.world.runs[1].message)
    kernel.dispose()  # who still sleeps has a stack, which nobody else would free
    return steps


def _ignore(event: Event) -> None:
    """Nobody reads the log."""


def _step(number: int, result: Any, back: list[tuple[int, Any]]) -> Step:
    if result == WAITS:
        for place, (other, value) in enumerate(back):
            if other == number:
                return Step(value, tuple(sorted(back[:place] + back[place + 1 :])))
    return Step(result, tuple(sorted(back)))


class _Worker:
    """A thread that makes one operation after another, each when it is told to."""

    def __init__(self, real: Real) -> None:
        self.go = _thread.allocate_lock()
        self.go.acquire()
        self.job: Callable[[], None] | None = None
        self.busy = False
        self.real = real
        self.thread = threading.Thread(target=self._run, daemon=True, name="ioviz verify")
        self.thread.start()
        assert self.thread.native_id is not None
        self.state = os.open(f"/proc/self/task/{self.thread.native_id}/syscall", os.O_RDONLY | os.O_CLOEXEC)

    def _run(self) -> None:
        with suppress(OSError, AttributeError):
            # A thread of this policy that is woken never takes the processor from a call in the middle, as others may
            # on Linux wherever the kernel can be preempted; on the machine a call runs on until it sleeps or returns.
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        while True:
            self.go.acquire()
            if self.job is None:
                return
            self.job()
            self.busy = False

    def start(self, job: Callable[[], None]) -> None:
        self.job, self.busy = job, True
        self.go.release()

    def rests(self) -> bool:
        """Whether it sleeps in a call of its operation."""
        text = os.pread(self.state, 8, 0)
        return not text.startswith(b"running") and text.split(b" ")[0] != FUTEX.encode()

    def end(self) -> None:
        self.job = None
        self.go.release()
        self.thread.join()
        os.close(self.state)


class Real:
    """The real kernel, with threads that stay from one sequence to the next. For Linux, from the main thread."""

    def __init__(self) -> None:
        self.kernel = RealKernel()
        self._workers: dict[int, _Worker] = {}
        self._before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
        signal.siginterrupt(signal.SIGUSR1, True)

    def __enter__(self) -> Real:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self._workers.values():
            worker.end()
        signal.signal(signal.SIGUSR1, self._before)

    def run(self, ops: Sequence[Op], pause: float = 0.0, late: float = 0.0) -> list[Any]:
        """The steps. `pause` seconds are waited after each, and `late` after those that end a direction of a stream,
        whose acknowledgement Linux delays."""
        table = Table(self.kernel.syscall)
        running: dict[int, int] = {}
        back: list[tuple[int, Any]] = []
        steps: list[Any] = []
        try:
            for number, op in enumerate(ops):
                if op.task in running:
                    result: Any = BUSY
                elif op.task:
                    running[op.task] = number
                    self._start(table, op, number, back)
                    result = WAITS
                else:
                    result = table.do(op)
                if pause or late:
                    time.sleep(late if op.kind in ENDS else pause)
                if running:
                    self._settle(running)
                    for task in [task for task in running if not self._workers[task].busy]:
                        del running[task]
                steps.append(_step(number, result, back))
                back.clear()
            steps.append(sorted(running.values()))
        finally:
            self._wake(running)
            table.end()
        return steps

    def _start(self, table: Table, op: Op, number: int, back: list[tuple[int, Any]]) -> None:
        worker = self._workers.get(op.task)
        if worker is None:
            worker = self._workers[op.task] = _Worker(self)
        worker.start(lambda: back.append((number, table.do(op))))

    def _settle(self, running: dict[int, int]) -> None:
        """Until every thread has its result or sleeps, and stays so: who wakes may wake the next."""
        workers = [self._workers[task] for task in running]
        deadline = time.monotonic() + PATIENCE
        quiet = 0
        while quiet < 2:
            now = [worker for worker in workers if worker.busy]
            still = sum(worker.rests() for worker in now) == len(now)  # all are asked
            quiet = quiet + 1 if still and all(worker.busy for worker in now) else 0
            if not still:
                os.sched_yield()  # it does not take the processor from us by itself
                if time.monotonic() > deadline:
                    raise TimeoutError("a thread neither returns nor sleeps")

    def _wake(self, running: dict[int, int]) -> None:
        """Interrupt who still sleeps: the sequence is over."""
        deadline = time.monotonic() + PATIENCE
        for task in running:
            worker = self._workers[task]
            while worker.busy:
                signal.pthread_kill(worker.thread.ident or 0, signal.SIGUSR1)
                time.sleep(0.0002)
                if time.monotonic() > deadline:
                    raise TimeoutError("a thread cannot be interrupted")
