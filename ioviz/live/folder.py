"""A folder of ours among the temporary files, that goes even when ioviz is killed: with the next one that starts.

Whoever holds a folder has its lock (flock), which the kernel takes back when the process ends, however it does. A
folder of this user's whose lock is free has no owner any more. What is younger than `YOUNG` is left alone: its owner
may be about to lock it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Final

PREFIX: Final = "ioviz-live-"
YOUNG: Final = 60.0
"""Seconds since the folder was last changed."""


class Folder:
    """A new folder that only this user can enter; `name` is its path. Removes those whose owners are dead. Raises
    OSError."""

    def __init__(self) -> None:
        remove_orphans()
        self.name = tempfile.mkdtemp(prefix=PREFIX)
        self._lock = os.open(self.name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def cleanup(self) -> None:
        """Remove it. Twice does no harm."""
        if self._lock >= 0:
            shutil.rmtree(self.name, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def remove_orphans(young: float = YOUNG) -> None:
    """Remove the folders of this user whose owners are dead. What cannot be removed stays."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove_orphan(folder, time.time() - young)


def _remove_orphan(folder: Path, before: float) -> None:
    # Never through a link: the folder of temporary files is everybody's.
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        state = os.fstat(lock)
        if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o077 or state.st_mtime > before:
            return
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises if its owner lives
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
