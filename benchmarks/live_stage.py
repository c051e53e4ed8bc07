"""From a key to its picture while a busy server is watched, beside the same server when nobody asks it anything."""

from __future__ import annotations

import os
import select
import statistics
import threading
import time
from typing import Final

from benchmarks.live_servers import REDIS, here, load, running
from benchmarks.report import line
from benchmarks.screen import Terminal

OPENS: Final = 4.0
"""Seconds until the stage is there and has found its pace."""
TIMES: Final = 10
KEYS: Final = ((b" ", b"stands still"), (b"e", b"follows the present"))
GOAL: Final = 100


def _until(terminal: Terminal, key: bytes, text: bytes) -> float:
    """Milliseconds from a key until `text` is drawn."""
    begin, seen = time.perf_counter(), b""
    os.write(terminal.fd, key)
    while text not in seen:
        seen = seen[-4096:] + os.read(terminal.fd, 1 << 16)
    return 1000 * (time.perf_counter() - begin)


def _pass(terminal: Terminal, seconds: float) -> None:
    """Read what is drawn, as a terminal does."""
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        if select.select([terminal.fd], [], [], left)[0]:
            os.read(terminal.fd, 1 << 16)


def _keys(source: str, pid: int) -> list[float]:
    terminal = Terminal("-m", "ioviz", "attach", "--source", source, str(pid))
    try:
        _pass(terminal, OPENS)
        found = []
        for _ in range(TIMES):
            for key, text in KEYS:
                found.append(_until(terminal, key, text))
                _pass(terminal, 0.4)
        return found
    finally:
        terminal.close()


def main() -> None:
    """Print what this computer can measure."""
    from ioviz.live.choose import why_not

    for server in here(REDIS):
        with running(server) as (pid, port):
            for source in ("strace", "ebpf"):
                if why_not(source, pid) is not None:
                    continue
                calm = _keys(source, pid)
                seconds = OPENS + TIMES * len(KEYS) * 0.6
                asking = threading.Thread(target=load, args=(server, port, seconds))
                asking.start()
                busy = _keys(source, pid)
                asking.join()
                detail = f"the slowest of {len(busy)} {max(busy):.0f}; with nothing to do {statistics.median(calm):.0f}"
                line(f"live: {source}, busy redis: key to picture", statistics.median(busy), "ms", GOAL, detail=detail)
