"""Softirqs: the work that an interrupt handler leaves for later, done when the interrupt is about to return.

Not to be confused with a system call, which the article calls a soft interrupt: a softirq is deferred interrupt work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World

NET_RX: Final = "NET_RX"
NET_TX: Final = "NET_TX"
TIMER: Final = "TIMER"


class Softirq(msgspec.Struct, frozen=True, gc=False):
    """The softirqs of a CPU: those asked for (`__softirq_pending`) and the one that runs ("": none)."""

    cpu: int
    pending: tuple[str, ...]
    running: str


class SoftirqRaised(Event):
    """The handler asked for `softirq`, which will run when the interrupt returns."""

    softirq: str

    def apply(self, world: World) -> None:
        row = world.softirqs.get(self.cpu)
        pending = row.pending if row is not None else ()
        world.softirqs[self.cpu] = Softirq(self.cpu, (*pending, self.softirq), "")


class SoftirqEntered(Event):
    """`irq_exit` → `__do_softirq`: the handler of `softirq` begins, with interrupts allowed again."""

    softirq: str

    def apply(self, world: World) -> None:
        row = world.softirqs[self.cpu]
        pending = tuple(name for name in row.pending if name != self.softirq)
        world.softirqs[self.cpu] = Softirq(self.cpu, pending, self.softirq)


class SoftirqRan(Event):
    """The handler of `softirq` is through with `work` things."""

    softirq: str
    work: int

    def apply(self, world: World) -> None:
        world.softirqs[self.cpu] = Softirq(self.cpu, world.softirqs[self.cpu].pending, "")
