"""The mirror: folds what a source delivers into events of the model, so that everything above works as on a run.

Observed is what a call itself says: its entry and its return, the descriptor that it made, the item that `epoll_ctl`
inserted, the event that `epoll_wait` handed over. Inferred is what follows from it: where the item stands in the tree,
that it was on the ready list before it was delivered (and, level-triggered, is again after), that the list was empty
when a thread went to sleep, who had the CPU. What does not follow is not claimed: that an item became ready is not
known before `epoll_wait` reports it, and bytes are counted, not invented.

The stage has one CPU, on which stands the thread whose call was seen last; a real computer runs several at once.

Parts: this file has identities, threads and calls; `effects` what each call changes; `seed` begins from a snapshot and
compares with later ones; `shapes` writes arguments as the rest of the house has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.live.calls import Call, Ended, LeftOut, Lost, ReadySeen
from ioviz.live.effects import EFFECTS
from ioviz.live.interest import drop_ready
from ioviz.live.moves import AT_ONCE
from ioviz.live.seed import begin, compare, ready_seen
from ioviz.live.shapes import shape_in, shape_out
from ioviz.live.sleeps import ASKED, SLEEPS
from ioviz.live.snapshot import Snapshot
from ioviz.live.threads import cloned, ended, meet
from ioviz.model.cpu import NO_VECTOR, SyscallReturned, TrapEntered
from ioviz.model.event import NO_CAUSE, Event, Gap, Origin, at_of
from ioviz.model.files import EVENTPOLL, fd_key
from ioviz.model.host import HostBooted, RunEnded
from ioviz.model.mirror import CallsLeftOut, MirrorStarted
from ioviz.model.syscalls import NUMBERS
from ioviz.model.task import (
    DEAD,
    SLEEPING,
    LineReached,
    SourceLoaded,
    TaskCreated,
    TaskPreempted,
    TaskSlept,
    TaskSwitched,
    TaskWoken,
)
from ioviz.model.world import World

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable

    from ioviz.live.calls import Item

HOST: Final = 1
EINTR: Final = 4
MANY: Final = 64
"""Queues of one sleeping `poll` that are rows, at most."""


class Mirror:
    """The world so far and the way of a call into it. `sink` gets every event; `who` tells of a thread that turns up
    (its process, name and arguments), if the source or procfs knows. `bursts`: the sink is a log, which takes several
    events as one entry."""

    def __init__(
        self,
        sink: Callable[[Event], object],
        source: str,
        how: str = "",
        who: Callable[[int], tuple[int, str, tuple[str, ...]] | None] | None = None,
        *,
        bursts: bool = False,
    ) -> None:
        self.world = World()
        self._bursts = bursts
        self.sink = sink
        self.seq = 0
        self.now = 0
        """Nanoseconds since the first thing seen."""
        self.task = 0
        self.at = 0
        self.cause = NO_CAUSE
        self.origin = int(Origin.OBSERVED)
        self.calls = 0
        self.unmatched = 0
        """Events of `epoll_wait` that fit no item: a sign that something was missed."""
        self.has_oneshot = False
        """Some item was one-shot: then `epoll_wait` changes masks."""
        self.wants_look = False
        """Something was seen that only a snapshot can tell more of (a passed descriptor, io_uring, a loss)."""
        self.base = 0
        self.last = 0
        """The source's time of the first and of the latest call."""
        self.pids: dict[int, int] = {}
        self.open: dict[int, str] = {}
        """Threads inside a call that was announced, and its name."""
        self.changing: dict[int, Call] = {}
        """Threads inside an `epoll_ctl` whose effect was not seen yet."""
        self.watches: dict[int, list[int]] = {}
        """Open file → the epoll items that watch it."""
        self.by_data: dict[tuple[int, int], list[int]] = {}
        """(instance, data) → items: what `epoll_wait` returns names them by data alone."""
        self.by_fd: dict[tuple[int, int, int], int] = {}
        """(instance, file, descriptor) → item."""
        self.touched: dict[int, int] = {}
        """Descriptor → when a call last changed what it means, by the source's clock."""
        self.opened: dict[int, tuple[int, int]] = {}
        """Descriptor → when the call that opened it returned, and in which thread."""
        self.returned = (0, 0)
        """When the call at hand returned, and in which thread."""
        self.passed: dict[int, deque[tuple[int, ...]]] = {}
        """Socket → the open files of each message on its way there (SCM_RIGHTS)."""
        self.heard: dict[int, int] = {}
        """Thread → when it was last seen to enter or leave a call, by the source's clock."""
        self.inodes: dict[int, int] = {}
        """Inode of a socket → its open file."""
        self._ids = 0
        self.who = who
        self.cloning: dict[int, int | None] = {}
        """Threads inside clone → its flags."""
        self.gone: set[int] = set()
        """Threads that went with their process."""
        self.leaving: set[int] = set()
        """Processes one of whose threads has called `exit_group`."""
        self._sources: dict[str, int] = {}
        self.seen(MirrorStarted, source, how)
        self.infer(HostBooted, HOST, "this computer", "127.0.0.1")

    # -- events --------------------------------------------------------------------------------------------------------

    def emit(self, kind: type[Event], *own: Any) -> int:
        """Make, apply and log an event, with the origin in force; its seq."""
        seq = self.seq
        self.seq = seq + 1
        event = kind(seq, self.now, HOST, self.task, self.cause, self.origin, self.at, *own)
        event.apply(self.world)
        self.sink(event)
        return seq

    def seen(self, kind: type[Event], *own: Any) -> int:
        """An event that was observed. (`emit` again: these two are made several times a call.)"""
        seq = self.seq
        self.seq = seq + 1
        self.origin = 1
        event = kind(seq, self.now, HOST, self.task, self.cause, 1, self.at, *own)
        event.apply(self.world)
        self.sink(event)
        return seq

    def infer(self, kind: type[Event], *own: Any) -> int:
        """An event that follows from what was observed."""
        seq = self.seq
        self.seq = seq + 1
        self.origin = 2
        event = kind(seq, self.now, HOST, self.task, self.cause, 2, self.at, *own)
        event.apply(self.world)
        self.sink(event)
        return seq

    def new_ids(self, count: int = 1) -> int:
        """The first of `count` fresh ids."""
        first = self._ids + 1
        self._ids += count
        return first

    # -- items ---------------------------------------------------------------------------------------------------------

    def feed(self, items: Iterable[Item]) -> None:
        """Take note of what a source delivered."""
        for item in items:
            kind = type(item)
            if kind is Call:
                self._call(item)  # type: ignore[arg-type]
            else:
                self._rest(item)

    def _rest(self, item: Item) -> None:
        if isinstance(item, Ended):
            ended(self, item)
        elif isinstance(item, Lost):
            self.task, self.cause = 0, NO_CAUSE
            self.seen(Gap, item.count)
            self.open.clear()
            self.changing.clear()
            self.wants_look = True
        elif isinstance(item, LeftOut):
            self.leave_out(item.count)
        elif isinstance(item, Snapshot):
            if not self.base:
                self.base = item.t
            self.now = max(self.now, item.t - self.base)
            if item.seed:
                begin(self, item)
            else:
                compare(self, item)
        elif isinstance(item, ReadySeen):
            ready_seen(self, item)

    def leave_out(self, count: int) -> None:
        """So many calls that changed nothing but bytes were not told."""
        if count:
            self.calls += count
            self.task, self.cause = 0, NO_CAUSE
            self.seen(CallsLeftOut, count)

    def finish(self, message: str = "", reason: str = "") -> None:
        """The source has ended: so has the run, for `reason`, which `message` says more of; without any because the
        programs have."""
        run = self.world.runs[1]
        if not run.ended:
            self.task, self.cause = 0, NO_CAUSE
            codes = [row.exit_code for row in self.world.processes.values() if row.role == "main" and not row.alive]
            self.seen(RunEnded, reason or "exit", message, codes[0] if codes else 0)

    def passes(self, t: int) -> None:
        """Time `t` of the source's clock has come."""
        if t > self.last:
            if not self.base:
                self.base = t
            self.last = t
            if t - self.base > self.now:
                self.now = t - self.base

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, call: Call) -> None:
        tid, name = call.tid, call.name
        if tid not in self.pids:
            if tid in self.gone and not self.cloning:
                return  # strace says last what its threads were in
            meet(self, call)
        if self._bursts and name in AT_ONCE and AT_ONCE[name](self, call):
            return
        self.calls += 1
        opened = self.open.pop(tid, None)
        self.heard[tid] = call.end or call.start
        self.passes(call.start)
        if opened is None or opened != name:
            self._enter(call)
            if call.entered_only:
                self.open[tid] = name
                sleeps = SLEEPS.get(name)
                if sleeps is not None:
                    self._sleep(call, *sleeps)
                elif name == "epoll_ctl":
                    self.changing[tid] = call
                elif name in ("clone", "clone3", "fork", "vfork"):
                    self.cloning[tid] = call.args[0] if call.args else 0
                return
        elif call.entered_only:
            self.open[tid] = name
            return
        else:
            self.passes(call.end)
            self.on_cpu(tid, "signal" if call.result == -EINTR else "timeout" if call.result == 0 else "event")
        self.passes(call.end)
        self.returned = call.end, tid
        frame = self.world.frames.get(tid)
        self.task, self.cause = tid, frame.entered if frame is not None else NO_CAUSE
        if name == "exit_group":
            self.leaving.add(self.pids[tid])
        effect = EFFECTS.get(name)
        if name == "epoll_ctl" and opened is not None and self.changing.pop(tid, None) is None:
            effect = None  # another thread's `epoll_wait` has shown that it took effect
        if effect is not None and call.args:
            effect(self, self.pids[tid], call)
        elif name in ("clone", "clone3", "fork", "vfork"):
            cloned(self, call)
        if call.result is not None:
            self.task, self.cause = tid, frame.entered if frame is not None else NO_CAUSE
            self.seen(SyscallReturned, NUMBERS.get(name, -1), call.result, shape_out(call))

    def _enter(self, call: Call) -> None:
        tid = call.tid
        if self.world.cpus[HOST].task != tid:
            self.on_cpu(tid)
        self.task, self.cause = tid, NO_CAUSE
        if call.at is not None:
            self._line(*call.at)
        self.seen(TrapEntered, NO_VECTOR, NUMBERS.get(call.name, -1), shape_in(call))

    def _line(self, path: str, line: int) -> None:
        file = self._sources.get(path)
        if file is None:
            file = self._sources[path] = len(self._sources) + 1
            try:
                with open(path, encoding="utf-8", errors="replace") as opened:
                    text = opened.read(1 << 20)
            except (OSError, ValueError):
                text = ""
            self.seen(SourceLoaded, file, path, text)
        at = at_of(file, min(line, 0xFFFF))
        if at != self.world.lines.get(self.task):
            self.at = at
            self.seen(LineReached)
        self.at = at

    def _sleep(self, call: Call, wchan: str, mode: int) -> None:
        tid = self.task = call.tid
        queues: tuple[int, ...] = ()
        if mode >= 0 and call.args:
            file = self.world.files.get(self.file_of(self.pids[tid], call.args[0]))
            if file is not None and file.obj in self.world.wait_queues:
                queues = (file.obj,)
                if wchan == "ep_poll" and file.kind == EVENTPOLL:
                    drop_ready(self, file.obj)
        elif call.name in ASKED:
            queues = self._asked(call)
        frame = self.world.frames.get(tid)
        self.cause = frame.entered if frame is not None else NO_CAUSE
        self.cause = self.infer(TaskSlept, wchan, queues, self.new_ids(max(1, len(queues))), max(mode, 0), 0)
        self.infer(TaskSwitched, tid, 0)

    def _asked(self, call: Call) -> tuple[int, ...]:
        """The queues on which `poll` or `select` stands: those of all descriptors that it asks, if the source saw."""
        world = self.world
        found: dict[int, None] = {}
        for fd in ASKED[call.name](call.args):
            file = world.files.get(self.file_of(self.pids[call.tid], fd))
            if file is not None and file.obj in world.wait_queues:
                found[file.obj] = None
        return tuple(found)[:MANY]

    def on_cpu(self, tid: int, reason: str = "event") -> None:
        """Thread `tid` is the one that is seen at work: on the stage it has the CPU."""
        world = self.world
        here = world.cpus[HOST].task
        if here == tid:
            return
        self.cause = NO_CAUSE
        if here and world.tasks[here].state != DEAD:
            self.task = here
            self.cause = self.infer(TaskPreempted, "parallel")
        self.task = tid
        state = world.tasks[tid].state
        if state == SLEEPING:
            self.cause = self.infer(TaskWoken, tid, reason)
        elif state == DEAD:
            self.infer(TaskCreated, tid, self.pids[tid], HOST)
        self.infer(TaskSwitched, here, tid)

    def file_of(self, pid: int, fd: Any) -> int:
        """The open file that descriptor `fd` names; 0 if none is known."""
        if not isinstance(fd, int) or not 0 <= fd < 1 << 24:
            return 0
        row = self.world.fds.get(fd_key(pid, fd))
        return row.file if row is not None else 0
