"""What a live session says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """What the header says of a live session. `rate`: calls a second, over the last second; `slower`: how many times
    slower the watching makes the program, 0.0 if that is not measured; `first`: events forgotten before the window;
    `left_out`: calls passed over."""

    source: str
    ended: bool
    rate: float
    calls: int
    gaps: int
    lost: int
    checks: int
    compared: int
    differences: int
    blind: str
    slower: float
    first: int
    left_out: int = 0
