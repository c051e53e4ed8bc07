"""The probe as a source: starts a Python program with the agent inside, and takes what the agent sends.

The agent is found through PYTHONPATH (`site/sitecustomize.py`), and sends to a Unix socket in a folder that only this
user can enter; children that the program forks, or starts as Python programs, connect by themselves. Nothing of the
system is needed, no root, no other program. What the agent cannot see: C extensions that make their own calls (uvloop),
programs that do not read PYTHONPATH (`python -I`, `-E`, `-S`), and everything before it was started.
"""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ioviz.live.calls import Ended, Lost
from ioviz.live.cost import run_time
from ioviz.live.folder import Folder
from ioviz.live.probe.wire import Decoder, WireError
from ioviz.live.source import Inbox, Refusal, SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

    from ioviz.live.calls import Item

VARIABLE: Final = "IOVIZ_PROBE"
HERE: Final = Path(__file__).resolve().parent
PATIENCE: Final = 5.0
"""Seconds that a program gets to begin."""
CHUNK: Final = 1 << 20
BLIND: Final = frozenset("IES")
"""Flags of Python that keep it from seeing the agent."""


def why_not(argv: Sequence[str], pid: int | None = None) -> Refusal | None:
    """Why the program `argv`, or the process `pid`, cannot be probed; None if it can."""
    if pid is not None:
        return Refusal(
            "the probe has to be in a program from its start",
            "use another source, or start the program with `ioviz trace --source probe -- …`",
            "探针必须在程序启动时就装入",
            "请换一种来源，或用 `ioviz trace --source probe -- …` 启动程序",
        )
    path = shutil.which(argv[0]) if argv else None
    if path is None:
        return Refusal(
            f"there is no program {argv[0] if argv else ''!r}",
            "give its path, or a name that is on the PATH",
            f"找不到程序 {argv[0] if argv else ''!r}",
            "请给出路径，或 PATH 里有的名字",
        )
    if not _is_python(Path(path)):
        return Refusal(
            f"{argv[0]} is no Python program, and the probe only works inside one",
            "use --source strace",
            f"{argv[0]} 不是 Python 程序，探针只能装入 Python 程序",
            "请用 --source strace",
        )
    for flag in argv[1:]:
        if not flag.startswith("-") or flag in {"-c", "-m"}:
            break
        if not flag.startswith("--") and BLIND & set(flag[1:]):
            return Refusal(
                f"Python's flag {flag} keeps the probe out",
                "leave it away, or use --source strace",
                f"Python 的参数 {flag} 会挡住探针",
                "请去掉它，或用 --source strace",
            )
    return None


def _is_python(path: Path) -> bool:
    if path.resolve().name.startswith(("python", "pypy")):
        return True
    try:
        with path.open("rb") as file:
            first = file.readline(256)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


