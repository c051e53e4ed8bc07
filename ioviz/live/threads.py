"""Threads and processes of the mirror: who turns up, whom a clone made, and who is gone.

A child may be seen before the clone that made it has returned, and threads that go with their process may still be
spoken of after it is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.live.names import executed
from ioviz.live.open_files import close_process, copy_table
from ioviz.model.event import NO_CAUSE
from ioviz.model.task import DEAD, ProcessExited, ProcessStarted, TaskCreated, TaskExited, TaskKilled, TaskSwitched

if TYPE_CHECKING:
    from ioviz.live.calls import Call, Ended
    from ioviz.live.mirror import Mirror

HOST: Final = 1
CLONE_THREAD: Final = 0x10000


def meet(m: Mirror, call: Call) -> None:
    """A thread that was not there before: a child whose clone is still under way, or somebody unknown."""
    tid = call.tid
    for parent, flags in m.cloning.items():
        if parent != tid:
            born(m, tid, parent, flags or 0)
            del m.cloning[parent]
            return
    known = m.who(tid) if m.who is not None else None
    pid, name, argv = known if known is not None else (call.pid or tid, "", ())
    if not name and call.name == "execve" and call.args:
        name, argv = executed(call)
    add_thread(m, tid, pid, name or f"process {pid}", argv)


def add_thread(m: Mirror, tid: int, pid: int, name: str = "", argv: tuple[str, ...] = ()) -> None:
    """A thread, and its process if that is new."""
    world = m.world
    m.task, m.cause = 0, NO_CAUSE
    row = world.processes.get(pid)
    if row is None or not row.alive:
        role = "peer" if world.processes else "main"
        m.infer(ProcessStarted, pid, HOST, name or f"process {pid}", argv, role)
    if tid not in world.tasks or world.tasks[tid].state == DEAD:
        m.infer(TaskCreated, tid, pid, HOST)
    m.pids[tid] = pid
    m.gone.discard(tid)


def born(m: Mirror, tid: int, parent: int, flags: int) -> None:
    """`clone` by thread `parent` made `tid`. Twice does no harm: a child may be seen before its clone returns."""
    world = m.world
    pid = m.pids[parent]
    if tid in m.pids and world.tasks[tid].state != DEAD:
        return
    if flags & CLONE_THREAD:
        add_thread(m, tid, pid)
        return
    mother = world.processes[pid]
    add_thread(m, tid, tid, mother.name, mother.argv)
    copy_table(m, pid, tid)


def cloned(m: Mirror, call: Call) -> None:
    m.cloning.pop(call.tid, None)
    if call.result is not None and call.result > 0:
        flags = call.args[0] if call.args else 0
        born(m, call.result, call.tid, flags or 0)


def ended(m: Mirror, item: Ended) -> None:
    tid = item.tid
    pid = m.pids.pop(tid, 0)
    m.open.pop(tid, None)
    m.heard.pop(tid, None)
    m.cloning.pop(tid, None)
    m.passes(item.t)
    world = m.world
    if not pid or world.tasks[tid].state == DEAD:
        return
    m.on_cpu(tid)
    m.task, m.cause = tid, NO_CAUSE
    m.seen(TaskExited, item.code)
    m.infer(TaskSwitched, tid, 0)
    if pid in m.leaving or item.signal:  # the whole process goes, also threads that nobody traced
        m.leaving.discard(pid)
        for other in [other for other, whose in m.pids.items() if whose == pid]:
            del m.pids[other]
            m.gone.add(other)
            m.open.pop(other, None)
            if world.tasks[other].state != DEAD:
                m.infer(TaskKilled, other)
    if pid not in m.pids.values():
        m.task = 0
        close_process(m, pid)
        m.seen(ProcessExited, pid, 128 + item.signal if item.signal else item.code, item.signal)
