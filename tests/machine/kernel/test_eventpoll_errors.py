"""What epoll refuses, on the simulated and on the real kernel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.machine.kernel.two_kernels import (
    ADD,
    DEL,
    ERR,
    ET,
    EXCLUSIVE,
    HUP,
    IN,
    MOD,
    ONESHOT,
    OUT,
    RDHUP,
    Calls,
    Script,
    agree,
    errno_name,
)


def watched(s: Calls, events: int = IN) -> tuple[int, int]:
    ep = s.epoll()
    reader, _ = s.pipe()
    assert s.ctl(ep, ADD, reader, events) == 0
    return ep, reader


def add_twice(s: Calls) -> Any:
    ep, fd = watched(s)
    return s.ctl(ep, ADD, fd, OUT)


def absent(op: int) -> Script:
    def script(s: Calls) -> Any:
        ep, _ = watched(s)
        return s.ctl(ep, op, s.pipe()[0], IN)

    return script


def closed(op: int) -> Script:
    def script(s: Calls) -> Any:
        ep, fd = watched(s)
        s.close(fd)
        return s.ctl(ep, op, fd, IN)

    return script


def bad_instance(s: Calls) -> Any:
    ep, fd = watched(s)
    s.close(ep)
    return s.ctl(ep, ADD, fd, IN)


def wait_on_closed(s: Calls) -> Any:
    ep, _ = watched(s)
    s.close(ep)
    return s.wait(ep)


def itself(s: Calls) -> Any:
    ep = s.epoll()
    return s.ctl(ep, ADD, ep, IN)


def not_an_instance(s: Calls) -> Any:
    reader, writer = s.pipe()
    return s.ctl(reader, ADD, writer, OUT)


def bad_op(s: Calls) -> Any:
    ep, fd = watched(s)
    return s.ctl(ep, 7, fd, IN)


def wait_on_other(s: Calls) -> Any:
    return s.wait(s.pipe()[0])


def no_room(maxevents: int) -> Script:
    def script(s: Calls) -> Any:
        return s.wait(watched(s)[0], maxevents)

    return script


def regular_file(s: Calls) -> Any:
    return s.ctl(s.epoll(), ADD, s.regular(), IN)


def read_it(s: Calls) -> Any:
    return s.read(s.epoll(), 8)


def write_it(s: Calls) -> Any:
    return s.write(s.epoll(), b"x")


def exclusive_with(op: int, before: int, events: int) -> Script:
    def script(s: Calls) -> Any:
        ep = s.epoll()
        fd = s.unix()[0]
        if op == MOD:
            assert s.ctl(ep, ADD, fd, before) == 0
        return s.ctl(ep, op, fd, events)

    return script


def exclusive_on_instance(s: Calls) -> Any:
    return s.ctl(s.epoll(), ADD, s.epoll(), IN | EXCLUSIVE)


def circle(s: Calls) -> Any:
    a, b, c = s.epoll(), s.epoll(), s.epoll()
    assert s.ctl(a, ADD, b, IN) == 0
    assert s.ctl(b, ADD, c, IN) == 0
    return s.ctl(c, ADD, a, IN)


def chain(links: list[int]) -> Script:
    """Six instances in a row, joined in the order of `links`; the result of the last join."""

    def script(s: Calls) -> Any:
        row = [s.epoll() for _ in range(6)]
        results = [s.ctl(row[at], ADD, row[at + 1], IN) for at in links]
        assert not any(results[:-1])
        return results[-1]

    return script


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (add_twice, "EEXIST"),
        (absent(MOD), "ENOENT"),
        (absent(DEL), "ENOENT"),
        (closed(ADD), "EBADF"),
        (closed(MOD), "EBADF"),
        (closed(DEL), "EBADF"),
        (bad_instance, "EBADF"),
        (wait_on_closed, "EBADF"),
        (itself, "EINVAL"),
        (not_an_instance, "EINVAL"),
        (bad_op, "EINVAL"),
        (wait_on_other, "EINVAL"),
        (no_room(0), "EINVAL"),
        (no_room(-1), "EINVAL"),
        (regular_file, "EPERM"),
        (read_it, "EINVAL"),
        (write_it, "EINVAL"),
        (exclusive_with(ADD, 0, IN | EXCLUSIVE), 0),
        (exclusive_with(ADD, 0, IN | OUT | ERR | HUP | ET | EXCLUSIVE), 0),
        (exclusive_with(ADD, 0, IN | ONESHOT | EXCLUSIVE), "EINVAL"),
        (exclusive_with(ADD, 0, IN | RDHUP | EXCLUSIVE), "EINVAL"),
        (exclusive_with(MOD, IN | EXCLUSIVE, IN), "EINVAL"),
        (exclusive_with(MOD, IN, IN | EXCLUSIVE), "EINVAL"),
        (exclusive_on_instance, "EINVAL"),
        (circle, "ELOOP"),
        (chain([0, 1, 2, 3]), 0),
        (chain([0, 1, 2, 3, 4]), "ELOOP"),
        (chain([4, 3, 2, 1, 0]), "ELOOP"),
        (chain([0, 1, 3, 4, 2]), "ELOOP"),
    ],
)
def test_errors(script: Script, name: Any) -> None:
    agree(lambda s: errno_name(script(s)), name)


def test_a_file_has_at_most_500_ways_of_two_links() -> None:
    def script(s: Calls) -> Any:
        inner = s.epoll()
        s.ctl(inner, ADD, s.pipe()[0], IN)
        return [errno_name(s.ctl(s.epoll(), ADD, inner, IN)) for _ in range(501)][-2:]

    agree(script, [0, "EINVAL"])


def test_a_file_added_below_many_ways_is_refused_too() -> None:
    def script(s: Calls) -> Any:
        inner = s.epoll()
        results = [s.ctl(s.epoll(), ADD, inner, IN) for _ in range(501)]
        return any(results), errno_name(s.ctl(inner, ADD, s.pipe()[0], IN))

    agree(script, (False, "EINVAL"))
