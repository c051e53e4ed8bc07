"""The log: every event of a run in order, packed.

Events go into an open list; whenever that has `CHUNK` of them they are encoded as one MessagePack array of 30 to 50
bytes an event, and the objects are gone. Chunks are decoded when they are looked at; the last few stay decoded.

Invariants: event `i` has the place `i`; every chunk but the open one has exactly `CHUNK` events. `append` is the open
list's own method, so logging an event costs no call of ours; in return someone has to call `pack` now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from ioviz.model.vocabulary import ANY_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ioviz.model.event import Event

CHUNK: Final = 1024
Kinds = frozenset[type["Event"]]
KEPT: Final = 24
"""Chunks that stay decoded: a keyframe's distance and what a search looks at beside it."""

_encode = msgspec.msgpack.Encoder().encode
_decode = (
    msgspec.msgpack.Decoder(list[Any]).decode if TYPE_CHECKING else msgspec.msgpack.Decoder(list[ANY_EVENT]).decode
)


def encode(encoder: Callable[[list[Event]], bytes], events: list[Event]) -> bytes:
    """What `encoder` makes of `events`, without what no file can hold: half of a surrogate pair in a text (a path that
    is not UTF-8), an integer of more than 64 bits (a program may pass any)."""
    try:
        return encoder(events)
    except (UnicodeEncodeError, OverflowError):
        return encoder([_writable(event) for event in events])


def _writable(event: Event) -> Event:
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
        self._kinds: list[Kinds] = []
        self._open: list[Event] = []
        self._known: dict[Kinds, Kinds] = {}
        self._decoded: dict[int, list[Event]] = {}
        self.first = 0
        """The first event that is still there: what came before was forgotten (see `forget`)."""
        self.append: Callable[[Event], None] = self._open.append
        """Add an event. As cheap as can be: it may be handed to a kernel as its sink."""

    def __len__(self) -> int:
        return len(self._chunks) * CHUNK + len(self._open)

    @property
    def packed(self) -> int:
        """The bytes that the packed events take."""
        return sum(map(len, self._chunks))

    def pack(self) -> None:
        """Encode the whole chunks among the open events. Cheap when there is nothing to do."""
        events = self._open
        if len(events) < CHUNK:
            return
        whole = len(events) // CHUNK * CHUNK
        for start in range(0, whole, CHUNK):
            chunk = events[start : start + CHUNK]
            self._chunks.append(encode(_encode, chunk))
            kinds = frozenset(map(type, chunk))
            self._kinds.append(self._known.setdefault(kinds, kinds))
        del events[:whole]

    def forget(self, place: int) -> None:
        """Let go of what came before `place`: a mirror keeps a window of a run that never ends. Numbers stay."""
        self.pack()
        place = min(place, len(self))
        last = min(place // CHUNK, len(self._chunks))
        for number in range(self.first // CHUNK, last):
            self._chunks[number] = b""
            self._decoded.pop(number, None)
        self.first = max(self.first, place)

    def event(self, index: int) -> Event:
        """Event number `index`, from 0. Raises IndexError."""
        if not self.first <= index < len(self):
            raise IndexError(f"event {index} of {self.first} to {len(self)}")
        number, place = divmod(index, CHUNK)
        return (self._chunk(number) if number < len(self._chunks) else self._open)[place + self._beyond(number)]

    def events(self, start: int, stop: int) -> list[Event]:
        """The events from `start` up to, not including, `stop`, as far as there are any."""
        return [event for part in self.parts(start, stop) for event in part]

    def kinds(self, start: int, stop: int) -> Kinds:
        """The kinds of the events from `start` to `stop`, and maybe some of their neighbours' in the same chunks."""
        self.pack()
        last = -(-min(stop, len(self)) // CHUNK)
        found = set().union(*self._kinds[start // CHUNK : last])
        if last > len(self._chunks):
            found.update(map(type, self._open))
        return frozenset(found)

    def parts(self, start: int, stop: int) -> Iterator[list[Event]]:
        """The same in pieces of at most a chunk, decoded as they are asked for."""
        self.pack()
        start, stop = max(start, self.first), min(stop, len(self))
        while start < stop:
            number, first = divmod(start, CHUNK)
            whole = self._chunk(number) if number < len(self._chunks) else self._open
            last = min(first + stop - start, CHUNK)
            yield whole[first:last] if last - first < len(whole) else whole
            start += last - first

    def _beyond(self, number: int) -> int:
        """How far into the open list event 0 of chunk `number` is: it may hold several chunks before it is packed."""
        return max(0, number - len(self._chunks)) * CHUNK

    def _chunk(self, number: int) -> list[Event]:
        """Packed chunk `number`, decoded; the least recently used one of those kept makes room for it."""
        kept = self._decoded
        events: list[Event] | None = kept.pop(number, None)
        if events is None:
            events = _decode(self._chunks[number])
            if len(kept) >= KEPT:
                del kept[next(iter(kept))]
        kept[number] = events
        return events
