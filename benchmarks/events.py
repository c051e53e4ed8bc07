"""What making and applying an event costs on average over a real run, and whether that grows with the sockets."""

from __future__ import annotations

import gc
import time

from benchmarks.echo import PROGRAMS
from benchmarks.guest import launches
from benchmarks.report import line
from ioviz.machine.kernel.config import Config
from ioviz.machine.machine import Machine
from ioviz.model.event import HEAD, Event, own_fields
from ioviz.model.world import World


def _log(count: int) -> list[Event]:
    log: list[Event] = []
    commands = [
        f"{PROGRAMS / 'epoll_echo_server.py'} 8000 {count}",
        f"{PROGRAMS / 'epoll_echo_client.py'} 8000 {count} 10",
    ]
    machine = Machine(launches(commands), Config(), log.append, lines=False)
    while not machine.run(1 << 30):
        pass
    return log


def _cost(log: list[Event]) -> float:
    """Nanoseconds to make each event of `log` again and apply it, with the collector off as it is in a run."""
    parts = [(type(event), tuple(getattr(event, name) for name in (*HEAD, *own_fields(type(event))))) for event in log]
    world = World()
    gc.collect()
    gc.disable()
    start = time.perf_counter_ns()
    for kind, values in parts:
        kind(*values).apply(world)
    spent = time.perf_counter_ns() - start
    gc.enable()
    return spent / len(log)


def main() -> None:
    """Print the cost of an event at three sizes."""
    costs = {count: min(_cost(log) for _ in range(3)) for count in (100, 1_000, 10_000) for log in [_log(count)]}
    for count, cost in costs.items():
        line(f"making and applying an event, {count:,} connections", cost / 1000, "µs", 1.0)
    line("the same, 10,000 connections / 100", costs[10_000] / costs[100], "x", 1.5)
