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
from ioviz.live.names import program_name
from ioviz.live.open_files import close_process, copy_table
from ioviz.live.seed import begin, compare, ready_seen
from ioviz.live.shapes import shape_in, shape_out
from ioviz.live.snapshot import Snapshot
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
    ProcessExited,
    ProcessStarted,
    SourceLoaded,
    TaskCreated,
    TaskExited,
    TaskKilled,
    TaskPreempted,
    TaskSlept,
    TaskSwitched,
    TaskWoken,
)
from ioviz.model.wait import EXCLUSIVE, EXCLUSIVE_HEAD, SHARED
from ioviz.model.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ioviz.live.calls import Item

HOST: Final = 1
EINTR: Final = 4
RESTARTS: Final = range(512, 531)
CLONE_THREAD: Final = 0x10000
SLEEPS: Final[dict[str, tuple[str, int]]] = {
    "epoll_wait": ("ep_poll", EXCLUSIVE_HEAD), "epoll_pwait": ("ep_poll", EXCLUSIVE_HEAD),
    "epoll_pwait2": ("ep_poll", EXCLUSIVE_HEAD), "accept": ("inet_csk_accept", EXCLUSIVE),
    "accept4": ("inet_csk_accept", EXCLUSIVE), "recvfrom": ("sk_wait_data", SHARED),
    "recvmsg": ("sk_wait_data", SHARED), "recvmmsg": ("sk_wait_data", SHARED), "read": ("wait_woken", SHARED),
    "readv": ("wait_woken", SHARED), "sendto": ("sk_stream_wait_memory", SHARED), "wait4": ("do_wait", -1),
    "sendmsg": ("sk_stream_wait_memory", SHARED), "write": ("wait_woken", SHARED), "waitid": ("do_wait", -1),
    "connect": ("inet_stream_connect", SHARED), "poll": ("do_poll", -1), "ppoll": ("do_poll", -1),
    "select": ("do_select", -1), "pselect6": ("do_select", -1), "futex": ("futex_wait", -1),
    "nanosleep": ("hrtimer_nanosleep", -1), "clock_nanosleep": ("hrtimer_nanosleep", -1), "pause": ("pause", -1),
}  # fmt: skip
"""Calls that sleep: the kernel function, and how they stand on the queue of their first argument (-1: elsewhere)."""


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
        self.inodes: dict[int, int] = {}
        """Inode of a socket → its open file."""
        self._ids = 0
        self._who = who
        self._cloning: dict[int, int | None] = {}
        """Threads inside clone → its flags."""
        self._leaving: set[int] = set()
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
            self._ended(item)
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

    def _pass(self, t: int) -> None:
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
            self._meet(call)
        if self._bursts and name in AT_ONCE and AT_ONCE[name](self, call):
            return
        self.calls += 1
        opened = self.open.pop(tid, None)
        self._pass(call.start)
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
                    self._cloning[tid] = call.args[0] if call.args else 0
                return
        elif call.entered_only:
            self.open[tid] = name
            return
        else:
            self._pass(call.end)
            self.on_cpu(tid, "signal" if call.result == -EINTR else "timeout" if call.result == 0 else "event")
        self._pass(call.end)
        self.returned = call.end, tid
        frame = self.world.frames.get(tid)
        self.task, self.cause = tid, frame.entered if frame is not None else NO_CAUSE
        if name == "exit_group":
            self._leaving.add(self.pids[tid])
        effect = EFFECTS.get(name)
        if name == "epoll_ctl" and opened is not None and self.changing.pop(tid, None) is None:
            effect = None  # another thread's `epoll_wait` has shown that it took effect
        if effect is not None and call.args:
            effect(self, self.pids[tid], call)
        elif name in ("clone", "clone3", "fork", "vfork"):
            self._cloned(call)
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
        frame = self.world.frames.get(tid)
        self.cause = frame.entered if frame is not None else NO_CAUSE
        self.cause = self.infer(TaskSlept, wchan, queues, self.new_ids(max(1, len(queues))), max(mode, 0), 0)
        self.infer(TaskSwitched, tid, 0)

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

    # -- threads and processes -----------------------------------------------------------------------------------------

    def _meet(self, call: Call) -> None:
        """A thread that was not there before: a child whose clone is still under way, or somebody unknown."""
        tid = call.tid
        for parent, flags in self._cloning.items():
            if parent != tid:
                self.born(tid, parent, flags or 0)
                del self._cloning[parent]
                return
        known = self._who(tid) if self._who is not None else None
        pid, name, argv = known if known is not None else (call.pid or tid, "", ())
        if not name and call.name == "execve" and call.args:
            path = call.args[0] or ""
            argv = call.args[1] or (path,) if len(call.args) > 1 else (path,)
            name = program_name(path, argv)
        self.add_thread(tid, pid, name or f"process {pid}", argv)

    def add_thread(self, tid: int, pid: int, name: str = "", argv: tuple[str, ...] = ()) -> None:
        """A thread, and its process if that is new."""
        world = self.world
        self.task, self.cause = 0, NO_CAUSE
        row = world.processes.get(pid)
        if row is None or not row.alive:
            role = "peer" if world.processes else "main"
            self.infer(ProcessStarted, pid, HOST, name or f"process {pid}", argv, role)
        if tid not in world.tasks or world.tasks[tid].state == DEAD:
            self.infer(TaskCreated, tid, pid, HOST)
        self.pids[tid] = pid

    def born(self, tid: int, parent: int, flags: int) -> None:
        """`clone` by thread `parent` made `tid`. Twice does no harm: a child may be seen before its clone returns."""
        world = self.world
        pid = self.pids[parent]
        if tid in self.pids and world.tasks[tid].state != DEAD:
            return
        if flags & CLONE_THREAD:
            self.add_thread(tid, pid)
            return
        mother = world.processes[pid]
        self.add_thread(tid, tid, mother.name, mother.argv)
        copy_table(self, pid, tid)

    def _cloned(self, call: Call) -> None:
        self._cloning.pop(call.tid, None)
        if call.result is not None and call.result > 0:
            flags = call.args[0] if call.args else 0
            self.born(call.result, call.tid, flags or 0)

    def _ended(self, item: Ended) -> None:
        tid = item.tid
        pid = self.pids.pop(tid, 0)
        self.open.pop(tid, None)
        self._cloning.pop(tid, None)
        self._pass(item.t)
        world = self.world
        if not pid or world.tasks[tid].state == DEAD:
            return
        self.on_cpu(tid)
        self.task, self.cause = tid, NO_CAUSE
        self.seen(TaskExited, item.code)
        self.infer(TaskSwitched, tid, 0)
        if pid in self._leaving or item.signal:  # the whole process goes, also threads that nobody traced
            self._leaving.discard(pid)
            for other in [other for other, whose in self.pids.items() if whose == pid]:
                del self.pids[other]
                self.open.pop(other, None)
                if world.tasks[other].state != DEAD:
                    self.infer(TaskKilled, other)
        if pid not in self.pids.values():
            self.task = 0
            close_process(self, pid)
            self.seen(ProcessExited, pid, 128 + item.signal if item.signal else item.code, item.signal)

    def file_of(self, pid: int, fd: Any) -> int:
        """The open file that descriptor `fd` names; 0 if none is known."""
        if not isinstance(fd, int) or not 0 <= fd < 1 << 24:
            return 0
        row = self.world.fds.get(fd_key(pid, fd))
        return row.file if row is not None else 0
