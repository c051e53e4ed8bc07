"""Which source watches a process or a program: the one that was asked for, or the best that works here.

By itself: eBPF (it does not stop the program, and sees the kernel's own ready list), strace, the probe (Python programs
that we start), procfs (states without calls). Each that cannot be used says why, and what would help.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import structs

from ioviz.live import procfs, sampling, strace
from ioviz.live.cost import Cost, run_time
from ioviz.live.ebpf import source as ebpf_source
from ioviz.live.probe import source as probe_source
from ioviz.live.source import Refusal, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ioviz.live.snapshot import Snapshot
    from ioviz.live.source import Source

NAMES: Final = ("ebpf", "strace", "probe", "procfs")
"""In the order in which they are tried."""
Streams = tuple[Any, Any, Any]


class Chosen(NamedTuple):
    """A source, not yet started; how to read the kernel's tables beside it; what it costs; and why not a better one."""

    source: Source
    look: Callable[[], Snapshot | None] | None
    slower: Callable[[], float] | None
    passed_over: tuple[tuple[str, Refusal], ...]


def why_not(name: str, pid: int | None = None, argv: Sequence[str] = ()) -> Refusal | None:
    """Why source `name` cannot watch process `pid`, or start `argv`; with neither: why it cannot be used here."""
    if argv and shutil.which(argv[0]) is None:
        return Refusal(f"there is no program {argv[0]!r}", "give its path, or a name that is on the PATH",
                       f"找不到程序 {argv[0]!r}", "请给出路径，或 PATH 里有的名字")  # fmt: skip
    if pid == os.getpid():
        return Refusal(f"process {pid} is ioviz itself", "name another one", f"进程 {pid} 就是 ioviz 自己",
                       "请换一个进程")  # fmt: skip
    if name == "strace":
        return strace.why_not(pid)
    if name == "procfs":
        if argv:
            return Refusal("procfs watches what runs already, and sees no calls", "start the program, then "
                           "`ioviz attach PID`", "procfs 只能观察已在运行的进程，也看不到系统调用",
                           "请先启动程序，再用 `ioviz attach PID`")  # fmt: skip
        return procfs.why_not(pid)
    if name == "probe":
        if pid is None and not argv:
            return None
        return probe_source.why_not(argv, pid)
    refusal = ebpf_source.why_not()
    if refusal is None and pid is not None:
        refusal = procfs.why_not(pid)
    return refusal


def choose(
    name: str,
    pid: int | None = None,
    argv: Sequence[str] = (),
    streams: Streams = (None, None, None),
    *,
    whole: bool = False,
) -> Chosen:
    """The source called `name`, or with `auto` the best one; `whole`: as much as it can tell, even of a busy program.
    Raises SourceError with the reason and the mend."""
    passed: list[tuple[str, Refusal]] = []
    for each in NAMES if name == "auto" else (name,):
        refusal = why_not(each, pid, argv)
        if refusal is None:
            source = _make(each, pid, argv, streams, whole=whole)
            return Chosen(source, _looker(source), _cost(source), tuple(passed))
        passed.append((each, refusal))
    # What helps most is to know about strace: it is the one that most people can have.
    refusals = dict(passed)
    raise SourceError(refusals.get("strace", passed[0][1]))


def _make(name: str, pid: int | None, argv: Sequence[str], streams: Streams, *, whole: bool) -> Source:
    stdin, stdout, stderr = streams
    if name == "strace":
        return strace.StraceSource(pid=pid, argv=argv, streams=streams)
    if name == "probe":
        return probe_source.ProbeSource(argv, stdin=stdin, stdout=stdout, stderr=stderr)
    if name == "ebpf":
        return ebpf_source.EbpfSource(
            argv, procfs.family(pid) if pid is not None else (),
            snapshot=lambda pids: procfs.take(pids, time.monotonic_ns, seed=True),
            whole=whole, stdin=stdin, stdout=stdout, stderr=stderr,
        )  # fmt: skip
    assert pid is not None
    return sampling.ProcfsSource(pid)


def _looker(source: Source) -> Callable[[], Snapshot | None] | None:
    """Reads the kernel's tables of what `source` watches, by the source's clock."""
    if source.name == "procfs" or not sys.platform.startswith("linux"):
        return None
    clock = getattr(source, "clock", time.monotonic_ns)

    links = getattr(source, "links", {})  # of a probe

    def look() -> Snapshot | None:
        pids = tuple(dict.fromkeys(each for pid in source.pids if procfs.exists(pid) for each in procfs.family(pid)))
        found = procfs.take(pids, clock) if pids else None
        return without(found, links) if found is not None and links else found

    return look


def without(snapshot: Snapshot, links: dict[int, int]) -> Snapshot:
    """`snapshot` without the descriptors `links` (by process), which are ours."""
    processes = tuple(
        structs.replace(row, descriptors=tuple(each for each in row.descriptors if each.fd != links.get(row.pid)))
        for row in snapshot.processes
    )
    return structs.replace(snapshot, processes=processes)


def _cost(source: Source) -> Callable[[], float] | None:
    if not sys.platform.startswith("linux"):
        return None
    if isinstance(source, strace.StraceSource):
        return Cost(lambda: source.pids, beside=lambda: run_time(source.tracer.pid) if source.tracer is not None else 0)
    if isinstance(source, ebpf_source.EbpfSource):
        return Cost(source.alive, within=lambda: source.spent)
    if isinstance(source, probe_source.ProbeSource):
        return Cost(source.alive, within=source.spent, between=source.sending)
    return Cost(lambda: source.pids)
