"""The scheduler: run queues, time slices, preemption, and the turns that the hosts take on the one physical core.

A task leaves the CPU in `schedule` only: it sleeps, is preempted or has ended, and its row already says so. Interrupts
and preemption happen in `attend`, which runs at a guest's source line and when a system call is about to return, never
in the middle of kernel code.

Where Linux differs: its tasks have virtual run times and a waking task may preempt at once; here the run queue is first
come, first served, and a task keeps the CPU until its slice ends. Our hosts share one physical core and take turns.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from heapq import heappop
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ioviz.machine.kernel.core import Core, Timer
from ioviz.machine.kernel.switch import Stack, Switch, TaskKilled
from ioviz.model.cpu import IrqEntered, IrqRaised, IrqReturned
from ioviz.model.event import NO_CAUSE, Event, file_and_line
from ioviz.model.host import RunEnded
from ioviz.model.idt import TIMER
from ioviz.model.task import DEAD, SLEEPING, TaskCreated, TaskPreempted, TaskSwitched

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.config import Config
    from ioviz.machine.kernel.process import ProcessState

TURN: Final = 20_000
"""How long a host keeps the physical core while another one has work, in ns."""
GLANCE: Final = 100_000
"""The longest time between two looks at the run's limits, in ns."""
FOREVER: Final = 1 << 62
STARVING: Final = 200_000_000
"""How long a task may keep the CPU from another one while the timer is off, in ns without a system call."""
COLLECT_EVERY: Final = 50_000
"""Events between two collections of the guests' garbage: at fixed places, so that finalizers are deterministic."""


class Limits:
    """What a run may use: events, virtual nanoseconds, and nanoseconds of one task without a system call."""

    def __init__(self, steps: int = 50_000_000, time: int = 3_600 * 10**9, spin: int = 5 * 10**9) -> None:
        self.steps = steps
        self.time = time
        self.spin = spin


class Thread:
    """What the kernel keeps of a task beside its row: the stack on which the guest runs."""

    __slots__ = (
        "at",
        "cause",
        "held",
        "host",
        "keys",
        "killed",
        "minflt",
        "nivcsw",
        "nvcsw",
        "pid",
        "refusals",
        "saved_mask",
        "sigpending",
        "slice_end",
        "stack",
        "tid",
        "timer",
        "waits_for",
        "wake_reason",
    )

    def __init__(self, tid: int, pid: int, host: int, stack: Stack) -> None:
        self.tid = tid
        self.pid = pid
        self.host = host
        self.stack = stack
        self.held: list[int] = []
        """The open files to which the call that it is in holds a reference."""
        self.keys: dict[int, int] | None = None
        """In poll and select: what it waits for on each queue, so that nothing else wakes it (`pollwake`)."""
        self.at = 0
        self.cause = NO_CAUSE
        self.slice_end = 0
        self.killed = False
        self.refusals = 0
        self.minflt = self.nvcsw = self.nivcsw = 0
        """Page faults that were served, and switches: because it slept, and because it lost the CPU (getrusage(2))."""
        self.timer: Timer | None = None
        self.wake_reason = ""
        self.sigpending = False
        self.saved_mask: tuple[int, ...] | None = None
        """The signal mask to come back when signals have been delivered: a wait had another (`saved_sigmask`)."""
        """TIF_SIGPENDING: a signal is to be taken on the way to user mode."""
        self.waits_for: frozenset[int] = frozenset()
        """The signals for which it sleeps in `rt_sigtimedwait`."""


