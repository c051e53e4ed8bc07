"""_posixsubprocess: there is no fork, so `subprocess` can be imported and starts nothing."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from ioviz.machine.user.shims import module_from

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


class _Subprocess:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def fork_exec(self, *args: object) -> NoReturn:
        raise self._guest.lacks("processes started by a program (subprocess)")


def build(guest: Guest) -> ModuleType:
    return module_from("_posixsubprocess", _Subprocess(guest))
