"""select, on the simulated and on the real kernel."""

from __future__ import annotations

from typing import Any

import pytest

from ioviz.model.syscalls import SYS
from tests.machine.kernel.two_kernels import SECOND, Calls, agree, errno_name, on_simulated


def names(found: Any, fds: dict[int, str]) -> Any:
    """The three sets by the script's own names."""
    return found if isinstance(found, int) else tuple(sorted(fds[fd] for fd in some) for some in found)


def test_three_sets() -> None:
    def script(s: Calls) -> Any:
        r1, w1 = s.pipe()
        r2, w2 = s.pipe()
        s.write(w1, b"x")
        fds = {r1: "r1", w1: "w1", r2: "r2", w2: "w2"}
        return names(s.select([r1, r2], [w1, w2], [r1, r2]), fds)

    agree(script, (["r1"], ["w1", "w2"], []))


def test_end_of_file_is_readable_and_a_broken_pipe_both() -> None:
    def script(s: Calls) -> Any:
        r1, w1 = s.pipe()
        r2, w2 = s.pipe()
        s.close(w1)
        s.close(r2)
        return names(s.select([r1, w2], [w2], [r1, w2]), {r1: "r", w2: "w"})

    agree(script, (["r", "w"], ["w"], []))


def test_an_error_is_readable_and_writable_but_not_exceptional() -> None:
    def script(s: Calls) -> Any:
        one, other = s.tcp()
        s.reset(other)
        s.settle()
        return names(s.select([one], [one], [one]), {one: "s"})

    agree(script, (["s"], ["s"], []))


def test_urgent_data_is_exceptional_only() -> None:
    def script(s: Calls) -> Any:
        one, other = s.tcp()
        s.send_urgent(other)
        s.settle()
        return names(s.select([one], [], [one]), {one: "s"})

    agree(script, ([], [], ["s"]))


def test_a_closed_descriptor_is_an_error() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.close(reader)
        return errno_name(s.select([reader, writer], [], []))

    agree(script, "EBADF")


def test_what_another_thread_writes_wakes_it() -> None:
    def script(s: Calls) -> Any:
        pairs = [s.pipe() for _ in range(3)]

        def later() -> None:
            s.settle()
            s.write(pairs[1][1], b"x")

        s.spawn(later)
        found = s.select([reader for reader, _ in pairs], [], [], 5 * SECOND)
        return found == ([pairs[1][0]], [], [])

    agree(script, True)


@pytest.mark.parametrize(
    ("arguments", "result"),
    [((-1, (), (), (), 0), -22), ((0, (), (), (), -1), -22), ((0, (), (), (), 0), (0, ((), (), ())))],
)
def test_arguments(arguments: tuple[Any, ...], result: Any) -> None:
    assert on_simulated(lambda s: s.k.syscall(SYS.select, *arguments))[0] == result  # type: ignore[attr-defined]


def test_only_descriptors_below_nfds_count() -> None:
    def script(s: Any) -> Any:
        reader, writer = s.pipe()
        s.write(writer, b"x")
        low = s.k.syscall(SYS.select, reader, (reader, 500), (writer,), (), 0)
        high = s.k.syscall(SYS.select, writer + 1, (reader,), (writer,), (), 0)
        return low, high == (2, ((reader,), (writer,), ()))

    assert on_simulated(script)[0] == ((0, ((), (), ())), True)
