"""Starting a program from a guest: `vfork`, what the child does to its descriptors, `execve`, and the new guest.

`subprocess`, `os.posix_spawn` and `os.system` all come here with a `Plan`. The child is a process of the kernel and has
a stack of its own; until `execve` it runs the code of this file, as the C code of `_posixsubprocess` does between
`vfork` and `execve`, and then the guest of the new program.
"""

from __future__ import annotations

import os
import posixpath
from errno import EINTR, ENOENT, ENOTDIR
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ioviz.machine.user import programs
from ioviz.machine.user.loader import Program, decode_source
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ioviz.machine.user.guest import Guest

CANNOT_EXECUTE: Final = 127
O_RDONLY_CLOEXEC: Final = 0o2000000


class Failure(Exception):
    """A call that the child made before `execve` failed: a negative errno, and what it was about."""

    def __init__(self, result: int, about: str = "") -> None:
        super().__init__(result)
        self.result = result
        self.about = about


class Plan(msgspec.Struct):
    """What is to be started. `paths` are tried in turn; `prepare` is what the child does before, and may raise
    `Failure`; `failed` tells the parent, from the child, that nothing could be executed. `cwd` is where the child will
    be."""

    paths: Sequence[str]
    argv: tuple[str, ...]
    environ: Mapping[str, str] | None
    cwd: str
    prepare: Callable[[], None] = lambda: None
    failed: Callable[[Failure], None] = lambda failure: None


def check(guest: Guest, plan: Plan) -> None:
    """Refuse, by name, what a system has and the machine has not. Raises the error for the guest."""
    for path in plan.paths:
        kind = programs.program_at(path, plan.cwd)
        if kind == "lacking":
            name = posixpath.basename(path)
            raise guest.lacks(f"the program {name!r}: a program can start Python and sh, nothing else")
        if kind:
            return


def spawn(guest: Guest, plan: Plan) -> int:
    """Start a child that follows `plan`; its pid, or a negative errno."""

    def entry() -> None:
        try:
            plan.prepare()
            start = _execute(guest, plan)
        except Failure as failure:
            plan.failed(failure)
            guest.syscall(SYS.exit_group, 255)
        else:
            start()

    result: int = guest.syscall(SYS.vfork, entry)
    return result


def _execute(guest: Guest, plan: Plan) -> Callable[[], None]:
    """`execve` of the first path that can be executed; what runs the program."""
    environ = guest.environ if plan.environ is None else plan.environ
    words = tuple(_clean(f"{name}={value}") for name, value in environ.items())
    argv = tuple(_clean(word) for word in plan.argv)
    result = -ENOENT
    cwd = guest.cwd
    for path in plan.paths:
        kind = programs.program_at(path, cwd)
        make = programs.shell if kind == programs.SH else programs.interpreter
        line = make(plan.argv, cwd) if kind else None
        name = _clean(_name(kind, line))
        result = guest.syscall(SYS.execve, _clean(path), argv, words, name, bool(kind))
        if line is not None and result == 0:
            command = line
            return lambda: _run(guest, command, environ)
        if result not in (-ENOENT, -ENOTDIR):
            break
    raise Failure(result)


def _clean(text: str) -> str:
    """As the log shows it: bytes that are no text stand as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _name(kind: str, line: programs.CommandLine | None) -> str:
    if line is None or kind == programs.SH:
        return kind or "?"
    return posixpath.basename(line.program.name) or "python"


def _run(guest: Guest, line: programs.CommandLine, environ: Mapping[str, str]) -> None:
    """The life of the new program, in the process that has just executed it."""
    kernel: Any = guest.kernel
    pid = kernel.pid
    shell = line.program.path == programs.SHELL
    child = type(guest)(
        kernel,
        line.program,
        pid=pid,
        host_name=guest.host_name,
        environ=environ,
        seed=guest.seed,
        lines=guest.lines and not shell,
    )
    child.family = guest.family
    child.spawned = line
    guest.family[pid] = child
    child.attach(kernel.processes[pid])
    child.main()


def read_program(guest: Guest, line: programs.CommandLine) -> Program:
    """The program with its text, which the interpreter reads by system calls. Raises SystemExit."""
    program = line.program
    if line.prints:
        guest.sys.stdout.write(line.prints)
        raise SystemExit(0)
    if not line.reads or program.text:
        return program
    if line.reads == "-":
        text = decode_source(_read_all(guest, 0))
        return Program(program.name, program.args, False, "", "", program.cwd, text)
    fd = guest.syscall(SYS.openat, program.path, O_RDONLY_CLOEXEC, 0)
    if fd < 0:
        why = f"[Errno {-fd}] {os.strerror(-fd)}"
        guest.syscall(SYS.write, 2, f"python: can't open file {program.path!r}: {why}\n".encode())
        raise SystemExit(2)
    data = _read_all(guest, fd)
    guest.syscall(SYS.close, fd)
    return Program(program.name, program.args, False, program.path, program.directory, program.cwd, decode_source(data))


def _read_all(guest: Guest, fd: int) -> bytes:
    pieces: list[bytes] = []
    while True:
        result = guest.syscall(SYS.read, fd, 1 << 16)
        if isinstance(result, tuple) and result[1]:
            pieces.append(result[1])
        elif result != -EINTR:
            return b"".join(pieces)
