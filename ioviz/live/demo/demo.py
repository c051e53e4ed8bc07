"""A demo: one of our small servers, really running, with real clients on loopback. What `ioviz live` starts.

The server is an ordinary program (`servers/`), run by this Python, with a source around it; the clients are a process
of their own (`load.py`), so that neither is slowed by the picture. Both end with the demo. The server listens on
127.0.0.1 only, where anybody may join with `nc`.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ioviz.live.source import Refusal, SourceError

if TYPE_CHECKING:
    from typing import IO

HERE: Final = Path(__file__).resolve().parent
PATIENCE: Final = 10.0
RATES: Final = (0, 1, 2, 5, 10, 50, 200, 1_000, 5_000, 20_000, 100_000)
"""Messages a second, from all clients together."""


class Model(NamedTuple):
    """A way to write a server: its file, its further arguments, whether its trigger can be switched, its name, and the
    panels to look at."""

    file: str
    args: tuple[str, ...]
    switchable: bool
    en: str
    zh: str
    focus: tuple[str, ...]


MODELS: Final = {
    "bio": Model(
        "bio.py",
        (),
        False,
        "blocking calls, a thread for each client",
        "阻塞 IO，每个客户端一个线程",
        ("source", "wait", "sockets"),
    ),
    "nio": Model(
        "nio.py",
        (),
        False,
        "non-blocking calls, each socket asked in turn",
        "非阻塞 IO，轮询每个 socket",
        ("source", "sockets"),
    ),
    "select": Model("select_.py", (), False, "select", "select", ("source", "wait", "sockets")),
    "poll": Model("poll.py", (), False, "poll", "poll", ("source", "wait", "sockets")),
    "epoll-lt": Model(
        "epoll.py", ("lt",), True, "epoll, level-triggered", "epoll，水平触发（LT）", ("source", "eventpoll", "sockets")
    ),
    "epoll-et": Model(
        "epoll.py", ("et",), True, "epoll, edge-triggered", "epoll，边缘触发（ET）", ("source", "eventpoll", "sockets")
    ),
    "asyncio": Model(
        "aio.py",
        (),
        False,
        "asyncio, which is epoll below",
        "asyncio，底层是 epoll",
        ("eventpoll", "sockets", "source"),
    ),
}
"""The models by what is typed for them."""


class Status(NamedTuple):
    """How the clients are: their number, messages sent and bytes echoed so far, mean round trip in µs, rate asked."""

    clients: int = 0
    sent: int = 0
    echoed: int = 0
    trip: int = 0
    rate: float = 0.0


def keep_on_one_processor(pid: int) -> None:
    """A server that strace stops at each call goes on where it was: with strace beside it a round trip takes 60 µs, and
    500 where each has to be woken on another processor. We may do that to a server of our own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setaffinity(pid, {max(os.sched_getaffinity(pid))})


class Demo:
    """See the module. Whoever starts the server (`argv`, with pipes for stdin and stdout) hands it to `begin`."""

    def __init__(self, model: str, *, clients: int = 3, rate: float = 1, port: int = 0) -> None:
        self.model = MODELS[model]
        self.trigger = "et" if "et" in self.model.args else "lt"
        self.drains = self.trigger == "et"
        self.port = port
        self.status = Status()
        self._begin = (clients, rate)
        self._rate = RATES.index(rate) if rate in RATES else 1
        self._server: subprocess.Popen[bytes] | None = None
        self._server_input: IO[bytes] | None = None
        self._load: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()

    @property
    def argv(self) -> list[str]:
        """The server's command line."""
        return [sys.executable, str(HERE / "servers" / self.model.file), str(self.port), *self.model.args]

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the server, whose stdin and stdout are pipes, listens, and let the clients come. Raises
        SourceError, and then both have ended."""
        assert process.stdout is not None
        self._server, self._server_input = process, process.stdin
        keep_on_one_processor(process.pid)
        threading.Thread(target=self._read_server, args=(process.stdout,), daemon=True).start()
        try:
            self.port = self._wait_for_port(process)
            self._start_load(process.pid)
        except SourceError:
            self.stop()
            raise

    def _wait_for_port(self, process: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                word, _, number = self._lines.get(timeout=0.1).partition(b" ")
            except queue.Empty:
                if process.poll() is not None:
                    break
                continue
            if word == b"port" and number.strip().isdigit():
                return int(number)
        wanted = f" on port {self.port}" if self.port else ""
        raise SourceError(
            Refusal(
                f"the demo's server did not begin to listen{wanted}",
                "is the port taken? Leave --port out to have a free one",
                "演示服务器没有开始监听",
                "端口是否被占用？不写 --port 会自动选一个空闲端口",
            )
        )

    def _read_server(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                self._lines.put(line)

    def _start_load(self, server: int) -> None:
        self._load = subprocess.Popen(
            [sys.executable, str(HERE / "load.py"), "127.0.0.1", str(self.port), str(server)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        threading.Thread(target=self._read_load, args=(self._load.stdout,), daemon=True).start()
        clients, rate = self._begin
        self._tell(f"open {clients}")
        self._tell(f"rate {rate}")

    def _read_load(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                said: dict[str, Any] = json.loads(line)
                self.status = Status(**said)

    # -- what a person may do ----------------------------------------------------------------------------------------

    def send(self, text: str = "") -> None:
        """One client, in turn, says something."""
        self._tell(f"send {text}".rstrip())

    def open_client(self) -> None:
        """One more client."""
        self._tell("open")

    def close_client(self) -> None:
        """The client that has been there longest leaves."""
        self._tell("close")

    def change_rate(self, steps: int) -> int:
        """More or fewer messages a second; gives the new rate."""
        self._rate = min(max(self._rate + steps, 0), len(RATES) - 1)
        self._tell(f"rate {RATES[self._rate]}")
        return RATES[self._rate]

    def switch(self) -> str | None:
        """Switch the running server between LT and ET; gives the new trigger, None if this server has none."""
        if not self.model.switchable or self._server_input is None:
            return None
        self.trigger = "lt" if self.trigger == "et" else "et"
        self._write(self._server_input, self.trigger)
        return self.trigger

    def switch_draining(self) -> bool | None:
        """Let the server read until nothing is left, or only once an event; None if it has no such choice."""
        if not self.model.switchable or self._server_input is None:
            return None
        self.drains = not self.drains
        self._write(self._server_input, "drain" if self.drains else "once")
        return self.drains

    def stop(self) -> None:
        """End the clients and the server. Twice does no harm."""
        if self._load is not None:
            self._tell("quit")
            self._end(self._load, 1)
        if self._server is not None:
            if self._server.poll() is None:
                self._server.terminate()
            self._end(self._server, 2)
        self._load = self._server = self._server_input = None

    @staticmethod
    def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
        """Wait until `process` is gone, and see to it that it goes."""
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            with contextlib.suppress(OSError):  # what was not written yet has nobody to read it
                process.stdin.close()

    def _tell(self, line: str) -> None:
        if self._load is not None and self._load.stdin is not None:
            self._write(self._load.stdin, line)

    @staticmethod
    def _write(pipe: IO[bytes], line: str) -> None:
        try:
            pipe.write(line.encode() + b"\n")
            pipe.flush()
        except OSError:
            pass  # it is gone already, which its own end will tell
