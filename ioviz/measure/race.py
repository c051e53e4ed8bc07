"""The race: five ways to serve many connections, over their number and the share of them that speak.

The same program (`racer.py`) runs on the machine, where time is virtual and goes by the cost table in force, and on
this computer's kernel. What both take contains Python's own work, which is the same for all five but for what their
servers do; so who wins, and by how much, is what can be compared, not the nanoseconds.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ioviz.machine.kernel.config import Config
from ioviz.machine.kernel.sched import Limits
from ioviz.machine.launch import Launch
from ioviz.machine.machine import Machine
from ioviz.machine.user.loader import load_program

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

METHODS: Final = ("bio", "nio", "select", "poll", "epoll")
CONNECTIONS: Final = (4, 20, 100, 450)
"""select takes no descriptor above 1,023, and each connection has two here."""
SHARES: Final = (0, 10, 50, 100)
"""Per cent of the connections that speak in a round; 0 stands for one of them."""
RACER: Final = Path(__file__).with_name("racer.py")
SLICE: Final = 4_000
MARGIN: Final = 1.03
"""By how much one has to be faster to have won: 3 %."""


class RaceError(Exception):
    """The race could not be run; the text says why."""


class Cell(NamedTuple):
    """A track of the race: so many connections, so many of which speak."""

    connections: int
    active: int


class Lap(NamedTuple):
    """What a way to wait took on a track, in nanoseconds a message."""

    method: str
    cell: Cell
    ns: float


class LeftOut(NamedTuple):
    """A track that a way to wait could not be run on, here. `why`: `files 256` (so many may be open), `threads`, or the
    words of an error."""

    method: str
    cell: Cell
    why: str


Times = dict[tuple[str, Cell], float]
Left = dict[tuple[str, Cell], str]


def cell(connections: int, share: int) -> Cell:
    """The track with `share` per cent of `connections` active, one at least."""
    return Cell(connections, max(1, connections * share // 100))


def cells() -> tuple[Cell, ...]:
    """Every track, by connections and then by share."""
    return tuple(cell(connections, share) for connections in CONNECTIONS for share in SHARES)


def _arguments(method: str, rounds: Callable[[Cell], int]) -> tuple[str, ...]:
    numbers = [str(number) for one in dict.fromkeys(cells()) for number in (*one, rounds(one))]
    return (method, *numbers)


def _lap(line: str) -> Lap | LeftOut | None:
    words = line.split()
    if len(words) < 4 or words[0] not in METHODS or not (words[1].isdecimal() and words[2].isdecimal()):
        return None
    one = Cell(int(words[1]), int(words[2]))
    if words[3] == "left":
        return LeftOut(words[0], one, " ".join(words[4:]))
    return Lap(words[0], one, float(words[3])) if len(words) == 4 and words[3].isdecimal() else None


def simulated(config: Config | None = None) -> Generator[Lap | None, None, None]:
    """The race on the machine, lap by lap; None every few thousand events, so that whoever drives it can stop or do
    something else. It must be driven by one thread throughout."""
    for method in METHODS:
        yield from _simulated(method, config or Config())


def _simulated(method: str, config: Config) -> Iterator[Lap | None]:
    printed: list[bytes] = []
    program = load_program(str(RACER), _arguments(method, lambda one: 1))
    machine = Machine(
        (Launch(program),),
        config,
        lambda event: None,
        limits=Limits(),
        printed=lambda pid, fd, data: printed.append(data),
        lines=False,
    )
    try:
        ended, told = False, 0
        while not ended:
            ended = machine.run(SLICE)
            lines = b"".join(printed).decode(errors="replace").split("\n")
            for line in lines[told:-1]:
                lap = _lap(line)
                if not isinstance(lap, Lap):
                    raise RaceError(f"on the machine, {method} printed {line!r}")
                yield lap
            told = len(lines) - 1
            yield None
    finally:
        machine.dispose()


def measured(stop: Callable[[], bool] = lambda: False) -> Iterator[Lap | LeftOut]:
    """The race on this computer's kernel, lap by lap, and what it has no room for. Raises RaceError if nothing of it
    can be run."""
    ran, failure = False, ""
    for method in METHODS:
        told = set()
        arguments = _arguments(method, lambda one: min(200, max(5, 1_000 // one.active)))
        command = [sys.executable, "-S", "-E", str(RACER), *arguments]
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        except OSError as error:
            raise RaceError(f"{sys.executable} cannot be run: {error.strerror}") from error
        with process:
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                for line in process.stdout:
                    lap = _lap(line)
                    if lap is not None:
                        told.add(lap.cell)
                        ran = ran or isinstance(lap, Lap)
                        yield lap
                    if stop():
                        return
                if process.wait():
                    why = (process.stderr.read().strip().splitlines() or ["?"])[-1]
                    failure = failure or f"{method} fails on this computer: {why}"
                    yield from (LeftOut(method, one, why) for one in dict.fromkeys(cells()) if one not in told)
            finally:
                process.kill()
    if failure and not ran:
        raise RaceError(failure)


# -- who wins ----------------------------------------------------------------------------------------------------------


def winners(times: Times, one: Cell, left: Left | None = None) -> list[str]:
    """Those on a track who are within the margin of the fastest, the fastest first; empty until all are there but
    those that are `left` out."""
    took = [(times[method, one], method) for method in METHODS if (method, one) in times]
    if not took or any((method, one) not in times and (method, one) not in (left or {}) for method in METHODS):
        return []
    took.sort()
    return [method for ns, method in took if ns <= took[0][0] * MARGIN]


def ahead(times: Times, one: Cell, method: str, other: str) -> float | None:
    """How many times longer `other` takes than `method`; None until both are there."""
    if (method, one) not in times or (other, one) not in times:
        return None
    return times[other, one] / max(times[method, one], 1.0)


def tracks_won(times: Times, method: str, other: str) -> list[tuple[Cell, float]]:
    """The tracks on which `method` beats `other` by more than the margin, and by how much."""
    found = []
    for one in dict.fromkeys(cells()):
        ratio = ahead(times, one, method, other)
        if ratio is not None and ratio > MARGIN:
            found.append((one, ratio))
    return found
