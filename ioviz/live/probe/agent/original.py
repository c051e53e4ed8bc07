"""What the agent replaces, as it was before: for the agent's own use, and to put it back."""

from __future__ import annotations

import os
import select
import socket
import threading
import time

RAW_SOCKET = socket.socket.__mro__[1]
SLEEP_FOR = time.sleep
REPLACED = (
    [(socket.socket, name) for name in dir(socket.socket) if not name.startswith("__") or name == "__init__"]
    + [(socket, "socketpair"), (time, "sleep")]
    + [(select, name) for name in ("epoll", "poll", "select", "kqueue")]
    + [(os, name) for name in ("read", "write", "close", "dup", "pipe", "fork", "_exit", "execv", "execve")]
    + [(threading.Thread, name) for name in ("start", "_bootstrap_inner")]
)
BEFORE = [(owner, name, vars(owner).get(name)) for owner, name in REPLACED]


def restore() -> None:
    """Put back what was there before: nobody listens any more."""
    for owner, name, value in BEFORE:
        if value is not None:
            setattr(owner, name, value)
        elif name in vars(owner):
            delattr(owner, name)
