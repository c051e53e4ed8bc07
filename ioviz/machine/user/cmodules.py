"""Which C modules a guest gets, and how: made again (`shims.SHIMS`), shared with the host, hidden, or refused.

A module may be shared if it only computes: it has no clock, no randomness, no file, no thread and no state that one
guest could leave to another. A hidden one has a twin in pure Python that the standard library takes in its place.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from types import ModuleType
from typing import TYPE_CHECKING, Final

from ioviz.machine.user.shims import SHIMS

if TYPE_CHECKING:
    from types import FrameType

    from ioviz.machine.user.guest import Guest

SHARED: Final = frozenset(
    {
        *("_abc", "_ast", "_bisect", "_blake2", "_bz2", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp"),
        *("_codecs_kr", "_codecs_tw", "_collections", "_contextvars", "_crypt", "_csv", "_decimal", "_elementtree"),
        *(
            "_functools",
            "_hashlib",
            "_heapq",
            "_hmac",
            "_json",
            "_lzma",
            "_md5",
            "_multibytecodec",
            "_opcode",
            "_operator",
        ),
        *("_sha1", "_sha2", "_sha256", "_sha3", "_sha512", "_sre", "_stat", "_statistics", "_string", "_struct"),
        *("_suggestions", "_symtable", "_sysconfig", "_tokenize", "_types", "_typing", "_weakref", "array", "audioop"),
        *("binascii", "cmath", "errno", "itertools", "marshal", "math", "pyexpat", "unicodedata", "zlib"),
    }
)
HIDDEN: Final = frozenset(
    {
        *("_asyncio", "_datetime", "_ios_support", "_pickle", "_posixshmem", "_queue", "_remote_debugging", "_scproxy"),
        *("_uuid", "_zoneinfo", "_zstd", "grp", "nt", "pwd", "readline", "spwd"),
        *("_testinternalcapi", "_testlimitedcapi", "_testclinic", "_testbuffer", "_testmultiphase", "_testsinglephase"),
    }
)
_LACKS: Final = {
    "_ssl": "TLS",
    "_ctypes": "foreign functions",
    "_curses": "a terminal that curses can draw on",
    "_curses_panel": "a terminal that curses can draw on",
    "_tkinter": "windows",
    "_multiprocessing": "processes started by a program",
    "_sqlite3": "databases on disk",
    "_dbm": "databases on disk",
    "_gdbm": "databases on disk",
    "_interpreters": "subinterpreters",
    "_interpchannels": "subinterpreters",
    "_interpqueues": "subinterpreters",
    "_xxsubinterpreters": "subinterpreters",
    "_xxinterpchannels": "subinterpreters",
    "_lsprof": "profiling",
    "_tracemalloc": "tracing of memory",
    "mmap": "memory-mapped files",
    "syslog": "a system log",
}
"""Refused modules: what the machine lacks."""
PAST_THE_MACHINE: Final = frozenset(
    {
        *("MySQLdb", "confluent_kafka", "gevent", "granian", "grpc", "psycopg_c", "psycopg2", "pycurl", "pynng"),
        *("pyodbc", "uvloop", "zmq"),
    }
)
"""Installed packages whose C code makes system calls of its own, which would reach the host's kernel."""
STAND_INS: Final = frozenset({"_ctypes", "_multiprocessing", "_ssl"})
"""Refused modules that installed packages get all the same, since they import them and do not use them: what is refused
then is the use."""
BUILT_IN: Final = frozenset(
    {
        *("_abc", "_ast", "_codecs", "_collections", "_functools", "_imp", "_io", "_locale", "_operator", "_signal"),
        *("_sre", "_stat", "_string", "_symtable", "_thread", "_tokenize", "_tracemalloc", "_typing", "_warnings"),
        *("_weakref", "_frozen_importlib", "_frozen_importlib_external", "atexit", "errno", "faulthandler", "gc"),
        "ioviz",
        *("itertools", "marshal", "posix", "pwd", "time", "_suggestions", "_sysconfig", "_types"),
    }
)
"""These are found before `sys.path` is looked at; a program may have its own file for any other C module's name."""

STDLIB: Final = os.path.dirname(os.path.abspath(os.__file__))
DYNLOAD: Final = os.path.join(STDLIB, "lib-dynload")
SITE: Final = tuple(entry for entry in sys.path if entry.rstrip("/").endswith(("site-packages", "dist-packages")))


def is_c_module(name: str) -> bool:
    """Whether `name` is a C module of the standard library that a guest finds in some form (be it a refusal)."""
    return name in SHIMS or name in _LACKS or (name in SHARED and _host_has(name))


def build(guest: Guest, name: str) -> ModuleType:
    """The guest's own instance of C module `name`. Raises ImportError for those that the machine lacks."""
    if name in SHIMS or (name in STAND_INS and _host_has(name) and _asked_by_a_package()):
        shim = importlib.import_module(f"ioviz.machine.user.shims.{name}")
        made: ModuleType = shim.build(guest)
        return made
    if name in _LACKS:
        guest.lacked = True
        raise ImportError(f"ioviz lacks {_LACKS[name]}: there is no module {name!r}", name=name)
    return copy_of(importlib.import_module(name))


def build_extension(guest: Guest, name: str) -> ModuleType:
    """The guest's own instance of an installed package's C module `name`: it only computes, or so we have to hope.
    Raises ImportError for those that are known to do more."""
    package = name.partition(".")[0]
    if package in PAST_THE_MACHINE:
        guest.lacked = True
        raise ImportError(f"ioviz lacks {package}: its C code makes system calls past the machine", name=name)
    return copy_of(importlib.import_module(name))


def _asked_by_a_package() -> bool:
    """Whether an installed package imports what is being imported, be it by way of the standard library's `ssl`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_SITE):
            return True
        if not path.startswith((_OURS, *_BY_WAY_OF, "<frozen")):
            return False
        frame = frame.f_back
    return False


_SITE: Final = tuple(f"{entry.rstrip('/')}/" for entry in SITE)
_OURS: Final = os.path.dirname(os.path.abspath(__file__)) + os.sep
_BY_WAY_OF: Final = tuple(f"{STDLIB}/{path}" for path in ("ssl.py", "ctypes/", "multiprocessing/", "importlib/"))


def copy_of(host: ModuleType) -> ModuleType:
    """A module of the same contents, so that what a guest stores in it stays in the guest."""
    module = ModuleType(host.__name__, host.__doc__)
    module.__dict__.update(host.__dict__)
    return module


_present: dict[str, bool] = {}


def _host_has(name: str) -> bool:
    known = _present.get(name)
    if known is None:
        known = name in sys.builtin_module_names or any(
            os.path.exists(os.path.join(DYNLOAD, name + suffix)) for suffix in EXTENSION_SUFFIXES
        )
        if not known:
            known = importlib.util.find_spec(name) is not None
        _present[name] = known
    return known
