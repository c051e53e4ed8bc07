"""What runs inside the program that is probed: it notes the program's I/O calls and sends them to ioviz.

This package is handed to somebody else's Python, of any version from 3.8 on and perhaps without any package: it imports
the standard library only, and nothing else of ioviz. It must never stop or break the program that it sits in:

- a call is noted after it was made, with its result or errno; what it returned or raised goes on untouched;
- notes are integers in one list, and a thread of the agent's own sends them every few milliseconds, so the program
  never waits for whoever reads. If nobody does, notes are thrown away and counted;
- a busy program (`BUSY` calls a second) is noted without lines and without a look at the data, and beyond `MOST` its
  reads and writes are only counted for a moment: so watching costs it less than a third of its speed.
"""

from __future__ import annotations

import atexit
import os
import threading

from .notes import NAME, note_hot, notes
from .original import restore
from .process import finish, last, probe_end, probe_files, probe_threads
from .sender import Sender
from .sockets import probe_sockets
from .waiting import probe_waiting


def start(path: str) -> None:
    """Note the calls of this process from now on, and those of the children that it forks."""
    try:
        sender = Sender(path)
    except OSError:
        return  # nobody listens: the program runs as if we were not here
    probe_sockets()
    probe_waiting()
    probe_files()
    probe_threads()
    probe_end()
    atexit.register(finish)
    _send(sender)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _again(path))


def _again(path: str) -> None:
    last.clear()  # the parent's, whose lock its own thread may have held
    notes.calls.clear()
    notes.names.clear()
    notes.numbers.clear()
    notes.places.clear()
    notes.sleeping.clear()
    try:
        sender = Sender(path)
    except OSError:
        restore()
        return
    note_hot(True)  # the parent may have been only counting
    _send(sender)


def _send(sender: Sender) -> None:
    threading.Thread(target=sender.run, name=NAME, daemon=True).start()
    last.append(sender)
