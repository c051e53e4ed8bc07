"""sys: what the host says of itself, with the guest's own argv, modules, paths, streams and hooks.

Hooks that the interpreter keeps for a whole thread (tracing, profiling, asynchronous generators) are kept for each
guest: tracing ones are accepted and never called, those of asynchronous generators are dispatched by `asyncgens`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user import ending
from ioviz.machine.user.asyncgens import AsyncgenHooks
from ioviz.machine.user.cmodules import BUILT_IN
from ioviz.machine.user.shims import module_from
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

_KEPT: Final = frozenset(
    {
        *(
            "abiflags",
            "api_version",
            "byteorder",
            "copyright",
            "exc_info",
            "exception",
            "float_info",
            "float_repr_style",
        ),
        *(
            "get_int_max_str_digits",
            "getrefcount",
            "getsizeof",
            "hash_info",
            "hexversion",
            "implementation",
            "int_info",
        ),
        *(
            "intern",
            "is_finalizing",
            "maxsize",
            "maxunicode",
            "platlibdir",
            "platform",
            "pycache_prefix",
            "thread_info",
        ),
        *("set_int_max_str_digits", "stdlib_module_names", "version", "version_info", "flags", "_getframe"),
        *("_getframemodulename", "getallocatedblocks", "executable", "_base_executable", "prefix", "base_prefix"),
        *("exec_prefix", "base_exec_prefix", "_framework", "_git", "_is_gil_enabled", "getunicodeinternedsize"),
        *("_is_interned", "UnraisableHookArgs", "activate_stack_trampoline", "is_stack_trampoline_active", "_home"),
        *("warnoptions", "_xoptions", "dont_write_bytecode", "_clear_type_cache", "_clear_internal_caches", "_jit"),
    }
)
"""The host's own."""


TCGETS: Final = 0x5401
DEEPEST: Final = 10_000
"""Recursion that the stacks of the host are trusted to bear."""


class _Sys:
    UNDERSCORED = ("_current_frames", "_current_exceptions", "_debugmallocstats", "_get_cpu_count_config")

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._recursion_limit = 1000
        self._switch_interval = 0.005
        self._trace: Any = None
        self._profile: Any = None
        self._depth = 0
        self._asyncgens = guest.asyncgens = AsyncgenHooks(guest)

    def exit(self, status: object = None, /) -> None:
        """Exit the interpreter by raising SystemExit(status)."""
        raise SystemExit(status)

    def excepthook(self, kind: Any, value: Any, traceback: Any, /) -> None:
        """Handle an exception by displaying it with a traceback on sys.stderr."""
        ending.write_exception(self._guest, value, traceback)

    def unraisablehook(self, unraisable: Any, /) -> None:
        """Handle an unraisable exception."""
        ending.write_unraisable(self._guest, unraisable)

    def displayhook(self, value: object, /) -> None:
        """Print a value and keep it as builtins._."""
        if value is not None:
            builtins = self._guest.builtins
            builtins["_"] = None
            builtins["print"](repr(value))
            builtins["_"] = value

    def breakpointhook(self, *args: Any, **kwargs: Any) -> Any:
        """Start pdb."""
        pdb: Any = self._guest.import_module("pdb")
        return pdb.set_trace(*args, **kwargs)

    def getrecursionlimit(self) -> int:
        """The limit that the guest set; what holds is the host's."""
        return self._recursion_limit

    def setrecursionlimit(self, limit: int, /) -> None:
        """Remember a limit, and raise the host's (within reason) if it is lower."""
        if not isinstance(limit, int):
            raise TypeError(f"'{type(limit).__name__}' object cannot be interpreted as an integer")
        if limit < 1:
            raise ValueError("recursion limit must be greater or equal than 1")
        self._recursion_limit = limit
        kernel = self._guest.kernel
        if kernel.recursion < limit <= DEEPEST:
            kernel.recursion = limit
            sys.setrecursionlimit(max(limit, sys.getrecursionlimit()))

    def getswitchinterval(self) -> float:
        return self._switch_interval

    def setswitchinterval(self, interval: float, /) -> None:
        if not isinstance(interval, float | int):
            raise TypeError("must be real number")
        if interval <= 0.0:
            raise ValueError("switch interval must be strictly positive")
        self._switch_interval = float(interval)

    def gettrace(self) -> Any:
        return self._trace

    def settrace(self, function: Any, /) -> None:
        """Accepted and never called: tracing would lose events when a task switches inside the hook."""
        self._trace = function

    def _settraceallthreads(self, function: Any, /) -> None:
        self._trace = function

    def getprofile(self) -> Any:
        return self._profile

    def setprofile(self, function: Any, /) -> None:
        self._profile = function

    def _setprofileallthreads(self, function: Any, /) -> None:
        self._profile = function

    def call_tracing(self, function: Any, args: Any, /) -> Any:
        return function(*args)

    def getfilesystemencoding(self) -> str:
        return "utf-8"

    def getfilesystemencodeerrors(self) -> str:
        return "surrogateescape"

    def getdefaultencoding(self) -> str:
        return "utf-8"

    def getdlopenflags(self) -> int:
        return 2

    def audit(self, event: str, /, *args: object) -> None:
        """No one listens."""

    def addaudithook(self, hook: object, /) -> None:
        """No one calls it."""

    def set_asyncgen_hooks(self, firstiter: Any = ..., finalizer: Any = ...) -> None:
        self._asyncgens.set(firstiter, finalizer)

    def get_asyncgen_hooks(self) -> Any:
        return self._asyncgens.get()

    def get_coroutine_origin_tracking_depth(self) -> int:
        return self._depth

    def set_coroutine_origin_tracking_depth(self, depth: int) -> None:
        self._depth = depth

    def _current_frames(self) -> dict[int, Any]:
        return {self._guest.kernel.task: sys._getframe(1)}

    def _current_exceptions(self) -> dict[int, Any]:
        return {self._guest.kernel.task: sys.exc_info()[1]}

    def _get_cpu_count_config(self) -> int:
        return -1

    def _debugmallocstats(self) -> None:
        """Nothing to tell."""


