"""The locks of `_thread`: `lock` and `RLock`, on futex(2).

A lock is a word in user space and a count of those who wait: acquiring a free lock, or releasing one that nobody waits
for, enters the kernel not at all. Nothing preempts a shim between looking at the word and writing it, so the word needs
no atomic instruction, and futex(2) need not compare it again. Invariant: a task sleeps on a lock's futex only while it
is counted in `waiters`, so the holder who sees no waiter has no one to wake.

Locks hash by the order in which they were made, so that a set of them has the same order in every run.
"""

from __future__ import annotations

import sys
from errno import EINTR, ETIMEDOUT
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims.arguments import failure, nanoseconds
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ioviz.machine.user.guest import Guest

TIMEOUT_MAX: Final = 9223372036.0
WAIT, WAKE = 0, 1
CONTENDED: Final = 2
"""What the word of a lock holds when someone waits for it."""
PLACE: Final = 0x7F0000000000
"""Where objects seem to be in memory: `repr` shows addresses, and ours must not differ from run to run."""
CALLABLE: Final = sys.version_info >= (3, 13)
"""Whether the class `lock` makes locks when it is called."""
NOT_POSITIVE: Final = "a non-negative number" if sys.version_info >= (3, 13) else "positive"


def _patience(blocking: Any, timeout: Any) -> int:
    """lock_acquire_parse_args: 0 not to wait, -1 to wait for ever, or ns."""
    if not isinstance(blocking, int):
        raise TypeError(f"'{type(blocking).__name__}' object cannot be interpreted as an integer")
    ns = nanoseconds(timeout)
    if not blocking and ns != -1_000_000_000:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if ns < 0 and ns != -1_000_000_000:
        raise ValueError(f"timeout value must be {NOT_POSITIVE}")
    if not blocking:
        return 0
    return ns if ns >= 0 else -1


