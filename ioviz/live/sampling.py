"""Samples of a process, ten times a second, that read again only what may have changed.

A sample counts the descriptors and reads the interest lists, and lists the descriptors where either has changed; only
one that is new, or of which an interest list says that its number names another file by now, is looked at again. Each
`WHOLE` seconds everything is, for what neither shows (one that no list watches was closed, and another opened). The
kernel's tables of sockets are dear, a thousand sockets take it ten milliseconds: they are read as often as costs
`SOCKETS_SHARE` of a processor.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ioviz.live import procfs
from ioviz.live.calls import Ended
from ioviz.live.snapshot import Snapshot
from ioviz.live.sockdiag import read_sockets
from ioviz.live.source import Inbox, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.live.calls import Item
    from ioviz.live.snapshot import Descriptor, ProcessState, SocketState
    from ioviz.live.sockdiag import Answers
    from ioviz.live.source import Refusal

SHARE: Final = 0.02
"""Of a processor, for the samples."""
WHOLE_SHARE: Final = 0.01
"""For reading everything, and"""
SOCKETS_SHARE: Final = 0.01
"""for the tables of sockets beside them."""
WHOLE: Final = 3.0
"""Seconds between two samples in which everything is read, at least."""


class Sampler:
    """Of process `pid` and its descendants; `clock` is the source's."""

    def __init__(self, pid: int, clock: Callable[[], int]) -> None:
        self._pid = pid
        self._clock = clock
        self._known: dict[int, ProcessState] = {}
        self._texts: dict[tuple[int, int], str] = {}
        self._counts: dict[int, int] = {}
        self._next_whole = self._next_sockets = 0.0
        self._inodes: frozenset[int] = frozenset()
        self._sockets: dict[int, SocketState] = {}
        self._answers: Answers = {}
        self.took = 0.0
        """Seconds of processor time that the last sample took, without the sockets, unless it read everything."""

    def sample(self) -> Snapshot | None:
        """What there is now; None if that is what there was."""
        t, began = self._clock(), time.thread_time()
        whole = time.monotonic() >= self._next_whole
        processes = [each for pid in procfs.family(self._pid) if (each := self._process(pid, whole=whole)) is not None]
        if whole:
            self._next_whole = time.monotonic() + max(WHOLE, (time.thread_time() - began) / WHOLE_SHARE)
        changed = processes != list(self._known.values())
        self._known = {each.pid: each for each in processes}
        if not whole:
            self.took = time.thread_time() - began
        sockets = self._read_sockets(processes, changed=changed)
        if not changed and not sockets:
            return None
        return Snapshot(t, tuple(processes), sockets, seed=True, took=self._clock() - t)

    def _process(self, pid: int, *, whole: bool) -> ProcessState | None:
        before = self._known.get(pid)
        count = procfs.open_count(pid)
        counted = count and count == self._counts.get(pid)
        self._counts[pid] = count
        if before is None or whole:
            return procfs.read_process(pid, seed=True)
        lists = {
            each.fd: text
            for each in before.descriptors
            if each.kind == "epoll" and (text := procfs.fdinfo(pid, each.fd)) != self._texts.get((pid, each.fd))
        }
        descriptors = before.descriptors
        if lists or not counted:
            again = self._descriptors(pid, before, lists)
            if again is None:
                return None
            descriptors = again
        threads = tuple(filter(None, (procfs.read_thread(pid, tid) for tid in procfs.threads_of(pid))))
        if threads == before.threads and descriptors is before.descriptors:
            return before
        return replace(before, threads=threads, descriptors=descriptors)

    def _descriptors(self, pid: int, before: ProcessState, lists: dict[int, str]) -> tuple[Descriptor, ...] | None:
        """The descriptors by now, if the interest lists in `lists` say what they say; the same tuple if nothing has
        changed, None if the process is gone."""
        try:
            numbers = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        except OSError:
            return None
        known = {each.fd: each for each in before.descriptors if each.fd in numbers}
        again = numbers - known.keys()
        for fd, text in lists.items():
            if fd in known:
                again |= self._interests(pid, fd, text, known)
        if not again and len(known) == len(before.descriptors):
            return before.descriptors
        for fd in again:
            found = procfs.read_descriptor(pid, fd, seed=True)
            if found is not None:
                known[fd] = found
            else:
                known.pop(fd, None)
        return tuple(known[fd] for fd in sorted(known))

    def _interests(self, pid: int, epoll: int, text: str, known: dict[int, Descriptor]) -> set[int]:
        """The descriptors that have to be read again, by the interest list of `epoll`, which says `text` by now."""
        self._texts[pid, epoll] = text
        found = {epoll}
        for item in procfs.interests_in(text):
            watched = known.get(item.fd)
            if watched is not None and item.inode and watched.inode and watched.inode != item.inode:
                found.add(item.fd)
        return found

    def _read_sockets(self, processes: list[ProcessState], *, changed: bool) -> dict[int, SocketState]:
        """The sockets of which something has changed; of all, if it is time, else none."""
        now = time.monotonic()
        if now < self._next_sockets:
            return {}
        if changed:
            self._inodes = frozenset(
                inode
                for process in processes
                for each in process.descriptors
                for inode in (each.inode if each.kind == "socket" else 0, *(item.inode for item in each.interests))
                if inode
            )
        began = time.thread_time()
        found: dict[int, SocketState] = {}
        for process in processes:
            rest = self._inodes - found.keys()
            ours = process.netns == procfs.own_netns()
            found.update(read_sockets(process.pid, rest, ours=ours, before=self._answers))
        for inode in self._answers.keys() - found.keys():
            del self._answers[inode]
        self._next_sockets = now + (time.thread_time() - began) / SOCKETS_SHARE
        before, self._sockets = self._sockets, found
        return {inode: row for inode, row in found.items() if before.get(inode) != row}


