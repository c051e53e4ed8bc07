"""The kernel's core: traps, scheduling, sleeping, descriptors, futexes, signals, terminals, and the ends of a run."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import Any

import pytest

from ioviz.machine.kernel.config import Config, KnobError
from ioviz.machine.kernel.kernel import Kernel
from ioviz.machine.kernel.sched import Limits
from ioviz.model.cpu import TrapEntered
from ioviz.model.syscalls import SYS
from ioviz.model.task import TaskSwitched
from tests.machine.kernel.harness import run


def test_a_call_enters_by_the_vector_of_the_knob() -> None:
    def body(k: Kernel) -> None:
        k.syscall(SYS.getpid)

    vectors = {}
    for entry in ("int80", "syscall"):
        ran = run(body, config=Config(entry=entry))
        vectors[entry] = {event.vector for event in ran.log if isinstance(event, TrapEntered)}
    assert vectors == {"int80": {0x80}, "syscall": {-1}}


def test_exit_code_and_reason() -> None:
    ran = run(lambda k: k.syscall(SYS.exit_group, 3))
    assert (ran.reason, ran.code) == ("exit", 3)


def test_a_body_that_returns_exits_with_zero() -> None:
    assert run(lambda k: None).code == 0


def test_a_sleeper_wakes_at_its_time_and_not_before() -> None:
    times: list[int] = []

    def body(k: Kernel) -> None:
        before = k.now
        k.syscall(SYS.clock_nanosleep, 5_000_000)
        times.append(k.now - before)

    run(body)
    assert 5_000_000 <= times[0] < 5_100_000


def test_two_busy_tasks_share_the_cpu_by_time_slices() -> None:
    order: list[str] = []

    def busy(name: str) -> Any:
        def body(k: Kernel) -> None:
            for _ in range(4):
                for _ in range(100):
                    k.line(0)
                order.append(name)

        return body

    ran = run(busy("a"), busy("b"), config=Config(time_slice=5_000))
    assert order != sorted(order), "the second task ran before the first had ended"
    assert ran.kinds().count("TaskPreempted") >= 4


def test_one_task_alone_is_not_preempted() -> None:
    def body(k: Kernel) -> None:
        for _ in range(1000):
            k.line(0)

    assert "TaskPreempted" not in run(body, config=Config(time_slice=5_000)).kinds()


def test_yield_lets_the_other_one_run() -> None:
    order: list[str] = []

    def body(name: str) -> Any:
        def inner(k: Kernel) -> None:
            for _ in range(3):
                order.append(name)
                k.syscall(SYS.sched_yield)

        return inner

    run(body("a"), body("b"))
    assert order == ["a", "b"] * 3


def test_futex_wakes_first_come_first_served() -> None:
    order: list[int] = []

    def body(k: Kernel) -> None:
        def waiter(number: int) -> Any:
            def inner() -> None:
                k.syscall(SYS.futex, 1, 0, 0, None)
                order.append(number)
                k.syscall(SYS.exit, 0)

            return inner

        for number in range(3):
            k.syscall(SYS.clone, 0, waiter(number))
        k.syscall(SYS.clock_nanosleep, 1_000_000)
        assert k.syscall(SYS.futex, 1, 1, 2, None) == 2
        k.syscall(SYS.clock_nanosleep, 1_000_000)
        assert order == [0, 1]
        assert k.syscall(SYS.futex, 1, 1, 9, None) == 1
        assert k.syscall(SYS.futex, 1, 1, 9, None) == 0
        assert k.syscall(SYS.futex, 2, 0, 0, 1_000) == -errno.ETIMEDOUT
        k.syscall(SYS.clock_nanosleep, 1_000_000)

    ran = run(body)
    assert order == [0, 1, 2]
    assert ran.kernel.world.futexes == {}


def test_descriptors_are_the_lowest_free_ones() -> None:
    seen: list[int] = []

    def body(k: Kernel) -> None:
        first, second = k.syscall(SYS.dup, 1), k.syscall(SYS.dup, 1)
        seen.extend((first, second))
        k.syscall(SYS.close, first)
        seen.append(k.syscall(SYS.dup, 1))
        seen.append(k.syscall(SYS.fcntl, 1, 0, 10))
        seen.append(k.syscall(SYS.dup2, 1, 7))
        seen.append(k.syscall(SYS.dup, 1))
        seen.append(k.syscall(SYS.dup2, 99, 7))
        seen.append(k.syscall(SYS.close, 99))

    run(body)
    assert seen == [3, 4, 3, 10, 7, 5, -errno.EBADF, -errno.EBADF]


def test_lines_are_typed_by_keyboard_interrupts() -> None:
    got: list[bytes] = []

    def body(k: Kernel) -> None:
        while True:
            n, data = k.syscall(SYS.read, 0, 100)
            if not n:
                break
            got.append(data)

    ran = run(body, stdin=[b"one\n", b"two\n"])
    assert got == [b"one\n", b"two\n"]
    assert ran.kinds().count("LineTyped") == 2
    assert ran.kernel.now >= 2 * Config().typing


def test_a_signal_interrupts_a_sleeping_call() -> None:
    marked: list[int] = []
    results: list[int] = []

    def body(k: Kernel) -> None:
        k.syscall(SYS.rt_sigaction, 14, 2, marked.append)
        k.syscall(SYS.setitimer, 0, 1_000_000, 0)
        results.append(k.syscall(SYS.clock_nanosleep, 10**9))

    ran = run(body)
    assert results == [-errno.EINTR]
    assert marked == [14]
    assert ran.kernel.now < 10**8


def test_a_signal_without_a_handler_ends_the_process() -> None:
    ran = run(lambda k: k.syscall(SYS.kill, k.pid, 15), lambda k: k.syscall(SYS.getpid))
    assert ran.kernel.world.processes[101].exit_code == 128 + 15
    assert ran.kernel.world.processes[102].exit_code == 0


def test_exit_group_kills_the_other_tasks() -> None:
    after: list[str] = []

    def body(k: Kernel) -> None:
        def sleeper() -> None:
            k.syscall(SYS.clock_nanosleep, 10**9)
            after.append("woke")

        k.syscall(SYS.clone, 0, sleeper)
        k.syscall(SYS.clock_nanosleep, 1_000)
        k.syscall(SYS.exit_group, 0)

    ran = run(body)
    assert after == []
    assert {row.state for row in ran.kernel.world.tasks.values()} == {"dead"}


def test_a_task_that_refuses_to_die_is_left() -> None:
    def body(k: Kernel) -> None:
        def stubborn() -> None:
            while True:
                with suppress(BaseException):
                    k.syscall(SYS.sched_yield)

        k.syscall(SYS.clone, 0, stubborn)
        k.syscall(SYS.sched_yield)
        k.syscall(SYS.exit_group, 4)

    assert run(body).code == 4


@pytest.mark.parametrize(
    ("body", "limits", "reason", "code", "word"),
    [
        (lambda k: k.syscall(SYS.futex, 1, 0, 0, None), Limits(), "stalled", 125, "futex_wait"),
        (lambda k: [k.line(0) for _ in iter(int, 1)], Limits(spin=1_000_000), "limit", 124, "endless loop"),
        (lambda k: [k.syscall(SYS.getpid) for _ in iter(int, 1)], Limits(steps=5_000), "limit", 124, "5,000 steps"),
        (lambda k: k.syscall(SYS.clock_nanosleep, 10**12), Limits(time=10**9), "limit", 124, "1 s of virtual time"),
        (lambda k: k.syscall(9999), Limits(), "unsupported", 126, "syscall_9999"),
    ],
)
def test_every_early_end_says_why(body: Any, limits: Limits, reason: str, code: int, word: str) -> None:
    ran = run(body, limits=limits)
    row = ran.kernel.world.runs[1]
    assert (row.ended, row.code) == (reason, code)
    assert word in row.message


def test_a_run_can_be_taken_in_pieces() -> None:
    def body(k: Kernel) -> None:
        for _ in range(500):
            k.syscall(SYS.sched_yield)

    whole = run(body, body)
    assert whole.kinds().count("TaskSwitched") > 900
    assert [event.seq for event in whole.log] == list(range(len(whole.log)))
    times = [event.t for event in whole.log]
    assert times == sorted(times)
    assert any(isinstance(event, TaskSwitched) and event.next == 0 for event in whole.log)


@pytest.mark.parametrize(
    ("name", "value"), [("trigger", "both"), ("rcvbuf", "much"), ("rcvbuf", "-1"), ("nope", "1"), ("time_slice", "0")]
)
def test_a_knob_refuses_what_it_cannot_take(name: str, value: str) -> None:
    with pytest.raises(KnobError, match=r"knob"):
        Config().turned(name, value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("time_slice", "2ms", 2_000_000), ("rcvbuf", "64k", 65536), ("latency", "1.5us", 1500), ("trigger", "ET", "et")],
)
def test_a_knob_takes_units(name: str, value: str, expected: object) -> None:
    assert getattr(Config().turned(name, value), name) == expected