def make_locks(guest: Guest) -> tuple[type[Any], type[Any], Callable[[], Any]]:
    """The classes `lock` and `RLock` of one guest, and its `allocate_lock`, which does not bind to a class."""
    kernel = guest.kernel
    syscall = guest.syscall
    clock = kernel.vdso_clock
    check_signals = guest.check_signals
    futex = SYS.futex
    new_key = guest.new_key
    serial = count(1).__next__

    def sleep(key: int, deadline: int) -> bool:
        """Wait for a wake-up of `key`; False when `deadline` (-1: none) has passed."""
        left = None
        if deadline >= 0:
            left = deadline - clock(1)
            if left <= 0:
                return False
        result = syscall(futex, key, WAIT, CONTENDED, left)
        if result == -ETIMEDOUT:
            return False
        if result < 0 and result != -EINTR:
            raise failure(result)
        # A signal may also have been marked without a call being interrupted: by `interrupt_main`.
        check_signals()
        return True

    class lock:
        """A lock object, as made by `allocate_lock()`."""

        __module__ = "_thread"
        __slots__ = ("__held", "__key", "__serial", "__waiters", "__weakref__")
        __held: bool
        __key: int
        __serial: int
        __waiters: int

        def __new__(cls) -> Any:
            if not CALLABLE:
                raise TypeError("cannot create '_thread.lock' instances")
            return allocate_lock()

        def __init_subclass__(cls) -> None:
            raise TypeError("type '_thread.lock' is not an acceptable base type")

        def acquire(self, blocking: Any = True, timeout: Any = -1) -> bool:
            """Lock the lock; False if that was not possible in time."""
            if self.__held or timeout != -1 or (blocking is not True and blocking is not False):
                return self.__slowly(_patience(blocking, timeout))
            self.__held = True
            return True

        def __enter__(self) -> bool:
            if self.__held:
                return self.__slowly(-1)
            self.__held = True
            return True

        def __slowly(self, patience: int) -> bool:
            if self.__held:
                if patience == 0:
                    return False
                deadline = clock(1) + patience if patience > 0 else -1
                if not self.__key:
                    self.__key = new_key()
                self.__waiters += 1
                try:
                    while self.__held:
                        if not sleep(self.__key, deadline) and self.__held:
                            return False
                finally:
                    self.__waiters -= 1
            self.__held = True
            return True

        def release(self) -> None:
            """Release the lock; another task may do that, too."""
            if not self.__held:
                raise RuntimeError("release unlocked lock")
            self.__held = False
            if self.__waiters:
                syscall(futex, self.__key, WAKE, 1, None)

        def __exit__(self, kind: Any, value: Any, trace: TracebackType | None, /) -> None:
            if not self.__held:
                raise RuntimeError("release unlocked lock")
            self.__held = False
            if self.__waiters:
                syscall(futex, self.__key, WAKE, 1, None)

        def locked(self) -> bool:
            """Whether the lock is held."""
            return self.__held

        def _at_fork_reinit(self) -> None:
            self.__held = False
            self.__waiters = 0

        def __hash__(self) -> int:
            return self.__serial

        def __repr__(self) -> str:
            state = "locked" if self.__held else "unlocked"
            kind = type(self)
            return f"<{state} {kind.__module__}.{kind.__qualname__} object at {PLACE + self.__serial * 32:#x}>"

        acquire_lock = acquire
        release_lock = release
        locked_lock = locked

    def allocate_lock() -> lock:
        """A new free lock."""
        self: Any = object.__new__(lock)
        self._lock__held = False
        self._lock__waiters = 0
        self._lock__key = 0
        self._lock__serial = serial()
        return self  # type: ignore[no-any-return]

    class RLock:
        """A lock that its owner may take again."""

        __module__ = "_thread"
        __slots__ = ("__count", "__key", "__owner", "__serial", "__waiters", "__weakref__")

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.__owner = 0
            self.__count = 0
            self.__waiters = 0
            self.__key = 0
            self.__serial = serial()

        def acquire(self, blocking: Any = True, timeout: Any = -1) -> bool:
            """Lock the lock, or count one more if it is ours."""
            patience = -1 if blocking is True and timeout == -1 else _patience(blocking, timeout)
            me = kernel.task
            if self.__owner == me and self.__count:
                self.__count += 1
                return True
            if self.__count and not self.__wait(patience):
                return False
            self.__owner = me
            self.__count = 1
            return True

        def __enter__(self) -> bool:
            me = kernel.task
            if self.__count:
                if self.__owner == me:
                    self.__count += 1
                    return True
                self.__wait(-1)
            self.__owner = me
            self.__count = 1
            return True

        def __wait(self, patience: int) -> bool:
            if patience == 0:
                return False
            deadline = clock(1) + patience if patience > 0 else -1
            if not self.__key:
                self.__key = new_key()
            self.__waiters += 1
            try:
                while self.__count:
                    if not sleep(self.__key, deadline) and self.__count:
                        return False
            finally:
                self.__waiters -= 1
            return True

        def release(self) -> None:
            """Count one less; at none the lock is free."""
            if not self.__count or self.__owner != kernel.task:
                raise RuntimeError("cannot release un-acquired lock")
            self.__count -= 1
            if not self.__count:
                self.__owner = 0
                if self.__waiters:
                    syscall(futex, self.__key, WAKE, 1, None)

        def __exit__(self, kind: Any, value: Any, trace: TracebackType | None, /) -> None:
            self.release()

        def _is_owned(self) -> bool:
            return bool(self.__count) and self.__owner == kernel.task

        def _recursion_count(self) -> int:
            return self.__count if self.__owner == kernel.task else 0

        def _release_save(self) -> tuple[int, int]:
            if not self.__count:
                raise RuntimeError("cannot release un-acquired lock")
            saved = self.__count, self.__owner
            self.__count = 0
            self.__owner = 0
            if self.__waiters:
                syscall(futex, self.__key, WAKE, 1, None)
            return saved

        def _acquire_restore(self, saved: tuple[int, int], /) -> None:
            if self.__count:
                self.__wait(-1)
            self.__count, self.__owner = saved

        def _at_fork_reinit(self) -> None:
            self.__count = self.__owner = self.__waiters = 0

        def __hash__(self) -> int:
            return self.__serial

        def __repr__(self) -> str:
            state = "locked" if self.__count else "unlocked"
            kind = type(self)
            return (
                f"<{state} {kind.__module__}.{kind.__qualname__} object owner={self.__owner} count={self.__count}"
                f" at {PLACE + self.__serial * 32:#x}>"
            )

    lock.__qualname__ = "lock"
    RLock.__qualname__ = "RLock"
    function: Any = partial(allocate_lock)
    function.__module__ = "_thread"
    return lock, RLock, function
