"""The run, its hosts, the link between them, and the knobs.

A knob is a kernel setting that a person may turn; turning one runs everything again from the seed and the inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ioviz.model.cpu import KERNEL, NO_VECTOR, Cpu
from ioviz.model.event import Event
from ioviz.model.lists import EMPTY

if TYPE_CHECKING:
    from ioviz.model.world import World


class Host(msgspec.Struct, frozen=True, gc=False):
    """A machine: one CPU, one network card, one kernel. `id` is also the id of its CPU and of its card."""

    id: int
    name: str
    address: str
    """Its IPv4 address on the link."""


class Run(msgspec.Struct, frozen=True, gc=False):
    """The run as a whole; `World.runs` has the one row 1. `ended` is empty while it goes on, else why it ended: exit,
    stalled, limit, interrupted, unsupported, cut (the recording breaks off); of real programs unwatched (they were let
    go) or logged (the log ends)."""

    seed: int
    knobs: tuple[tuple[str, str], ...]
    ended: str = ""
    message: str = ""
    code: int = 0


class RunStarted(Event):
    """The first event of every simulated run: all that it depends on beside the programs."""

    seed: int
    knobs: tuple[tuple[str, str], ...]

    def apply(self, world: World) -> None:
        world.runs[1] = Run(self.seed, self.knobs)


class HostBooted(Event):
    """A machine is up: its IDT is loaded, its CPU idles."""

    host: int
    name: str
    address: str

    def apply(self, world: World) -> None:
        world.hosts[self.host] = Host(self.host, self.name, self.address)
        world.cpus[self.host] = Cpu(self.host, KERNEL, 0, NO_VECTOR, 0, True)
        world.run_queues[self.host] = EMPTY


class RunEnded(Event):
    """Nothing more happens. `reason` as in `Run.ended`; `message` is for the person; `code` the exit status."""

    reason: str
    message: str
    code: int

    def apply(self, world: World) -> None:
        world.runs[1] = replace(world.runs[1], ended=self.reason, message=self.message, code=self.code)
