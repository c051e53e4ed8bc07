"""Tasks of the machine written as plain functions of its kernel: `def body(k): k.syscall(SYS.write, 1, b"hi")`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz.machine.kernel.config import Config
from ioviz.machine.kernel.kernel import Kernel
from ioviz.machine.kernel.process import spawn_task
from ioviz.machine.kernel.sched import Limits
from ioviz.machine.kernel.tty import STDERR, Terminal
from ioviz.model.files import TTY
from ioviz.model.task import ProcessStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ioviz.model.event import Event

    Body = Callable[[Kernel], object]

SIGPIPE, IGNORED = 13, (1, None)


def run_bodies(
    bodies: Sequence[Body],
    *,
    sink: Callable[[Event], object] = lambda event: None,
    printed: Callable[[int, int, bytes], object] = lambda pid, fd, data: None,
    config: Config | None = None,
    limits: Limits | None = None,
    stdin: Sequence[bytes] = (),
    lines: bool = False,
    bursts: bool = False,
) -> Kernel:
    """Run each body as a process of its own on one host, the first one as the main program, to the end."""
    kernel = Kernel(config or Config(), 0, sink, limits or Limits(), printed, lines=lines, bursts=bursts)
    kernel.boot(1, "host1", "10.0.0.1")
    for number, body in enumerate(bodies):
        pid = kernel.next_tid()
        kernel.emit(ProcessStarted, pid, 1, f"body{number}.py", (), "peer" if number else "main")
        kernel.add_process(pid).actions[SIGPIPE] = IGNORED  # as Python does
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
    return kernel
