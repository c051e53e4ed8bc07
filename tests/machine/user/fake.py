"""A kernel of one task, just enough to run a guest that reads, prints, sleeps and exits."""

from __future__ import annotations

from errno import EBADF, ENOENT, ENOSYS
from typing import TYPE_CHECKING, Any

from ioviz.machine.kernel.process import ProcessState
from ioviz.machine.user.guest import Guest
from ioviz.machine.user.hosting import Hosting
from ioviz.machine.user.loader import load_program
from ioviz.model.event import file_and_line
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class FakeKernel:
    """Records what the guest does; its clock moves by reading it and by sleeping."""

    recursion = 1000

    def __init__(self, stdin: str) -> None:
        self.task = self.pid = 1
        self.processes = {1: ProcessState(1)}
        self.ended = True
        self.line: Callable[[int], None] = self._line
        self.calls: list[int] = []
        self.lines: list[tuple[int, int]] = []
        self.sources: list[tuple[str, str]] = []
        self.printed = {1: b"", 2: b""}
        self.code: int | None = None
        self._now = 0
        self._stdin = stdin.encode().splitlines(keepends=True)

    def _line(self, at: int) -> None:
        self.lines.append(file_and_line(at))

    def execute(self, instruction: Callable[..., int | None], *operands: int) -> int | None:
        raise NotImplementedError

    def vdso_clock(self, clock: int) -> int:
        self._now += 22
        return self._now + (1_704_067_200 * 10**9 if clock == 0 else 0)

    def source(self, path: str, text: str) -> int:
        self.sources.append((path, text))
        return len(self.sources)

    def door(self, nr: int, *rest: Any) -> Callable[[Any, Any, Any], Any]:
        """The call `nr` alone."""
        return lambda a, b, c: self.syscall(nr, a, b, c, *rest)

    def syscall(self, nr: int, *args: Any) -> Any:
        self.calls.append(nr)
        if nr == SYS.write:
            if args[0] not in self.printed:
                return -EBADF
            self.printed[args[0]] += args[1]
            return len(args[1])
        if nr == SYS.read:
            line = self._stdin.pop(0) if self._stdin else b""
            return len(line), line
        if nr == SYS.exit_group:
            assert self.code is None
            self.code = args[0]
            return 0
        if nr == SYS.getpid:
            return self.pid
        if nr == SYS.getrandom:
            return args[0], bytes(range(args[0]))
        if nr == SYS.clock_nanosleep:
            self._now += args[0]
            return 0
        return -ENOENT if nr in (SYS.openat, SYS.stat) else -ENOSYS


class Ran:
    """What a program did."""

    def __init__(self, guest: Guest, kernel: FakeKernel) -> None:
        self.guest = guest
        self.kernel = kernel
        self.out = kernel.printed[1].decode()
        self.err = kernel.printed[2].decode()
        self.code = kernel.code

    @property
    def lines(self) -> list[int]:
        """The numbers of the lines of the first file that were reached, in order."""
        return [line for file, line in self.kernel.lines if file == 1]


def run(folder: Path, text: str | bytes, *args: str, stdin: str = "", name: str = "prog.py") -> Ran:
    """Run the program `text` as a guest."""
    data = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(data)
    return start(folder, name, args, stdin=stdin)


def start(folder: Path, name: str, args: tuple[str, ...] = (), *, module: bool = False, stdin: str = "") -> Ran:
    """Run a file of `folder`, or a module."""
    kernel = FakeKernel(stdin)
    guest = Guest(kernel, load_program(name, args, module=module, cwd=str(folder)))
    guest.attach(kernel.processes[1])
    hosting = Hosting(kernel)
    hosting.guests[1] = guest
    with hosting:
        guest.main()
    return Ran(guest, kernel)
