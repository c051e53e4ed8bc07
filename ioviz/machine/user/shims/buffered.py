"""The buffered files of `_pyio`, made to ask the kernel what those in C ask: the same reads and writes, as large, as
often. `_pyio` asks once more at the end of a file, reads more than it was asked for, and gathers more before it writes.

Source: CPython's Modules/_io/bufferedio.c, whose steps these functions take: `_bufferedreader_read_generic`,
`_buffered_readline`, `_buffered_readinto_generic`, `_io_BufferedWriter_write_impl`.
"""

from __future__ import annotations

from errno import EAGAIN
from typing import Any, Final

TEXT_CHUNK: Final = 8192
"""What a text file asks its buffer for at once; four times as much as that of `_pyio` does."""
BLOCKED: Final = "write could not complete without blocking"


def refit(pure: Any) -> None:
    """Give the classes of `pure`, a guest's own `_pyio`, these methods."""
    reader, writer = pure.BufferedReader, pure.BufferedWriter
    for method in (readline, read, peek, read1, _readinto):
        setattr(reader, method.__name__, method)
    writer.write = write
    pure.TextIOWrapper._CHUNK_SIZE = TEXT_CHUNK


def readline(self: Any, size: int | None = -1, /) -> bytes:
    """Read and return a line of bytes, or as much of it as `size` allows."""
    _check_closed(self, "readline")
    limit = -1 if size is None else size.__index__()
    with self._read_lock:
        buffer, start = self._read_buf, self._read_pos
        stop = _end_of_line(buffer, start, limit)
        if stop:
            self._read_pos = stop
            return bytes(buffer[start:stop])
        if limit == 0:
            return b""
        _flush(self)
        pieces, count = [buffer[start:]], len(buffer) - start
        while True:
            self._reset_read_buf()
            data = _fill(self)
            if not data:
                break
            stop = _end_of_line(data, 0, limit if limit < 0 else limit - count)
            if stop:
                self._read_pos = stop
                pieces.append(data[:stop])
                break
            pieces.append(data)
            count += len(data)
        return b"".join(pieces)


def read(self: Any, size: int | None = -1, /) -> bytes | None:
    """Read `size` bytes, or fewer at the end of the file; None if it would block and nothing is there."""
    n = -1 if size is None else size.__index__()
    if n < -1:
        raise ValueError("read length must be non-negative or -1")
    _check_closed(self, "read")
    with self._read_lock:
        if n == -1:
            everything: bytes | None = self._read_unlocked(None)
            return everything
        buffer, start = self._read_buf, self._read_pos
        if n <= len(buffer) - start:
            self._read_pos = start + n
            return bytes(buffer[start : start + n])
        _flush(self)
        self._reset_read_buf()
        pieces, room = [buffer[start:]], self.buffer_size
        left = n - len(pieces[0])
        while left:
            # Whole blocks go past the buffer.
            if left >= room:
                data = self.raw.read(left - left % room)
            elif len(self._read_buf) < room:
                data = _fill(self)
            else:
                break
            if not data:
                return b"".join(pieces) if data is not None or left < n else None
            taken = data[:left]
            if left < room:
                self._read_pos += len(taken)
            pieces.append(taken)
            left -= len(taken)
        return b"".join(pieces)


def peek(self: Any, size: int = 0, /) -> bytes:
    """What is buffered, after one read at most."""
    _check_closed(self, "peek")
    with self._read_lock:
        _peek(self)
        return bytes(self._read_buf[self._read_pos :])


def read1(self: Any, size: int = -1, /) -> bytes:
    """Read up to `size` bytes: what is buffered, or else what one read gives."""
    n = self.buffer_size if size < 0 else size.__index__()
    _check_closed(self, "read")
    if not n:
        return b""
    with self._read_lock:
        buffer, start = self._read_buf, self._read_pos
        if start < len(buffer):
            self._read_pos = min(len(buffer), start + n)
            return bytes(buffer[start : self._read_pos])
        self._reset_read_buf()
        return self.raw.read(n) or b""


def _readinto(self: Any, buf: Any, read1: bool) -> int | None:
    _check_closed(self, "readinto")
    into = memoryview(buf).cast("B")
    with self._read_lock:
        written: int
        buffer, start = self._read_buf, self._read_pos
        written = min(len(buffer) - start, len(into))
        into[:written] = buffer[start : start + written]
        self._read_pos = start + written
        if start < len(buffer) and written == len(into):
            return written
        _flush(self)
        self._reset_read_buf()
        while written < len(into):
            n: int | None
            left = len(into) - written
            if left > self.buffer_size:
                n = self.raw.readinto(into[written:])
            elif read1 and written:
                break
            else:
                data = _fill(self)
                n = None if data is None else min(len(data), left)
                if data and n:
                    into[written : written + n] = data[:n]
                    self._read_pos += n
            if not n:
                return None if n is None and not written else written
            written += n
            if read1:
                break
        return written


def write(self: Any, b: Any, /) -> int:
    """Write bytes: into the buffer if they fit there, else past it."""
    if self.closed:
        raise ValueError("write to closed file")
    if isinstance(b, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    with memoryview(b) as whole, whole.cast("B") as data, self._write_lock:
        buffer, room, n = self._write_buf, self.buffer_size, data.nbytes
        if n <= room - len(buffer) and n < room:
            buffer += data
            return n
        try:
            self._flush_unlocked()
        except BlockingIOError as full:
            space = max(0, room - len(buffer))
            buffer += data[:space]
            if n <= space:
                return n
            raise BlockingIOError(full.errno, BLOCKED, space) from None
        written = 0
        while n - written > room:
            done = self.raw.write(data[written:])
            if done is None:
                buffer += data[written : written + room]
                raise BlockingIOError(EAGAIN, BLOCKED, written + room)
            written += done
        buffer += data[written:]
        return n


def _end_of_line(data: bytes, start: int, limit: int) -> int:
    """Where the line that begins at `start` ends, or its first `limit` bytes; 0 if `data` does not have it all."""
    stop = len(data) if limit < 0 else min(len(data), start + limit)
    return data.find(b"\n", start, stop) + 1 or (stop if stop > start and stop - start == limit else 0)


def _peek(self: Any) -> None:
    if self._read_pos == len(self._read_buf):
        self._reset_read_buf()
        _fill(self)


def _fill(self: Any) -> bytes | None:
    """One read, of as much as the buffer has room for behind what it holds."""
    data: bytes | None = self.raw.read(self.buffer_size - len(self._read_buf))
    if data:
        self._read_buf += data
    return data


def _flush(self: Any) -> None:
    """A file for both: what is to be written goes out before anything is read."""
    if getattr(self, "_write_buf", None):
        self.flush()


def _check_closed(self: Any, what: str) -> None:
    if self._read_pos == len(self._read_buf) and self.closed:
        raise ValueError(f"{what} of closed file")