class ProcfsSource:
    """Samples a process `rate` times a second, as far as that costs less than `SHARE` of a processor: states only."""

    name = "procfs"

    def __init__(self, pid: int, rate: float = 10.0) -> None:
        self._pid = pid
        self._period = 1.0 / rate
        self._inbox: Inbox[Item] = Inbox()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.ending: Refusal | None = None
        self.clock = time.monotonic_ns
        self.samples = 0
        """How many were taken."""

    @property
    def pids(self) -> tuple[int, ...]:
        """The process."""
        return (self._pid,)

    @property
    def ended(self) -> bool:
        """See `Source`."""
        return self._inbox.empty

    def start(self) -> None:
        """See `Source`."""
        refusal = procfs.why_not(self._pid)
        if refusal is not None:
            raise SourceError(refusal)
        self._inbox.put([procfs.take(procfs.family(self._pid), self.clock, seed=True)])
        self._thread = threading.Thread(target=self._sample, name="ioviz-procfs", daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        sampler = Sampler(self._pid, self.clock)
        sampler.sample()  # what was put already, and what is to be compared with
        due = time.monotonic() + self._period
        while not self._stopping.wait(due - time.monotonic()):
            if not procfs.exists(self._pid):
                self._inbox.put([Ended(tid, 0, 0, self.clock()) for tid in (self._pid,)])
                break
            snapshot = sampler.sample()
            self.samples += 1
            if snapshot is not None:
                self._inbox.put([snapshot])
            due = max(due + max(self._period, sampler.took / SHARE), time.monotonic())
        self._inbox.close()

    @property
    def backlog(self) -> int:
        """See `Source`."""
        return len(self._inbox)

    def take(self, limit: int) -> list[Item]:
        """See `Source`."""
        return self._inbox.take(limit)

    def wait(self, seconds: float) -> bool:
        """See `Source`."""
        return self._inbox.wait(seconds)

    def look(self) -> None:
        """It does nothing else."""

    def stop(self) -> None:
        """See `Source`."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2)
        self._inbox.close()
