"""Anchors: how a chapter finds its event.

An anchor says what the event is like, not where it is, so that it still fits after a knob was turned. Chapters are
looked for in their order, each from the one before it onward; a chapter whose event does not happen in a run (the hang
of edge triggering in a level-triggered run) is not part of that run's story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from ioviz.model.event import file_and_line
from ioviz.model.syscalls import BY_NAME
from ioviz.model.task import ProcessStarted, TaskCreated
from ioviz.model.vocabulary import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ioviz.model.event import Event


class AnchorError(Exception):
    """An anchor names an event, a call, a field or a program that there is not."""


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `nth` event of kind `event` after the last chapter's, of the call `call`, made by `program` at its source
    line `line`, whose fields are as in `where`; what is left out may be anything. Where another run of the scene has
    such an event too early, `after` is one that must have happened before, itself after the last chapter's."""

    event: str
    call: str | None = None
    program: str | None = None
    line: Annotated[int, Meta(ge=1)] | None = None
    where: dict[str, int | str | bool] = {}
    nth: Annotated[int, Meta(ge=1)] = 1
    after: Anchor | None = None

    def check(self, programs: Collection[str]) -> None:
        """Raise AnchorError unless an event like this could exist in a run of `programs`."""
        if self.after is not None:
            self.after.check(programs)
        kind = KINDS.get(self.event)
        if kind is None:
            raise AnchorError(f"there is no event {self.event!r}")
        fields = kind.__struct_fields__
        if self.call is not None and "nr" not in fields:
            raise AnchorError(f"{self.event} is no event of a call: leave out `call`")
        if self.call is not None and self.call not in BY_NAME:
            raise AnchorError(f"there is no system call {self.call!r}")
        for name in self.where:
            if name not in fields:
                raise AnchorError(f"{self.event} has no field {name!r}: it has {', '.join(fields)}")
        if self.program is not None and self.program not in programs:
            raise AnchorError(f"no program of the scene is {self.program!r}: they are {', '.join(sorted(programs))}")

    def fits(self, event: Event, program: str) -> bool:
        """Whether `event`, made by a task of `program`, is of the sort that this anchor looks for."""
        return (
            type(event).__name__ == self.event
            and (self.call is None or getattr(event, "nr", None) == BY_NAME[self.call].nr)
            and (self.program is None or program == self.program)
            and (self.line is None or file_and_line(event.at)[1] == self.line)
            and all(getattr(event, name) == value for name, value in self.where.items())
        )


def find_anchors(events: Iterable[Event], anchors: Sequence[Anchor]) -> list[int | None]:
    """The place in the log of each anchor, None where it is not found. One walk over `events` an anchor missed."""
    found: list[int | None] = []
    log = events if isinstance(events, list) else list(events)
    programs = _programs(log)
    start = 0
    for anchor in anchors:
        place = _find(log, anchor, start, programs)
        found.append(place)
        if place is not None:
            start = place + 1
    return found


def _find(log: list[Event], anchor: Anchor, start: int, programs: dict[int, str]) -> int | None:
    if anchor.after is not None:
        before = _find(log, anchor.after, start, programs)
        if before is None:
            return None
        start = before + 1
    left = anchor.nth
    for place in range(start, len(log)):
        event = log[place]
        if anchor.fits(event, programs.get(event.task, "")):
            left -= 1
            if not left:
                return place
    return None


def _programs(log: Iterable[Event]) -> dict[int, str]:
    """Task → the file name of its program."""
    names: dict[int, str] = {}
    tasks: dict[int, str] = {}
    for event in log:
        if isinstance(event, ProcessStarted):
            names[event.pid] = event.name.rpartition("/")[2]
        elif isinstance(event, TaskCreated):
            tasks[event.tid] = names.get(event.pid, "")
    return tasks
