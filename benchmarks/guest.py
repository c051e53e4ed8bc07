"""Run programs on the machine in a process of its own, and print what that cost as one line of JSON.

`python -m benchmarks.guest MODE 'SERVER ARGS' 'CLIENT ARGS'` with MODE none (events are made and dropped), log (they
are kept on a timeline) or lines (with those of source lines too).
"""

from __future__ import annotations

import gc

gc.disable()  # as `ioviz` does until everything is imported

import shlex
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from benchmarks.report import peak_megabytes
from ioviz.machine.kernel.config import Config
from ioviz.machine.launch import Launch
from ioviz.machine.machine import Machine
from ioviz.machine.user.loader import load_program
from ioviz.model.burst import Burst
from ioviz.trace.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ioviz.model.event import Event

SLICE = 4_096
"""Events after which the log is packed."""


def launches(commands: Sequence[str]) -> list[Launch]:
    """A main program and its peers, each with its arguments."""
    out = []
    for number, command in enumerate(commands):
        name, *args = shlex.split(command)
        out.append(
            Launch(load_program(name, args), "peer" if number else "main", None if number else (), number * 1_000)
        )
    return out


def main(mode: str, *commands: str) -> None:
    """Run `commands` and print the measurements."""
    timeline = Timeline()
    made = 0

    def drop(entry: Event | Burst) -> None:
        nonlocal made
        made += entry.count if isinstance(entry, Burst) else 1

    start = time.perf_counter()
    sink = drop if mode == "none" else timeline.append
    machine = Machine(launches(commands), Config(), sink, lines=mode == "lines", bursts=True)
    while not machine.run(SLICE):
        timeline.pack()
    wall = time.perf_counter() - start
    end = machine.world.runs[1]
    result = {
        "seconds": wall,
        "megabytes": peak_megabytes(),
        "events": made or len(timeline),
        "ended": end.ended,
        "code": end.code,
        "message": end.message,
    }
    print(msgspec.json.encode(result).decode())


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    main(*sys.argv[1:])
    gc.freeze()  # as `ioviz` does on its way out
