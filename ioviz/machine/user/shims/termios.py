"""termios: its constants, which `fcntl.ioctl` takes (FIONREAD, TIOCOUTQ and the like). There is no terminal to set up,
so its functions are missing, which is what `getpass` and the like look for."""

from __future__ import annotations

import termios
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


def build(guest: Guest) -> ModuleType:
    module = ModuleType("termios")
    constants = {name: value for name, value in vars(termios).items() if name.isupper() and isinstance(value, int)}
    module.__dict__.update(constants, error=termios.error)
    return module
