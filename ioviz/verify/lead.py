"""The real side of `ioviz verify`: the programs under the real Python, led call by call through the machine's order.

Each program is a child process of its own, in its own session and a temporary folder, with `recorder` between it and
the kernel. A thread announces a call and makes it when it is told to, so the calls of all tasks begin in the order in
which they began on the machine, and a sleeper's return is waited for before the next call begins. Who does not come is
not waited for long, and the others go on: a lead, not a proof. Whatever happens, the children are killed at the end.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.syscalls import BY_NAME
from ioviz.verify.rules import MOVES
from ioviz.verify.traced import Call, TaskName, Traced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ioviz.machine.kernel.config import Config
    from ioviz.machine.launch import Launch

RECORDER: Final = Path(__file__).with_name("recorder.py")
STARTING: Final = 15.0
PATIENCE: Final = 2.0
"""Seconds for which a task that is due is waited for: the first time, and later."""
STUCK: Final = 0.25
"""Seconds after which another task may go first: it may hold a lock that the one which is due waits for."""
FALLS_ASLEEP: Final = 0.1
SETTLE: Final = 0.15
COPIED: Final = (200, 8 << 20)
"""Files and bytes of a program's folder that are copied to where it runs."""


class Follower:
    """A thread of a real program."""

    def __init__(self, name: TaskName, link: socket.socket, pid: int) -> None:
        self.name = name
        self.link = link
        self.pid = pid
        self.buffer = b""
        self.announced: Call | None = None
        """The call that it waits to make."""
        self.running: Call | None = None
        self.last: Call | None = None
        self.made = 0
        self.early = 0
        """Calls that it made before they were due."""
        self.ended = False


