"""The C module `_thread`: threads are tasks of the kernel, their numbers are tids.

What is of note stands beside it: `locks`, `thread_local`, and `thread_handle` for Python 3.13.
Source: `Modules/_threadmodule.c`.
"""

from __future__ import annotations

import _thread as host
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel.switch import TaskKilled
from ioviz.machine.user import ending
from ioviz.machine.user.shims import module_from
from ioviz.machine.user.shims.locks import TIMEOUT_MAX, make_locks
from ioviz.machine.user.shims.thread_handle import Joinable, make_handle
from ioviz.machine.user.shims.thread_local import Locals
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.user.guest import Guest

CLONE_THREAD: Final = 0x3D0F00
"""What pthreads ask for: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID."""
STACK_MIN: Final = 32768


class Threads:
    """The functions of `_thread` for one guest."""

    UNDERSCORED = ("_count", "_excepthook", "_get_main_thread_ident", "_is_main_interpreter", "_set_sentinel")

    def __init__(self, guest: Guest, lock: Callable[[], Any], storage: Locals) -> None:
        self._guest = guest
        self._kernel = guest.kernel
        self._lock = lock
        self._storage = storage
        self._sentinels: dict[int, Any] = {}
        """Locks of `_set_sentinel`, by task: released when the task's Python part ends."""
        self._running = 0
        self._stack_size = 0

    def get_ident(self) -> int:
        """The number of the running thread: its tid."""
        return self._kernel.task

    get_native_id = get_ident

    def start_new_thread(self, function: Any, args: Any, kwargs: Any = None, /) -> int:
        """Start a thread that runs `function(*args, **kwargs)`; returns its number."""
        if not callable(function):
            raise TypeError("first arg must be callable")
        if not isinstance(args, tuple):
            raise TypeError("2nd arg must be a tuple")
        if kwargs is not None and not isinstance(kwargs, dict):
            raise TypeError("optional 3rd arg must be a dictionary")
        return self._start(function, args, kwargs or {}, lambda: None)

    start_new = start_new_thread

    def _start(
        self, function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any], ended: Callable[[], None]
    ) -> int:
        def entry() -> None:
            try:
                function(*args, **kwargs)
            except (TaskKilled, SystemExit) as error:
                if isinstance(error, TaskKilled):
                    raise
            except BaseException as error:
                self._complain(function, error)
            self._end()
            ended()

        self._running += 1
        result = self._guest.syscall(SYS.clone, CLONE_THREAD, entry)
        if result < 0:
            self._running -= 1
            raise RuntimeError("can't start new thread")
        return int(result)

    def _complain(self, function: Any, error: BaseException) -> None:
        """An exception left a thread that has no `threading.Thread` to take it."""
        place = ending.without_ours(error.__traceback__)
        unraisable = SimpleNamespace(
            exc_type=type(error),
            exc_value=error,
            exc_traceback=place,
            err_msg="Exception ignored in thread started by",
            object=function,
        )
        hook = getattr(self._guest.sys, "unraisablehook", None)
        if hook is not None:
            hook(unraisable)

    def _end(self) -> None:
        me = self._kernel.task
        self._running -= 1
        self._storage.forget(me)
        sentinel = self._sentinels.pop(me, None)
        if sentinel is not None and sentinel.locked():
            sentinel.release()

    def _set_sentinel(self) -> Any:
        """A lock that is released when the running thread ends (until 3.12)."""
        lock = self._sentinels[self._kernel.task] = self._lock()
        return lock

    def _count(self) -> int:
        """How many threads there are beside the main one."""
        return self._running

    def exit(self) -> None:
        """End the running thread silently."""
        raise SystemExit

    exit_thread = exit

    def interrupt_main(self, signum: int = 2, /) -> None:
        """Let the main thread find that signal `signum` came."""
        if not 1 <= signum <= 64:
            raise ValueError("signal number out of range")
        if callable(self._guest.signal_handlers.get(signum)):
            self._guest.mark_signal(signum)
            self._guest.check_signals()

    def stack_size(self, size: int = 0, /) -> int:
        """The stack size for new threads; remembered, and without any effect here."""
        if size < 0:
            raise ValueError("size must be 0 or a positive value")
        if 0 < size < STACK_MIN:
            raise ValueError(f"size not valid: {size} bytes")
        before, self._stack_size = self._stack_size, size
        return before

    def daemon_threads_allowed(self) -> bool:
        """Yes, as in any main interpreter."""
        return True

    def _is_main_interpreter(self) -> bool:
        return True

    def _get_main_thread_ident(self) -> int:
        return self._guest.pid

    def _excepthook(self, args: Any, /) -> None:
        """What happens to an exception that ends a thread: it is printed, under the thread's name."""
        if args.exc_type is TaskKilled:
            raise args.exc_value  # `threading` catches everything, and this nothing may stop
        if args.exc_type is SystemExit:
            return
        stderr = getattr(self._guest.sys, "stderr", None)
        if stderr is None:
            return
        name = args.thread.name if args.thread is not None else self.get_ident()
        stderr.write(f"Exception in thread {name}:\n")
        ending.write_exception(self._guest, args.exc_value, args.exc_traceback)
        stderr.flush()


def build(guest: Guest) -> ModuleType:
    """The module `_thread` for one guest."""
    lock, rlock, allocate_lock = make_locks(guest)
    storage = Locals(guest.kernel)
    threads = Threads(guest, allocate_lock, storage)
    constants: dict[str, Any] = {
        "LockType": lock,
        "RLock": rlock,
        "TIMEOUT_MAX": TIMEOUT_MAX,
        "_ExceptHookArgs": host._ExceptHookArgs,
        "_local": storage.make_class(),
        "allocate": allocate_lock,
        "allocate_lock": allocate_lock,
        "error": RuntimeError,
    }
    module = module_from("_thread", threads, constants)
    if sys.version_info >= (3, 13):
        handle = make_handle(guest, allocate_lock)
        joinable = Joinable(threads, handle)
        module.__dict__.update(
            lock=lock,
            _ThreadHandle=handle,
            start_joinable_thread=joinable.start_joinable_thread,
            _make_thread_handle=joinable._make_thread_handle,
            _shutdown=joinable._shutdown,
        )
    return module