class ProbeSource:
    """See the module. `stdin`, `stdout`, `stderr` are handed on to the program; `process` is it, once started."""

    name = "probe"

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        stdin: int | IO[bytes] | None = None,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
        new_session: bool = False,
    ) -> None:
        self.argv = tuple(argv)
        self.process: subprocess.Popen[bytes] | None = None
        self.ending: Refusal | None = None
        self.links: dict[int, int] = {}
        """By process: the descriptor through which the agent sends, which is not the program's."""
        self._decoders: dict[int, Decoder] = {}
        self._settings = (env, cwd, stdin, stdout, stderr, new_session)
        self._inbox: Inbox[Item] = Inbox()
        self._folder: Folder | None = None
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._heard = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """The program's process."""
        return () if self.process is None else (self.process.pid,)

    @property
    def ended(self) -> bool:
        """The program has ended, or we let it go, and everything was taken."""
        return self._inbox.empty

    def start(self) -> None:
        """Start the program; returns when the agent in it has answered. Raises SourceError."""
        refusal = why_not(self.argv)
        if refusal is not None:
            raise SourceError(refusal)
        self._folder = Folder()
        path = os.path.join(self._folder.name, "s")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(path)
            self._listener.listen(64)
            env, cwd, stdin, stdout, stderr, new_session = self._settings
            self.process = subprocess.Popen(
                self.argv,
                env=environment(os.environ if env is None else env, path),
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=new_session,
            )
        except OSError as error:
            self._clean()
            raise SourceError(
                Refusal(
                    f"{self.argv[0]} cannot be started ({error.strerror})",
                    "",
                    f"无法启动 {self.argv[0]}（{error.strerror}）",
                )
            ) from error
        self._thread = threading.Thread(target=self._drain, name="ioviz-probe-reader", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self._heard.wait(0.02):
            if self.process.poll() is not None or time.monotonic() > deadline:
                break
        if not self._heard.wait(0.1) and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.stop()
            raise SourceError(
                Refusal(
                    f"no probe answered from within {self.argv[0]}: it is no Python program, or it hides PYTHONPATH",
                    "use --source strace",
                    f"{self.argv[0]} 里的探针没有应答：它不是 Python 程序，或屏蔽了 PYTHONPATH",
                    "请用 --source strace",
                )
            )

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

    def alive(self) -> tuple[int, ...]:
        """The processes that send just now."""
        return tuple(self._decoders)

    def spent(self) -> int:
        """Nanoseconds that noting has taken in the programs' calls so far."""
        return sum(each.noted * each.price for each in tuple(self._decoders.values()))

    def sending(self) -> int:
        """Nanoseconds that the agents' own threads have taken so far."""
        return sum(run_time(pid, each.agent) for pid, each in tuple(self._decoders.items()) if each.agent)

    def look(self) -> None:
        """The probe knows calls, not states."""

    def stop(self) -> None:
        """Let the program go: the agent sees that nobody listens, and steps out of the way."""
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)

    # -- the reader's thread -----------------------------------------------------------------------------------------

    def _drain(self) -> None:
        assert self._listener is not None
        assert self.process is not None
        with selectors.DefaultSelector() as selector:
            self._listener.setblocking(False)
            selector.register(self._listener, selectors.EVENT_READ, None)
            open_links = 0
            while not self._stopping.is_set():
                for key, _ in selector.select(0.1):
                    if key.data is None:
                        link, _ = self._listener.accept()
                        link.settimeout(0.5)
                        selector.register(link, selectors.EVENT_READ, Decoder())
                        open_links += 1
                    elif not self._read(key):
                        selector.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr]  # it is a socket, which selectors cannot say
                        open_links -= 1
                if not open_links and self.process.poll() is not None:
                    self._end()
                    break
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]  # as above
        self._clean()
        self._inbox.close()

    def _read(self, key: selectors.SelectorKey) -> bool:
        """Take what a connection has; False if it is at its end."""
        decoder: Decoder = key.data
        try:
            data = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]  # as above
            items = decoder.feed(data)
        except (OSError, WireError) as error:
            self._inbox.put([Lost(0, str(error))])
            return False
        if decoder.pid:
            self.links[decoder.pid] = decoder.fd
            self._decoders[decoder.pid] = decoder
            self._heard.set()
        if items:
            self._inbox.put(items)
        if not data:
            self._decoders.pop(decoder.pid, None)
        if not data and self.process is not None and decoder.pid not in {0, self.process.pid}:
            self._inbox.put([Ended(decoder.pid, t=time.monotonic_ns())])
        return bool(data)

    def _end(self) -> None:
        assert self.process is not None
        code = self.process.returncode
        ended = Ended(self.process.pid, max(code, 0), max(-code, 0), time.monotonic_ns())
        self._inbox.put([ended])

    def _clean(self) -> None:
        with self._lock:
            if self._listener is not None:
                self._listener.close()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None


def environment(env: Mapping[str, str], path: str) -> dict[str, str]:
    """`env` with what makes a Python start the agent, which then sends to the Unix socket `path`."""
    site = str(HERE / "site")
    rest = env.get("PYTHONPATH", "")
    return {**env, VARIABLE: path, "PYTHONPATH": f"{site}{os.pathsep}{rest}" if rest else site}
