"""Every panel there is, in the order of the stage: user space, kernel, hardware."""

from __future__ import annotations

from typing import Final

from ioviz.view import (
    cpu,
    disk,
    eventpoll,
    files,
    idt,
    memory,
    nic,
    pipe,
    sched,
    socket,
    source,
    syscalls,
    terminal,
    wait,
)
from ioviz.view.moment import Moment, Panel

__all__ = ["PANELS", "Moment", "Panel"]

PANELS: Final[tuple[Panel, ...]] = (
    source.PANEL,
    terminal.PANEL,
    idt.PANEL,
    syscalls.PANEL,
    sched.PANEL,
    wait.PANEL,
    files.PANEL,
    socket.PANEL,
    pipe.PANEL,
    eventpoll.PANEL,
    memory.PANEL,
    cpu.PANEL,
    disk.PANEL,
    nic.PANEL,
)
