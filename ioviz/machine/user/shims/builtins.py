"""builtins: the host's, but for what reads, prints, opens, imports or leaves.

The module's dict is the `__builtins__` of every frame of the guest. It also holds the line hook, which `dir` does not
show.
"""

from __future__ import annotations

import builtins
import contextlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.instrument import CLASS_HOOK, HOOK

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


class _BuiltinsModule(ModuleType):
    def __dir__(self) -> list[str]:
        return [name for name in self.__dict__ if name not in (HOOK, CLASS_HOOK)]


class _Builtins:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._sys: dict[str, Any] = guest.sys.__dict__

    def print(
        self, *args: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: object = False
    ) -> None:
        """Prints the values to a stream, or to sys.stdout by default."""
        for name, value in (("sep", sep), ("end", end)):
            if value is not None and not isinstance(value, str):
                raise TypeError(f"{name} must be None or a string, not {type(value).__name__}")
        if sep is None:
            sep = " "
        if end is None:
            end = "\n"
        if file is None:
            try:
                file = self._sys["stdout"]
            except KeyError:
                raise RuntimeError("lost sys.stdout") from None
            if file is None:
                return
        if type(file) is self._sys["__ioviz_console__"]:
            file.write(sep.join([each if type(each) is str else str(each) for each in args]) + end)
        else:
            write = file.write
            first = True
            for each in args:
                if not first:
                    write(sep)
                first = False
                write(str(each))
            write(end)
        if flush:
            file.flush()

    def input(self, prompt: object = "", /) -> str:
        """Read a line from standard input, without its newline; EOFError at the end of input."""
        streams = self._sys
        for name in ("stdin", "stdout", "stderr"):
            if streams.get(name) is None:
                raise RuntimeError(f"input(): lost sys.{name}")
        with contextlib.suppress(AttributeError, OSError, ValueError):
            streams["stderr"].flush()
        stdout = streams["stdout"]
        if prompt != "":
            stdout.write(str(prompt))
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stdout.flush()
        line: str = streams["stdin"].readline()
        if not isinstance(line, str):
            raise TypeError(f"object.readline() returned non-string (type {type(line).__name__})")
        if not line:
            raise EOFError("EOF when reading a line")
        return line.removesuffix("\n")

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Open file and return a stream."""
        return self._guest.import_module("io").open(*args, **kwargs)

    def breakpoint(self, *args: Any, **kwargs: Any) -> Any:
        """Call sys.breakpointhook."""
        return self._sys["breakpointhook"](*args, **kwargs)

    def help(self, *args: Any, **kwargs: Any) -> Any:
        """Call pydoc.help."""
        return self._guest.import_module("pydoc").help(*args, **kwargs)


class _Quitter:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Use {self.name}() or Ctrl-D (i.e. EOF) to exit"

    def __call__(self, code: object = None) -> None:
        raise SystemExit(code)


def build(guest: Guest) -> ModuleType:
    module = _BuiltinsModule("builtins", builtins.__doc__)
    namespace = module.__dict__
    namespace.update(builtins.__dict__)
    namespace.pop("_", None)
    ours = _Builtins(guest)
    for name in ("print", "input", "open", "breakpoint", "help"):
        namespace[name] = getattr(ours, name)
    for name in ("exit", "quit"):
        namespace[name] = _Quitter(name)
    namespace[HOOK] = guest.kernel.line
    namespace[CLASS_HOOK] = guest.serials.mark
    guest.modules["builtins"] = module
    guest.builtins = namespace
    return module
