"""Processes that a program starts: spawned, given a program, ended, reaped.

A process that a program started has a `parent`; when it ends it stays as a zombie until the parent asks for its exit
status. Its `queue` is where those sleep who wait for one of its children, and where its parent sleeps until it executes
a program of its own (`vfork`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ioviz.model.event import Event
from ioviz.model.lists import EMPTY
from ioviz.model.task import Process

if TYPE_CHECKING:
    from ioviz.model.world import World


class ProcessSpawned(Event):
    """`vfork`: process `parent` has a child, `pid`, which is about to execute a program. `parent_queue` and `queue` are
    their wait queues."""

    pid: int
    parent: int
    host: int
    parent_queue: int
    queue: int

    def apply(self, world: World) -> None:
        mother = world.processes[self.parent]
        if mother.queue != self.parent_queue:
            world.processes[self.parent] = replace(mother, queue=self.parent_queue)
            world.wait_queues[self.parent_queue] = EMPTY
        world.wait_queues[self.queue] = EMPTY
        world.processes[self.pid] = Process(
            self.pid, self.host, mother.name, mother.argv, "child", parent=self.parent, queue=self.queue
        )


class ProcessExecuted(Event):
    """`execve`: process `pid` runs program `name` from now on."""

    pid: int
    name: str
    argv: tuple[str, ...]

    def apply(self, world: World) -> None:
        world.processes[self.pid] = replace(world.processes[self.pid], name=self.name, argv=self.argv)


class ProcessOrphaned(Event):
    """The parent of process `pid` has ended: nobody waits for it any more."""

    pid: int

    def apply(self, world: World) -> None:
        row = world.processes[self.pid]
        world.processes[self.pid] = replace(row, parent=0, reaped=not row.alive)


class ProcessReaped(Event):
    """The parent of process `pid` knows how it ended: the zombie is gone."""

    pid: int

    def apply(self, world: World) -> None:
        row = world.processes[self.pid]
        world.processes[self.pid] = replace(row, reaped=True)
        world.wait_queues.pop(row.queue, None)
