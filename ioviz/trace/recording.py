"""Reading a recording: a timeline from a file (see `ioviz.trace.writer` for the format).

Every line is checked: its kind, the type of every field, that no event is missing, that causes come before effects, and
that the event fits the world that those before it made. What does not is a `RecordingError`: one sentence with the
line. An event of a kind that this version does not know, or whose fields have changed since, becomes an `Unknown`. A
recording that breaks off gives its whole events, and one more that says so.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ioviz.model.event import HEAD, NO_CAUSE, Event, Origin, Unknown
from ioviz.model.host import RunEnded
from ioviz.model.vocabulary import ANY_EVENT, KINDS, field_names
from ioviz.model.world import World
from ioviz.trace.lines import GZIP, MAX_TOTAL, LineReader, RecordingError
from ioviz.trace.timeline import Timeline
from ioviz.trace.writer import FORMAT, MAJOR, Footer, Header, Writer, json_of, line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "Loader",
    "Recording",
    "RecordingError",
    "Writer",
    "json_of",
    "line_of",
    "load",
    "looks_like_recording",
    "save",
]

CUT = "cut"
"""Why a run ended whose recording breaks off."""

ORIGINS: Final = frozenset(map(int, Origin))
_START: Final = b'{"format":'

_raw: Any = msgspec.json.Decoder(list[msgspec.Raw])


@cache
def _events() -> Any:
    """Made at its first use: it takes 15 ms, and who only writes has no need of it."""
    return msgspec.json.Decoder(ANY_EVENT)


class Recording(Timeline):
    """A timeline that came from a file. `cut` says that the file breaks off; `foreign` are the kinds that were kept as
    `Unknown`, with the names of their fields."""

    def __init__(self, header: Header) -> None:
        super().__init__()
        self.header = header
        self.cut = False
        self.foreign: dict[str, tuple[str, ...]] = {}


class Loader:
    """A recording that is being read, a piece at a time: `recording` grows with each `advance`."""

    def __init__(self, path: str | os.PathLike[str], max_total: int = MAX_TOTAL) -> None:
        self.path = Path(path)
        self._lines = LineReader(self.path, max_total)
        self._blocks = self._lines.blocks()
        self._line = 1
        self._world = World()
        self._t = 0
        self._footer: Footer | None = None
        try:
            first, _, self._ahead = next(self._blocks, b"").partition(b"\n")
            self.recording = Recording(self._header(first))
        except BaseException:
            self.close()
            raise
        self._changed = _changed_kinds(self.recording.header)
        self.done = False

    @property
    def progress(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return self._lines.done / max(1, self._lines.total)

    def close(self) -> None:
        """Let go of the file; the recording stays as it is."""
        self._lines.close()

    def advance(self, max_events: int = 1 << 60) -> bool:
        """Read about `max_events` more; True when that was all. Raises RecordingError."""
        wanted = len(self.recording) + max_events
        try:
            while not self.done and len(self.recording) < wanted:
                block = self._ahead or next(self._blocks, b"")
                self._ahead = b""
                if block:
                    self._take(block)
                else:
                    self._finish()
        except BaseException:
            self.close()
            raise
        return self.done

    def _header(self, line: bytes) -> Header:
        path = self.path
        try:
            header = msgspec.json.decode(line, type=Header)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RecordingError(f"{path} is no recording of ioviz: its first line is not the header of one") from None
        if header.format != FORMAT:
            raise RecordingError(f"{path} is no recording of ioviz: its header says {header.format[:40]!r}")
        major, minor = header.version
        if major != MAJOR or header.head != HEAD:
            raise RecordingError(
                f"{path} has version {major}.{minor} of the format, written by ioviz {header.ioviz[:20]}, and this one "
                f"reads version {MAJOR}: open it with a {'newer' if major > MAJOR else 'fitting'} ioviz"
            )
        return header

    def _take(self, block: bytes) -> None:
        if self._footer is not None:
            raise self._error("it goes on after its end")
        start = block.rfind(b"\n", 0, -1) + 1
        if block.startswith(b"{", start):
            footer, block = block[start:], block[:start]
            self._footer = self._decode_footer(footer, block.count(b"\n"))
        events = self._decode(block)
        recording = self.recording
        world, keyframes, append = self._world, recording.keyframes, recording.append
        seq = len(recording)
        first = seq
        t = self._t
        for event in events:
            if event.seq != seq or not NO_CAUSE <= event.cause < seq or event.t < t or event.origin not in ORIGINS:
                self._line += seq - first
                raise self._error(_out_of_order(event, seq))
            try:
                event.apply(world)
            except Exception as error:
                self._line += seq - first
                why = f"{type(error).__name__}: {str(error)[:60]}"
                raise self._error(f"{type(event).__name__} does not fit what came before it ({why})") from None
            t = event.t
            append(event)
            seq += 1
            if seq >= keyframes.due:
                recording.keep(world, noted=True)
        recording.pack()
        self._t = t
        self._line += len(events)

    def _decode(self, block: bytes) -> list[Event]:
        lines = block.count(b"\n")
        if not self._changed and b'["Unknown"' not in block:
            try:
                events: list[Event] = _events().decode_lines(block)
                if len(events) == lines:
                    return events
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass  # find out which line it is
        return list(self._one_by_one(block))

    def _one_by_one(self, block: bytes) -> Iterator[Event]:
        for number, line in enumerate(block.splitlines(), 1):
            try:
                parts = _raw.decode(line)
                name = msgspec.json.decode(parts[0], type=str) if parts else ""
                if name in KINDS and name not in self._changed and name != Unknown.__name__:
                    yield _events().decode(line)
                else:
                    yield self._unknown(name, parts)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                self._line += number - 1
                raise self._error(f"it is not a well-formed event ({error})") from None

    def _unknown(self, name: str, parts: list[msgspec.Raw]) -> Event:
        own = len(HEAD) + 1
        if len(parts) < own or name == Unknown.__name__ or not 0 < len(name) <= 200:
            raise msgspec.DecodeError(f"no kind of event is called {name[:40]!r}")
        seq, t, cpu, task, cause, origin, at = [msgspec.json.decode(part, type=int) for part in parts[1:own]]
        self.recording.foreign.setdefault(name, self.recording.header.kinds.get(name, ()))
        return Unknown(seq, t, cpu, task, cause, origin, at, name, b",".join(map(bytes, parts[own:])))

    def _decode_footer(self, line: bytes, lines: int) -> Footer:
        try:
            return msgspec.json.decode(line, type=Footer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._line += lines
            raise self._error("it is neither an event nor the end of a recording") from None

    def _finish(self) -> None:
        self.close()
        self.done = True
        recording = self.recording
        if self._footer is None or not self._lines.whole:
            recording.cut = True
            world = self._world
            if 1 in world.runs and not world.runs[1].ended:
                message = f"the recording breaks off after {len(recording):,} events"
                cut = RunEnded(len(recording), self._t, 0, 0, NO_CAUSE, Origin.INFERRED, 0, CUT, message, 0)
                cut.apply(world)
                recording.append(cut)
        elif self._footer.events != len(recording):
            raise RecordingError(
                f"{self.path} is incomplete: it says that it has {self._footer.events:,} events, and has "
                f"{len(recording):,}: copy it again from where it came from"
            )

    def _error(self, what: str) -> RecordingError:
        return RecordingError(f"{self.path} can't be used: line {self._line + 1:,}: {what}")


def looks_like_recording(path: Path) -> bool:
    """Whether `path` is a file that `load` is to judge: compressed, or with a header at its start."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_START))
    except OSError:
        return False
    return start.startswith(GZIP) or start == _START


