"""Echo servers on the machine against the same programs on the real kernel.

Both sides are timed from outside, with the start of their interpreters: two for the real kernel, one for the machine.
The modules of both are compiled, as those of an installed program are: `compiled` sees to that. The real pair has as
many processors as there are; on one of them (`pinned`) it has what the machine has.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.report import line

PROGRAMS: Final = Path(__file__).parent / "programs"
MESSAGES: Final = 10
TIMES: Final = 3


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _commands(server: str, count: int, port: int) -> list[list[str]]:
    return [
        [str(PROGRAMS / server), str(port), str(count)],
        [str(PROGRAMS / "epoll_echo_client.py"), str(port), str(count), str(MESSAGES)],
    ]


@cache
def compiled() -> dict[str, str]:
    """An environment in which modules are compiled once, whatever the person's own says."""
    folder = tempfile.mkdtemp(prefix="ioviz-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**environment, "PYTHONPYCACHEPREFIX": folder}


def real(server: str, count: int, *, pinned: bool = False) -> float:
    """Wall time on the real kernel, with as many descriptors as it lets us have; `pinned`: both on one processor."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if pinned:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    start = time.perf_counter()
    processes = [
        subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, env=compiled(), preexec_fn=prepare)
        for command in _commands(server, count, _free_port())
    ]
    for process in processes:
        if process.wait() != 0:
            raise RuntimeError(f"{process.args!r} failed on the real kernel")
    return time.perf_counter() - start


def simulated(mode: str, server: str, count: int) -> dict[str, Any]:
    """Wall time and memory on the machine."""
    commands = [" ".join(command) for command in _commands(server, count, 8000)]
    start = time.perf_counter()
    out = subprocess.run(
        [sys.executable, "-m", "benchmarks.guest", mode, *commands],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=compiled(),
    ).stdout
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    if result["ended"] != "exit" or result["code"]:
        raise RuntimeError(
            f"{server} ended on the machine by {result['ended']}, code {result['code']}: {result['message']}"
        )
    return {**result, "wall": time.perf_counter() - start}


def _compare(name: str, server: str, count: int, goals: dict[str, float], memory_goal: float | None = None) -> None:
    walls: dict[str, list[float]] = {}
    last: dict[str, dict[str, Any]] = {}
    real(server, 1)
    simulated("none", server, 1)
    for _ in range(TIMES):
        walls.setdefault("real", []).append(real(server, count))
        walls.setdefault("pinned", []).append(real(server, count, pinned=True))
        for mode in ("none", *goals):
            last[mode] = simulated(mode, server, count)
            walls.setdefault(mode, []).append(last[mode]["wall"])
    real_wall = statistics.median(walls["real"])
    for mode, goal in goals.items():
        wall = statistics.median(walls[mode])
        detail = f"{wall:.2f} s, real {real_wall:.2f} s, {last[mode]['events']:,} events"
        line(f"{name}, {mode}: wall time / real", wall / real_wall, "x", goal, detail=detail)
    pinned = statistics.median(walls["pinned"])
    wall = statistics.median(walls["log"])
    line(f"{name}, log: wall time / real on one processor", wall / pinned, "x", detail=f"real {pinned:.2f} s")
    if memory_goal is not None:
        line(f"{name}: memory of the log", last["log"]["megabytes"] - last["none"]["megabytes"], "MB", memory_goal)


def main() -> None:
    """Print every comparison."""
    goals = {"log": 2.0, "lines": 2.5}
    _compare("epoll echo, 1,000 connections", "epoll_echo_server.py", 1_000, goals)
    _compare("epoll echo, 10,000 connections", "epoll_echo_server.py", 10_000, goals, memory_goal=200)
    _compare("a thread a connection, 1,000", "thread_echo_server.py", 1_000, {"log": 1.0})
