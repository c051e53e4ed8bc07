"""The shim of `_thread` on a kernel that has tasks and futexes and nothing else."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from errno import ETIMEDOUT
from types import ModuleType
from typing import Any

import pytest

from ioviz.machine.kernel.switch import Stack, Switch, TaskKilled
from ioviz.machine.user.shims import _thread as shim
from ioviz.machine.user.shims.locks import make_locks
from ioviz.machine.user.shims.thread_handle import Joinable, make_handle
from ioviz.machine.user.shims.thread_local import Locals
from ioviz.model.syscalls import SYS
from tests.machine.user.real_kernel import FakeGuest


class Tasks:
    """Tasks that run until they sleep, first come, first served; time passes when all of them sleep."""

    pid = 1

    def __init__(self) -> None:
        self.task = 0
        self.now = 0
        self.calls: list[tuple[Any, ...]] = []
        self._switch = Switch()
        self._stacks: dict[int, Stack] = {}
        self._ready: list[int] = []
        self._asleep: dict[int, tuple[int, int | None]] = {}
        self._timed_out: set[int] = set()

    def vdso_clock(self, clock: int) -> int:
        return self.now

    def syscall(self, nr: int, *args: Any) -> Any:
        self.calls.append((nr, *args[:3]))
        if nr == SYS.clone:
            return self.start(args[1])
        if nr == SYS.sched_yield:
            self._ready.append(self.task)
            self._leave()
            return 0
        assert nr == SYS.futex
        key, op, value, timeout = args
        if op == 1:
            sleepers = [task for task, (of, _) in self._asleep.items() if of == key][:value]
            for task in sleepers:
                del self._asleep[task]
                self._ready.append(task)
            return len(sleepers)
        me = self.task
        self._asleep[me] = key, None if timeout is None else self.now + timeout
        self._leave()
        if me in self._timed_out:
            self._timed_out.remove(me)
            return -ETIMEDOUT
        return 0

    def start(self, entry: Callable[[], None]) -> int:
        tid = len(self._stacks) + 1
        self._stacks[tid] = self._switch.stack(entry)
        self._ready.append(tid)
        return tid

    def _leave(self) -> None:
        me = self.task
        self._switch.to_hub()
        self.task = me

    def run(self) -> None:
        """Until nobody can run any more; fails if somebody sleeps then."""
        self._switch.adopt_hub()
        while True:
            while self._ready:
                self.task = self._ready.pop(0)
                self._stacks[self.task].enter()
            dues = {task: due for task, (_, due) in self._asleep.items() if due is not None}
            if not dues:
                break
            first = min(dues, key=lambda task: dues[task])
            self.now = dues[first]
            del self._asleep[first]
            self._timed_out.add(first)
            self._ready.append(first)
        assert not self._asleep, "a deadlock"


class World:
    """A guest on `Tasks`, its module, and what its main task is to do."""

    def __init__(self) -> None:
        self.kernel = Tasks()
        self.guest = FakeGuest(self.kernel)
        self.module: ModuleType = shim.build(self.guest)  # type: ignore[arg-type]
        self.seen: list[Any] = []

    def main(self, body: Callable[[], object]) -> list[Any]:
        def entry() -> None:
            body()

        self.kernel.start(entry)
        self.kernel.run()
        return self.seen

    def futexes(self) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.kernel.calls if call[0] == SYS.futex]


@pytest.fixture
def world() -> World:
    return World()


def test_free_lock_makes_no_call(world: World) -> None:
    lock, rlock = world.module.allocate_lock(), world.module.RLock()
    assert lock.acquire() is True
    assert lock.locked()
    assert lock.acquire(False) is False
    lock.release()
    with lock, rlock, rlock:
        pass
    assert not lock.locked()
    assert world.kernel.calls == []


@pytest.mark.parametrize("kind", ["allocate_lock", "RLock"])
def test_waiters_get_the_lock_in_turn(world: World, kind: str) -> None:
    lock = getattr(world.module, kind)()

    def worker(name: str) -> None:
        with lock:
            world.seen.append(name)

    def body() -> None:
        lock.acquire()
        for name in "abc":
            world.module.start_new_thread(worker, (name,))
        world.kernel.syscall(SYS.sched_yield)
        world.seen.append("main")
        lock.release()

    assert world.main(body) == ["main", "a", "b", "c"]
    assert [op for _, op, _ in world.futexes()] == [0, 0, 0, 1, 1, 1]


def test_timeout_of_acquire(world: World) -> None:
    lock = world.module.allocate_lock()
    assert lock.acquire(timeout=world.module.TIMEOUT_MAX)
    lock.release()

    def body() -> None:
        lock.acquire()
        world.seen.append(lock.acquire(timeout=0.5))
        world.seen.append(world.kernel.now)
        lock.release()
        world.seen.append(lock.acquire(timeout=0.5))

    assert world.main(body) == [False, 500_000_000, True]


def test_rlock_belongs_to_its_owner(world: World) -> None:
    lock = world.module.RLock()

    def other() -> None:
        world.seen.append(lock.acquire(False))
        with pytest.raises(RuntimeError, match="cannot release un-acquired lock"):
            lock.release()
        world.seen.append((lock._is_owned(), lock._recursion_count()))

    def body() -> None:
        lock.acquire()
        lock.acquire()
        world.seen.append((lock._is_owned(), lock._recursion_count()))
        saved = lock._release_save()
        world.seen.append(lock._is_owned())
        lock._acquire_restore(saved)
        world.module.start_new_thread(other, ())
        world.kernel.syscall(SYS.sched_yield)
        lock.release()
        lock.release()

    assert world.main(body) == [(True, 2), False, False, (False, 0)]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda m: m.allocate_lock().release(), RuntimeError("release unlocked lock")),
        (
            lambda m: m.allocate_lock().acquire(False, 1),
            ValueError("can't specify a timeout for a non-blocking call"),
        ),
        (
            lambda m: m.allocate_lock().acquire(timeout=1e10),
            OverflowError("timestamp out of range for platform time_t"),
        ),
        (lambda m: m.allocate_lock().acquire("x"), TypeError("'str' object cannot be interpreted as an integer")),
        (lambda m: m.RLock().release(), RuntimeError("cannot release un-acquired lock")),
        (lambda m: m.start_new_thread(1, ()), TypeError("first arg must be callable")),
        (lambda m: m.start_new_thread(print, 1), TypeError("2nd arg must be a tuple")),
        (lambda m: m.start_new_thread(print, (), 1), TypeError("optional 3rd arg must be a dictionary")),
        (lambda m: m.interrupt_main(1000), ValueError("signal number out of range")),
        (lambda m: m.stack_size(1), ValueError("size not valid: 1 bytes")),
        (lambda m: m._local(1), TypeError("Initialization arguments are not supported")),
        (lambda m: m.exit(), SystemExit()),
    ],
)
def test_words(world: World, call: Callable[[Any], object], error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        call(world.module)
    assert str(caught.value) == str(error)


def test_locks_hash_and_show_by_serial(world: World) -> None:
    made = [world.module.allocate_lock() for _ in range(3)]
    assert [hash(lock) for lock in made] == [1, 2, 3]
    assert repr(made[0]) == "<unlocked _thread.lock object at 0x7f0000000020>"
    assert repr(World().module.RLock()).startswith("<unlocked _thread.RLock object owner=0 count=0 at 0x7f")


def test_threads_have_numbers_and_end(world: World) -> None:
    module = world.module

    def other(value: int, *, more: int) -> None:
        world.seen.append((module.get_ident(), value, more, module._count()))
        module.exit()

    def body() -> None:
        sentinel = module._set_sentinel()
        sentinel.acquire()
        tid = module.start_new_thread(other, (1,), {"more": 2})
        world.kernel.syscall(SYS.sched_yield)
        world.seen.append((module.get_ident(), tid, module._count(), sentinel.locked()))

    assert world.main(body) == [(2, 1, 2, 1), (1, 2, 0, True)]
    assert not world.guest.complaints


def test_sentinel_is_released_at_the_end(world: World) -> None:
    module = world.module
    held: list[Any] = []

    def other() -> None:
        held.append(module._set_sentinel())
        held[0].acquire()

    def body() -> None:
        module.start_new_thread(other, ())
        world.kernel.syscall(SYS.sched_yield)
        world.seen.append(held[0].acquire(timeout=1))

    assert world.main(body) == [True]


def test_uncaught_exception_goes_to_the_unraisable_hook(world: World) -> None:
    def other() -> None:
        raise ValueError("lost")

    world.main(lambda: world.module.start_new_thread(other, ()))
    (complaint,) = world.guest.complaints
    assert complaint.err_msg == "Exception ignored in thread started by"
    assert str(complaint.exc_value) == "lost"
    assert complaint.object is other


def test_nothing_reports_the_end_of_a_task(world: World) -> None:
    killed = TaskKilled()
    with pytest.raises(TaskKilled):
        world.module._excepthook(world.module._ExceptHookArgs((TaskKilled, killed, None, None)))
    assert world.module._excepthook(world.module._ExceptHookArgs((SystemExit, None, None, None))) is None


def test_local_attributes(world: World) -> None:
    class Mine(world.module._local):  # type: ignore[misc,name-defined]
        default = 7

        def __init__(self, start: int) -> None:
            self.value = start

    local = Mine(1)

    def other() -> None:
        world.seen.append((local.value, local.default, local.__dict__))
        local.value = 20
        world.kernel.syscall(SYS.sched_yield)
        world.seen.append(local.value)
        del local.value
        world.seen.append(hasattr(local, "value"))

    def body() -> None:
        local.value = 10
        world.module.start_new_thread(other, ())
        world.kernel.syscall(SYS.sched_yield)
        world.seen.append(local.value)

    seen = world.main(body)
    assert seen[0][:2] == (1, 7)
    assert seen[1:] == [10, 20, False]
    with pytest.raises(AttributeError, match="read-only"):
        local.__dict__ = {}


def test_local_values_go_with_their_thread_and_their_object(world: World) -> None:
    class Value:
        pass

    refs: list[weakref.ref[Value]] = []
    local, other_local = world.module._local(), world.module._local()

    def other() -> None:
        local.x = Value()
        refs.append(weakref.ref(local.x))

    world.main(lambda: world.module.start_new_thread(other, ()))
    world.kernel.task = 1
    other_local.x = Value()
    refs.append(weakref.ref(other_local.x))
    del other_local
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def handles(world: World) -> tuple[Any, Joinable]:
    _, _, lock = make_locks(world.guest)  # type: ignore[arg-type]
    threads = shim.Threads(world.guest, lock, Locals(world.kernel))  # type: ignore[arg-type]
    handle = make_handle(world.guest, lock)  # type: ignore[arg-type]
    return handle, Joinable(threads, handle)


def test_joining_by_handle(world: World) -> None:
    handle, joinable = handles(world)

    def other() -> None:
        world.kernel.syscall(SYS.sched_yield)
        world.seen.append("other")

    def body() -> None:
        mine = joinable.start_joinable_thread(other, handle=handle(), daemon=False)
        world.seen.append((mine.ident, mine.is_done()))
        mine.join(0.001)
        mine.join()
        world.seen.append(mine.is_done())
        joinable.start_joinable_thread(other, daemon=False)
        joinable._shutdown()
        world.seen.append("end")

    assert world.main(body) == [(2, False), "other", True, "other", "end"]


def test_handles_refuse(world: World) -> None:
    handle, joinable = handles(world)
    with pytest.raises(RuntimeError, match="thread not started"):
        handle().join()
    world.kernel.task = 5
    running = joinable._make_thread_handle(5)
    with pytest.raises(RuntimeError, match="Cannot join current thread"):
        running.join()
    running._set_done()
    running.join()
    with pytest.raises(RuntimeError, match="thread already started"):
        joinable.start_joinable_thread(print, handle=running)
