"""Lines of a file that nobody vouches for: compressed or not, cut short, damaged, or made to fill the memory.

A file is read in blocks and inflated piece by piece, so that what a few kilobytes inflate to is counted before it is
kept. A file whose last bytes are missing gives its whole lines; one whose bytes were changed gives an error.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

GZIP: Final = b"\x1f\x8b"
BLOCK: Final = 1 << 16
PIECE: Final = 1 << 18
MAX_LINE: Final = 1 << 26
"""Bytes of one line."""
MAX_TOTAL: Final = 1 << 32
"""Bytes of all lines."""


class RecordingError(Exception):
    """A file that can't be used or written; the text is one sentence for the person."""


class LineReader:
    """The lines of the file at `path`. `done` of its `total` bytes have been read; `whole` says that the compressed
    data came to its proper end."""

    def __init__(self, path: Path, max_total: int = MAX_TOTAL) -> None:
        self.path = path
        self.done = self.total = 0
        self.whole = False
        self._max_total = max_total
        self._inflated = 0
        try:
            if not path.is_file():
                why = "it is no file" if path.exists() else "there is no such file"
                raise RecordingError(f"{path} can't be opened: {why}")
            self.total = path.stat().st_size
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise RecordingError(f"{path} can't be opened: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def blocks(self) -> Iterator[bytes]:
        """Whole lines, many at a time, each with its newline. What follows the last newline is left out."""
        rest = bytearray()
        for piece in self._pieces():
            self._inflated += len(piece)
            if self._inflated > self._max_total:
                raise RecordingError(f"{self.path} is refused: it unpacks to more than {self._max_total:,} bytes")
            end = piece.rfind(b"\n") + 1
            if end:
                rest += piece[:end]
                yield bytes(rest)
                rest = bytearray(piece[end:])
            else:
                rest += piece
            if len(rest) > MAX_LINE:
                raise RecordingError(f"{self.path} is refused: it has a line of more than {MAX_LINE:,} bytes")

    def _pieces(self) -> Iterator[bytes]:
        block = self._read()
        if block[:2] != GZIP:
            while block:
                yield block
                block = self._read()
            self.whole = True
            return
        inflate = zlib.decompressobj(wbits=31)
        try:
            while block:
                while True:
                    piece = inflate.decompress(block, PIECE)
                    if piece:
                        yield piece
                    block = inflate.unconsumed_tail
                    if not block:
                        break
                if inflate.eof:
                    if inflate.unused_data or self._read():
                        raise RecordingError(f"{self.path} is damaged: something follows its end")
                    self.whole = True
                    return
                block = self._read()
        except zlib.error as error:
            raise RecordingError(f"{self.path} is damaged ({error}): copy it again from where it came from") from error

    def _read(self) -> bytes:
        try:
            block = self._file.read(BLOCK)
        except OSError as error:
            raise RecordingError(f"{self.path} can't be read: {error.strerror}") from error
        self.done += len(block)
        return block
