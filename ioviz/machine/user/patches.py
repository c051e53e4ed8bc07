"""The few places in which the standard library has to be told that it runs on the machine.

- What C code knows or gives away is the same thing in the library: what `object` gives to `pickle` in `copyreg`, what
  the encodings are made of in `codecs`, what a `Decimal` is and compares with in `numbers`, what the compiler of
  templates raises, which `_sre` keeps once it has it, in `re`.
- `traceback` shows no frames of the machine's.
- asyncio of 3.11 asks for the process's number whenever it looks for the running loop; later versions do not.
- Threads, futures and the streams of asyncio hash by the order in which they were first hashed, not by their address:
  sets of them decide who is joined, cancelled or written to first, which must not differ from run to run.
"""

from __future__ import annotations

import importlib
import weakref
from itertools import count
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.ending import is_ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ioviz.machine.user.guest import Guest


class Serials:
    """Numbers for objects of one guest, in the order in which they were first asked for."""

    def __init__(self) -> None:
        self._next = count(1).__next__
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        """By address, with the object that had it then: addresses are used again."""

    def of(self, thing: Any) -> int:
        """The number of `thing`. Objects that take no weak reference go by their address, as in CPython."""
        address = id(thing)
        known = self._known.get(address)
        if known is not None and known[0]() is thing:
            return known[1]
        try:
            reference = weakref.ref(thing, lambda gone: self._forget(address, gone))
        except TypeError:
            return object.__hash__(thing)
        number = self._next()
        self._known[address] = (reference, number)
        return number

    def mark(self, kind: Any) -> None:
        """Let objects of class `kind` hash by their number, if they hash by their address."""
        if not isinstance(kind, type) or type.__getattribute__(kind, "__hash__") is not object.__hash__:
            return
        if "_is_protocol" in kind.__dict__:
            return  # a protocol's own names are what it asks of others
        of = self.of

        def __hash__(self: object) -> int:
            return of(self)

        type.__setattr__(kind, "__hash__", __hash__)

    def _forget(self, address: int, reference: weakref.ref[Any]) -> None:
        known = self._known.get(address)
        if known is not None and known[0] is reference:
            del self._known[address]


def _traceback(guest: Guest, module: ModuleType) -> None:
    summary = module.__dict__["StackSummary"]
    original = summary.__dict__["_extract_from_extended_frame_gen"].__func__

    def _extract_from_extended_frame_gen(kind: Any, rows: Any, **options: Any) -> Any:
        return original(kind, (row for row in rows if not is_ours(row[0].f_code.co_filename)), **options)

    summary._extract_from_extended_frame_gen = classmethod(_extract_from_extended_frame_gen)  # type: ignore[arg-type]


def _hash_by_serial(*names: str) -> Callable[[Guest, ModuleType], None]:
    def patch(guest: Guest, module: ModuleType) -> None:
        of = guest.serials.of
        for name in names:
            kind = module.__dict__.get(name)
            if kind is not None:
                kind.__hash__ = lambda self: of(self)

    return patch


def _as_the_host_has_it(*names: str) -> Callable[[Guest, ModuleType], None]:
    def patch(guest: Guest, module: ModuleType) -> None:
        host = importlib.import_module(module.__name__)
        for name in module.__dict__.keys() & set(names):
            module.__dict__[name] = getattr(host, name)

    return patch


def _warnings(guest: Guest, module: ModuleType) -> None:
    # The pure-Python `warn_explicit`, which few ever run, passes the source of a warning as the file to print it to.
    kind = module.__dict__["WarningMessage"]
    original = kind.__init__

    def __init__(self: Any, message: Any, category: Any, filename: str, lineno: int, *more: Any, **named: Any) -> None:
        if len(more) == 1:
            original(self, message, category, filename, lineno, source=more[0], **named)
        else:
            original(self, message, category, filename, lineno, *more, **named)

    kind.__init__ = __init__


def _array(guest: Guest, module: ModuleType) -> None:
    # The C code has registered its class with the host's only.
    sequences = guest.importer.import_("collections.abc", None, None, ("MutableSequence",))
    sequences.MutableSequence.register(module.__dict__["array"])


def _ctypes_util(guest: Guest, module: ModuleType) -> None:
    # The real one starts ldconfig, gcc and ld.
    module.__dict__["find_library"] = _NoLibrary().find_library


class _NoLibrary:
    def find_library(self, name: str) -> None:
        """No library of C is found, since none could be called."""


class _KnownPid:
    """The `os` of a module that may ask who it is as often as it likes."""

    def __init__(self, guest: Guest, module: ModuleType) -> None:
        self._pid = guest.pid
        self._module = module

    def getpid(self) -> int:
        """Return the current process id, without asking the kernel."""
        return self._pid

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


_mark_events = _hash_by_serial("Handle", "AbstractEventLoop", "AbstractServer")


def _asyncio_events(guest: Guest, module: ModuleType) -> None:
    _mark_events(guest, module)
    if "os" in module.__dict__:
        module.__dict__["os"] = _KnownPid(guest, module.__dict__["os"])


PATCHES: dict[str, Callable[[Guest, ModuleType], None]] = {
    "warnings": _warnings,
    "array": _array,
    "ctypes.util": _ctypes_util,
    "codecs": _as_the_host_has_it(
        *("Codec", "CodecInfo", "IncrementalDecoder", "IncrementalEncoder", "StreamReader", "StreamWriter"),
        *("BufferedIncrementalDecoder", "BufferedIncrementalEncoder", "StreamReaderWriter", "StreamRecoder"),
    ),
    "copyreg": _as_the_host_has_it("_reconstructor", "__newobj__", "__newobj_ex__"),
    "numbers": _as_the_host_has_it("Number", "Complex", "Real", "Rational", "Integral"),
    "re._constants": _as_the_host_has_it("error", "PatternError"),
    "traceback": _traceback,
    "threading": _hash_by_serial("Thread"),
    "concurrent.futures._base": _hash_by_serial("Future"),
    "asyncio.futures": _hash_by_serial("Future"),
    "asyncio.transports": _hash_by_serial("BaseTransport"),
    "asyncio.protocols": _hash_by_serial("BaseProtocol"),
    "asyncio.streams": _hash_by_serial("StreamReader", "StreamWriter"),
    "asyncio.base_events": _hash_by_serial("Server"),
    "asyncio.events": _asyncio_events,
    "socketserver": _hash_by_serial("BaseServer", "BaseRequestHandler"),
    "selectors": _hash_by_serial("BaseSelector"),
}
"""Module of the standard library → what is done to it once it is executed."""
