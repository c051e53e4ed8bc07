"""What this computer takes for the acts that the cost table names; and the table that follows from it.

With a C compiler, `calibrate.c` is compiled and run; without one, what can be had from Python is measured, with the
overhead of the loop and of the call subtracted, which is less exact and says so. Either way a value is the least of
several rounds, and a virtual machine, a busy computer or a CPU that saves power makes it larger.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ioviz.machine.hardware.costs import MOST, Costs, load_costs, own_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE: Final = Path(__file__).with_name("calibrate.c")
COMPILERS: Final = ("cc", "gcc", "clang")
SECONDS: Final = 90
"""After which a measurement is given up."""
ORDER: Final = (
    "call", "vdso", "syscall", "int80", "epoll_wait", "poll", "kilobyte", "fault", "clone", "thread_switch",
    "process_switch", "pingpong",
)  # fmt: skip
"""What is measured, as it is shown."""


class MeasureError(Exception):
    """It could not be measured; the text says why."""


class Measured(NamedTuple):
    """An act and the nanoseconds that it took."""

    name: str
    ns: float


def compiler() -> str:
    """A C compiler's path; empty if there is none."""
    return next((path for name in COMPILERS if (path := shutil.which(name))), "")


def measure(compiled: bool | None = None, stop: Callable[[], bool] = lambda: False) -> Iterator[Measured]:
    """Each act as soon as it is measured. `compiled`: with or without a compiler (None: with, if there is one). When
    `stop` says so, it ends early. Raises MeasureError."""
    if compiled is None:
        compiled = bool(compiler())
    if not compiled:
        from ioviz.measure.by_python import measure_in_python

        for one in measure_in_python():
            yield one
            if stop():
                return
        return
    with tempfile.TemporaryDirectory(prefix="ioviz-") as folder:
        program = Path(folder) / "calibrate"
        command = [compiler() or "cc", "-O1", "-pthread", "-o", str(program), str(SOURCE)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MeasureError(f"the C compiler cannot be run: {error}") from error
        if done.returncode:
            raise MeasureError(f"{SOURCE.name} cannot be compiled: {(done.stderr.splitlines() or ['?'])[0]}")
        yield from _lines_of(program, stop)


def _lines_of(program: Path, stop: Callable[[], bool]) -> Iterator[Measured]:
    process = subprocess.Popen([str(program)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            name, _, ns = line.partition(" ")
            if name in ORDER and float(ns) > 0:  # 0: less than what was subtracted, so the computer was too busy
                yield Measured(name, float(ns))
            if stop():
                return
        if process.wait():
            raise MeasureError(f"the measurement ended early (exit code {process.returncode})")
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


# -- the table that follows --------------------------------------------------------------------------------------------


def table_of(measured: dict[str, float]) -> dict[str, int]:
    """The entries of the cost table that follow from what was measured. What is measured as one and is two in the
    table is shared out as in the built-in one; what cannot be seen from user space (an interrupt) stays built-in."""
    built_in = load_costs()
    found: dict[str, float] = {
        name: measured[name] for name in ("vdso", "clone", "kilobyte", "poll") if name in measured
    }
    found |= _shared(measured.get("syscall"), built_in, "trap", "sysret")
    found |= _shared(measured.get("thread_switch"), built_in, "context_switch", "wakeup")
    found |= _shared(measured.get("fault"), built_in, "fault", "page", "iret")
    found.pop("iret", None)  # it is part of an interrupt too, which was not measured
    if "thread_switch" in measured and "process_switch" in measured:
        found["page_tables"] = measured["process_switch"] - measured["thread_switch"]
    return {name: min(MOST, max(0, round(ns))) for name, ns in found.items() if name in Costs._fields}


def _shared(ns: float | None, built_in: Costs, *names: str) -> dict[str, float]:
    """`ns` among entries as they are in the built-in table."""
    if ns is None:
        return {}
    parts = [getattr(built_in, name) for name in names]
    return {name: ns * part / sum(parts) for name, part in zip(names, parts, strict=True)}


def write_table(table: dict[str, int]) -> Path:
    """Write a person's own cost table; where it is. Raises MeasureError."""
    file = own_file()
    lines = [
        "# What the acts of the machine take on this computer, in nanoseconds, as `ioviz calibrate` measured them."
    ]
    lines += [f"{name} = {table[name]}" for name in Costs._fields if name in table]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(fresh, file)
    except OSError as error:
        raise MeasureError(f"{file}: the cost table cannot be written ({error.strerror})") from error
    return file


def remove_table() -> bool:
    """Go back to the built-in table; whether there was another. Raises MeasureError."""
    file = own_file()
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise MeasureError(f"{file}: the cost table cannot be removed ({error.strerror})") from error
    return True


def in_force(name: str, costs: Costs) -> float | None:
    """What a cost table says of something that is measured; None if it says nothing of it."""
    sums = {
        "syscall": ("trap", "sysret"),
        "int80": ("trap", "sysret"),
        "thread_switch": ("context_switch", "wakeup"),
        "process_switch": ("context_switch", "wakeup", "page_tables"),
        "fault": ("fault", "page", "iret"),
        "epoll_wait": ("trap", "poll", "epitem", "sysret"),
    }
    names = sums.get(name, (name,) if name in Costs._fields else ())
    return sum(getattr(costs, part) for part in names) if names else None
