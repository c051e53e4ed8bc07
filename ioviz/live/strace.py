"""strace as a source: complete, in order, the same user is enough; it stops the program twice a call.

strace writes into a named FIFO, which a thread of ours drains as fast as it fills, whatever the stage does: a full FIFO
would freeze the program. What came waits in a `Feed`, and is understood when it is taken. A line that has no end yet is
a call that sleeps. Never `--seccomp-bpf`: if strace were killed, the program would go on with a filter that fails its
calls.

Attaching: the threads' sleeps are read first; then strace attaches, is itself stopped for some 40 ms, what it wrote is
drained, the state of the processes is read from `/proc`, and strace goes on: so the state and the first call fit
together. A program that we start waits before its `execve` until strace is there; strace is only ever attached, never
its parent, so it goes on when strace goes. strace dies with us (PR_SET_PDEATHSIG), and then the kernel lets go of the
program by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from ioviz.live import procfs
from ioviz.live.folder import Folder
from ioviz.live.source import Refusal, SourceError
from ioviz.live.strace_allowed import why_not, yama
from ioviz.live.strace_feed import Feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ioviz.live.calls import Item
    from ioviz.live.snapshot import Snapshot, Thread
    from ioviz.live.strace_lines import Lines

CALLS: Final = (
    "epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll select pselect6 read readv "
    "write writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 sendfile splice tee close close_range dup dup2 dup3 "
    "fcntl ioctl open openat openat2 pipe pipe2 eventfd eventfd2 timerfd_create timerfd_settime signalfd signalfd4 "
    "inotify_init1 memfd_create io_uring_setup io_uring_enter io_uring_register clone clone3 fork vfork execve exit "
    "exit_group pidfd_open pidfd_getfd"
)
DEADLY: Final = "kill,term,int,hup,quit,segv,abrt,bus,fpe,ill,sys,trap,pipe"
"""Signals that end programs: strace only tells of an end by a signal that it is to tell of."""
SET: Final = ",".join(["%network", *(f"?{name}" for name in CALLS.split())])
FLAGS: Final = (
    "-f", "-q", "-ttt", "-T", "-X", "raw", "-v", "-s", "0", "-a1", "-e", f"signal={DEADLY}", "-e", f"trace={SET}",
)  # fmt: skip
PATIENCE: Final = 5.0
"""Seconds that strace gets to attach."""
PIPE: Final = 1 << 20
SETTLED: Final = 0.004
"""Seconds of silence after which everything that a stopped strace wrote has been read."""
SLEEPING: Final = 0.002
"""Seconds after which an unfinished line means that its call sleeps."""
BREATH: Final = 0.004
"""Seconds for which a busy program's lines may gather: being woken for each of them would cost strace and us more than
all the rest, and a picture stands for 33 milliseconds."""
FEW: Final = 2
"""Lines in one reading from which on a program is busy."""
PIN: Final = 0.25
"""Seconds between two looks at which processor the program runs."""
LAUNCH: Final = (
    "import os,sys\nos.read(int(sys.argv[1]),1);os.close(int(sys.argv[1]))\n"
    "try: os.execvp(sys.argv[2],sys.argv[2:])\n"
    "except OSError as e: sys.stderr.write(f'{sys.argv[2]}: {e.strerror}\\n')\n"
    "os._exit(127)"
)
PERMIT: Final = (
    "import ctypes\n"
    "ctypes.CDLL(None).prctl(0x59616d61,ctypes.c_ulong(-1),ctypes.c_ulong(0),ctypes.c_ulong(0),ctypes.c_ulong(0))\n"
)
"""PR_SET_PTRACER: where Yama lets only parents trace, a program that we start has to let our strace, which is none."""
PR_SET_PDEATHSIG: Final = 1


class StraceSource:
    """See the module. Watches process `pid` with its descendants, or starts `argv`; `streams` are its stdin, stdout and
    stderr for Popen. `process` is a program that we started."""

    name = "strace"

    def __init__(
        self, *, pid: int | None = None, argv: Sequence[str] = (), streams: tuple[Any, Any, Any] | None = None
    ):
        self.argv = tuple(argv)
        self.process: subprocess.Popen[bytes] | None = None
        self.tracer: subprocess.Popen[bytes] | None = None
        self.ending: Refusal | None = None
        self.clock = time.time_ns
        self._pid = pid or 0
        self._streams = streams or (None, None, None)
        self._feed = Feed(hides=bool(argv))
        self._folder: Folder | None = None
        self._fifo = -1
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._watched: tuple[int, ...] = ()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes from the start."""
        return self._watched

    @property
    def ended(self) -> bool:
        """See `Source`."""
        return self._feed.empty

    @property
    def backlog(self) -> int:
        """See `Source`."""
        return len(self._feed)

    def take(self, limit: int) -> list[Item]:
        """See `Source`."""
        return self._feed.take(limit)

    def skim(self, calm: frozenset[str], last: int) -> list[Item]:
        """All that waits, without the calls named in `calm` before the `last` lines: those are only counted."""
        return self._feed.skim(calm, last)

    def wait(self, seconds: float) -> bool:
        """See `Source`."""
        return self._feed.wait(seconds)

    @property
    def lines(self) -> Lines:
        """What was made of strace's lines so far."""
        return self._feed.lines

    def look(self) -> None:
        """The session's own snapshots do."""

    # -- beginning -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """See `Source`."""
        refusal = why_not(self._pid or None)
        if refusal is not None:
            raise SourceError(refusal)
        gate = -1
        try:
            if self.argv:
                gate = self._launch()
            self._watched = procfs.family(self._pid)
            asleep = {tid: procfs.read_thread(pid, tid) for pid in self._watched for tid in procfs.threads_of(pid)}
            self._attach()
            if not self.argv:
                self._seed(asleep)
            if gate >= 0:
                os.write(gate, b"g")
        except (OSError, SourceError):
            self._clean(kill=True)
            raise
        finally:
            if gate >= 0:
                os.close(gate)
        self._thread = threading.Thread(target=self._drain, name="ioviz-strace-reader", daemon=True)
        self._thread.start()

    def _launch(self) -> int:
        """Start the program, up to its `execve`; the descriptor to which a byte lets it go on."""
        reads, writes = os.pipe()
        stdin, stdout, stderr = self._streams
        launch = (PERMIT if yama() == 1 else "") + LAUNCH
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", launch, str(reads), *self.argv],
                pass_fds=(reads,), stdin=stdin, stdout=stdout, stderr=stderr, env=_environment(),
            )  # fmt: skip
        finally:
            os.close(reads)
        self._pid = self.process.pid
        return writes

    def _attach(self) -> None:
        self._folder = Folder()
        path = os.path.join(self._folder.name, "calls")
        os.mkfifo(path, 0o600)
        self._fifo = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._fifo, 1031, PIPE)  # F_SETPIPE_SZ
        program = shutil.which("strace") or "strace"
        wanted = [word for pid in self._watched for word in ("-p", str(pid))]
        parent = os.getpid()
        self.tracer = subprocess.Popen(
            [program, *FLAGS, "-o", path, *wanted],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=lambda: _die_with(parent),
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        tracer = str(self.tracer.pid)
        while any(procfs.status_of(tid, "TracerPid") != tracer for tid in procfs.threads_of(self._pid)):
            if self.tracer.poll() is not None or not procfs.exists(self._pid):
                raise SourceError(self._why_it_ended())
            if time.monotonic() > deadline:
                raise SourceError(
                    Refusal(
                        "strace did not attach",
                        "try --source procfs",
                        "strace 没有附加上去",
                        "可以试试 --source procfs",
                    )
                )
            self._read()
            time.sleep(0.001)
        # Both ends are open: nothing is left behind in the file system, however we end.
        self._folder.cleanup()
        self._folder = None

    def _seed(self, asleep: dict[int, Thread | None]) -> None:
        """Stop strace, read what it has written, take the snapshot, let it go on."""
        assert self.tracer is not None
        os.kill(self.tracer.pid, signal.SIGSTOP)
        try:
            quiet = time.monotonic()
            deadline = quiet + 1.0
            while time.monotonic() - quiet < SETTLED and time.monotonic() < deadline:
                if self._read() >= 0:
                    quiet = time.monotonic()
                else:
                    time.sleep(0.0005)
            self._watched = procfs.family(self._pid)
            snapshot = procfs.take(self._watched, self.clock, seed=True)
        finally:
            os.kill(self.tracer.pid, signal.SIGCONT)
        # The lines so far are in the snapshot already; the parser keeps what they left open.
        self._feed.take(len(self._feed))
        self._feed.put([_with_sleeps(snapshot, asleep)])

    # -- the reader's thread -------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        poll = select.poll()
        poll.register(self._fifo, select.POLLIN)
        told, pinned, looked, busy = "", -1, 0.0, False
        feed = self._feed
        while not self._stopping.is_set():
            asked = feed.rest != told
            ready = poll.poll(SLEEPING * 1000 if asked else 100)
            if ready and ready[0][1] & select.POLLIN:
                if busy:
                    time.sleep(BREATH)
                busy = self._read() >= FEW
            elif ready:  # nobody has it open for writing any more
                break
            elif asked:
                told = feed.rest
                feed.sleeps()
            now = time.monotonic()
            if now - looked > PIN:
                looked = now
                pinned = self._pin(pinned)
        self._read()
        feed.finish()
        self._finish()

    def _read(self) -> int:
        """Take what the FIFO holds; how many lines that were, -1 if there was nothing."""
        found = -1
        while True:
            try:
                data = os.read(self._fifo, PIPE)
            except (BlockingIOError, InterruptedError):
                return found
            if not data:
                return found
            found = max(found, 0) + self._feed.read(data)
            if len(data) < 65_536:
                return found

    def _pin(self, before: int) -> int:
        """Keep strace on the processor on which the program runs: four times as fast, since neither waits for the other
        to be woken elsewhere."""
        fields = procfs.stat_fields(self._pid)
        if len(fields) < 37 or self.tracer is None:
            return before
        processor = int(fields[36])
        if processor != before:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self.tracer.pid, {processor})
        return processor

    # -- the end -------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        tracer = self.tracer
        if tracer is not None and not self._stopping.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                tracer.wait(2)
            if procfs.exists(self._pid) and (tracer.returncode or 0) != 0:
                self.ending = self._why_it_ended()
        self._feed.close()

    def stop(self) -> None:
        """See `Source`."""
        self._stopping.set()
        tracer = self.tracer
        if tracer is not None and tracer.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                tracer.send_signal(signal.SIGCONT)
                tracer.terminate()
            try:
                tracer.wait(3)
            except subprocess.TimeoutExpired:
                tracer.kill()
                tracer.wait()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(3)
        self._clean()

    def _clean(self, *, kill: bool = False) -> None:
        tracer = self.tracer
        if tracer is not None and tracer.poll() is None:
            tracer.kill()
            tracer.wait()
        if tracer is not None and tracer.stderr is not None:
            tracer.stderr.close()
        if kill and self.process is not None:  # it waits at the gate and has done nothing yet
            self.process.kill()
            self.process.wait()
        if self.process is not None and self.process.poll() is None:
            self.process.returncode = 0  # it goes on without us, and nobody is to wait for it
        if self._fifo >= 0:
            os.close(self._fifo)
            self._fifo = -1
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._feed.close()

    def _why_it_ended(self) -> Refusal:
        """What strace says when it gives up, as a sentence."""
        text = ""
        if self.tracer is not None and self.tracer.stderr is not None and self.tracer.poll() is not None:
            text = self.tracer.stderr.read(4096).decode("utf-8", "replace")
        pid = self._pid
        if "No such process" in text or not procfs.exists(pid):
            return Refusal(f"process {pid} has just ended", "", f"进程 {pid} 刚刚结束")
        if "not permitted" in text:
            return Refusal(
                f"process {pid} may not be traced: it is another user's, traced already, or protected",
                "run as its user or as root, or use --source procfs",
                f"不允许跟踪进程 {pid}：它属于别的用户，或已被跟踪，或受到保护",
                "请以它的用户或 root 运行，或用 --source procfs",
            )  # fmt: skip
        said = next((line.partition("strace: ")[2] for line in text.splitlines() if "strace: " in line), "")
        return Refusal(f"strace ended by itself{f' ({said})' if said else ''}", "try --source procfs",
                       f"strace 自己结束了{f'（{said}）' if said else ''}", "可以试试 --source procfs")  # fmt: skip


def _die_with(parent: int) -> None:
    """In the child, before strace is there: be killed when ioviz is. A stopped strace would hold the program."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _environment() -> dict[str, str]:
    """Ours, without what only ioviz itself asked for."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}


def _with_sleeps(snapshot: Snapshot, asleep: dict[int, Thread | None]) -> Snapshot:
    """Attaching ends every sleep for a moment: what the threads slept in is known from before."""
    from msgspec.structs import replace

    processes = tuple(
        replace(process, threads=tuple(asleep.get(each.tid) or each for each in process.threads))
        for process in snapshot.processes
    )
    return replace(snapshot, processes=processes)


__all__ = ["FLAGS", "StraceSource", "why_not", "yama"]
