"""A campaign of random verification: sequences until so many operations are made, and what differed, shrunk.

A difference counts if the real kernel shows the machine's outcome in none of several tries, the later ones with a pause
after each operation: what Linux leaves to chance is no difference.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ioviz.verify.backends import Real, simulate
from ioviz.verify.sequences import Generator
from ioviz.verify.shrink import shrink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ioviz.verify.ops import Op

PAUSES: Final = ((0.002, 0.002), (0.0, 0.0), (0.0, 0.05), (0.0, 0.0), (0.005, 0.05))
"""Seconds that the further tries wait after each operation, and after each end of a stream."""


@dataclass(frozen=True)
class Difference:
    """A shortest sequence on which the kernels differ, and the steps on both."""

    seed: int
    number: int
    ops: tuple[Op, ...]
    simulated: tuple[Any, ...]
    real: tuple[Any, ...]

    @property
    def first(self) -> int:
        """The number of the first step that differs."""
        pairs = enumerate(zip(self.simulated, self.real, strict=False))
        return next((place for place, (one, other) in pairs if one != other), len(self.ops))


@dataclass
class Campaign:
    """What was done so far."""

    seed: int
    wanted: int
    operations: int = 0
    sequences: int = 0
    retried: int = 0
    """Sequences that agreed in a further try only."""
    seconds: float = 0.0
    differences: list[Difference] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds if self.seconds else 0.0

    def run(
        self,
        progress: Callable[[Campaign], object] = lambda campaign: None,
        most: int = 1,
        seconds: float = float("inf"),
    ) -> None:
        """Go on until `wanted` operations are made, `most` differences are found or `seconds` are over. `progress` is
        called after each sequence. KeyboardInterrupt passes through; what was counted stays."""
        generator = Generator(self.seed)
        begun = time.monotonic()
        with one_cpu(), Real() as real:
            while self.operations < self.wanted and len(self.differences) < most and self.seconds < seconds:
                ops = generator.sequence()
                if self._differs(real, ops):
                    difference = _shortest(real, ops, self.seed, self.sequences)
                    if difference.simulated == difference.real:  # it comes and goes
                        self.retried += 1
                    else:
                        self.differences.append(difference)
                self.operations += len(ops)
                self.sequences += 1
                self.seconds = time.monotonic() - begun
                progress(self)

    def _differs(self, real: Real, ops: Sequence[Op]) -> bool:
        simulated = simulate(ops)
        if simulated == real.run(ops):
            return False
        if any(simulated == real.run(ops, *pauses) for pauses in PAUSES):
            self.retried += 1
            return False
        return True


def differs(real: Real, ops: Sequence[Op]) -> bool:
    """Whether the real kernel never shows what the machine shows."""
    simulated = simulate(ops)
    return all(simulated != real.run(ops, *pauses) for pauses in ((0.0, 0.0), *PAUSES))


def _shortest(real: Real, ops: Sequence[Op], seed: int, number: int) -> Difference:
    short = shrink(ops, lambda tried: differs(real, tried))
    return Difference(seed, number, tuple(short), tuple(simulate(short)), tuple(real.run(short, *PAUSES[0])))


@contextmanager
def one_cpu() -> Iterator[None]:
    """Keep this process on one CPU, where its threads meet in fewer ways, and give it the others back."""
    before: set[int] = set()
    with suppress(OSError, AttributeError):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)
