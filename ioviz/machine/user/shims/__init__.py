"""The shims: C modules of Python, made again on the system calls of the simulated kernel.

One file a C module, under the module's own name. Each has a function `build(guest) -> ModuleType`, which makes the
module afresh for one guest; the importer calls it when the guest first imports the name.

Rules for all of them:
- Whatever the module offers is a *bound method* of a plain object (see `module_from`) or a class, never a plain
  function: a class of the standard library that stores a plain function would bind it as its method, which a C
  function does not do.
- A call into the kernel is `guest.syscall(nr, *args)`; failures come back as negative numbers, and `error` makes an
  OSError of them. After -EINTR call `guest.check_signals()`, which runs Python signal handlers, then try again (PEP
  475).
- No shim looks at a clock, at random numbers or at files of the host, and none calls `repr`, `hash` or `==` of an
  object of the guest where the C module would not.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIMS: Final = frozenset(
    {
        "_codecs",
        "_frozen_importlib",
        "_frozen_importlib_external",
        "_imp",
        "_io",
        "_locale",
        "_posixsubprocess",
        "_random",
        "_signal",
        "_socket",
        "_testcapi",
        "_thread",
        "_warnings",
        "atexit",
        "faulthandler",
        "fcntl",
        "gc",
        "ioviz",
        "posix",
        "resource",
        "select",
        "termios",
        "time",
    }
)
"""The modules that have a file here, beside `builtins` and `sys`, which every guest is born with."""


def error(result: int, *more: object) -> OSError:
    """The exception for a negative result of a system call, of the right subclass; `more` may be a file name."""
    return OSError(-result, os.strerror(-result), *more)


def module_from(name: str, functions: object, constants: Mapping[str, Any] | None = None) -> ModuleType:
    """A module called `name` with the methods of `functions`, bound, and `constants`.

    Where `functions.UNDERSCORED` lists methods, only those of the ones that begin with an underscore are taken."""
    module = ModuleType(name)
    namespace = module.__dict__
    kind = type(functions)
    chosen = getattr(kind, "UNDERSCORED", None)
    for attribute in dir(kind):
        if attribute.startswith("__") or attribute == "UNDERSCORED":
            continue
        if attribute.startswith("_") and chosen is not None and attribute not in chosen:
            continue
        member = namespace[attribute] = getattr(functions, attribute)
        function = getattr(member, "__func__", None)
        if function is not None:
            function.__module__ = name
    if constants:
        namespace.update(constants)
    return module
