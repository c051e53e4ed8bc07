"""Pipes and eventfd, on the simulated and on the real kernel."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioviz.machine.kernel.kernel import Kernel
from ioviz.model.syscalls import SYS
from tests.machine.kernel.harness import run
from tests.machine.kernel.two_kernels import (
    ERR,
    HUP,
    IN,
    OUT,
    Calls,
    Simulated,
    agree,
    errno_name,
    on_real,
    on_simulated,
)


def mask(s: Calls, fd: int) -> int:
    found = s.poll([(fd, IN | OUT)])
    return found[0][1] if found else 0


def test_masks_of_both_ends() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        seen = [(mask(s, reader), mask(s, writer))]
        s.write(writer, b"ab")
        seen.append((mask(s, reader), mask(s, writer)))
        s.close(writer)
        seen.append((mask(s, reader), 0))
        s.read(reader, 9)
        seen.append((mask(s, reader), 0))
        return seen

    agree(script, [(0, OUT), (IN, OUT), (IN | HUP, 0), (HUP, 0)])


def test_a_writer_without_reader() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.close(reader)
        return mask(s, writer), errno_name(s.write(writer, b"x")), s.write(writer, b"")

    agree(script, (OUT | ERR, "EPIPE", 0))


def test_bytes_come_out_in_order_and_end() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.write(writer, b"abc")
        s.write(writer, b"defg")
        seen = [s.read(reader, 5), s.read(reader, 0), s.read(reader, 5), errno_name(s.read(reader, 5))]
        s.close(writer)
        return [*seen, s.read(reader, 5)]

    agree(script, [b"abcde", b"", b"fg", "EAGAIN", b""])


def test_wrong_ends() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        return errno_name(s.read(writer, 1)), errno_name(s.write(reader, b"x"))

    agree(script, ("EBADF", "EBADF"))


@pytest.mark.parametrize(("size", "total"), [(1, 65536), (100, 64000), (4095, 65520), (4096, 65536), (5000, 54096)])
def test_how_much_fits(size: int, total: int) -> None:
    def script(s: Calls) -> Any:
        _, writer = s.pipe()
        put = 0
        while (n := s.write(writer, b"x" * size)) > 0:
            put += n
        return put, errno_name(n), mask(s, writer)

    agree(script, (total, "EAGAIN", 0))


def test_room_comes_back_a_page_at_a_time() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.write(writer, bytes(65536))
        seen = [mask(s, writer)]
        s.read(reader, 100)
        seen.append(mask(s, writer))
        s.read(reader, 4096)
        return [*seen, mask(s, writer)]

    agree(script, [0, 0, OUT])


def test_small_writes_are_whole_or_not_at_all() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.write(writer, bytes(65536 - 10))
        seen = [errno_name(s.write(writer, bytes(11))), s.write(writer, bytes(10))]
        s.read(reader, 4096)
        return [*seen, s.write(writer, bytes(10_000)), errno_name(s.write(writer, b"x"))]

    agree(script, ["EAGAIN", 10, 4096, "EAGAIN"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([1, 100, 3000, 4095, 4096, 4097, 9000, 70000])), max_size=40))
def test_any_writes_and_reads(sequence: list[tuple[bool, int]]) -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        seen: list[Any] = []
        for number, (reads, size) in enumerate(sequence):
            seen.append(s.read(reader, size) if reads else s.write(writer, bytes([number]) * size))
            seen.append((mask(s, reader), mask(s, writer)))
        return seen

    agree(script, on_real(script))


def test_a_blocking_write_goes_on_as_room_appears() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe(blocking=True)
        done: list[int] = []
        s.spawn(lambda: done.append(s.write(writer, bytes(150_000))))
        s.settle()
        before = list(done)
        got = 0
        while got < 150_000:
            data = s.read(reader, 50_000)
            assert isinstance(data, bytes)
            got += len(data)
        s.settle()
        return before, got, done

    agree(script, ([], 150_000, [150_000]))


def test_a_blocked_writer_learns_that_the_reader_went() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe(blocking=True)
        done: list[Any] = []
        s.spawn(lambda: done.append(errno_name(s.write(writer, bytes(70_000)))))
        s.settle()
        s.spawn(lambda: done.append(errno_name(s.write(writer, bytes(10)))))
        s.settle()
        s.close(reader)
        s.settle()
        return sorted(done, key=str)

    agree(script, [65536, "EPIPE"])


def test_eventfd_counts() -> None:
    def number(value: int) -> bytes:
        return value.to_bytes(8, "little")

    def script(s: Calls) -> Any:
        fd = s.eventfd(3)
        seen: list[Any] = [
            mask(s, fd),
            s.read(fd, 8),
            mask(s, fd),
            errno_name(s.read(fd, 8)),
            errno_name(s.read(fd, 4)),
        ]
        seen += [s.write(fd, number(2**64 - 2)), mask(s, fd), errno_name(s.write(fd, number(1)))]
        seen += [errno_name(s.write(fd, number(2**64 - 1))), errno_name(s.write(fd, b"x")), s.read(fd, 100)]
        semaphore = s.eventfd(2, 1)
        return [*seen, s.read(semaphore, 8), s.read(semaphore, 8), errno_name(s.read(semaphore, 8))]

    agree(
        script,
        [IN | OUT, number(3), OUT, "EAGAIN", "EINVAL", 8, IN, "EAGAIN", "EINVAL", "EINVAL", number(2**64 - 2)]  # noqa: RUF005
        + [number(1), number(1), "EAGAIN"],
    )


def test_a_killed_reader_gives_its_reference_back() -> None:
    def body(k: Kernel) -> None:
        s = Simulated(k)
        reader, _ = s.pipe(blocking=True)
        s.spawn(lambda: s.read(reader, 1))
        s.settle()
        k.syscall(SYS.exit_group, 0)

    world = run(body).kernel.world
    assert not world.pipes
    assert not world.wait_entries


def test_nothing_is_left_of_a_closed_pipe() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.write(writer, bytes(9000))
        s.close(writer)
        s.close(reader)
        return 0

    world = on_simulated(script)[1].kernel.world
    assert not world.pipes
    assert not world.segments
    assert not world.wait_entries
