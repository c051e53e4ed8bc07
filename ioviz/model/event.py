"""The event: one thing that happened, worth one glance, and the only way in which a world changes.

Every event has the same head: `seq` (its place in the log, from 0), `t` (virtual nanoseconds), `cpu` (the id of the
CPU, which is the id of its host), `task` (who was running; 0 is the idle loop), `cause` (the seq of the event that led
to it, -1 for none), `origin` (how we know of it) and `at` (the guest's source position, see `at_of`), then its own
fields. Names are past tense. `apply` replaces rows of the world and reads nothing but the world and the event, so that
folding a log always gives the same world.

An event is written as an array whose first element is its kind; a recording's header names the fields of each kind
(see `fields_of`), so that an old reader can show what a newer writer recorded.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, dataclass_transform

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.model.world import World

HEAD = ("seq", "t", "cpu", "task", "cause", "origin", "at")
NO_CAUSE = -1


class Origin(IntEnum):
    """How an event is known."""

    SIMULATED = 0
    OBSERVED = 1
    INFERRED = 2


def at_of(file: int, line: int) -> int:
    """Pack a source position; `file` is a key of `World.sources`, and 0 as a whole means that nothing is known."""
    return file << 16 | line


def file_and_line(at: int) -> tuple[int, int]:
    """Unpack a source position that `at_of` made."""
    return at >> 16, at & 0xFFFF


# Type checkers do not inherit `frozen`: this tells them that the kinds are frozen too.
@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Event(msgspec.Struct, frozen=True, tag_field="kind", tag=True, array_like=True, gc=False):
    """The head that every event has; the kinds are its subclasses."""

    seq: int
    t: int
    cpu: int
    task: int
    cause: int
    origin: int
    at: int

    def apply(self, world: World) -> None:
        """Change `world` by this event. Called once, in order of `seq`."""


class Unknown(Event):
    """An event of a kind that this version does not know: kept, counted and shown, and it changes nothing."""

    name: str
    fields: bytes
    """The event's own fields as JSON, as they were read."""


class Gap(Event):
    """The source dropped `lost` events here: what follows may not fit what came before."""

    lost: int

    def apply(self, world: World) -> None:
        row = world.mirrors.get(1)
        if row is not None:
            world.mirrors[1] = replace(row, gaps=row.gaps + 1, lost=row.lost + self.lost)


def kinds() -> Iterator[type[Event]]:
    """Every kind of event there is, in the order of definition."""
    pending = list(Event.__subclasses__())
    for kind in pending:
        yield kind
        pending.extend(kind.__subclasses__())


def own_fields(kind: type[Event]) -> tuple[str, ...]:
    """The names of the fields that `kind` has beyond the head."""
    return kind.__struct_fields__[len(HEAD) :]


def as_dict(event: Event) -> dict[str, Any]:
    """The event as a flat mapping, `kind` first: what `--json` prints (bytes stay bytes)."""
    names = event.__struct_fields__
    return {"kind": type(event).__name__, **{name: getattr(event, name) for name in names}}
