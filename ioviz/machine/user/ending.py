"""How a guest ends: exit codes, uncaught exceptions, threads, `atexit`, flushing; and tracebacks without our frames."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.switch import TaskKilled
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from ioviz.machine.user.guest import Guest

OURS: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Code from files of `ioviz.machine` is the machine's, which no traceback of a guest shows."""
STAND_INS: Final = (os.path.join(os.path.dirname(os.path.abspath(os.__file__)), "_pyio.py"),)
"""Code of the standard library that stands for C code, whose frames nobody sees either."""
LAST: Final = ("last_type", "last_value", "last_traceback", "last_exc")
UNCAUGHT, LACKED, INTERRUPTED = 1, 126, 130


def guarded(guest: Guest, run: Callable[[], object]) -> int:
    """Call `run` and give the exit code that CPython would give; what was not caught is printed."""
    try:
        run()
    except TaskKilled:
        raise
    except SystemExit as error:
        return exit_code(guest, error)
    except KeyboardInterrupt as error:
        print_exception(guest, error)
        guest.interrupted = True
        return INTERRUPTED
    except BaseException as error:
        print_exception(guest, error)
        return LACKED if guest.lacked and isinstance(error, ImportError | OSError) else UNCAUGHT
    return 0


def exit_code(guest: Guest, error: SystemExit) -> int:
    """What `sys.exit(x)` means: None is 0, an int is itself, anything else is printed and is 1."""
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    _flush(guest, "stdout")
    _print(guest, f"{code}\n")
    return 1


def finalize(guest: Guest, code: int) -> int:
    """`Py_FinalizeEx`: join the threads, run the `atexit` callbacks, flush, let go of the program's globals. Returns
    the exit code."""
    threading = guest.modules.get("threading")
    if threading is not None:
        shutdown = getattr(threading, "_shutdown", None)
        if shutdown is not None and guarded(guest, shutdown) == INTERRUPTED:
            code = INTERRUPTED
    atexit: Any = guest.modules.get("atexit")
    if atexit is not None:
        guarded(guest, atexit._run_exitfuncs)
    flushed = _flush_at_last(guest)
    if not flushed:
        code = 120
    guest.over = True
    for name in LAST:
        if name in guest.sys.__dict__:
            guest.sys.__dict__[name] = None
    main = guest.modules.get("__main__")
    if main is not None:
        guarded(guest, lambda: _clear(main.__dict__))
        if flushed:
            _flush_at_last(guest)
    return code


def _clear(namespace: dict[str, Any]) -> None:
    """`_PyModule_ClearDict`: finalizers of what the program's globals hold run now, in order, names with _ first."""
    for underscored in (True, False):
        for name in list(namespace):
            if name != "__builtins__" and (name.startswith("_") and name[1:2] != "_") is underscored:
                namespace[name] = None


def _flush(guest: Guest, name: str) -> None:
    stream = guest.sys.__dict__.get(name)
    if stream is not None and not getattr(stream, "closed", False):
        stream.flush()


def _flush_at_last(guest: Guest) -> bool:
    """`flush_std_files`: what is still buffered goes out. Whether stdout could be written."""
    flushed = True
    try:
        _flush(guest, "stdout")
    except TaskKilled:
        raise
    except BaseException as error:
        flushed = False
        hook = guest.sys.__dict__.get("unraisablehook")
        if hook is not None:
            hook(
                SimpleNamespace(
                    exc_type=type(error),
                    exc_value=error,
                    exc_traceback=without_ours(error.__traceback__),
                    err_msg=None,
                    object=guest.sys.__dict__.get("stdout"),
                )
            )
    with suppress(Exception):
        _flush(guest, "stderr")
    return flushed


def _print(guest: Guest, text: str) -> None:
    """Write to the guest's `sys.stderr`, or to its descriptor 2 if that is gone."""
    stream = guest.sys.__dict__.get("stderr")
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except TaskKilled:
        raise
    except BaseException:
        guest.syscall(SYS.write, 2, text.encode("utf-8", "backslashreplace"))


def print_exception(guest: Guest, error: BaseException) -> None:
    """Call the guest's `sys.excepthook`, as is done for an exception that nobody caught."""
    _flush_quietly(guest)
    names: dict[str, Any] = {"last_type": type(error), "last_value": error, "last_traceback": error.__traceback__}
    if sys.version_info >= (3, 12):
        names["last_exc"] = error
    guest.sys.__dict__.update(names)  # so the frames and what they hold live until Python is taken apart
    hook = guest.sys.__dict__.get("excepthook")
    if hook is None:
        write_exception(guest, error, error.__traceback__)
        return
    try:
        hook(type(error), error, without_ours(error.__traceback__))
    except TaskKilled:
        raise
    except SystemExit:
        raise
    except BaseException as second:
        _print(guest, "Error in sys.excepthook:\n")
        write_exception(guest, second, second.__traceback__)
        _print(guest, "\nOriginal exception was:\n")
        write_exception(guest, error, error.__traceback__)


def _flush_quietly(guest: Guest) -> None:
    try:
        _flush(guest, "stdout")
    except TaskKilled:
        raise
    except BaseException:
        return


def write_exception(guest: Guest, error: BaseException, place: TracebackType | None) -> None:
    """Write `error` with its traceback and causes to the guest's stderr."""
    _print(guest, format_exception(error, place))


def write_unraisable(guest: Guest, unraisable: Any) -> None:
    """What `sys.unraisablehook` prints."""
    message = unraisable.err_msg or "Exception ignored in"
    try:
        what = "" if unraisable.object is None else f": {unraisable.object!r}"
    except Exception:
        what = ": <object repr() failed>"
    error = unraisable.exc_value or unraisable.exc_type()
    _print(guest, f"{message}{what}\n{format_exception(error, unraisable.exc_traceback, chain=False)}")


def write_wakeup_failure(guest: Guest, error: OSError) -> None:
    """What `signal` prints when a signal's number could not be written to the wake-up descriptor."""
    _print(guest, "Exception ignored when trying to write to the signal wakeup fd:\n" + format_exception(error, None))


def format_exception(error: BaseException, place: TracebackType | None, *, chain: bool = True) -> str:
    """The traceback as CPython prints it, without the machine's frames."""
    report = traceback.TracebackException(type(error), error, without_ours(place), compact=True)
    seen: set[int] = set()
    pending: list[Any] = [report]
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        each.stack[:] = [frame for frame in each.stack if not is_ours(frame.filename)]
        pending += [each.__cause__, each.__context__, *(each.exceptions or ())]
    return "".join(report.format(chain=chain))


def is_ours(filename: str) -> bool:
    """Whether code from `filename` is the machine's."""
    return filename.startswith(OURS) or filename in STAND_INS


def without_ours(place: TracebackType | None) -> TracebackType | None:
    """The traceback without the machine's frames at its beginning."""
    while place is not None and is_ours(place.tb_frame.f_code.co_filename):
        place = place.tb_next
    return place


def guest_frame() -> FrameType | None:
    """The innermost frame that is not the machine's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame
