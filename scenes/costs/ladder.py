"""Four ways to have something done, each with the time it took."""

import os
import socket
import time
from collections.abc import Callable
from threading import Thread


def nothing() -> None:
    """A function that does nothing."""


def yield_twice() -> None:
    """Give the CPU to whoever waits for it, and once more."""
    os.sched_yield()
    os.sched_yield()


def taken(what: str, act: Callable[[], object]) -> None:
    """Do `act` and say how long it took."""
    start = time.perf_counter_ns()
    act()
    print(f"{what}: {time.perf_counter_ns() - start} ns")


taken("a function call", nothing)
taken("reading the clock", time.time)
taken("a system call", os.getppid)

other = Thread(target=yield_twice)
other.start()
taken("to another thread and back", os.sched_yield)
other.join()

neighbour = socket.create_connection(("127.0.0.1", 8000))
time.sleep(0.0001)  # until it sleeps in recv()
neighbour.send(b"!")  # now it has something to do
taken("to another process and back", os.sched_yield)
neighbour.close()
