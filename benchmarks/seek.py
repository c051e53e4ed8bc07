"""Seeking in a recording of 10,000 sockets and about a million events: time to any step, and memory."""

from __future__ import annotations

import random
import resource
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.echo import PROGRAMS
from benchmarks.guest import launches
from benchmarks.report import line
from ioviz.machine.kernel.config import Config
from ioviz.machine.machine import Machine
from ioviz.trace.recording import Writer, load

FRAME_MS = 16.0
SEEKS = 400


def _record(path: Path) -> None:
    commands = [f"{PROGRAMS / 'epoll_echo_server.py'} 8000 10000", f"{PROGRAMS / 'epoll_echo_client.py'} 8000 10000 10"]
    with Writer(path) as writer:
        machine = Machine(launches(commands), Config(), writer.write, lines=False)
        while not machine.run(1 << 30):
            pass
        machine.dispose()


def main() -> None:
    """Print the times of random seeks, and the memory of a process that only looks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ioviz"
        _record(path)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        timeline = load(path)
        opened = time.perf_counter() - start
        choose = random.Random(1)
        times = []
        for _ in range(SEEKS):
            place = choose.randrange(len(timeline) + 1)
            start = time.perf_counter()
            timeline.world(place)
            times.append((time.perf_counter() - start) * 1000)
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        size = path.stat().st_size
    detail = f"{len(timeline):,} events, {size / len(timeline):.1f} bytes an event on disk, opened in {opened:.1f} s"
    line("seek, mean", statistics.mean(times), "ms", FRAME_MS, detail=detail)
    line("seek, worst of 400", max(times), "ms", FRAME_MS)
    line("memory of the recording", memory, "MB", 1000)
