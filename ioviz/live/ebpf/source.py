"""eBPF as a source: the calls of processes without stopping them, and their epoll instances' own ready lists.

The programs in the kernel write to a ring; a thread here empties it every few milliseconds. Of a busy program they tell
so many calls a second (`pace`), in stretches without a hole, and only count the rest of those that change no descriptor
and no interest list: a `LeftOut` tells how many. When the ring is full they drop records: a `Lost` tells that.
`ReadySeen` is delivered when a list, or who sleeps on it, has changed since the last look, `looks` times a second.
Sampling may miss what lasted shorter; a look while the kernel hands events over (`ovflist` in use) is left out.

Beginning in the middle: the calls are followed first, then the state is read (`snapshot`), again if a call changed it
meanwhile; so nothing falls between the two.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ioviz.live.calls import Call, Ended, LeftOut, Lost, ReadySeen
from ioviz.live.ebpf.layout import CALM, GOING, ON, QUIET, READY, SHAPES, WANTED, item
from ioviz.live.ebpf.libbpf import BpfError, Object, library
from ioviz.live.ebpf.pace import Pace
from ioviz.live.ebpf.ring import Ring
from ioviz.live.procfs import family
from ioviz.live.source import Inbox, Refusal, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO

    from ioviz.live.calls import Item
    from ioviz.live.snapshot import Snapshot

OBJECT: Final = Path(__file__).resolve().parent / "ioviz.bpf.o"
BTF: Final = Path("/sys/kernel/btf/vmlinux")
RING_BYTES: Final = 1 << 24
PERIOD: Final = 0.005
BATCH: Final = 20_000
TRIES: Final = 5
OLDEST: Final = (5, 18)
"""The first kernel with all that the programs use: `bpf_loop` is of 5.17, `sched_switch` tells the state since 5.18."""
WINDOWS: Final = 10
"""Windows a second, for each of which the kernel's side counts anew."""
ONE_SHOT: Final = 1 << 30
STOPPED_FIRST: Final = ("/bin/sh", "-c", 'kill -STOP $$; exec "$0" "$@"')
"""Runs a program that waits to be continued before its first call."""


