"""Real processes for the tests of sources: a small epoll echo server, and sessions that wait for what is to happen."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ioviz.live import strace

SERVER = """
import select, socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(20); s.setblocking(False)
ep = select.epoll(); ep.register(s, select.EPOLLIN); clients = {}
print(s.getsockname()[1], flush=True)
while True:
    for fd, events in ep.poll():
        if fd == s.fileno():
            c, _ = s.accept(); c.setblocking(False)
            clients[c.fileno()] = c; ep.register(c, select.EPOLLIN | select.EPOLLET)
            continue
        try:
            while data := clients[fd].recv(100):
                clients[fd].sendall(data)
            ep.unregister(fd); clients.pop(fd).close()
        except BlockingIOError:
            pass
"""

refusal = strace.why_not()
needs_strace = pytest.mark.skipif(refusal is not None, reason=refusal.sentence() if refusal is not None else "")
needs_procfs = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="procfs is Linux's")


@contextlib.contextmanager
def echo_server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server's process and port."""
    path = tmp_path / "server.py"
    path.write_text(SERVER)
    with subprocess.Popen([sys.executable, "-S", str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def talk(port: int, connections: int = 1, messages: int = 1) -> None:
    """Open connections, send over each, get it back, close."""
    for _ in range(connections):
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            for _ in range(messages):
                client.sendall(b"hello")
                assert client.recv(100) == b"hello"


def until(session: Any, done: Callable[[], bool], seconds: float = 20) -> None:
    """Let `session` go on until `done`."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it never happened"
        session.advance(0)
        session.source.wait(0.02)


def tracer_of(pid: int) -> int:
    """Who traces a process; 0 for nobody."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("TracerPid:"):
            return int(line.split()[1])
    return 0
