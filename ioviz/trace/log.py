"""The log: every event of a run in order, packed.

Entries go into an open list; whenever that has `CHUNK` events they are encoded as one MessagePack array of 10 to 50
bytes an event, and the objects are gone. An entry is an event or a burst, which stands for several. Chunks are decoded
and their bursts unfolded when they are looked at; the last few stay decoded.

Invariants: event `i` has the place `i`, which is its `seq`; a chunk has `CHUNK` events, and more only by a last burst.
`append` is the open list's own method, so logging costs no call of ours; in return someone has to call `pack` now and
then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Union

import msgspec

from ioviz.model.burst import Burst
from ioviz.model.bursts import BURSTS as MACHINES
from ioviz.model.mirror_bursts import MIRRORED
from ioviz.model.vocabulary import ANY_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ioviz.model.event import Event

BURSTS: Final = (*MACHINES, *MIRRORED)
CHUNK: Final = 1024
Kinds = frozenset[type["Event"]]
KEPT: Final = 24
"""Chunks that stay decoded: a keyframe's distance and what a search looks at beside it."""

_encode = msgspec.msgpack.Encoder().encode
_seq = attrgetter("seq")
_FOLDED: Final = frozenset(BURSTS)


@cache
def _decoder() -> msgspec.msgpack.Decoder[list[Any]]:
    """Made at its first use: it takes 15 ms."""
    entry: Any = Union[(ANY_EVENT, *BURSTS)]  # as for `ANY_EVENT`
    return msgspec.msgpack.Decoder(list[entry])


def _kinds_of(entries: list[Any]) -> Kinds:
    kinds = set(map(type, entries))
    for burst in BURSTS:
        if burst in kinds:
            kinds.remove(burst)
            kinds |= burst.kinds
    return frozenset(kinds)


def unfolded(entries: list[Any]) -> list[Event]:
    """The events of `entries`."""
    if _FOLDED.isdisjoint(map(type, entries)):
        return entries
    events: list[Event] = []
    for entry in entries:
        if type(entry) in _FOLDED:
            events.extend(entry.unfold())
        else:
            events.append(entry)
    return events


def encode(encoder: Callable[[list[Any]], bytes], events: list[Any]) -> bytes:
    """What `encoder` makes of `events`, without what no file can hold: half of a surrogate pair in a text (a path that
    is not UTF-8), an integer of more than 64 bits (a program may pass any)."""
    try:
        return encoder(events)
    except (UnicodeEncodeError, OverflowError):
        return encoder([_writable(event) for event in events])


def _writable(event: Any) -> Any:
    values = [_writable_value(getattr(event, name)) for name in event.__struct_fields__]
    return type(event)(*values)


def _writable_value(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-(1 << 63), min(value, (1 << 63) - 1))
    if isinstance(value, tuple):
        return tuple(map(_writable_value, value))
    return value


class Log:
    """A growing sequence of events."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._starts: list[int] = []
        """The first place of each chunk."""
        self._kinds: list[Kinds] = []
        self._open: list[Any] = []
        self._packed = 0
        """The place of the first event that is not packed."""
        self._known: dict[Kinds, Kinds] = {}
        self._decoded: dict[int, list[Event]] = {}
        self.fresh = False
        """Whether chunks stay decoded from the start: who looks at each event soon after it happened wants that."""
        self.first = 0
        """The first event that is still there: what came before was forgotten (see `forget`)."""
        self.append: Callable[[Event], None] = self._open.append
        """Add an event or a burst. As cheap as can be: it may be handed to a kernel as its sink."""

    def __len__(self) -> int:
        if not self._open:
            return self._packed
        last = self._open[-1]
        return int(last.seq) + (last.count if isinstance(last, Burst) else 1)

    @property
    def packed(self) -> int:
        """The bytes that the packed events take."""
        return sum(map(len, self._chunks))

    def pack(self) -> None:
        """Encode the whole chunks among the open events. Cheap when there is nothing to do."""
        entries = self._open
        done = 0
        end = len(self)
        while end - self._packed >= CHUNK:
            stop = bisect_left(entries, self._packed + CHUNK, done, key=_seq)
            chunk = entries[done:stop]
            self._chunks.append(encode(_encode, chunk))
            self._starts.append(self._packed)
            kinds = _kinds_of(chunk)
            if self.fresh:
                self._keep(len(self._kinds), unfolded(chunk))
            self._kinds.append(self._known.setdefault(kinds, kinds))
            last = chunk[-1]
            self._packed = last.seq + (last.count if isinstance(last, Burst) else 1)
            done = stop
        del entries[:done]

    def forget(self, place: int) -> None:
        """Let go of what came before `place`: a mirror keeps a window of a run that never ends. Numbers stay."""
        self.pack()
        place = min(place, len(self))
        for number in range(self._number(self.first), self._number(place)):
            self._chunks[number] = b""
            self._decoded.pop(number, None)
        self.first = max(self.first, place)

    def event(self, index: int) -> Event:
        """Event number `index`, from 0. Raises IndexError."""
        if not self.first <= index < len(self):
            raise IndexError(f"event {index} of {self.first} to {len(self)}")
        if index < self._packed:
            number = self._number(index)
            return self._chunk(number)[index - self._starts[number]]
        entry = self._open[bisect_right(self._open, index, key=_seq) - 1]
        event: Event = entry.unfold()[index - entry.seq] if isinstance(entry, Burst) else entry
        return event

    def events(self, start: int, stop: int) -> list[Event]:
        """The events from `start` up to, not including, `stop`, as far as there are any."""
        return [event for part in self.parts(start, stop) for event in part]

    def kinds(self, start: int, stop: int) -> Kinds:
        """The kinds of the events from `start` to `stop`, and maybe some of their neighbours' in the same chunks."""
        self.pack()
        stop = min(stop, len(self))
        found = self._kinds[self._number(start) : self._number(stop - 1) + 1]
        return frozenset().union(*found, _kinds_of(self._open) if stop > self._packed else ())

    def parts(self, start: int, stop: int) -> Iterator[list[Event]]:
        """The same in pieces of about a chunk, decoded as they are asked for."""
        self.pack()
        start, stop = max(start, self.first), min(stop, len(self))
        while start < stop:
            if start < self._packed:
                number = self._number(start)
                whole, first = self._chunk(number), start - self._starts[number]
            else:
                whole, first = unfolded(self._open), start - self._packed
            last = min(first + stop - start, len(whole))
            yield whole[first:last] if last - first < len(whole) else whole
            start += last - first

    def _number(self, place: int) -> int:
        """The chunk in which `place` is; their number if it is not packed."""
        return bisect_right(self._starts, place) - 1 if place < self._packed else len(self._chunks)

    def _chunk(self, number: int) -> list[Event]:
        """Packed chunk `number`, decoded; the least recently used one of those kept makes room for it."""
        kept = self._decoded
        events: list[Event] | None = kept.pop(number, None)
        if events is None:
            return self._keep(number, unfolded(_decoder().decode(self._chunks[number])))
        kept[number] = events
        return events

    def _keep(self, number: int, events: list[Event]) -> list[Event]:
        kept = self._decoded
        if len(kept) >= KEPT:
            del kept[next(iter(kept))]
        kept[number] = events
        return events
