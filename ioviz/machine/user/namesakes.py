"""Modules that C code finds by their name: in a guest's frame they are the guest's own.

`_json` raises what the module `json.decoder` calls `JSONDecodeError`, `Generic` makes what `typing` calls
`_GenericAlias`, and both look into the modules of the interpreter, which are the host's: a guest would get classes that
its own `except` and `isinstance` do not know. Where the host keeps such a module there stands a `Namesake` of it, which
asks whose frame it is that the question comes from.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from types import ModuleType
from typing import Any, Final

ASKED_BY_C: Final = frozenset({"json.decoder", "typing"})
"""The modules in which C code that guests share looks for classes and functions."""


def lend(name: str) -> None:
    """A guest has loaded its own module `name`, one of `ASKED_BY_C`: from now on C code finds it."""
    host = importlib.import_module(name)
    if not isinstance(host, Namesake):
        sys.modules[name] = Namesake(host)


class Namesake(ModuleType):
    """The module `host` for everybody but guests, who find their own module of its name."""

    def __init__(self, host: ModuleType) -> None:
        super().__init__(host.__name__)
        _inside(self)["host"] = host

    def __getattribute__(self, name: str) -> Any:
        host: ModuleType = _inside(self)["host"]
        asking = sys._getframe(1).f_builtins
        if asking is not builtins.__dict__ and "__import__" in asking:
            return getattr(asking["__import__"](host.__name__, None, None, (name,)), name)
        return getattr(host, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_inside(self)["host"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_inside(self)["host"], name)


def _inside(module: ModuleType) -> dict[str, Any]:
    inside: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    return inside
