"""Writing a recording: JSON Lines, compressed with gzip.

The first line is the header, then an event a line, then the end with their number. The same events give the same bytes:
no time, no file name and nothing of this computer is in it. It is written beside its target, under a name with `.part`,
and gets its own name when it is whole, so a file of that name is never half a recording. What has been written is on
its way to the disk every `BATCH` events; a `.part` that a crash left behind can be opened.
"""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from ioviz import __version__
from ioviz.model.event import HEAD, Event, Unknown, as_dict
from ioviz.model.vocabulary import field_names
from ioviz.trace.lines import RecordingError
from ioviz.trace.log import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

FORMAT: Final = "ioviz recording"
MAJOR: Final = 1
MINOR: Final = 0
"""A reader opens every minor version of its major one: a minor one may add kinds, and fields at the end of a kind."""
BATCH: Final = 2_048
LEVEL: Final = 2
"""Of compression: recording must not hold up the machine."""


class Header(msgspec.Struct, frozen=True):
    """The first line. `kinds` names the own fields of each kind, `head` those that all have before them."""

    format: str
    version: tuple[int, int]
    ioviz: str
    head: tuple[str, ...]
    kinds: dict[str, tuple[str, ...]]


class Footer(msgspec.Struct, frozen=True):
    """The last line: how many events there are."""

    end: bool
    events: int


class Writer:
    """A recording that is being made. Use it in a `with`; on the way out it is complete, whatever happened inside.

    Raises OSError when it can't be begun. When writing fails later (a full disk), the run goes on without it, and
    `close` raises RecordingError.
    """

    def __init__(self, path: str | Path, kinds: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.path = Path(os.path.realpath(path))
        """Where the recording will be; `kinds` are foreign ones that are to be named in its header."""
        self.written = 0
        self.temporary: Path | None = None
        """Where it is until it is complete (None: it is written to a device or a pipe, in place)."""
        if self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if self.path.exists() and not self.path.is_file():
            self._file: BinaryIO = self.path.open("wb")
        else:
            self._file = self._open_beside()
        self._failed: OSError | None = None
        self._closed = False
        self._batch: list[Event] = []
        self.hold: Callable[[Event], None] = self._batch.append
        """Add an event that is written with the next `flush`. As cheap as can be, and it takes no room on the stack, of
        which a program that recurses leaves none."""
        self._next = 0
        self._busy = False
        self._then: Callable[[], object] | None = None
        self._gzip = gzip.GzipFile("", "wb", LEVEL, self._file, mtime=0)
        known = {**field_names(), **(kinds or {})}
        del known[Unknown.__name__]
        self._put(_lines([Header(FORMAT, (MAJOR, MINOR), __version__, HEAD, known)]))

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except RecordingError:
            if error is None:
                raise

    def write(self, event: Event) -> None:
        """Add an event. Never raises."""
        batch = self._batch
        batch.append(event)
        if len(batch) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand to the system what has been written so far."""
        events = self._batch[:]
        if not events:
            return
        self._next = events[-1].seq + 1  # before the batch is empty: see `break_off`
        del self._batch[: len(events)]
        self._busy = True
        self.written += len(events)
        self._put(encode(_lines, events) if Unknown not in map(type, events) else b"".join(map(line_of, events)))
        self._busy = False
        if self._then is not None and not self._closed:
            self.break_off(self._then)

    def break_off(self, then: Callable[[], object], end: Callable[[int], Event] | None = None) -> None:
        """Complete the recording and call `then`: at once, or as soon as what is just being written is written. For a
        signal handler, which may find us anywhere. `end` makes the last event from its number."""
        self._then = then
        if end is not None:
            self._batch.append(end(self._batch[-1].seq + 1 if self._batch else self._next))
        if not (self._busy or self._closed):
            self.close()

    def close(self) -> None:
        """Write the end, and give the file its name. Raises RecordingError if anything could not be written."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        self.flush()
        self._put(_lines([Footer(True, self.written)]))
        self._attempt(self._gzip.close)
        if self.temporary is not None:
            self._attempt(lambda: os.fsync(self._file.fileno()))
        self._attempt(self._file.close)
        if self.temporary is not None and self._failed is None:
            self._attempt(self._rename)
        then, self._then = self._then, None
        if then is not None:
            then()
        if self._failed is not None:
            rest = f"; what was written before that is in {self.temporary}" if self.temporary else ""
            raise RecordingError(f"{self.path} could not be written: {self._failed.strerror}{rest}") from self._failed

    def _put(self, data: bytes) -> None:
        if self._failed is None:
            self._attempt(lambda: self._gzip.write(data))
            self._attempt(self._gzip.flush)

    def _rename(self) -> None:
        assert self.temporary is not None
        os.replace(self.temporary, self.path)

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            self._failed = self._failed or error

    def _open_beside(self) -> BinaryIO:
        for number in range(1, 1000):
            self.temporary = self.path.with_name(f"{self.path.name}.part{number if number > 1 else ''}")
            try:
                return self.temporary.open("xb")
            except FileExistsError:
                continue
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.temporary))


_lines: Any = msgspec.json.Encoder().encode_lines


def line_of(event: Event) -> bytes:
    """The line of one event, with its newline; of an unknown one, as it was read."""
    if not isinstance(event, Unknown):
        return encode(_lines, [event])
    head = msgspec.json.encode([event.name, *(getattr(event, name) for name in HEAD)])
    return head[:-1] + (b"," + event.fields if event.fields else b"") + b"]\n"


def json_of(event: Event) -> bytes:
    """One event as an object on a line, for other programs: bytes as text, a character a byte (latin-1)."""
    return encode(_objects, [event])


def _objects(events: list[Event]) -> bytes:
    return b"".join(msgspec.json.encode(_text(as_dict(event))) + b"\n" for event in events)


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, tuple):
        return [_text(each) for each in value]
    if isinstance(value, dict):
        return {name: _text(each) for name, each in value.items()}
    return value
