"""How the arguments and results of system calls stand in the log: bytes as text, a character a byte, and shortened."""

from __future__ import annotations

from typing import Any, Final

SHOWN: Final = 32
"""Bytes of a buffer that the log shows, and rows of a list."""


def text(data: bytes) -> str:
    """The beginning of `data`."""
    return data[:SHOWN].decode("latin-1")


def address(of: Any) -> Any:
    """An address; those of local sockets may be bytes."""
    return text(of) if isinstance(of, bytes) else of


def sent(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """sendto(2): descriptor, data, its length, flags, address."""
    fd, data, flags, to = args
    return fd, data[:SHOWN].decode("latin-1"), len(data), flags, to if to is None else address(to)


def received(out: tuple[bytes, Any]) -> tuple[Any, ...]:
    """recvfrom(2): data, address."""
    data, of = out
    return data[:SHOWN].decode("latin-1"), of if of is None else address(of)
