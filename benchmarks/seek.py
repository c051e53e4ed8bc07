"""Seeking in a recording of 10,000 sockets and about a million events: time to any step, and memory."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.echo import PROGRAMS
from benchmarks.guest import launches
from benchmarks.report import line, peak_megabytes
from ioviz.machine.kernel.config import Config
from ioviz.machine.machine import Machine
from ioviz.trace.recording import Writer, load

FRAME_MS: Final = 16.0
SEEKS: Final = 400
CONNECTIONS: Final = 5_000
"""Each has a socket at either end."""
MESSAGES: Final = 8


def record(path: Path) -> None:
    """Write the recording that is looked at."""
    commands = [
        f"{PROGRAMS / 'epoll_echo_server.py'} 8000 {CONNECTIONS}",
        f"{PROGRAMS / 'epoll_echo_client.py'} 8000 {CONNECTIONS} {MESSAGES}",
    ]
    with Writer(path) as writer:
        machine = Machine(launches(commands), Config(), writer.write, lines=False)
        while not machine.run(1 << 30):
            pass
        machine.dispose()


def look(path: Path) -> dict[str, Any]:
    """Open the recording and seek at random: what a process that does nothing else needs for it."""
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
    return {
        "events": len(timeline),
        "opened": opened,
        "mean": statistics.mean(times),
        "worst": max(times),
        "megabytes": peak_megabytes(),
        "bytes": path.stat().st_size / len(timeline),
    }


def main() -> None:
    """Print the times of random seeks, and the memory of a process that only looks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ioviz"
        subprocess.run([sys.executable, "-m", "benchmarks.seek", "record", str(path)], check=True)
        command = [sys.executable, "-m", "benchmarks.seek", "look", str(path)]
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    result = json.loads(out)
    detail = (
        f"{result['events']:,} events, {result['bytes']:.1f} bytes each on disk, opened in {result['opened']:.1f} s"
    )
    line("seek, 10,000 sockets, mean", result["mean"], "ms", FRAME_MS, detail=detail)
    line(f"seek, worst of {SEEKS}", result["worst"], "ms", FRAME_MS)
    line("memory of a process that has opened it", result["megabytes"], "MB", 1000)


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(Path(sys.argv[2]))
    else:
        print(json.dumps(look(Path(sys.argv[2]))))
