"""Sleeping and waking: the kernel's `prepare_to_wait`, `schedule_timeout` and `__wake_up`.

A sleeper is always in a loop that checks its condition again; a wake-up is a hint. `wake` walks a queue from its head,
runs the callback of each epoll item that it meets, wakes each task, and stops after one exclusive entry that took it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz.machine.kernel.sched import Scheduler
from ioviz.model.idt import TIMER
from ioviz.model.task import SLEEPING, TaskSlept, TaskWoken
from ioviz.model.wait import SHARED

if TYPE_CHECKING:
    from ioviz.model.wait import WaitEntry


class WaitQueues(Scheduler):
    """Wait queues."""

    def sleep(self, wchan: str, queues: tuple[int, ...], mode: int = SHARED, until: int = 0, deaf: bool = False) -> str:
        """Sleep in the kernel function `wchan` on `queues` until woken or until the time `until` (0: for ever).

        Returns "event", "timeout" or "signal". The caller checks its condition again and may sleep again; where it is
        `deaf` to signals, it does.
        """
        thread = self.thread
        if thread.sigpending and not deaf:
            return "signal"
        if until and until <= self.now:
            return "timeout"
        entry = self.new_ids(len(queues))
        self.emit(TaskSlept, wchan, queues, entry, mode, until)
        if until:
            thread.timer = self.after(until - self.now, self.cpu, self._timed_out, thread.tid, waits=True)
        thread.nvcsw += 1
        self.schedule()
        why = thread.wake_reason
        # The signal may have been taken by another task meanwhile: then nothing happened.
        return "event" if why == "signal" and not thread.sigpending else why

    def wake_task(self, tid: int, reason: str = "event") -> bool:
        """Make a sleeping task ready; False if it does not sleep."""
        if self.world.tasks[tid].state != SLEEPING:
            return False
        thread = self.threads[tid]
        if thread.timer is not None:
            self.cancel(thread.timer)
            thread.timer = None
        thread.wake_reason = reason
        self.now += self.costs.wakeup
        thread.cause = self.emit(TaskWoken, tid, reason)
        return True

    def wake(self, queue: int, mask: int, everyone: bool = False) -> None:
        """Tell the waiters of `queue` that `mask` (poll bits, 0: unknown) may hold now. With `everyone`, exclusive
        waiters do not keep it from going on (`wake_up_interruptible_all`)."""
        world = self.world
        row = world.wait_queues.get(queue)
        if row is None:
            return
        entry = row.head
        entries, links = world.wait_entries, world.wait_links
        while entry:
            waiter = entries[entry]
            if waiter.item:
                took = self.ep_poll_callback(waiter, mask)
                # Only now: the callback may have woken a task that stood next on this queue.
                entry = links[entry].next
            else:
                # A task may stand on one queue twice (poll with one descriptor named twice): all its entries leave.
                while entry and entries[entry].task == waiter.task:
                    entry = links[entry].next
                keys = self.threads[waiter.task].keys
                took = (keys is None or not mask or bool(mask & keys[queue])) and self.wake_task(waiter.task)
            if took and waiter.exclusive and not everyone:
                return

    def _timed_out(self, tid: int) -> None:
        self.threads[tid].timer = None
        self.interrupt(self.cpu, TIMER, self.wake_task, tid, "timeout")

    def ep_poll_callback(self, waiter: WaitEntry, mask: int) -> bool:
        """The file of an epoll item became ready; True if that woke a task."""
        raise NotImplementedError
