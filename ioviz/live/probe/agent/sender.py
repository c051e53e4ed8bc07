"""The agent's own thread, which sends the notes.

Frames on the wire: one byte of kind, four of length (little endian), the body.
`H` who we are (JSON); `N` names (JSON: details that notes refer to by number); `C` calls (signed 64-bit integers, see
`notes`); `S` the calls that threads are in just now: thread, code, fd, argument, time before; `G` how many notes are
missing here, thrown away and only counted (JSON).
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
import sys
import threading
import time
from typing import Any

from .notes import (
    BUSY,
    CALLS,
    COUNT,
    DETAILED,
    IDLE_PERIOD,
    KEPT,
    LEAST,
    LISTS,
    MOST,
    PERIOD,
    WINDOW,
    ident,
    note_hot,
    notes,
    now,
)
from .original import RAW_SOCKET, SLEEP_FOR, restore
from .process import tell_thread

HIGH = 200
TRIED = 100


def out_of_the_way(link: Any) -> Any:
    """The same connection under a high number, so that the program's own descriptors keep theirs."""
    try:
        import fcntl

        high = fcntl.fcntl(link.fileno(), fcntl.F_DUPFD_CLOEXEC, HIGH)
    except (ImportError, OSError):
        return link
    link.close()
    return RAW_SOCKET(socket.AF_UNIX, socket.SOCK_STREAM, 0, high)


def price() -> int:
    """Nanoseconds that noting a call takes here: what a call's note does, a few times over."""
    calls: list[int] = []
    sleeping: dict[int, Any] = {}

    def noted(fd: Any, bufsize: Any) -> Any:
        thread = ident()
        before = now()
        sleeping[thread] = (1, fd, bufsize, before)
        calls.extend((1, thread, before, now(), fd, bufsize, 0, 0))

    start = now()
    for number in range(TRIED):
        noted(number, number)
    return (now() - start) // TRIED


def taken() -> list[int]:
    """The notes so far, which are no longer in `notes`. The program may be adding to them."""
    calls = notes.calls
    count = len(calls)
    batch = calls[:count]
    del calls[:count]
    return batch


def noted_in(batch: list[int]) -> int:
    """How many notes these integers are."""
    at = count = 0
    while at < len(batch):
        at += 8 + 2 * max(batch[at + 6], 0) if batch[at] in LISTS else 8
        count += 1
    return count


class Sender:
    """The agent's own thread, and its connection to ioviz."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lost = 0
        self.counted = next(COUNT)  # a forked child goes on with its parent's number
        self.gone = False
        self.lock = threading.RLock()  # a signal's handler may end the program while its thread sends
        self.connect()

    def connect(self) -> None:
        link = RAW_SOCKET(socket.AF_UNIX, socket.SOCK_STREAM)
        link.connect(self.path)
        self.link = out_of_the_way(link)
        self.link.settimeout(0.2)
        tell_thread(threading.current_thread(), threading.get_native_id())
        hello = {
            "pid": os.getpid(),
            "ppid": os.getppid(),
            "python": sys.version.split()[0],
            "argv": getattr(sys, "orig_argv", None) or getattr(sys, "argv", []),
            "cwd": os.getcwd(),
            "fd": self.link.fileno(),
            "price": price(),
            "calls": CALLS,
            "detailed": sorted(DETAILED),
            "lists": sorted(LISTS),
        }
        self.frame(b"H", json.dumps(hello).encode())

    def frame(self, kind: bytes, body: bytes) -> None:
        """Send one frame, with the lock held: who ends the program waits for it, and no other frame comes between.
        While nobody reads, notes beyond `KEPT` are thrown away, and nobody but this thread waits."""
        left = memoryview(kind + struct.pack("<I", len(body)) + body)
        while left and not self.gone:
            try:
                left = left[self.link.send(left) :]
            except socket.timeout:  # noqa: UP041 - it is no TimeoutError before 3.10, and the agent runs there
                if len(notes.calls) > KEPT:
                    self.lost += noted_in(taken())
            except OSError:
                self.gone = True

    def flush(self) -> int:
        """Send what there is. Gives how many notes that was, about."""
        with self.lock:
            return self.send()

    def finish(self) -> None:
        """Send what there is, and how many calls were only counted since the last time."""
        with self.lock:
            self.send()
            total = next(COUNT)
            missing, self.counted = total - 1 - self.counted, total
            if missing:
                self.gap(0, missing)

    def send(self) -> int:
        """What `flush` does, with the lock held."""
        batch = taken()
        names = [notes.names.popleft() for _ in range(len(notes.names))]
        if names:
            self.frame(b"N", json.dumps(names).encode())
        if batch:
            self.frame(b"C", array.array("q", batch).tobytes())
        if self.lost:
            lost, self.lost = self.lost, 0
            self.gap(lost, 0)
        return len(batch) // 8

    def gap(self, lost: int, left_out: int) -> None:
        """Tell how many notes are missing here: thrown away, and not made."""
        self.frame(b"G", json.dumps([lost, left_out]).encode())

    def run(self) -> None:
        notes.name(("agent", threading.get_native_id()))
        last: list[int] = []
        seconds = soon = PERIOD
        start, noted, until = time.monotonic(), 0, 0.0  # until when calls are only counted
        while not self.gone:
            SLEEP_FOR(seconds)
            count = self.flush()
            noted += count
            moment = time.monotonic()
            notes.detail = not until and count < BUSY * seconds * 2
            seconds = PERIOD if count or until else min(seconds * 1.2, IDLE_PERIOD)
            if until:
                if moment >= until:
                    self.finish()
                    note_hot(True)
                    start, noted, until, seconds = moment, 0, 0.0, soon
            elif noted >= MOST * WINDOW:  # however long it took to send them: who reads may be slow
                took = moment - start
                until = start + max(WINDOW, took + WINDOW / 2, noted / MOST)
                soon = max(LEAST, min(PERIOD, took * MOST * WINDOW / noted))  # when it was so many
                note_hot(False)
            elif moment - start >= WINDOW:
                start, noted = moment, 0
            asleep = [number for thread, call in list(notes.sleeping.items()) for number in (thread, *call)]
            if asleep != last:
                last = asleep
                with self.lock:
                    self.frame(b"S", array.array("q", asleep).tobytes())
        restore()
        while True:  # what was made while we were here still notes: nothing of it may pile up
            notes.detail = False
            notes.calls.clear()
            notes.names.clear()
            SLEEP_FOR(1)
