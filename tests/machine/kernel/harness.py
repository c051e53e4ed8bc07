"""Tasks written as plain functions of the kernel: `def body(k): k.syscall(SYS.write, 1, b"hi")`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ioviz.machine.kernel.config import Config
from ioviz.machine.kernel.kernel import Kernel
from ioviz.machine.kernel.sched import Limits
from ioviz.model.event import Event
from ioviz.model.world import World
from ioviz.trace.log import unfolded
from ioviz.verify.simulated import run_bodies

Body = Callable[[Kernel], object]


class Ran:
    """What came of a run: the kernel, its log and what was printed."""

    def __init__(self, kernel: Kernel, log: list[Event], printed: list[tuple[int, int, bytes]]) -> None:
        self.kernel = kernel
        self.log = log
        self.printed = printed

    @property
    def reason(self) -> str:
        return self.kernel.world.runs[1].ended

    @property
    def code(self) -> int:
        return self.kernel.world.runs[1].code

    @property
    def text(self) -> bytes:
        return b"".join(data for _, _, data in self.printed)

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.log]


def run(
    *bodies: Body,
    config: Config | None = None,
    limits: Limits | None = None,
    stdin: Sequence[bytes] = (),
    lines: bool = False,
) -> Ran:
    """Run each body as a process of its own on one host, the first one as the main program."""
    entries: list[Any] = []
    printed: list[tuple[int, int, bytes]] = []
    kernel = run_bodies(
        bodies,
        sink=entries.append,
        printed=lambda *piece: printed.append(piece),
        config=config,
        limits=limits,
        stdin=stdin,
        lines=lines,
        bursts=True,
    )
    log = unfolded(entries)
    folded = World()
    for event in log:
        event.apply(folded)
    assert folded == kernel.world, "folding the log gives another world than the machine has"
    return Ran(kernel, log, printed)
