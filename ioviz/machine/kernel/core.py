"""The core of the kernel: the world, the clock, the log, ids and the heap of timers.

The rest of the kernel stands on it as a chain of classes, each adding its concept: `Core` → `Scheduler` (sched) →
`WaitQueues` (wait) → `Files` (files) → `Kernel` (kernel). Invariant: everything that a person may see is in the world;
what is kept beside it (counters, caches, stacks of guests) could be worked out again from the log.
"""

from __future__ import annotations

import random
from functools import cache
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.hardware.costs import load_costs
from ioviz.model.event import NO_CAUSE, Event
from ioviz.model.footprint import tables_of
from ioviz.model.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.config import Config
    from ioviz.machine.kernel.flows import Flow, Seen

ROOM: Final = 200
"""Frames that the kernel has to itself where a program has recursed to its limit: they stand on the program's stack."""


class Timer:
    """Something to do at a time, in interrupt context of a host's CPU. `waits`: it is a sleeping task's time-out."""

    __slots__ = ("args", "fn", "host", "waits")

    def __init__(self, host: int, fn: Callable[..., object] | None, args: tuple[Any, ...], waits: bool) -> None:
        self.host = host
        self.fn = fn
        self.args = args
        self.waits = waits


@cache
def _stirs(kind: type[Event]) -> bool:
    """Whether events of `kind` may change what is remembered of connections (`ioviz.machine.kernel.flows`)."""
    return not tables_of(frozenset((kind,))).isdisjoint(("fds", "sockets"))


class Core:
    """The state that every part of the kernel shares. Times are virtual nanoseconds."""

    # What every event touches is found faster in slots.
    __slots__ = (
        "_last_id",
        "_timers",
        "_timers_made",
        "at",
        "attention",
        "cause",
        "config",
        "costs",
        "cpu",
        "flow_keys",
        "flows",
        "now",
        "pid",
        "random",
        "seen_items",
        "seq",
        "sink",
        "task",
        "world",
    )

    def __init__(self, config: Config, seed: int, sink: Callable[[Event], object]) -> None:
        self.config = config
        self.world = World()
        self.sink: Callable[[Any], object] = sink
        """Takes each event; with `bursts` (see `Kernel`) also bursts. To call it where it is hot, take it into a local
        variable first: what looks like the call of a method is searched for as one, which takes 30 ns."""
        self.seq = 0
        self.now = 0
        self.cpu = 0
        self.task = 0
        self.pid = 0
        self.at = 0
        self.cause = NO_CAUSE
        self.random = random.Random(seed)
        self.costs = load_costs(config.costs)
        self.attention = 0
        """The time at which the running task is to be interrupted: see `Scheduler.attend`."""
        self.flows: dict[int, Flow] = {}
        """What the fast path remembers of connections, by the key of the descriptor."""
        self.flow_keys: dict[int, int] = {}
        """The same key by socket: it has one flow at most."""
        self.seen_items: dict[int, Seen] = {}
        """What it remembers of the items of epoll instances."""
        self._last_id = 0
        self._timers: list[tuple[int, int, Timer]] = []
        self._timers_made = 0

    def emit(self, kind: type[Event], *own: Any) -> int:
        """Make an event of `kind` with its own fields, apply it and log it; returns its seq.

        Everything passes here, so the common numbers of fields are spelled out: a starred call takes twice as long.
        The number counts when the event is logged: a program that recursed too deep leaves no room for it.
        """
        seq = self.seq
        count = len(own)
        if count == 2:
            a, b = own
            event = kind(seq, self.now, self.cpu, self.task, self.cause, 0, self.at, a, b)  # type: ignore[call-arg]
        elif count == 4:
            a, b, c, d = own
            event = kind(seq, self.now, self.cpu, self.task, self.cause, 0, self.at, a, b, c, d)  # type: ignore[call-arg]
        elif count == 3:
            a, b, c = own
            event = kind(seq, self.now, self.cpu, self.task, self.cause, 0, self.at, a, b, c)  # type: ignore[call-arg]
        else:
            event = kind(seq, self.now, self.cpu, self.task, self.cause, 0, self.at, *own)
        event.apply(self.world)
        sink = self.sink
        sink(event)
        self.seq = seq + 1
        if (self.seen_items or self.flows) and _stirs(kind):
            self.flows.clear()
            self.flow_keys.clear()
            self.seen_items.clear()
        return seq

    def new_id(self) -> int:
        """An id that no row has had."""
        self._last_id += 1
        return self._last_id

    def new_ids(self, count: int) -> int:
        """The first of `count` ids in a row."""
        first = self._last_id + 1
        self._last_id += count
        return first

    def after(self, delay: int, host: int, fn: Callable[..., object], *args: Any, waits: bool = False) -> Timer:
        """Call `fn(*args)` `delay` ns from now in interrupt context of `host`. Equal times keep their order."""
        timer = Timer(host, fn, args, waits)
        due = self.now + delay
        self._timers_made += 1
        heappush(self._timers, (due, self._timers_made, timer))
        if due < self.attention:
            self.attention = due
        return timer

    def cancel(self, timer: Timer) -> None:
        """Forget a timer. It stays in the heap, and neither runs nor moves the clock."""
        timer.fn = None

    def spend(self, ns: int) -> None:
        """Let `ns` pass: work that is worth no event of its own."""
        self.now += ns
