"""Bursts: what a system call does on its most usual way, as one entry of the log that stands for several events.

A busy server makes the same few events again and again: trap, bytes copied, segment delivered, item linked, return.
Each follows from the one before and from a handful of numbers, so the kernel may write those numbers only, and the log
unfolds them when somebody looks. Nobody above the log ever sees a burst.

Invariant: `unfold` gives exactly the events that the call makes one by one without bursts, and the kernel leaves the
world as they would (`ioviz.machine.kernel.fastpath`; the tests run every program both ways).
"""

from __future__ import annotations

from typing import ClassVar, dataclass_transform

import msgspec

from ioviz.model.event import Event


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))  # as for `Event`
class Burst(msgspec.Struct, frozen=True, tag_field="kind", tag=True, array_like=True, gc=False):
    """The head of a burst is that of its first event. Durations are ns since the event before."""

    kinds: ClassVar[frozenset[type[Event]]]
    """The kinds that it may unfold into."""
    size: ClassVar[int] = 0
    """The number of its events where that is always the same."""

    seq: int
    t: int
    cpu: int
    task: int
    cause: int
    at: int

    @property
    def count(self) -> int:
        """The number of its events."""
        return self.size

    def unfold(self) -> list[Event]:
        """Its events, which each kind of burst has its own way to make."""
        raise NotImplementedError
