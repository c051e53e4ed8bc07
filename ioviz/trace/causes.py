"""Why something happened, and what came of it: the log as a graph, one cause an event.

A cause comes before its effect (reading a recording checks that), so every chain ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.model.event import NO_CAUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.trace.log import Log

WINDOW: Final = 50_000
"""Events among which effects are looked for: later ones come through others."""


def chain(log: Log, index: int) -> Iterator[int]:
    """From event `index` to its cause, that one's cause, and so on to an event that has none; `index` first."""
    while True:
        yield index
        cause = log.event(index).cause
        if not NO_CAUSE < cause < index:
            return
        index = cause


def effects(log: Log, index: int, window: int = WINDOW) -> Iterator[int]:
    """The events whose cause is event `index`, among the `window` that follow it."""
    for part in log.parts(index + 1, index + 1 + window):
        for event in part:
            if event.cause == index:
                yield event.seq


def consequences(log: Log, index: int, window: int = WINDOW) -> Iterator[int]:
    """All that event `index` led to, also through others, among the `window` events that follow it."""
    led = {index}
    for part in log.parts(index + 1, index + 1 + window):
        for event in part:
            if event.cause in led:
                led.add(event.seq)
                yield event.seq