class Lead:
    """One real run. Use as a context, so that nothing is left behind."""

    def __init__(self, launches: Sequence[Launch], model: Traced, ports: dict[int, int], config: Config, limit: float):
        self.model = model
        self.traced = Traced()
        self.followers: dict[TaskName, Follower] = {}
        self.children: list[subprocess.Popen[bytes]] = []
        self.lost = 0
        """Calls that were due and did not come."""
        self._deadline = time.monotonic() + limit
        self._folder = Path(tempfile.mkdtemp(prefix="ioviz-verify-"))
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self._folder / "lead"))
        self._server.listen(64)
        self._links: dict[int, Follower | None] = {}
        self._pending: dict[int, tuple[socket.socket, bytes]] = {}
        self._pairs: dict[int, Call] = {}
        self._patience: dict[TaskName, float] = {}
        for number, launch in enumerate(launches):
            self._start(number, launch, ports, config)

    def __enter__(self) -> Lead:
        return self

    def __exit__(self, *exception: object) -> None:
        for child in self.children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        for child in self.children:
            child.wait()
        for follower in self.followers.values():
            follower.link.close()
        for link, _ in self._pending.values():
            link.close()
        self._server.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def time_is_up(self) -> bool:
        """Whether the real run took longer than it may."""
        return time.monotonic() > self._deadline

    def _start(self, number: int, launch: Launch, ports: dict[int, int], config: Config) -> None:
        program = launch.program
        place = self._folder / str(number)
        folder = _copied(Path(program.directory), place)
        shown = program.name
        settings = {
            "ports": ports,
            "trigger": config.trigger,
            "buffers": ((socket.SO_SNDBUF, config.sndbuf), (socket.SO_RCVBUF, config.rcvbuf)),
            "somaxconn": config.somaxconn,
            "folders": [str(folder), program.directory],
            "shown": shown,
        }
        name = ["-m", program.name] if program.module else [str(folder / Path(program.path).name)]
        lines = "".join(f"{line}\n" for line in launch.stdin or ())
        (self._folder / f"in{number}").write_text(lines, encoding="utf-8")
        environment = {
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            "TERM": "xterm",
            "PYTHONHASHSEED": "0",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with (
            (self._folder / f"in{number}").open("rb") as stdin,
            (self._folder / f"out{number}").open("wb") as out,
            (self._folder / f"err{number}").open("wb") as err,
        ):
            words = [sys.executable, "-u", "-s", str(RECORDER), str(self._folder / "lead"), str(number)]
            words += [marshal.dumps(settings).hex(), *name, *program.args]
            self.children.append(
                subprocess.Popen(
                    words, cwd=folder, stdin=stdin, stdout=out, stderr=err, env=environment, start_new_session=True
                )
            )

    # -- leading

    def run(self) -> Traced:
        """Lead the programs to the end of the machine's order; their calls."""
        order = self.model.order
        for place, (kind, what) in enumerate(order):
            if self.time_is_up:
                break
            if isinstance(what, int):
                self._until(partial(self._has_ended, what), PATIENCE)
            elif kind == "enter":
                sleeps = place + 1 < len(order) and order[place + 1] != ("return", what)
                self._enter(what, sleeps)
            else:
                self._return(what)
        self._until(lambda: False, SETTLE)
        for number, child in enumerate(self.children):
            self.traced.endings[number] = child.poll()
            self.traced.printed[number] = (self._folder / f"out{number}").read_bytes()
        self.errors = [
            (self._folder / f"err{number}").read_text("utf-8", "replace") for number in range(len(self.children))
        ]
        return self.traced

    def _has_ended(self, number: int) -> bool:
        """Whether program `number` has ended; what it still wants to do, it may."""
        for follower in list(self.followers.values()):
            if follower.name[0] == number and follower.announced is not None:
                self._go(follower)
        return self.children[number].poll() is not None

    def _enter(self, due: Call, sleeps: bool) -> None:
        """It is the turn of `due`: let its task make the call."""
        follower = self._arrived(due.task)
        if follower is None:
            self.lost += 1
            return
        if follower.early:
            follower.early -= 1
            return
        while (call := follower.announced) is not None and call.nr != due.nr and _repeats(call, follower.last):
            self._go(follower)  # Linux takes large data in more pieces than the machine
            if self._arrived(due.task) is None:
                return
        before = self._before(due)
        if call is not None and call.nr != due.nr and before is not None and _repeats(due, before):
            return  # … or in fewer
        call = self._go(follower)
        if call is not None:
            self._pairs[id(due)] = call
            if sleeps:
                self._until(lambda: call.ret is not None or _sleeps(follower), FALLS_ASLEEP)

    def _before(self, due: Call) -> Call | None:
        calls = self.model.calls[due.task]
        place = calls.index(due)
        return calls[place - 1] if place else None

    def _arrived(self, name: TaskName) -> Follower | None:
        """The follower `name`, once it has a call to make; None if it does not come."""
        first = name not in self.followers
        began = time.monotonic()
        while True:
            if self._until(lambda: self._here(name), min(STUCK, self._patience.get(name, PATIENCE))):
                follower = self.followers[name]
                return follower if follower.announced is not None or follower.early else None
            patience = STARTING if first else self._patience.get(name, PATIENCE)
            if time.monotonic() - began > patience or self.time_is_up:
                self._patience[name] = PATIENCE / 2 if first else patience / 4  # not waited for so long again
                return None
            if not first:
                self._let_another_go(name)

    def _here(self, name: TaskName) -> bool:
        follower = self.followers.get(name)
        return follower is not None and (follower.announced is not None or follower.ended or bool(follower.early))

    def _let_another_go(self, name: TaskName) -> None:
        for follower in self.followers.values():
            if follower.name != name and follower.name[0] == name[0] and follower.announced is not None:
                self._go(follower)
                follower.early += 1
                return

    def _go(self, follower: Follower) -> Call | None:
        call, follower.announced = follower.announced, None
        if call is not None:
            follower.running = follower.last = call
            call.begun = time.monotonic_ns()
            self.traced.add(call)
            with contextlib.suppress(OSError):
                follower.link.send(b"!")
        return call

    def _return(self, due: Call) -> None:
        call = self._pairs.get(id(due))
        if call is None:
            return
        slept = max(due.ended - due.begun, 0) / 1e9
        self._until(lambda: call.ret is not None or self.followers[call.task].ended, PATIENCE + 1.5 * slept)

    # -- what they say

    def _until(self, true: Callable[[], bool], seconds: float) -> bool:
        """Listen until `true()`, for `seconds` at most."""
        deadline = min(time.monotonic() + seconds, self._deadline)
        pause = 0.0005
        while not true():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            pause = 0.0005 if self._listen(min(left, pause)) else min(pause * 2, 0.02)
        return True

    def _listen(self, seconds: float) -> bool:
        waiting = [self._server, *(link for link, _ in self._pending.values())]
        waiting += [follower.link for follower in self.followers.values() if not follower.ended]
        ready = select.select(waiting, [], [], seconds)[0]
        for link in ready:
            if link is self._server:
                new = self._server.accept()[0]
                self._pending[new.fileno()] = (new, b"")
            else:
                self._hear(link)
        return bool(ready)

    def _hear(self, link: socket.socket) -> None:
        known = self._links.get(link.fileno())
        data = b""
        with contextlib.suppress(OSError):
            data = link.recv(1 << 20)
        if not data:
            if known is not None:
                known.ended = True
                known.announced = None
            else:
                self._pending.pop(link.fileno(), None)
            return
        if known is None:
            held = self._pending[link.fileno()][1] + data
            self._pending[link.fileno()] = (link, held)
            message, rest = _message(held)
            if message is None:
                return
            _, program, thread, pid = message
            known = Follower((program, thread), link, pid)
            self.followers[known.name] = known
            self._links[link.fileno()] = known
            del self._pending[link.fileno()]
            known.buffer = rest
        else:
            known.buffer += data
        while True:
            message, known.buffer = _message(known.buffer)
            if message is None:
                return
            self._take(known, message)

    def _take(self, follower: Follower, message: tuple[Any, ...]) -> None:
        if message[0] == "enter":
            _, name, args, at = message
            follower.announced = Call(follower.name, BY_NAME[name].nr, args, at)
        elif message[0] == "return":
            call, follower.running = follower.running, None
            if call is not None:
                call.ret, call.out, call.ended = message[1], message[2], time.monotonic_ns()
                self.traced.order.append(("return", call))
        elif message[0] == "never":
            call, follower.running = follower.running, None
            if call is not None:
                self.traced.drop(call)
        else:
            follower.ended = True


def _message(buffer: bytes) -> tuple[Any, bytes]:
    """The first message in `buffer` and what follows; None if it is not whole yet."""
    if len(buffer) < 4:
        return None, buffer
    size = struct.unpack_from("=I", buffer)[0] + 4
    if len(buffer) < size:
        return None, buffer
    return marshal.loads(buffer[4:size]), buffer[size:]  # from our own child


def _repeats(call: Call, before: Call | None) -> bool:
    """Whether `call` moves more of what `before` moved."""
    return before is not None and call.nr in MOVES and call.nr == before.nr and call.args[0] == before.args[0]


def _sleeps(follower: Follower) -> bool:
    """Whether a thread's process sleeps; only to be sure that a call has really begun."""
    try:
        text = Path(f"/proc/{follower.pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] == "S"


def _copied(source: Path, place: Path) -> Path:
    """A copy of a program's folder, if it is a small one; else the folder itself."""
    total = 0
    for files, path in enumerate(source.rglob("*"), 1):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
        if files > COPIED[0] or total > COPIED[1]:
            return source
    try:
        shutil.copytree(source, place, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    except (OSError, shutil.Error):
        return source
    return place


def free_ports(wanted: set[int]) -> dict[int, int]:
    """Of the ports `wanted`, those that are taken here, each with a free one in its place."""
    taken = {}
    for port in sorted(wanted - {0}):
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                taken[port] = int(probe.getsockname()[1])
    return taken
