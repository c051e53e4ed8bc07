"""Programs: finding, reading and checking one before it becomes a process, and running it as `__main__`.

What is wrong with a program before its first line runs (no such file, a folder, not text, bad syntax) is a `LoadError`
with one sentence for the person; what goes wrong later is the guest's own exception.
"""

from __future__ import annotations

import io
import os
import sys
import tokenize
import warnings
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ioviz.machine.user import cmodules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from ioviz.machine.user.guest import Guest


LARGEST: Final = 1 << 25
"""Bytes that a program may have."""


class LoadError(Exception):
    """A program that can't be run; the message is one sentence for the person."""


class Program(msgspec.Struct, frozen=True):
    """A program as it was asked for: `python NAME ARGS` or `python -m NAME ARGS`.

    `path` is the absolute path of the file, "" for a module; `shown` is how messages and the stage call it;
    `directory` is what comes first on `sys.path`; `text` is the source as it was read, so that a run can be repeated
    after an edit.
    """

    name: str
    args: tuple[str, ...]
    module: bool
    path: str
    directory: str
    cwd: str
    text: str = ""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of the real disk that the program may read: its own, where it was started, the standard
        library, installed packages."""
        folders = (self.directory, self.cwd, cmodules.STDLIB, *cmodules.SITE)
        return tuple(folder for folder in folders if folder != "/")

    @property
    def argv(self) -> tuple[str, ...]:
        """`sys.argv` as the program first sees it."""
        return ("-m" if self.module else self.name, *self.args)


def load_program(name: str, args: Sequence[str] = (), *, module: bool = False, cwd: str | None = None) -> Program:
    """Find and check the program `name`. Raises LoadError."""
    cwd = cwd or os.getcwd()
    if module:
        if not all(part.isidentifier() for part in name.split(".")):
            raise LoadError(f"{name!r} is not the name of a module")
        return Program(name, tuple(args), True, "", cwd, cwd)
    if not name:
        raise LoadError("there is no file ''")
    path = os.path.abspath(os.path.join(cwd, name))
    if os.path.isdir(path):
        inner = os.path.join(path, "__main__.py")
        if not os.path.isfile(inner):
            raise LoadError(f"{name} is a folder without a __main__.py")
        return Program(name, tuple(args), False, inner, path, cwd, read_source(inner, f"{name}/__main__.py"))
    return Program(name, tuple(args), False, path, os.path.dirname(path), cwd, read_source(path, name))


def read_source(path: str, shown: str) -> str:
    """The text of a source file that compiles. Raises LoadError."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise LoadError(f"there is no file {shown}") from None
    except OSError as error:
        raise LoadError(f"{shown} can't be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise LoadError(f"{shown} has more than {LARGEST:,} bytes, which no program has")
    if b"\0" in data:
        from zipfile import is_zipfile  # it takes 4 ms, and programs are hardly ever archives

        if is_zipfile(io.BytesIO(data)):  # it may have a line for the shell before it
            raise LoadError(f"{shown} is a zip archive: unpack it, and run its folder")
        raise LoadError(f"{shown} is not a Python program: it has binary data in it")
    try:
        text = decode_source(data)
    except SyntaxError as error:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as first:
            raise LoadError(f"{_where(shown, data, first)} is not utf-8 text") from None
        raise LoadError(f"{shown} can't be decoded: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise LoadError(f"{_where(shown, data, error)} is not {error.encoding} text") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the guest's own compilation will say it again
            compile(text, shown, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise LoadError(f"{shown}:{error.lineno or 1}: {_kind(error)}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise LoadError(f"{shown} can't be compiled: {error}") from None
    return text


def _where(shown: str, data: bytes, error: UnicodeDecodeError) -> str:
    line = data.count(b"\n", 0, error.start) + 1
    return f"{shown}:{line}"


def decode_source(data: bytes) -> str:
    """Source text as Python decodes it: by its byte order mark or coding comment, UTF-8 without, and with \\n alone."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return io.IncrementalNewlineDecoder(None, True).decode(data.decode(encoding))


def _kind(error: SyntaxError) -> str:
    return {"SyntaxError": "syntax error", "IndentationError": "indentation error", "TabError": "tab error"}.get(
        type(error).__name__, "syntax error"
    )


def run_program(guest: Guest, program: Program) -> None:
    """Run `program` in `guest` as `__main__`; whatever it raises passes through."""
    main = _main_module(guest)
    if guest.spawned is None or not guest.spawned.isolated:
        guest.sys.path.insert(0, program.directory)
    if program.module:
        _run_module(guest, main, program.name)
        return
    loader = guest.importer.own_loader("__main__", program.path or _unnamed(program), program.text)
    namespace = main.__dict__
    if program.path:
        namespace["__file__"] = program.path
    namespace["__loader__"] = loader
    exec(loader.get_code("__main__"), namespace)


def _unnamed(program: Program) -> str:
    """How messages call a program that stands in no file."""
    return "<string>" if program.name == "-c" else "<stdin>"


def _main_module(guest: Guest) -> ModuleType:
    main = type(sys)("__main__")
    main.__dict__.update(__builtins__=guest.modules["builtins"], __annotations__={})
    guest.modules["__main__"] = main
    return main


def _run_module(guest: Guest, main: ModuleType, name: str) -> None:
    """What `runpy._run_module_as_main` does: run module `name`, or `name.__main__` of a package."""
    importer = guest.importer
    importer.own_names.update(word for word in (name, *guest.argv[1:]) if word.replace(".", "").isidentifier())
    try:
        spec = importer.spec_of(name)
    except ImportError as error:
        what = f"{type(error).__name__}: {error}"
        raise SystemExit(f"ioviz: Error while finding module specification for {name!r} ({what})") from None
    if spec is not None and spec.submodule_search_locations is not None:
        importer.import_name(name)
        name += ".__main__"
        spec = importer.spec_of(name)
        if spec is None:
            package = name.rpartition(".")[0]
            raise SystemExit(f"ioviz: No module named {name}; {package!r} is a package and cannot be directly executed")
    if spec is None:
        raise SystemExit(f"ioviz: No module named {name}")
    loader: Any = spec.loader
    code = loader.get_code(name) if hasattr(loader, "get_code") else None
    if code is None:
        raise SystemExit(f"ioviz: No code object available for {name}")
    namespace = main.__dict__
    namespace["__file__"] = spec.origin
    namespace["__loader__"] = loader
    namespace["__package__"] = spec.parent
    namespace["__spec__"] = spec
    guest.argv[0] = spec.origin or name
    exec(code, namespace)