def load(path: str | os.PathLike[str], progress: Callable[[float], object] | None = None) -> Recording:
    """The recording at `path`; `progress` is told how much has been read, from 0 to 1. Raises RecordingError."""
    loader = Loader(path)
    while not loader.advance(50_000):
        if progress is not None:
            progress(loader.progress)
    return loader.recording


def save(timeline: Timeline, path: str | os.PathLike[str]) -> None:
    """Write a timeline to a file. Raises OSError, RecordingError."""
    with Writer(Path(path), timeline.foreign if isinstance(timeline, Recording) else None) as writer:
        for part in timeline.parts(0, len(timeline)):
            for event in part:
                writer.write(event)


def _changed_kinds(header: Header) -> frozenset[str]:
    """The kinds whose fields are others than ours: not even the same ones with more at the end."""
    changed = set()
    for name, ours in field_names().items():
        theirs = header.kinds.get(name, ours)
        required = len(ours) - len(KINDS[name].__struct_defaults__)
        if theirs[: len(ours)] != ours[: len(theirs)] or len(theirs) < required:
            changed.add(name)
    return frozenset(changed)


def _out_of_order(event: Event, seq: int) -> str:
    if event.seq != seq:
        return f"event {seq} was to come, and this is event {event.seq}"
    if event.origin not in ORIGINS:
        return f"event {seq} has the origin {str(event.origin)[:20]}, which there is not"
    if event.cause >= seq:
        return f"event {seq} says that its cause is event {event.cause}, which comes later"
    return f"event {seq} is at {event.t} ns, before the one in front of it" if event.cause >= NO_CAUSE else "no cause"
