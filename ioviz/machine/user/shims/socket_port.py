"""What the sockets of one guest share: the way into the kernel, names, the default time-out, lost descriptors."""

from __future__ import annotations

from contextlib import suppress
from errno import EINTR
from itertools import count
from typing import TYPE_CHECKING, Any

from ioviz.machine.kernel.switch import TaskKilled
from ioviz.machine.user import ending
from ioviz.machine.user.shims.arguments import failure
from ioviz.machine.user.shims.socket_names import Names
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


class Port:
    """Shared by all sockets of a guest."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.syscall = guest.syscall
        self.clock = guest.kernel.vdso_clock
        self.check_signals = guest.check_signals
        self.names = Names(guest)
        self.default_timeout = -1
        self.serial = count(1).__next__
        self.lost: list[int] = []
        """Descriptors of sockets that were collected while another process ran: closed at the next occasion."""

    def call(self, nr: int, *args: Any) -> Any:
        """A call that is made again when a signal interrupts it."""
        while True:
            result = self.syscall(nr, *args)
            if type(result) is tuple or result >= 0:
                return result
            if result != -EINTR:
                raise failure(result)
            self.check_signals()

    def abandon(self, sock: Any, fd: int) -> None:
        """A socket that was never closed is collected."""
        running = getattr(self.guest.kernel, "pid", self.guest.pid) == self.guest.pid
        try:
            # CPython makes the text, for which it asks the kernel for the addresses, before it looks at its filters.
            text = f"unclosed {sock!r}" if running else ""
            if running and "warnings" in self.guest.modules:
                frame = ending.guest_frame()
                place = ("sys", 1) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
                self.guest.warn(text, ResourceWarning, *place)
        finally:
            sock.sock_fd_ = -1
            if running:
                with suppress(TaskKilled):
                    self.syscall(SYS.close, fd)
            else:
                self.lost.append(fd)

    def close_lost(self) -> None:
        """Close what could not be closed when it was lost."""
        while self.lost:
            self.syscall(SYS.close, self.lost.pop(0))