class Scheduler(Core):
    """Who runs when."""

    # In slots, too: Python finds the methods of an object faster that has no more than 30 attributes beside them.
    __slots__ = (
        "_collected",
        "_fresh",
        "_last_tid",
        "_look_by",
        "_stop",
        "_timer_off",
        "disposed",
        "ended",
        "epitaphs",
        "last_trap",
        "limits",
        "main_pid",
        "on_attend",
        "switch",
        "thread",
        "threads",
    )

    processes: dict[int, ProcessState]

    def __init__(self, config: Config, seed: int, sink: Callable[[Event], object], limits: Limits) -> None:
        super().__init__(config, seed, sink)
        self.limits = limits
        self.switch = Switch()
        self.threads: dict[int, Thread] = {}
        self.thread = Thread(0, 0, 0, self.switch.stack(lambda: None))
        self.ended = False
        self.disposed = False
        self.main_pid = 0
        self.epitaphs: dict[int, str] = {}
        """What a shell says of the processes that a signal ended, and where that was."""
        self.last_trap = 0
        self.on_attend: list[Callable[[], object]] = []
        """Called at every look at the limits, in the context of the running task."""
        self._timer_off = config.timer == "off"
        self._fresh: Thread | None = None
        self._stop = 0
        self._look_by = 0
        """When `attend` is due although nothing came up, should there be a switch."""
        self._collected = 0
        self._last_tid = 100

    # -- the hub

    def run(self, max_events: int) -> bool:
        """Go on for about `max_events` events; True when the run has ended."""
        self.switch.adopt_hub()
        self._stop = self.seq + max_events
        self.attention = 0
        while not self.ended:
            thread = self._fresh or self._pick()
            self._fresh = None
            if thread is None:
                if not self._idle():
                    break
            else:
                thread.stack.enter()
                if not self.ended and self.world.tasks[self.thread.tid].state == DEAD:
                    self._leave_dead()
            if self.seq >= self._stop:
                break
        return self.ended

    def _pick(self) -> Thread | None:
        """The next thread in turn: hosts in order from the one after the last, each with its running or first task."""
        hosts = list(self.world.hosts)
        if not hosts:
            return None
        start = hosts.index(self.cpu) + 1 if self.cpu in self.world.hosts else 0
        for host in hosts[start:] + hosts[:start]:
            tid = self.world.cpus[host].task
            if not tid:
                tid = self.world.run_queues[host].head
                if not tid:
                    continue
                self._idle_on(host)
                self.cause = self.threads[tid].cause
                self.now += self.costs.context_switch
                if self.threads[tid].pid != self.world.page_tables.get(host):
                    self.now += self.costs.page_tables
                self.emit(TaskSwitched, 0, tid)
            thread = self.threads[tid]
            self._become(thread)
            return thread
        return None

    def _idle_on(self, host: int) -> None:
        self.cpu, self.task, self.pid, self.at, self.cause = host, 0, 0, 0, NO_CAUSE

    def _idle(self) -> bool:
        """Nobody can run: let the clock jump to the next timer. False when nothing will ever happen again."""
        timers = self._timers
        while timers and timers[0][2].fn is None:
            heappop(timers)
        process = self.world.processes.get(self.main_pid)
        over = process is not None and not process.alive and all(timer.waits or not timer.fn for *_, timer in timers)
        if not timers or over:
            self.finish()
            return False
        due = timers[0][0]
        if due > self.limits.time:
            self.now = self.limits.time
            reached = f"the time limit of {self.limits.time / 1e9:g} s of virtual time is reached"
            self.end("limit", f"{reached}: {self._sleepers()}", 124)
            return False
        self.now = max(self.now, due)
        self._idle_on(timers[0][2].host)
        self._fire(heappop(timers)[2])
        return True

    def _leave_dead(self) -> None:
        """The task that ran last has ended: its CPU goes to the next one."""
        thread = self.thread
        head = self.world.run_queues[thread.host].head
        self.cpu = thread.host
        self.cause = self.threads[head].cause if head else NO_CAUSE
        self.emit(TaskSwitched, thread.tid, head)

    # -- a task's way off the CPU and back

    def _become(self, thread: Thread) -> None:
        self.thread = thread
        self.task = thread.tid
        self.pid = thread.pid
        self.cpu = thread.host
        self.at = thread.at
        self.cause = thread.cause
        self.last_trap = now = self.now
        thread.slice_end = end = FOREVER if self._timer_off else now + self.config.time_slice
        urgent = thread.killed or thread.sigpending or (thread.tid == thread.pid and self.processes[thread.pid].marked)
        if urgent or now >= self._look_by or len(self.world.hosts) > 1:
            self.attention = 0
        else:
            timers = self._timers
            self.attention = min(now + GLANCE, end, timers[0][0] if timers else end)

    def schedule(self) -> None:
        """Give the CPU away; returns when this task has it again. Its row is no longer RUNNING."""
        following = self.following()
        # In place, and not by `emit`: with a thread a connection there is one of these for each message.
        seq, prev = self.seq, self.thread.tid
        head = following.tid if following is not None else 0
        event = TaskSwitched(seq, self.now, self.cpu, self.task, self.cause, 0, self.at, prev, head)
        event.apply(self.world)
        sink = self.sink
        sink(event)
        self.seq = seq + 1
        self.leave_to(following)

    def following(self) -> Thread | None:
        """Who is to have this CPU next (None: nobody wants it); the time of the switch passes."""
        head = self.world.run_queues[self.cpu].head
        self.now += self.costs.context_switch
        if not head:
            return None
        thread = self.threads[head]
        if thread.pid != self.world.page_tables.get(self.cpu):
            self.now += self.costs.page_tables
        return thread

    def leave_to(self, following: Thread | None) -> None:
        """`schedule` once the switch is logged."""
        thread = self.thread
        thread.at = self.at
        if following is None:
            self.switch.to_hub()
        elif following is thread:
            self._become(thread)
        else:
            self._become(following)
            if following.stack.started:
                following.stack.enter()
            else:
                self._fresh = following
                self.switch.to_hub()
        if thread.killed:
            raise TaskKilled

    def next_tid(self) -> int:
        """A number that no task has had; pids come from the same row of numbers."""
        self._last_tid += 1
        return self._last_tid

    def create_task(self, pid: int, host: int, tid: int, entry: Callable[[], None]) -> None:
        """A new task of process `pid`, ready to run `entry`."""

        def body() -> None:
            with suppress(TaskKilled):
                entry()
            if not thread.killed:
                self.task_returned()

        thread = Thread(tid, pid, host, self.switch.stack(body))
        self.threads[tid] = thread
        self.now += self.costs.clone
        thread.cause = self.emit(TaskCreated, tid, pid, host)

    def task_returned(self) -> None:
        """A task's entry returned without a call of `exit`."""
        raise NotImplementedError

    def preempt(self, reason: str) -> None:
        """Put the running task at the tail of the run queue and let the next one run."""
        self.thread.nivcsw += 1
        self.thread.cause = self.emit(TaskPreempted, reason)
        self.schedule()

    # -- interrupts

    def attend(self) -> None:
        """Interrupts, signals, the end of the slice, the turn of another host, the limits: all that cannot wait."""
        thread = self.thread
        if thread.killed:
            raise TaskKilled
        timers = self._timers
        while timers and timers[0][0] <= self.now:
            timer = heappop(timers)[2]
            if timer.fn is not None:
                self._fire(timer)
        for look in self.on_attend:
            look()
        if self.seq - self._collected >= COLLECT_EVERY:
            self._collected = self.seq
            gc.collect(1)
        if self.now >= thread.slice_end and not self._timer_off:
            if self.world.run_queues[self.cpu].count:
                self.now += self.costs.irq
                self.emit(IrqEntered, TIMER)
                self.preempt("time slice")
                self.now += self.costs.iret
                self.emit(IrqReturned, TIMER)
            else:
                thread.slice_end = self.now + self.config.time_slice
        self._check_limits()
        several = len(self.world.hosts) > 1
        if self.seq >= self._stop or (several and self._others_want()):
            thread.at, thread.cause = self.at, self.cause
            self.switch.to_hub()
            if thread.killed:
                raise TaskKilled
        self._look_by = ahead = self.now + (TURN if several else GLANCE)
        self.attention = min(ahead, thread.slice_end, timers[0][0] if timers else ahead)

    def _others_want(self) -> bool:
        world = self.world
        return any(host != self.cpu and (world.cpus[host].task or world.run_queues[host].head) for host in world.hosts)

    def _check_limits(self) -> None:
        limits = self.limits
        if self.seq >= limits.steps:
            self.end("limit", f"the limit of {limits.steps:,} steps is reached {self.where()}", 124)
        elif self.now >= limits.time:
            self.end(
                "limit",
                f"the time limit of {limits.time / 1e9:g} s of virtual time is reached {self.where()}{self._starved()}",
                124,
            )
        elif self.now - self.last_trap >= limits.spin:
            seconds = f"{limits.spin / 1e9:g}"
            why = f"no system call for {seconds} s of processor time{self._starved()}"
            self.end("limit", f"endless loop {self.where()}: {why}", 124)
        elif self._timer_off and self.now - self.last_trap >= STARVING and self._starved():
            why = f"no system call for {STARVING / 1e9:g} s of processor time{self._starved()}"
            self.end("limit", f"the others starve {self.where()}: {why}", 124)
        else:
            return
        self.switch.to_hub()
        raise TaskKilled

    def _starved(self) -> str:
        """Who waits for the CPU in vain because no timer takes it away from the running task."""
        head = self.world.run_queues[self.cpu].head if self._timer_off else 0
        if not head:
            return ""
        name = self.world.processes[self.world.tasks[head].process].name
        return f"; the timer is off, so nobody takes the CPU away from it, and {name} waits"

    def _fire(self, timer: Timer) -> None:
        """Run a timer on the CPU of its host, in interrupt context, and come back to what was going on."""
        fn, host = timer.fn, timer.host
        if fn is None:
            return
        saved = self.cpu, self.task, self.pid, self.at, self.cause
        if host != self.cpu:
            self.cpu, self.task = host, self.world.cpus[host].task
            other = self.threads.get(self.task)
            self.pid, self.at = (other.pid, other.at) if other else (0, 0)
        self.cause = NO_CAUSE
        timer.fn = None
        fn(*timer.args)
        self.cpu, self.task, self.pid, self.at, self.cause = saved

    def interrupt(self, host: int, vector: int, handler: Callable[..., object], *args: Any) -> None:
        """The device behind `vector` interrupts: `handler(*args)` runs between entry and `iret`."""
        self.cause = self.emit(IrqRaised, vector)
        self.now += self.costs.irq
        self.cause = self.emit(IrqEntered, vector)
        handler(*args)
        self.now += self.costs.iret
        self.emit(IrqReturned, vector)

    # -- the end

    def where(self, tid: int = 0) -> str:
        """`at server.py:27`, for messages; `tid` 0 means the running task."""
        at = self.at
        if tid and tid != self.task:
            at = self.threads[tid].at
        file, line = file_and_line(at)
        source = self.world.sources.get(file)
        return f"at {source.path}:{line}" if source else "before its first line"

    def finish(self) -> None:
        """Nothing will ever happen again: say whether that is an end or a stall."""
        main = self.world.processes.get(self.main_pid)
        if main is not None and not main.alive:
            self.end("exit", self.epitaphs.get(main.id, ""), main.exit_code)
            return
        self.end("stalled", f"stalled: nothing can wake anyone any more: {self._sleepers()}", 125)

    def _sleepers(self) -> str:
        """Who sleeps where: the first few, for a message."""
        stuck = [
            f"{self.world.processes[row.process].name} {self.where(row.id)} sleeps in {row.wchan}"
            for row in self.world.tasks.values()
            if row.state == SLEEPING and self.world.processes[row.process].role != "init"
        ]
        return "; ".join(stuck[:4]) + (f"; and {len(stuck) - 4} more" if len(stuck) > 4 else "")

    def end(self, reason: str, message: str, code: int) -> None:
        """Log the end of the run. The first reason counts."""
        if not self.ended:
            self.ended = True
            self.emit(RunEnded, reason, message, code)

    def stop(self, reason: str, message: str, code: int) -> NoReturn:
        """End the run from inside a task."""
        self.end(reason, message, code)
        self.thread.killed = True
        self.switch.to_hub()
        raise TaskKilled

    def dispose(self) -> None:
        """Unwind every guest's stack. The kernel answers nothing any more, and the lines that guests still reach in
        their `finally` are no part of the run."""
        self.ended = True
        for thread in self.threads.values():
            thread.killed = True
        self.switch.adopt_hub()
        world, self.world = self.world, self.world.copy()
        self.sink = lambda event: None
        for thread in self.threads.values():
            thread.stack.kill()
        self.world = world
        self.disposed = True
