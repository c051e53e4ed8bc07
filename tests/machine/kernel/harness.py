"""Tasks written as plain functions of the kernel: `def body(k): k.syscall(SYS.write, 1, b"hi")`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ioviz.machine.kernel.config import Config
from ioviz.machine.kernel.kernel import Kernel
from ioviz.machine.kernel.process import spawn_task
from ioviz.machine.kernel.sched import Limits
from ioviz.machine.kernel.tty import STDERR, Terminal
from ioviz.model.event import Event
from ioviz.model.files import TTY
from ioviz.model.task import ProcessStarted
from ioviz.model.world import World

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
    log: list[Event] = []
    printed: list[tuple[int, int, bytes]] = []
    kernel = Kernel(
        config or Config(), 0, log.append, limits or Limits(), lambda *piece: printed.append(piece), lines=lines
    )
    kernel.boot(1, "host1", "10.0.0.1")
    for number, body in enumerate(bodies):
        pid = kernel.next_tid()
        kernel.emit(ProcessStarted, pid, 1, f"body{number}.py", (), "peer" if number else "main")
        kernel.add_process(pid).actions[13] = (1, None)  # SIGPIPE, as Python does
        kernel.pid = pid
        kernel.main_pid = kernel.main_pid or pid
        terminal = kernel.new_id()
        kernel.terminals[terminal] = Terminal(pid, 1, iter(stdin) if stdin else None, None)
        for fd in range(3):
            flags = 2 | (STDERR if fd == 2 else 0)
            kernel.install_fd(kernel.open_file(TTY, terminal, flags, terminal), False)

        def entry(body: Body = body) -> None:
            body(kernel)

        spawn_task(kernel, pid, 1, pid, entry)
    kernel.run(1 << 60)
    folded = World()
    for event in log:
        event.apply(folded)
    assert folded == kernel.world, "folding the log gives another world than the machine has"
    return Ran(kernel, log, printed)
