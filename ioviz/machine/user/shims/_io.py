"""_io: files and buffers. Raw files are system calls; buffering (refitted: `buffered`) and text come from the
standard library's `_pyio`.

The buffered classes in C know which thread of the host holds them, and all tasks run on one: hence the pure ones.
BytesIO, StringIO and the newline decoder only compute and are the host's.
"""

from __future__ import annotations

import _io as host
from errno import EINTR
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims.buffered import refit
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.user.guest import Guest

_NAMES = [
    *("BlockingIOError", "open", "open_code", "IOBase", "RawIOBase", "FileIO", "BytesIO", "StringIO", "BufferedIOBase"),
    *("BufferedReader", "BufferedWriter", "BufferedRWPair", "BufferedRandom", "TextIOBase", "TextIOWrapper"),
    *("UnsupportedOperation", "SEEK_SET", "SEEK_CUR", "SEEK_END"),
]


class _Base:
    """Stands for the abstract classes of `io` until that is there."""

    @classmethod
    def register(cls, kind: type) -> None:
        """`io` makes its own classes from those of `_pyio`, which need no registration."""


class _Io:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def text_encoding(self, encoding: Any, stacklevel: int = 2, /) -> Any:
        """The default encoding of text files is UTF-8, wherever the machine runs."""
        return "utf-8" if encoding is None else encoding

    def open_code(self, path: Any) -> Any:
        """Open a file that is meant as code: like any other."""
        return self._guest.modules["_pyio"].open(path, "rb")


def build(guest: Guest) -> ModuleType:
    functions = _Io(guest)
    stub = ModuleType("io")
    stub.__dict__.update(
        __all__=_NAMES,
        SEEK_SET=0,
        SEEK_CUR=1,
        SEEK_END=2,
        UnsupportedOperation=host.UnsupportedOperation,
        open_code=functions.open_code,
        text_encoding=functions.text_encoding,
        IOBase=_Base,
        RawIOBase=_Base,
        BufferedIOBase=_Base,
        TextIOBase=_Base,
    )
    early = ModuleType("_io")
    early.__dict__["FileIO"] = host.BytesIO
    guest.modules["io"], guest.modules["_io"] = stub, early
    pure: Any = guest.import_module("_pyio")
    del guest.modules["io"], guest.modules["_io"]
    refit(pure)
    pure.__dict__["BytesIO"] = host.BytesIO
    pure.__dict__["text_encoding"] = functions.text_encoding
    module = ModuleType("_io")
    namespace = module.__dict__
    for name in ("FileIO", "BufferedReader", "BufferedWriter", "BufferedRWPair", "BufferedRandom", "TextIOWrapper"):
        namespace[name] = kind = getattr(pure, name)
        kind.__module__ = "_io"
    for name in ("IOBase", "RawIOBase", "BufferedIOBase", "TextIOBase"):
        namespace[f"_{name}"] = getattr(pure, name)
    for name in ("BytesIO", "StringIO", "IncrementalNewlineDecoder", "UnsupportedOperation"):
        namespace[name] = getattr(host, name)
    namespace["DEFAULT_BUFFER_SIZE"] = pure.DEFAULT_BUFFER_SIZE
    namespace["BlockingIOError"] = BlockingIOError
    namespace["open"] = pure.open
    namespace["open_code"] = functions.open_code
    namespace["text_encoding"] = functions.text_encoding
    namespace["ioviz_streams"] = _streams(guest, pure)
    return module


def _streams(guest: Guest, pure: Any) -> Callable[[], tuple[Any, Any, Any, type]]:
    """How to make the three streams without a system call, and the class of the text ones among them."""
    FileIO, BufferedWriter, TextIOWrapper = pure.FileIO, pure.BufferedWriter, pure.TextIOWrapper
    syscall, check_signals = guest.syscall, guest.check_signals

    class Console(FileIO):  # type: ignore[misc, valid-type]
        """A raw file on a descriptor that is open: asks the kernel nothing until it is read or written."""

        def __init__(self, fd: int, name: str, readable: bool, tty: bool) -> None:
            self._fd = fd
            self._tty = tty
            self.name = name
            self._readable = readable
            self._writable = not readable
            self._seekable = False
            self._closefd = False
            self._blksize = 8192

        def isatty(self) -> bool:
            return self._tty

    class ConsoleText(TextIOWrapper):  # type: ignore[misc, valid-type]
        """`print` writes to this one in one piece. Whole lines go straight into the kernel, as they do through the
        buffers of a stream that is flushed after each line."""

        def write(self, text: str) -> int:
            if type(text) is str and text[-1:] == "\n" and self._encoding == "utf-8" and self._line_buffering:
                buffer = self._buffer
                if type(buffer) is BufferedWriter and not buffer._write_buf and not self.closed:
                    data = text.encode("utf-8", self._errors)
                    done = syscall(SYS.write, buffer.raw._fd, data)
                    if done == len(data):
                        return len(text)
                    if done > 0 or done == -EINTR:
                        # The rest goes the long way, which knows what to do.
                        if done < 0:
                            check_signals()
                        buffer.write(data[max(done, 0) :])
                        self.flush()
                        return len(text)
            if self.closed:
                raise ValueError("I/O operation on closed file.")
            count: int = super().write(text)
            return count

    Console.__name__ = Console.__qualname__ = "FileIO"
    ConsoleText.__name__ = ConsoleText.__qualname__ = "TextIOWrapper"
    Console.__module__ = ConsoleText.__module__ = "_io"

    def stream(fd: int, name: str, mode: str, errors: str, kind: str, unbuffered: bool) -> Any:
        if not kind:
            return None
        raw = Console(fd, name, mode == "r", kind == "tty")
        buffer = pure.BufferedReader(raw) if mode == "r" else raw if unbuffered else pure.BufferedWriter(raw)
        by_line = not unbuffered and (kind == "tty" or fd == 2)
        text = ConsoleText(buffer, "utf-8", errors, "\n" if mode == "w" else None, by_line)
        text.mode = mode
        return text

    def streams(kinds: tuple[str, ...] = ("tty", "tty", "tty"), unbuffered: bool = False) -> tuple[Any, Any, Any, type]:
        return (
            stream(0, "<stdin>", "r", "strict", kinds[0], False),
            stream(1, "<stdout>", "w", "strict", kinds[1], unbuffered),
            stream(2, "<stderr>", "w", "backslashreplace", kinds[2], unbuffered),
            ConsoleText,
        )

    return streams
