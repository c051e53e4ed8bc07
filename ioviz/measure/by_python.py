"""Measuring from Python, where there is no C compiler: the same acts through `os`, less exactly.

What Python itself adds (the loop, the call into C) is measured with a call that does next to nothing, and subtracted.
Neither `int 0x80` nor a plain C call can be measured this way.
"""

from __future__ import annotations

import os
import select
import threading
from time import perf_counter_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ioviz.measure.calibrate import Measured

ROUNDS = 5


def least(work: Callable[[int], object], count: int) -> float:
    """The least nanoseconds of `work(count)` for one of its `count`."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter_ns()
        work(count)
        best = min(best, (perf_counter_ns() - start) / count)
    return best


def _calls(function: Callable[..., object], *args: object) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            function(*args)

    return work


def measure_in_python() -> Iterator[Measured]:
    """Each act as soon as it is measured."""
    from ioviz.measure.calibrate import Measured

    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    try:
        for name, ns in _pinned():
            yield Measured(name, max(0.0, ns))
    finally:
        os.sched_setaffinity(0, cpus)
    yield Measured("pingpong", _between_processes(500))


def _pinned() -> Iterator[tuple[str, float]]:
    yield "syscall", least(_calls(os.getppid), 200_000) - least(_calls(threading.get_ident), 200_000)
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)

        def pass_on(data: bytes) -> Callable[[int], None]:
            def work(count: int) -> None:
                for _ in range(count):
                    os.write(writer, data)
                    os.read(reader, len(data))

            return work

        one = least(pass_on(b"x"), 20_000)
        yield "kilobyte", (least(pass_on(bytes(32_768)), 3_000) - one) / 2 / 32.768
        os.write(writer, b"x")
        idle = select.epoll()
        idle.register(reader, select.EPOLLIN)
        empty = least(_calls(_nothing, 0), 50_000)
        yield "epoll_wait", least(_calls(idle.poll, 0), 50_000) - empty
        idle.close()
    finally:
        os.close(reader)
        os.close(writer)
    yield "clone", least(_start_and_join, 300)
    yield "thread_switch", (_between_threads(2_000) - 2 * one) / 2
    yield "process_switch", (_between_processes(2_000) - 2 * one) / 2


def _nothing(_: object) -> None:
    return None


def _start_and_join(count: int) -> None:
    for _ in range(count):
        thread = threading.Thread(target=_nothing, args=(0,))
        thread.start()
        thread.join()


class _Pipes:
    """Two pipes, there and back."""

    def __init__(self) -> None:
        self.there, self.back = os.pipe(), os.pipe()

    def echo(self) -> None:
        """Send back whatever comes, until a q."""
        while os.read(self.there[0], 1) == b"x":
            os.write(self.back[1], b"x")

    def round_trips(self, count: int) -> None:
        """There and back, `count` times."""
        for _ in range(count):
            os.write(self.there[1], b"x")
            os.read(self.back[0], 1)

    def close(self) -> None:
        """Close all four ends."""
        for fd in (*self.there, *self.back):
            os.close(fd)


def _between_threads(count: int) -> float:
    pipes = _Pipes()
    thread = threading.Thread(target=pipes.echo)
    thread.start()
    each = least(pipes.round_trips, count)
    os.write(pipes.there[1], b"q")
    thread.join()
    pipes.close()
    return each


def _between_processes(count: int) -> float:
    """With a process that does nothing else: forked where nothing has been loaded that a fork would upset."""
    import subprocess
    import sys

    pipes = _Pipes()
    there, back = pipes.there[0], pipes.back[1]
    program = f"import os\nwhile os.read({there}, 1) == b'x': os.write({back}, b'x')"
    child = subprocess.Popen([sys.executable, "-S", "-c", program], pass_fds=(there, back))
    pipes.round_trips(10)
    each = least(pipes.round_trips, count)
    os.write(pipes.there[1], b"q")
    child.wait()
    pipes.close()
    return each
