"""From what was typed to what the machine is to start, with every complaint about files made before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ioviz.cli.arguments import UsageError
from ioviz.cli.messages import say
from ioviz.machine.hardware.costs import OWN, own_file
from ioviz.machine.kernel.config import Config, KnobError
from ioviz.machine.kernel.sched import Limits
from ioviz.machine.launch import Launch
from ioviz.machine.user.loader import LoadError, load_program

LONGEST_INPUT = 1 << 26
"""Bytes that an input file may have."""
FOREVER = 10**9
"""Virtual seconds that no run lasts."""
SPIN = 2 * 10**9
SPIN_LOGGED = 5 * 10**8
"""Virtual nanoseconds without a system call after which a loop is taken for an endless one: some 30 million lines, or 8
million if each of them is logged."""

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ioviz.cli.arguments import Program, Request


def launches_of(request: Request, *, held: bool = False) -> tuple[Launch, ...]:
    """The programs of `request`, read from their files. `held`: somebody may type to those that have no input file.
    Raises UsageError."""
    assert request.program is not None
    launches = [(_launch(program), program.stdin) for program in (request.program, *request.others)]
    return tuple(replace(one, stdin=(), held=True) if held and file is None else one for one, file in launches)


def config_of(knobs: Iterable[tuple[str, str]], config: Config | None = None) -> Config:
    """`config` with `knobs` turned. Raises UsageError."""
    config = with_own_costs(config or Config())
    try:
        for name, value in knobs:
            config = config.turned(name, value)
    except KnobError as error:
        raise UsageError(f"--set {name}={value}: {error}") from error
    return config


def with_own_costs(config: Config) -> Config:
    """`config` with the cost table of this computer, if somebody has calibrated it. Raises UsageError."""
    try:
        return config.turned("costs", OWN) if own_file().exists() else config
    except (OSError, KnobError) as error:
        raise UsageError(str(error)) from error


def limits_of(request: Request) -> Limits:
    """How long the run of `request` may become."""
    limits = Limits(request.max_steps, spin=SPIN_LOGGED if request.lines else SPIN)
    if request.max_time is not None:
        limits.time = round(min(request.max_time, FOREVER) * 1e9)
    return limits


def _launch(program: Program) -> Launch:
    try:
        loaded = load_program(program.name, program.args, module=program.module)
    except LoadError as error:
        raise UsageError(str(error)) from error
    lines = None if program.stdin is None else read_lines(program.stdin, program.name)
    if lines is None and program.role != "main":
        lines = ()
    return replace(Launch(loaded), role=program.role, stdin=lines)


def read_lines(path: Path, program: str) -> tuple[str, ...]:
    """The lines of an input file. Raises UsageError."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_INPUT + 1)
        if len(data) > LONGEST_INPUT:
            raise UsageError(say("no-input", path=path, program=program, why=say("too-long", n=LONGEST_INPUT)))
        return tuple(data.decode("utf-8").splitlines())
    except OSError as error:
        raise UsageError(say("no-input", path=path, program=program, why=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise UsageError(say("no-input", path=path, program=program, why="not UTF-8")) from error