def why_not() -> Refusal | None:
    """Why eBPF cannot be used here; None if it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return Refusal(
            "eBPF is used on Linux on x86-64 only",
            "use another source",
            "eBPF 只用于 x86-64 上的 Linux",
            "请换一种来源",
        )
    if os.geteuid() != 0:
        return Refusal(
            "eBPF needs root",
            "run it with sudo, or use another source",
            "eBPF 需要 root 权限",
            "请用 sudo 运行，或换一种来源",
        )
    if not BTF.exists():
        return Refusal(
            "this kernel has no type information (BTF)",
            "use another source; a kernel built with CONFIG_DEBUG_INFO_BTF has it",
            "这个内核没有类型信息（BTF）",
            "请换一种来源；用 CONFIG_DEBUG_INFO_BTF 编译的内核才有",
        )
    if not OBJECT.exists():
        return Refusal("ioviz.bpf.o is missing", "build it with `make bpf`", "缺少 ioviz.bpf.o", "请用 `make bpf` 构建")
    try:
        library()
    except OSError:
        return Refusal(
            "libbpf.so.1 is not installed",
            "install it (Debian: libbpf1)",
            "没有安装 libbpf.so.1",
            "请安装（Debian：libbpf1）",
        )
    except AttributeError:
        return Refusal(
            "this libbpf is too old", "install libbpf 1.0 or newer", "libbpf 版本太旧", "请安装 libbpf 1.0 或更新版本"
        )
    return None


def refused(error: OSError, release: str) -> Refusal:
    """Why kernel `release` did not take the programs."""
    numbers = [int(part) for part in re.findall(r"\d+", release)[:2]]
    if tuple(numbers) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Refusal(
            f"this kernel is {release}, and the eBPF programs need {oldest}", "use another source",
            f"内核版本是 {release}，eBPF 程序需要 {oldest} 以上", "请换一种来源",
        )  # fmt: skip
    return Refusal(
        f"the kernel refused the eBPF programs ({error.strerror})", "use another source",
        f"内核拒绝了 eBPF 程序（{error.strerror}）", "请换一种来源",
    )  # fmt: skip


class EbpfSource:
    """See the module. Either `argv`, a program to start, or `pids`, processes that run. `snapshot` reads the state of
    some processes (`ioviz.live.procfs`); without it there is no seed. `whole`: as many calls as the ring takes."""

    name = "ebpf"

    def __init__(
        self,
        argv: Sequence[str] = (),
        pids: Sequence[int] = (),
        *,
        snapshot: Callable[[tuple[int, ...]], Snapshot] | None = None,
        looks: float = 30,
        calls: bool = True,
        whole: bool = False,
        stdin: int | IO[bytes] | None = None,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
        new_session: bool = False,
    ) -> None:
        self.argv = tuple(argv)
        self.process: subprocess.Popen[bytes] | None = None
        self.ending: Refusal | None = None
        self.pids: tuple[int, ...] = tuple(pids)
        self._alive = set(pids)
        self._snapshot = snapshot
        self._looks, self._calls, self._whole = looks, calls, whole
        self._popen = (stdin, stdout, stderr, new_session)
        self._inbox: Inbox[Item] = Inbox()
        self._object: Object | None = None
        self._ring: Ring | None = None
        self._stopping = threading.Event()
        self._asked = threading.Event()
        self._lost = self._left_out = 0
        self.spent = 0
        """Nanoseconds of the programs' time that watching has taken, inside their calls."""
        self._lists: dict[tuple[int, int], tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self._thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        """See `Source`."""
        return self._inbox.empty

    def start(self) -> None:
        """See `Source`."""
        refusal = why_not()
        if refusal is not None:
            raise SourceError(refusal)
        try:
            self._load()
            if self.argv:
                self._begin_program()
        except OSError as error:
            self._close()
            if isinstance(error, BpfError):
                refusal = refused(error, platform.release())
            else:
                refusal = Refusal(
                    f"the program cannot start ({error.strerror})", "", f"程序无法启动（{error.strerror}）"
                )
            raise SourceError(refusal) from error
        if self._snapshot is not None and not self.argv:
            self._seed()
        self._thread = threading.Thread(target=self._drain, name="ioviz-ebpf", daemon=True)
        self._thread.start()

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
        """See `Source`."""
        self._asked.set()

    def alive(self) -> tuple[int, ...]:
        """The processes that are watched just now, with the children."""
        return tuple(self._alive)

    def stop(self) -> None:
        """See `Source`."""
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)
        else:
            self._close()

    # -- the beginning -----------------------------------------------------------------------------------------------

    def _load(self) -> None:
        loaded = self._object = Object(OBJECT)
        calls = loaded.map("calls")
        for shape in SHAPES:
            on = CALM if shape.name in QUIET else ON
            wanted = WANTED.pack(on, shape.pointer & 0xFF, shape.length, shape.extra)
            loaded.put(calls, struct.pack("<I", shape.nr), wanted)
        self._pace = None if self._whole else Pace(self.alive)
        self._limit(self._pace.most if self._pace is not None else 0)
        for pid in self.pids:
            self._watch(pid)
        self._ring = Ring(loaded.map("ring"), RING_BYTES)
        self._iterator = loaded.iterator("ready_lists")
        if self._calls:
            loaded.attach("on_enter", "on_exit", "on_switch")
        loaded.attach("on_fork", "on_gone")
        late = [pid for each in self.pids for pid in family(each) if pid not in self._alive]
        for pid in late:  # born after we were told whom to watch, and before forks were followed
            self._watch(pid)
        self.pids += tuple(late)
        self._alive.update(late)

    def _limit(self, most: int) -> None:
        """Have `most` calls a second told; 0: all."""
        assert self._object is not None
        self._object.put(self._object.map("most"), struct.pack("<I", 0), struct.pack("<Q", most // WINDOWS))

    def _want_waits(self) -> None:
        """Some item is one-shot: what `epoll_wait` delivers changes it."""
        assert self._object is not None
        for shape in SHAPES:
            if shape.name.startswith("epoll_") and shape.name in QUIET:
                wanted = WANTED.pack(ON, shape.pointer & 0xFF, shape.length, shape.extra)
                self._object.put(self._object.map("calls"), struct.pack("<I", shape.nr), wanted)

    def _watch(self, pid: int) -> None:
        assert self._object is not None
        self._object.put(self._object.map("watched"), struct.pack("<I", pid), struct.pack("<I", 1))

    def _begin_program(self) -> None:
        stdin, stdout, stderr, new_session = self._popen
        process = self.process = subprocess.Popen(
            [*STOPPED_FIRST, *self.argv], stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=new_session
        )
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self.pids = (process.pid,)
        self._alive = {process.pid}
        self._watch(process.pid)
        os.kill(process.pid, signal.SIGCONT)

    def _seed(self) -> None:
        """Read the state while the calls are followed already: again, if one changed it meanwhile."""
        assert self._snapshot is not None
        pending: list[Item] = []
        for attempt in range(TRIES):
            pending = [entry for entry in pending if isinstance(entry, Call) and entry.entered_only]
            pending += self._records()
            state = self._snapshot(self.pids)
            late = self._records()
            pending += late
            if attempt == TRIES - 1 or not any(_changes(entry) for entry in late):
                break
        if any(each.events & ONE_SHOT for row in state.processes for it in row.descriptors for each in it.interests):
            self._want_waits()
        self._inbox.put([state])
        self._inbox.put(
            [entry for entry in pending if not isinstance(entry, Call) or entry.end >= state.t or not entry.end]
        )

    # -- the thread --------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        next_look = 0.0
        while not self._stopping.is_set():
            items = self._records()
            now = time.monotonic()
            if self._looks and now >= next_look and self._alive:
                next_look = now + 1 / self._looks
                items += self._ready()
            if self._asked.is_set() and self._snapshot is not None and self._alive:
                self._asked.clear()
                items.append(self._snapshot(tuple(sorted(self._alive))))
            if items:
                self._inbox.put(items)
            if self._pace is not None and self._calls and self._pace.again():
                self._limit(self._pace.most)
            if self.process is not None:
                self.process.poll()
            if not self._alive:
                break
            if len(items) < BATCH:
                self._stopping.wait(PERIOD)
        self._close()
        self._inbox.close()

    def _records(self) -> list[Item]:
        assert self._ring is not None
        assert self._object is not None
        items: list[Item] = []
        for record in self._ring.records(BATCH):
            entry = item(record)
            if entry is None:
                continue
            if isinstance(entry, Ended):
                self._alive.discard(entry.tid)
            elif entry.name == "clone" and entry.result and not entry.args[0]:
                self._alive.add(entry.result)
            items.append(entry)
        raw = self._object.get(self._object.map("going"), struct.pack("<I", 0), GOING.size) or bytes(GOING.size)
        lost, left_out, *_, self.spent = GOING.unpack(raw)
        if left_out != self._left_out:
            items.append(LeftOut(left_out - self._left_out))
            self._left_out = left_out
        if lost != self._lost:
            items.append(Lost(lost - self._lost, "the kernel's ring was full"))
            self._lost = lost
        return items

    def _ready(self) -> list[Item]:
        """The ready lists that have changed since the last look."""
        assert self._object is not None
        t = time.monotonic_ns()
        changed: list[Item] = []
        with contextlib.suppress(BpfError):
            data = self._object.iterate(self._iterator)
            at = 0
            while at + READY.size <= len(data):
                pid, fd, items, waiters, busy, _cut = READY.unpack_from(data, at)
                at += READY.size
                numbers = struct.unpack_from(f"<{items + waiters}i", data, at)
                at += 4 * (items + waiters)
                fds = tuple(number for number in numbers[:items] if number >= 0)
                sleepers = tuple(number for number in numbers[items:] if number >= 0)
                if busy or self._lists.get((pid, fd)) == (fds, sleepers):
                    continue
                self._lists[pid, fd] = (fds, sleepers)
                changed.append(ReadySeen(t, pid, fd, fds, sleepers))
        return changed

    def _close(self) -> None:
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        if self._object is not None:
            self._object.close()
            self._object = None


def _changes(entry: Item) -> bool:
    return isinstance(entry, Call) and entry.name not in QUIET and not entry.entered_only
