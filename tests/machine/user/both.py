"""A program run by the real Python on the real kernel and by the machine: both print the same and end the same way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ioviz.machine.kernel.config import Config
from ioviz.machine.launch import Launch
from ioviz.machine.machine import Machine
from ioviz.machine.user.loader import load_program
from ioviz.model.event import Event
from ioviz.model.world import World


class Ended:
    """How a program ended: what it printed, and the status that `subprocess` gives (-n: by signal n)."""

    def __init__(self, out: str, err: str, status: int, log: list[Event]) -> None:
        self.out = out
        self.err = err
        self.status = status
        self.log = log


def on_the_machine(folder: Path, text: str) -> Ended:
    """Run `text` as a program of the machine."""
    path = folder / "prog.py"
    path.write_text(text, encoding="utf-8")
    pieces: dict[int, list[bytes]] = {1: [], 2: []}
    log: list[Event] = []
    launch = Launch(load_program(str(path), cwd=str(folder)), stdin=())
    machine = Machine([launch], Config(), log.append, printed=lambda pid, fd, data: pieces[fd].append(data))
    try:
        machine.run()
        world = machine.world
        folded = World()
        for event in log:
            event.apply(folded)
        assert folded == world, "folding the log gives another world than the machine has"
        end = world.runs[1]
        assert end.ended == "exit", end.message
        main = world.processes[machine.kernel.main_pid]
        status = -main.signal if main.signal else end.code
    finally:
        machine.dispose()
    out, err = (b"".join(pieces[fd]).decode() for fd in (1, 2))
    return Ended(out, err, status, log)


def on_linux(folder: Path, text: str) -> Ended:
    """Run `text` by the Python of this test."""
    path = folder / "prog.py"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-u", str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return Ended(done.stdout, done.stderr, done.returncode, [])


def agree(folder: Path, text: str, expected: str, status: int = 0) -> Ended:
    """Both print `expected` and end with `status`; what the machine did is returned."""
    ended = on_the_machine(folder, text)
    assert (ended.out, ended.status) == (expected, status), ended.err
    if sys.platform == "linux":
        real = on_linux(folder, text)
        assert (real.out, real.status) == (expected, status), f"the real kernel differs: {real.out}\n{real.err}"
    return ended
