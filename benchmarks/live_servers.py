"""The servers that are watched, and what loads them: each a process of its own, on a free port of loopback."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

PYTHON: Final = """
import select, socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(500); s.setblocking(False)
ep = select.epoll(); ep.register(s, select.EPOLLIN); clients = {}
while True:
    for fd, events in ep.poll():
        if fd == s.fileno():
            c, _ = s.accept(); clients[c.fileno()] = c; ep.register(c, select.EPOLLIN)
            continue
        try:
            if data := clients[fd].recv(4096):
                clients[fd].sendall(data)
                continue
        except ConnectionError:
            pass
        ep.unregister(fd); clients.pop(fd).close()
"""
NODE: Final = """
require("net").createServer(s => { s.on("data", d => s.write(d)); s.on("error", () => 0); })
    .listen(+process.argv[1], "127.0.0.1", 500)
"""
NGINX: Final = """
daemon off; master_process off; error_log /dev/null; pid {folder}/pid;
events {{ worker_connections 1000; }}
http {{
    access_log off; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }}
}}
"""
LOAD: Final = """
import select, socket, sys, time
port, count, seconds, hello = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), bytes.fromhex(sys.argv[4])
clients = {}; ep = select.epoll()
for _ in range(count):
    c = socket.create_connection(("127.0.0.1", port)); clients[c.fileno()] = c
    ep.register(c, select.EPOLLIN); c.send(hello)
done = 0; begin = time.perf_counter()
while (now := time.perf_counter()) - begin < seconds:
    for fd, _ in ep.poll(1):
        clients[fd].recv(4096); clients[fd].send(hello); done += 1
print(done / (now - begin))
"""
VISITS: Final = """
import random, socket, sys, time
port, count, hello = int(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3])
held = []
for number in range(count):
    c = socket.create_connection(("127.0.0.1", port)); c.settimeout(10)
    c.send(hello); c.recv(4096)
    held.append(c)
    if len(held) > 60:
        held.pop(random.randrange(len(held))).close()
    time.sleep(0.0008)
"""


class Server(NamedTuple):
    """A server: what it is called, the command by port and folder, and what a client says to it."""

    title: str
    command: Callable[[int, Path], list[str]]
    hello: bytes


def _nginx(port: int, folder: Path) -> list[str]:
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(port=port, folder=folder))
    return ["nginx", "-p", str(folder), "-c", str(settings)]


PYTHON_ECHO: Final = Server("Python echo", lambda port, _: [sys.executable, "-c", PYTHON, str(port)], b"x" * 32)
REDIS: Final = Server(
    "redis", lambda port, _: ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"], b"PING\r\n"
)
NGINX_OK: Final = Server("nginx", _nginx, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
NODE_ECHO: Final = Server("node", lambda port, _: ["node", "-e", NODE, str(port)], b"x" * 32)


def here(*servers: Server) -> list[Server]:
    """Those of `servers` that are installed."""
    return [each for each in servers if shutil.which(each.command(0, Path(tempfile.gettempdir()))[0])]


@contextlib.contextmanager
def running(server: Server) -> Iterator[tuple[int, int]]:
    """Its process and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        quiet = subprocess.DEVNULL
        with subprocess.Popen(server.command(port, Path(folder)), stdout=quiet, stderr=quiet) as process:
            try:
                for _ in range(500):
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                        break
                    time.sleep(0.02)
                yield process.pid, port
            finally:
                process.kill()


def load(server: Server, port: int, seconds: float, connections: int = 50, pump: Any = None) -> float:
    """Round trips a second of a closed loop; `pump` is called while it runs."""
    words = [str(port), str(connections), str(seconds), server.hello.hex()]
    with subprocess.Popen([sys.executable, "-c", LOAD, *words], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while process.poll() is None:
            if pump is not None:
                pump()
            time.sleep(0.01)
        return float(process.stdout.read())


def visit(server: Server, port: int, count: int, pump: Callable[[], object]) -> None:
    """`count` connections, one after the other, of which some sixty are open at a time."""
    words = [str(port), str(count), server.hello.hex()]
    with subprocess.Popen([sys.executable, "-c", VISITS, *words]) as process:
        while process.poll() is None:
            pump()
            time.sleep(0.005)
        if process.returncode:
            raise RuntimeError(f"the visits to {server.title} failed")