def build(guest: Guest) -> ModuleType:
    ours = _Sys(guest)
    module = module_from("sys", ours)
    namespace = module.__dict__
    namespace["__doc__"] = sys.__doc__
    for name in _KEPT:
        if hasattr(sys, name):
            namespace[name] = getattr(sys, name)
    for name in ("displayhook", "excepthook", "breakpointhook", "unraisablehook"):
        namespace[f"__{name}__"] = namespace[name]
    for name in ("settraceallthreads", "setprofileallthreads"):
        namespace[f"_{name}"] = getattr(ours, f"_{name}")
    namespace.update(
        argv=guest.argv,
        orig_argv=["python", *guest.argv],
        modules=guest.modules,
        builtin_module_names=tuple(sorted(BUILT_IN | {"sys", "builtins"})),
        path=[],
        meta_path=[],
        path_hooks=[],
        path_importer_cache={},
        warnoptions=[],
        _xoptions={},
        dont_write_bytecode=True,
        stdin=None,
        stdout=None,
        stderr=None,
    )
    namespace["__ioviz_console__"] = None
    guest.modules["sys"] = module
    return module


def _kind(guest: Guest, fd: int) -> str:
    """What an inherited descriptor is, as far as a stream on it needs to know: tty, file, or "" for closed."""
    if isinstance(guest.syscall(SYS.fstat, fd), int):
        return ""
    return "tty" if isinstance(guest.syscall(SYS.ioctl, fd, TCGETS, 0), tuple) else "file"


def open_stdio(guest: Guest) -> None:
    """Give the guest its three streams, on descriptors 0 to 2: line by line, UTF-8, as on a terminal."""
    io: Any = guest.import_module("_io")
    namespace = guest.sys.__dict__
    streams = io.__dict__.pop("ioviz_streams")
    line = guest.spawned
    if line is None:
        made = streams()
    else:
        made = streams(tuple(_kind(guest, fd) for fd in range(3)), line.unbuffered)
        namespace["warnoptions"].extend(line.warnings)
        namespace["_xoptions"].update(
            (key, value or True) for key, _, value in (x.partition("=") for x in line.xoptions)
        )
    namespace["stdin"], namespace["stdout"], namespace["stderr"], namespace["__ioviz_console__"] = made
    for name in ("stdin", "stdout", "stderr"):
        namespace[f"__{name}__"] = namespace[name]
    guest.import_module("io")
    guest.builtins["open"] = io.open
