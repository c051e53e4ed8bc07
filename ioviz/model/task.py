"""Processes and tasks (threads), their states, and the run queue of each host.

Invariants: a READY task is on its host's run queue and on no wait queue; the RUNNING task is the one of its CPU and on
no queue; a SLEEPING task is on a wait queue or has a time to wake at, or waits for a signal only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ioviz.model.cpu import KERNEL, NO_VECTOR, USER, Cpu
from ioviz.model.event import Event
from ioviz.model.lists import append, remove
from ioviz.model.wait import add_entries, remove_entries

if TYPE_CHECKING:
    from ioviz.model.world import World

READY, RUNNING, SLEEPING, DEAD = "ready", "running", "sleeping", "dead"


class Process(msgspec.Struct, frozen=True, gc=False):
    """A program in execution. `id` is the pid; `role` is main, peer, remote, or child of a program."""

    id: int
    host: int
    name: str
    argv: tuple[str, ...]
    role: str
    exit_code: int = -1
    """-1 while it runs; 128 + n when signal n ended it."""
    alive: bool = True
    parent: int = 0
    """Who started it; 0: nobody in the machine."""
    signal: int = 0
    """The signal that ended it; 0: none."""
    reaped: bool = False
    """Whether its parent has asked for its exit status: until then it is a zombie."""
    queue: int = 0
    """The wait queue for its children's ends; 0 if it never had any."""


class Task(msgspec.Struct, frozen=True, gc=False):
    """A thread of a process. `id` is the tid, which is the pid for the first one.

    `wchan` is the kernel function in which it sleeps; `until` the time at which a timer wakes it (0: none);
    `entry` and `entries` name its rows in `World.wait_entries` while it sleeps.
    """

    id: int
    process: int
    host: int
    state: str
    wchan: str
    until: int
    entry: int
    entries: int


class Source(msgspec.Struct, frozen=True, gc=False):
    """The text of a guest's source file, as it was read when the program started."""

    id: int
    path: str
    text: str


class SourceLoaded(Event):
    """A file of the guest was read; `at` of later events names it by `file`."""

    file: int
    path: str
    text: str

    def apply(self, world: World) -> None:
        world.sources[self.file] = Source(self.file, self.path, self.text)


class ProcessStarted(Event):
    """A program was started as process `pid` on host `host`."""

    pid: int
    host: int
    name: str
    argv: tuple[str, ...]
    role: str

    def apply(self, world: World) -> None:
        world.processes[self.pid] = Process(self.pid, self.host, self.name, self.argv, self.role)


class TaskCreated(Event):
    """`clone`, or the first task of a process: ready to run. It blocks the signals that its maker blocks."""

    tid: int
    pid: int
    host: int

    def apply(self, world: World) -> None:
        world.tasks[self.tid] = Task(self.tid, self.pid, self.host, READY, "", 0, 0, 0)
        blocked = world.sigmasks.get(self.task)
        if blocked is not None:
            world.sigmasks[self.tid] = blocked
        append(world.run_queues, self.host, world.run_links, self.tid)


class LineReached(Event):
    """The program reached the line `at`."""

    def apply(self, world: World) -> None:
        world.lines[self.task] = self.at


class TaskSlept(Event):
    """The running task gave up the CPU inside the kernel function `wchan` until someone wakes it.

    `queues` are the wait queues that it stands on, `entry` the id of the first of its wait entries, `mode` how they are
    added (see `ioviz.model.wait`), `until` the virtual time of its time-out (0: none).
    """

    wchan: str
    queues: tuple[int, ...]
    entry: int
    mode: int
    until: int

    def apply(self, world: World) -> None:
        self.change(world, self.task, self.wchan, self.queues, self.entry, self.mode, self.until)

    @staticmethod
    def change(
        world: World, tid: int, wchan: str, queues: tuple[int, ...], entry: int, mode: int = 0, until: int = 0
    ) -> None:
        """What `apply` does, for task `tid`."""
        row = world.tasks[tid]
        world.tasks[tid] = Task(row.id, row.process, row.host, SLEEPING, wchan, until, entry, len(queues))
        if queues:
            add_entries(world, queues, entry, tid, mode)


class TaskWoken(Event):
    """Task `tid` left its wait queues and is on the run queue of its host. `reason`: event, timeout or signal."""

    tid: int
    reason: str

    def apply(self, world: World) -> None:
        self.change(world, self.tid)

    @staticmethod
    def change(world: World, tid: int) -> None:
        """What `apply` does."""
        row = world.tasks[tid]
        if row.entries:
            remove_entries(world, row.entry, row.entries)
        world.tasks[tid] = Task(row.id, row.process, row.host, READY, "", 0, 0, 0)
        append(world.run_queues, row.host, world.run_links, tid)


class TaskPreempted(Event):
    """The running task lost the CPU to another one (time slice over, or it yielded): to the tail of the run queue."""

    reason: str

    def apply(self, world: World) -> None:
        row = world.tasks[self.task]
        world.tasks[self.task] = replace(row, state=READY)
        append(world.run_queues, row.host, world.run_links, self.task)


class TaskSwitched(Event):
    """`context_switch`: the CPU leaves the kernel stack of `prev` for that of `next` (0: the idle loop).

    CR3 gets other page tables only if `next` is of another process than the task before: threads share an address
    space, and the idle loop borrows the one that it finds (lazy TLB)."""

    prev: int
    next: int

    def apply(self, world: World) -> None:
        self.change(world, self.cpu, self.next)

    @staticmethod
    def change(world: World, cpu: int, tid: int) -> None:
        """What `apply` does."""
        if tid:
            row = world.tasks[tid]
            remove(world.run_queues, row.host, world.run_links, tid)
            world.tasks[tid] = Task(row.id, row.process, row.host, RUNNING, "", 0, 0, 0)
            world.page_tables[cpu] = row.process
            frame = world.frames.get(tid)
            if frame is not None:
                world.cpus[cpu] = Cpu(cpu, KERNEL, tid, frame.vector, frame.nr, True)
            else:
                world.cpus[cpu] = Cpu(cpu, USER, tid, NO_VECTOR, 0, True)
        else:
            world.cpus[cpu] = Cpu(cpu, KERNEL, 0, NO_VECTOR, 0, True)


class TaskExited(Event):
    """The running task ended."""

    code: int

    def apply(self, world: World) -> None:
        world.tasks[self.task] = replace(world.tasks[self.task], state=DEAD, wchan="", until=0)
        world.frames.pop(self.task, None)
        world.sigmasks.pop(self.task, None)


class TaskKilled(Event):
    """Task `tid` was ended from outside: its process exits or a signal ended it."""

    tid: int

    def apply(self, world: World) -> None:
        row = world.tasks[self.tid]
        if row.entries:
            remove_entries(world, row.entry, row.entries)
        if row.state == READY:
            remove(world.run_queues, row.host, world.run_links, self.tid)
        world.tasks[self.tid] = replace(row, state=DEAD, wchan="", until=0, entry=0, entries=0)
        world.frames.pop(self.tid, None)
        world.sigmasks.pop(self.tid, None)


class ProcessExited(Event):
    """The last task of process `pid` is gone; `code` is its exit status, `signal` what ended it (0: none)."""

    pid: int
    code: int
    signal: int = 0

    def apply(self, world: World) -> None:
        world.processes[self.pid] = replace(
            world.processes[self.pid], exit_code=self.code, alive=False, signal=self.signal
        )
        world.signals.pop(self.pid, None)
