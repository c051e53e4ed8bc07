"""Running programs in the tests: through `ioviz exec`, and on the real kernel."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent.parent
TYPING = 0.2
"""Seconds between two typed lines; the machine's `typing` knob says the same."""


@dataclass(frozen=True)
class Result:
    """How a program ended and what it printed."""

    code: int
    out: str
    err: str


def ioviz(
    *args: str | Path,
    stdin: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Run `ioviz ARGS` in English and without a terminal."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "IOVIZ_LANG": "en",
        "PYTHONWARNINGS": "default",
        **(env or {}),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ioviz", *map(str, args)],
        input=stdin.encode(),
        capture_output=True,
        cwd=cwd or ROOT,
        env=environment,
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def real(server: Path, client: Path, port: int, typed: Sequence[str], folder: Path) -> tuple[str, str]:
    """Run a server and a client of the article on the real kernel; what each printed until nothing more happened.

    The article's port is replaced, since it may be in use, also by what is left of the last run.
    """
    other = str(free_port())
    copies = []
    for program in (server, client):
        copy = folder / program.name
        copy.write_text(program.read_text(encoding="utf-8").replace(str(port), other), encoding="utf-8")
        copies.append(copy)
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    files = [folder / "server.out", folder / "client.out"]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for copy, file in zip(copies, files, strict=True):
            with file.open("wb") as out:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-u", str(copy)],
                        stdin=subprocess.PIPE,
                        stdout=out,
                        stderr=subprocess.DEVNULL,
                        env=environment,
                    )
                )
            wait_until_it_sleeps(processes[-1].pid)
        keyboard = processes[1].stdin
        assert keyboard is not None
        for line in typed:
            keyboard.write(line.encode() + b"\n")
            keyboard.flush()
            time.sleep(TYPING)
        time.sleep(4 * TYPING)
    finally:  # stopped first: neither must see the other go
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        for process in processes:
            process.kill()
            process.communicate()
    return files[0].read_text(encoding="utf-8"), files[1].read_text(encoding="utf-8")


def wait_until_it_sleeps(pid: int) -> None:
    """Wait until process `pid` has started up and used no CPU for a while."""
    before, deadline = -1.0, time.monotonic() + 20
    while time.monotonic() < deadline:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        now = float(fields[11]) + float(fields[12])
        if now == before and now > 0 and fields[0] == "S":
            return
        before = now
        time.sleep(0.3)
