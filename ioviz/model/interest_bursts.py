"""The bursts of an epoll instance's interest: epoll_ctl(2) that adds or deletes, with the repairs of the tree."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from ioviz.model.burst import Burst
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import Event
from ioviz.model.eventpoll import EpitemInserted, EpitemRemoved, ReadyLinked
from ioviz.model.rbtree import TreeColoursFlipped, TreeRecoloured, TreeRotated, TreeSwapped
from ioviz.model.syscalls import SYS
from ioviz.model.world import World

REPAIRS: Final = (TreeRecoloured, TreeColoursFlipped, TreeRotated, TreeSwapped)
_CODES: Final = {kind: code for code, kind in enumerate(REPAIRS)}

Step = tuple[int, int, int]
"""A change of the tree: which of `REPAIRS`, its node, and what else it has (0: nothing)."""


class Steps:
    """Takes the events of `ioviz.model.rb_repairs` as steps: the world changes, and nothing is logged yet."""

    __slots__ = ("steps", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.steps: list[Step] = []

    def emit(self, kind: Any, tree: int, node: int, other: int = 0) -> int:
        """Change the world as an event of `kind` would."""
        kind.change(self.world, tree, node, other)
        if kind is not EpitemRemoved:
            self.steps.append((_CODES[kind], node, +other))  # a colour or a side is a number from here on
        return 0


def _repair(head: tuple[int, ...], tree: int, step: Step) -> Event:
    code, node, other = step
    kind: Any = REPAIRS[code]
    own = () if kind is TreeColoursFlipped else (other,) if kind is TreeSwapped else (bool(other),)
    event: Event = kind(*head, tree, node, *own)
    return event


class Watched(Burst):
    """epoll_ctl(EPOLL_CTL_ADD): the item, whose wait entry has the next id, in the tree; and on the ready list if the
    file is ready already (`ready` is not 0)."""

    kinds: ClassVar = frozenset((TrapEntered, EpitemInserted, *REPAIRS, ReadyLinked, SyscallReturned))

    vector: int
    args: tuple[int, int, int, int, int]
    ep: int
    item: int
    file: int
    events: int
    queue: int
    parent: int
    left: bool
    steps: list[Step]
    ready: int
    linking: int
    returning: int

    @property
    def count(self) -> int:
        return 3 + len(self.steps) + bool(self.ready)

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at = self.seq, self.t, self.cpu, self.task, self.at
        ep, item = self.ep, self.item
        _, _, fd, requested, data = self.args
        events: list[Event] = [
            TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.epoll_ctl, self.args),
            EpitemInserted(
                seq + 1, t, cpu, task, seq, 0, at, ep, item, self.file, fd, self.events, requested, data, self.queue,
                item + 1, self.parent, self.left,
            ),
        ]  # fmt: skip
        for number, step in enumerate(self.steps, seq + 2):
            events.append(_repair((number, t, cpu, task, seq, 0, at), ep, step))
        if self.ready:
            t += self.linking
            events.append(ReadyLinked(seq + len(events), t, cpu, task, seq, 0, at, ep, item, self.ready, "add"))
        t += self.returning
        events.append(SyscallReturned(seq + len(events), t, cpu, task, seq, 0, at, SYS.epoll_ctl, 0))
        return events


class Unwatched(Burst):
    """epoll_ctl(EPOLL_CTL_DEL): the item is gone from the tree, the ready list and the file's wait queue."""

    kinds: ClassVar = frozenset((TrapEntered, EpitemRemoved, *REPAIRS, SyscallReturned))

    vector: int
    args: tuple[int, int, int, int, int]
    ep: int
    item: int
    steps: list[Step]
    returning: int

    @property
    def count(self) -> int:
        return 3 + len(self.steps)

    def unfold(self) -> list[Event]:
        seq, t, cpu, task, at, ep = self.seq, self.t, self.cpu, self.task, self.at, self.ep
        steps = self.steps
        trap = TrapEntered(seq, t, cpu, task, self.cause, 0, at, self.vector, SYS.epoll_ctl, self.args)
        events: list[Event] = [trap]
        number = seq + 1
        if steps and REPAIRS[steps[0][0]] is TreeSwapped:
            events.append(_repair((number, t, cpu, task, seq, 0, at), ep, steps[0]))
            steps, number = steps[1:], number + 1
        events.append(EpitemRemoved(number, t, cpu, task, seq, 0, at, ep, self.item, "delete"))
        for step in steps:
            number += 1
            events.append(_repair((number, t, cpu, task, seq, 0, at), ep, step))
        t += self.returning
        events.append(SyscallReturned(number + 1, t, cpu, task, seq, 0, at, SYS.epoll_ctl, 0))
        return events
