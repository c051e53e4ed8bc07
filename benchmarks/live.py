"""What watching a real server costs: its throughput bare, under plain strace, and under each of our sources.

A closed loop: connections that each wait for their echo before they send again, from a process of its own. Everything
is a ratio of one run, since servers of other programs share the computer. Offline: how many lines of strace a second
become calls, and events.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.report import line

SECONDS: Final = 2.0
CONNECTIONS: Final = 50
LINES: Final = 100_000

SERVER: Final = """
import select, socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(500); s.setblocking(False)
ep = select.epoll(); ep.register(s, select.EPOLLIN); clients = {}
print(s.getsockname()[1], flush=True)
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
LOAD: Final = """
import select, socket, sys, time
port, count, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
hello = b"PING\\r\\n" if "redis" in sys.argv else b"x" * 32
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


@contextlib.contextmanager
def echo_server() -> Iterator[tuple[int, int]]:
    """A Python epoll server: its process and port."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


@contextlib.contextmanager
def redis_server() -> Iterator[tuple[int, int]]:
    """redis, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield process.pid, port
        finally:
            process.kill()


def load(port: int, kind: str, connections: int = CONNECTIONS, pump: Any = None) -> float:
    """Round trips a second; `pump` is called while it runs."""
    command = [sys.executable, "-c", LOAD, str(port), str(connections), str(SECONDS), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while process.poll() is None:
            if pump is not None:
                pump()
            time.sleep(0.01)
        return float(process.stdout.read())


@contextlib.contextmanager
def plain_strace(pid: int, *, pinned: bool) -> Iterator[None]:
    """strace with our filter, and nobody who reads it; `pinned`: on the processor of the program, as we have it."""
    from ioviz.live.procfs import stat_fields
    from ioviz.live.strace import FLAGS

    command = ["strace", *FLAGS, "-o", "/dev/null", "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        time.sleep(0.3)
        if pinned:
            os.sched_setaffinity(tracer.pid, {int(stat_fields(pid)[36])})
        try:
            yield
        finally:
            tracer.terminate()


def watched(name: str, pid: int, port: int, kind: str) -> tuple[float, str]:
    """Round trips a second while our source `name` and the mirror are at work, and what the mirror says of itself."""
    from ioviz.live.choose import choose
    from ioviz.live.procfs import owner
    from ioviz.live_session import LiveSession

    chosen = choose(name, pid)
    session = LiveSession(chosen.source, "", look=chosen.look, who=owner, slower=chosen.slower)
    session.start()
    try:
        rate = load(port, kind, pump=session.advance)
        for _ in range(100):
            session.advance()
        status = session.status()
    finally:
        session.close()
    said = f"{status.calls:,} calls, {status.left_out:,} left out, {status.lost:,} lost, "
    slower = f", header says {status.slower:.1f}x" if status.slower else ""
    return rate, f"{said}{status.differences} differences in {status.compared}{slower}"


def offline() -> None:
    """Lines of strace to calls, and calls to events, with no program and no screen."""
    from ioviz.live.mirror import Mirror
    from ioviz.live.strace_lines import Lines

    head = [
        "7 1795423720.058869 epoll_create1(0x80000) = 4 <0.000058>",
        "7 1795423720.058970 socket(0x2, 0x1, 0) = 5 <0.000058>",
        "7 1795423720.059006 epoll_ctl(4, 0x1, 5, {events=0x1, data={u32=5, u64=5}}) = 0 <0.000070>",
    ]
    loop = [
        "7 1795423720.068690 epoll_wait(4, [{events=0x1, data={u32=5, u64=5}}], 1023, -1) = 1 <0.000059>",
        '7 1795423720.068850 recvfrom(5, ""..., 4096, 0, NULL, NULL) = 32 <0.000073>',
        '7 1795423720.069018 sendto(5, ""..., 32, 0, NULL, 0) = 32 <0.000082>',
    ]
    lines = head + loop * (LINES // len(loop))
    parser, calls = Lines(), []  # type: tuple[Lines, list[Any]]
    begin = time.perf_counter()
    for text in lines:
        parser.feed(text, calls)
    parsed = time.perf_counter() - begin
    mirror = Mirror(lambda event: None, "strace")
    begin = time.perf_counter()
    mirror.feed(calls)
    folded = time.perf_counter() - begin
    line("live: a line of strace becomes a call", 1e6 * parsed / len(lines), "µs", 5)
    line("live: a call becomes events", 1e6 * folded / len(lines), "µs", detail=f"{mirror.seq:,} events")


def main() -> None:
    """Print everything that this computer can measure."""
    from ioviz.live.choose import why_not

    offline()
    servers = [("Python echo", "echo", echo_server)]
    if shutil.which("redis-server"):
        servers.append(("redis", "redis", redis_server))
    for title, kind, server in servers:
        with server() as (pid, port):
            load(port, kind)
            bare = load(port, kind)
            line(f"live: {title}, bare, thousands of round trips", bare / 1000, "/s")
            plain = 0.0
            if why_not("strace") is None:
                for pinned in (False, True):
                    with plain_strace(pid, pinned=pinned):
                        plain = load(port, kind)
                    where = "on its processor" if pinned else "anywhere"
                    line(f"live: {title}, strace to /dev/null {where}: slower", bare / plain, "x")
            for name in ("strace", "ebpf", "procfs"):
                refusal = why_not(name, pid)
                if refusal is not None:
                    print(f"live: {title}, {name}: not here, {refusal.sentence()}")
                    continue
                rate, said = watched(name, pid, port, kind)
                goal = {"strace": 1.2 * bare / plain if plain else None, "ebpf": 1 / 0.7}.get(name)
                line(f"live: {title}, our {name}: slower", bare / rate, "x", goal, detail=said)
    with echo_server() as (pid, port):
        line("live: one connection, bare: a round trip", 1e6 / load(port, "echo", 1), "µs")
        for name in ("strace", "ebpf"):
            if why_not(name, pid) is None:
                line(f"live: one connection, our {name}: a round trip", _trip(name, pid, port), "µs", 400)


def _trip(name: str, pid: int, port: int) -> float:
    from ioviz.live.choose import choose
    from ioviz.live_session import LiveSession

    session = LiveSession(choose(name, pid).source, "")
    session.start()
    try:
        return 1e6 / load(port, "echo", 1, session.advance)
    finally:
        session.close()
