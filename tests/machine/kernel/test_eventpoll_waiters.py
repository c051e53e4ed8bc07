"""Who returns from a wait when something becomes ready, on the simulated and on the real kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ioviz.model.files import FileHeld
from tests.machine.kernel.two_kernels import (
    ADD,
    ET,
    EXCLUSIVE,
    IN,
    ONESHOT,
    SECOND,
    Calls,
    agree,
    errno_name,
    on_simulated,
)

FOREVER = 20 * SECOND
"""Long enough: no test waits for it."""


def sleepers(s: Calls, count: int, wait: Callable[[int], object]) -> list[int]:
    """`count` threads, asleep one after the other in `wait(number)`; the list gets their numbers as they return."""
    returned: list[int] = []

    def body(number: int) -> Callable[[], None]:
        def inner() -> None:
            if wait(number):
                returned.append(number)

        return inner

    for number in range(count):
        s.spawn(body(number))
        s.settle()
    return returned


@pytest.mark.parametrize(("events", "expected"), [(IN, 3), (IN | ET, 1), (IN | ONESHOT, 1)])
def test_one_instance_and_three_threads(events: int, expected: int) -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, reader, events)
        returned = sleepers(s, 3, lambda _: s.wait(ep, 8, SECOND))
        s.write(writer, b"x")
        s.settle()
        return len(returned)

    agree(script, expected)


def test_the_chain_ends_with_who_drains() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN | ET)
        got: list[Any] = []

        def wait(_: int) -> bool:
            found = s.wait(ep, 8, SECOND)
            if found:
                got.append(s.read(reader, 10))
            return bool(found)

        returned = sleepers(s, 3, wait)
        s.write(writer, b"x")
        s.settle()
        return len(returned), got

    agree(script, (1, [b"x"]))


def test_the_last_to_sleep_is_the_first_to_wake() -> None:
    def script(s: Calls) -> Any:
        pairs = [s.pipe() for _ in range(3)]
        ep = s.epoll()
        for reader, _ in pairs:
            s.ctl(ep, ADD, reader, IN | ET)
        returned = sleepers(s, 3, lambda _: s.wait(ep, 1, FOREVER))
        for _, writer in pairs:
            s.write(writer, b"x")
            s.settle()
        return returned

    agree(script, [2, 1, 0])


@pytest.mark.parametrize(
    ("events", "expected"), [(IN, {0, 1, 2}), (IN | ET, {0, 1, 2}), (IN | EXCLUSIVE, {0}), (IN | EXCLUSIVE | ET, {0})]
)
def test_three_instances_on_one_file(events: int, expected: set[int]) -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        instances = [s.epoll() for _ in range(3)]
        for ep in instances:
            s.ctl(ep, ADD, reader, events)
        returned = sleepers(s, 3, lambda number: s.wait(instances[number], 8, SECOND // 2))
        s.write(writer, b"x")
        s.settle()
        return set(returned)

    agree(script, expected)


def test_exclusive_passes_over_an_instance_without_sleepers() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        instances = [s.epoll() for _ in range(3)]
        for ep in instances:
            s.ctl(ep, ADD, reader, IN | EXCLUSIVE)
        returned = sleepers(s, 2, lambda number: s.wait(instances[number + 1], 8, SECOND // 2))
        s.write(writer, b"x")
        s.settle()
        return returned

    agree(script, [0])


def test_exclusive_wakes_another_one_for_each_event() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        instances = [s.epoll() for _ in range(3)]
        for ep in instances:
            s.ctl(ep, ADD, reader, IN | EXCLUSIVE)
        returned = sleepers(s, 3, lambda number: s.wait(instances[number], 8, FOREVER))
        for _ in range(3):
            s.write(writer, b"x")
            s.settle()
        return returned

    agree(script, [0, 1, 2])


@pytest.mark.parametrize("call", ["select", "poll"])
def test_select_and_poll_wake_everybody(call: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()

        def wait(_: int) -> bool:
            if call == "poll":
                return bool(s.poll([(reader, IN)], FOREVER))
            return bool(s.select([reader], [], [], FOREVER) == ([reader], [], []))

        returned = sleepers(s, 3, wait)
        s.write(writer, b"x")
        s.settle()
        return sorted(returned)

    agree(script, [0, 1, 2])


def test_a_wait_times_out_empty() -> None:
    def script(s: Calls) -> Any:
        ep = s.epoll()
        s.ctl(ep, ADD, s.pipe()[0], IN)
        return s.wait(ep, 4, 2_000_000), s.poll([], 2_000_000), s.select([], [], [], 2_000_000)

    agree(script, ([], [], ([], [], [])))


@pytest.mark.parametrize("gone", ["instance", "file"])
def test_closing_while_another_thread_waits_wakes_nobody(gone: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN)
        copy = s.dup(reader)
        returned = sleepers(s, 1, lambda _: s.wait(ep, 4, FOREVER))
        s.close(ep if gone == "instance" else reader)
        s.settle()
        before = list(returned)
        s.write(writer, b"x")
        s.settle()
        s.close(copy)
        return before, returned

    agree(script, ([], [0]))


@pytest.mark.parametrize("call", ["select", "poll"])
def test_closing_what_another_thread_polls_is_seen_when_data_wakes_it(call: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        seen: list[Any] = []

        def wait(_: int) -> bool:
            if call == "poll":
                seen.append([mask for _, mask in s.poll([(reader, IN)], FOREVER)])
            else:
                seen.append(s.select([reader], [], [], FOREVER) == ([reader], [], []))
            return True

        returned = sleepers(s, 1, wait)
        s.close(reader)
        s.settle()
        before = list(returned)
        s.write(writer, b"x")
        s.settle()
        return before, seen

    agree(script, ([], [[32]] if call == "poll" else [True]))


@pytest.mark.parametrize("kind", ["pipe", "unix", "tcp"])
def test_a_blocking_reader_gets_what_arrives_after_the_close_of_its_descriptor(kind: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = getattr(s, kind)(True)
        got: list[Any] = []

        def wait(_: int) -> bool:
            got.append(s.read(reader, 10))
            return True

        returned = sleepers(s, 1, wait)
        s.close(reader)
        s.settle()
        before = list(returned)
        s.write(writer, b"late")
        s.settle()
        return before, got

    agree(script, ([], [b"late"]))
    ran = on_simulated(script)[1]
    assert [event.delta for event in ran.log if isinstance(event, FileHeld)] == [1, -1]


def test_sleeping_readers_of_a_pipe_are_served_first_come_first() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe(blocking=True)
        returned = sleepers(s, 3, lambda _: s.read(reader, 1))
        for _ in range(3):
            s.write(writer, b"x")
            s.settle()
        return returned

    agree(script, [0, 1, 2])


def test_the_last_writer_s_close_wakes_every_reader() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe(blocking=True)
        returned = sleepers(s, 3, lambda _: s.read(reader, 1) == b"")
        s.close(writer)
        s.settle()
        return sorted(returned)

    agree(script, [0, 1, 2])


def test_one_winner_accepts_and_the_others_sleep_again() -> None:
    def script(s: Calls) -> Any:
        server = s.listener()
        instances = [s.epoll() for _ in range(3)]
        for ep in instances:
            s.ctl(ep, ADD, server, IN)
        accepted: list[int] = []

        def wait(number: int) -> bool:
            if not s.wait(instances[number], 8, SECOND // 2):
                return False
            if s.accept(server) >= 0:
                accepted.append(number)
            return True

        sleepers(s, 3, wait)
        s.connect(server)
        s.settle()
        return len(accepted)

    agree(script, 1)


def test_blocking_accept_is_first_come_first_served() -> None:
    def script(s: Calls) -> Any:
        server = s.listener(blocking=True)
        returned = sleepers(s, 3, lambda _: s.accept(server) >= 0)
        for _ in range(3):
            s.connect(server)
            s.settle()
        return returned

    agree(script, [0, 1, 2])


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_one_of_the_blocking_readers_of_a_socket_gets_the_data(kind: str) -> None:
    def script(s: Calls) -> Any:
        one, other = getattr(s, kind)(True)
        got: list[Any] = []

        def wait(_: int) -> bool:
            got.append(s.read(one, 10))
            return True

        sleepers(s, 3, wait)
        s.write(other, b"x")
        s.settle()
        before = list(got)
        s.shutdown(other, 1)
        s.settle()
        return before, got

    agree(script, ([b"x"], [b"x", b"", b""]))


def test_shutdown_wakes_a_reader_and_an_acceptor() -> None:
    def script(s: Calls) -> Any:
        one, _ = s.tcp(blocking=True)
        server = s.listener(blocking=True)
        got: list[Any] = []
        calls: list[Callable[[], object]] = [lambda: s.read(one, 10), lambda: errno_name(s.accept(server))]

        def wait(number: int) -> bool:
            got.append(calls[number]())
            return True

        sleepers(s, 2, wait)
        s.shutdown(one, 2)
        s.settle()
        s.shutdown(server, 2)
        s.settle()
        return got

    agree(script, [b"", "EINVAL"])
