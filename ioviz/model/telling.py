"""Bursts that tell others: data, a connection or the end of one came, and who polls or sleeps there learns of it."""

from __future__ import annotations

from ioviz.model.burst import Burst
from ioviz.model.event import Event
from ioviz.model.eventpoll import ReadyLinked
from ioviz.model.task import TaskWoken


class Telling(Burst):
    """`item` is put on the ready list of epoll instance `ep` (0: it is not), and then the task `woken` (0: none)
    becomes ready: it slept in epoll_wait on `ep`, or in a call on the socket itself."""

    ep: int
    item: int
    events: int
    woken: int
    linking: int
    """What that took; 0 where it did not happen."""
    waking: int

    @property
    def told(self) -> int:
        """The number of its events that tell."""
        return bool(self.ep) + bool(self.woken)

    def tell(self, events: list[Event], t: int, cause: int) -> int:
        """Add those to `events`, from time `t` on; the time afterwards."""
        cpu, task, at = self.cpu, self.task, self.at
        seq = self.seq + len(events)
        if self.ep:
            t += self.linking
            linked = ReadyLinked(seq, t, cpu, task, cause, 0, at, self.ep, self.item, self.events, "callback")
            events.append(linked)
            cause, seq = seq, seq + 1
        if self.woken:
            t += self.waking
            events.append(TaskWoken(seq, t, cpu, task, cause, 0, at, self.woken, "event"))
        return t
