"""How bytes move between the floors: along the rule of the floor that they cross, from the panel where they were to the
one where they are.

A motion is a pure function of (event, where the panels lie, progress): nothing is kept of it, and at rest the picture
is the same as without. It repaints one line, for a third of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.model.event import Event

SECONDS: Final = 0.35
FRAME: Final = 1 / 30
LONGEST: Final = 12
"""Characters of the bytes that are seen to move."""
WIRE: Final = "wire"
"""The right edge of the screen, where the link is."""
PATHS: Final[dict[str, tuple[str, str, str]]] = {
    # the floor whose rule they cross, from which panel, to which
    "BytesCopiedIn": ("kernel", "source", "sockets"),
    "BytesCopiedOut": ("kernel", "sockets", "source"),
    "TextPrinted": ("kernel", "source", "terminal"),
    "PacketQueued": ("hardware", "sockets", "nic"),
    "PacketSent": ("hardware", "nic", WIRE),
    "DmaWritten": ("hardware", WIRE, "nic"),
    "SegmentReceived": ("hardware", "nic", "sockets"),
}


class Motion(NamedTuple):
    """`cargo` moves along the rule of `floor` from column `start` to column `stop`."""

    floor: str
    start: int
    stop: int
    cargo: str

    def at(self, progress: float) -> int:
        """The column of its first character at `progress`, from 0 to 1: quick at first, and slower as it arrives."""
        part = 1 - (1 - min(max(progress, 0.0), 1.0)) ** 2
        return round(self.start + (self.stop - self.start) * part)


def motion_of(event: Event | None, where: Callable[[str], int | None], edge: int, ascii_only: bool) -> Motion | None:
    """What moves in `event`, if anything does that is to be seen. `where` gives the middle column of a panel that is on
    the screen, None of another; `edge` is the last column."""
    path = PATHS.get(type(event).__name__)
    if event is None or path is None:
        return None
    floor, source, target = path
    start = edge - LONGEST if source == WIRE else where(source)
    stop = edge if target == WIRE else where(target)
    if start is None or stop is None or start == stop:
        return None
    return Motion(floor, start, stop, cargo_of(event, ascii_only))


def cargo_of(event: Event, ascii_only: bool) -> str:
    """The bytes as far as they can be told, else as many dots, or a packet."""
    dot = "#" if ascii_only else "▪"
    data = getattr(event, "data", b"")
    count = getattr(event, "n", 0) or 1
    if not data:
        return dot * min(count, LONGEST)
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else dot for byte in data[:LONGEST])
    return text.replace(" ", dot)
