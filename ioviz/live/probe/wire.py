"""From the agent's frames to `Call`s. What comes in is another process's word: checked, never trusted, never run.

`agent.py` has the format. A frame or note that makes no sense ends the connection with a `WireError`.
"""

from __future__ import annotations

import array
import json
import struct
import sys
from typing import TYPE_CHECKING, Any, Final

from ioviz.live.calls import Call, Ended, LeftOut, Lost
from ioviz.live.probe.kqueue import Kqueues

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.live.calls import Item

HEAD: Final = struct.Struct("<cI")
LONGEST: Final = 256 << 20
"""Bytes of a frame, at most."""
WIDTH: Final = 8
DEAREST: Final = 100_000
"""Nanoseconds a note, at most: what an agent says of itself is not believed beyond that."""
SOCK_CLOEXEC: Final = 0o2000000
F_SETFL: Final = 4
O_NONBLOCK: Final = 0o4000
PLACE_BITS: Final = 20
THREAD: Final = 0x10F00
"""CLONE_VM, FS, FILES, SIGHAND and THREAD: what `threading.Thread` asks of clone."""


class WireError(Exception):
    """What came in is not what an agent sends."""


class Decoder:
    """One connection of an agent, frame by frame."""

    def __init__(self) -> None:
        self.pid = 0
        self.ppid = 0
        self.fd = -1
        """The agent's own descriptor in the program: not the program's."""
        self.hello: dict[str, Any] = {}
        self.noted = 0
        """Calls that came."""
        self.price = 0
        """Nanoseconds that noting a call takes there, by its own measure."""
        self.agent = 0
        """The agent's own thread there."""
        self._calls: list[str] = []
        self._lists: frozenset[int] = frozenset()
        self._detailed: frozenset[int] = frozenset()
        self._rest = bytearray()
        self._kqueues = Kqueues()
        self._names: dict[int, Any] = {}
        self._files: dict[int, str] = {}
        self._threads: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._open: dict[int, int] = {}

    def feed(self, data: bytes) -> list[Item]:
        """What `data`, the next bytes from the socket, adds. Raises WireError."""
        rest = self._rest
        rest += data
        items: list[Item] = []
        at = 0
        while len(rest) - at >= HEAD.size:
            kind, length = HEAD.unpack_from(rest, at)
            if length > LONGEST:
                raise WireError("a frame is too long")
            end = at + HEAD.size + length
            if len(rest) < end:
                break
            try:
                items.extend(self._frame(kind, bytes(rest[at + HEAD.size : end])))
            except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
                raise WireError(f"a frame makes no sense ({type(error).__name__})") from error
            at = end
        del rest[:at]
        return items

    def _frame(self, kind: bytes, body: bytes) -> Iterator[Item]:
        if kind == b"C":
            yield from self._noted(_integers(body))
        elif kind == b"S":
            yield from self._asleep(_integers(body))
        elif kind == b"N":
            for number, (what, value) in json.loads(body):
                self._name(int(number), what, value)
        elif kind == b"G":
            lost, left_out = json.loads(body)
            if lost:
                yield Lost(int(lost), "nobody took the probe's notes")
            if left_out:
                yield LeftOut(int(left_out))
        elif kind == b"H":
            self.hello = hello = json.loads(body)
            self.pid, self.ppid, self.fd = int(hello["pid"]), int(hello["ppid"]), int(hello.get("fd", -1))
            self.price = min(max(int(hello.get("price", 0)), 0), DEAREST)
            self._calls = [str(name) for name in hello["calls"]]
            self._lists, self._detailed = frozenset(hello["lists"]), frozenset(hello["detailed"])
        else:
            raise ValueError(kind)

    def _name(self, number: int, what: str, value: Any) -> None:
        if what == "thread":
            ident, native, _name = value
            self._threads[int(ident)] = int(native)
        elif what == "agent":
            self.agent = int(value)
        elif what == "file":
            self._files[number] = str(value)
        else:
            self._names[number] = value

    def _noted(self, numbers: array.array[int]) -> Iterator[Item]:
        at, end = 0, len(numbers)
        threads, lists, detailed, names = self._threads, self._lists, self._detailed, self._names
        while at + WIDTH <= end:
            code, ident, start, stop, fd, argument, result, place = numbers[at : at + WIDTH]
            at += WIDTH
            self.noted += 1
            pairs: tuple[tuple[int, int], ...] = ()
            if code in lists and result > 0:
                flat = numbers[at : at + 2 * result]
                at += 2 * result
                pairs = tuple(zip(flat[::2], flat[1::2], strict=True))
            name = self._calls[code]
            said: Any = names.pop(argument) if code in detailed else argument
            data = None
            if argument < -1 and code not in detailed:
                said, text = names.pop(-argument)
                data = text.encode("latin-1")
            tid = threads.get(ident, ident & 0x7FFFFFFF)
            self._last[ident] = start
            where = (self._files[place >> PLACE_BITS], place & ((1 << PLACE_BITS) - 1)) if place else None
            yield from self._call(name, tid, fd, said, result, pairs, start, stop, data, where)

    def _call(
        self,
        name: str,
        tid: int,
        fd: int,
        said: Any,
        result: int,
        pairs: tuple[tuple[int, int], ...],
        start: int,
        end: int,
        data: bytes | None,
        at: tuple[str, int] | None,
    ) -> Iterator[Item]:
        if name == "exit":
            yield Call(tid, "exit", (0,), None, start, end, pid=self.pid)
            yield Ended(tid, t=end)
            return
        if name == "kevent":
            yield from self._kevent(tid, fd, said, result, pairs, start, end, at)
            return
        if name == "close":
            self._kqueues.closed(fd)
        args, out = _arguments(name, fd, said, pairs)
        yield Call(tid, name, args, result, start, end, pid=self.pid, out=out, data=data, at=at)

    def _kevent(
        self,
        tid: int,
        fd: int,
        said: Any,
        result: int,
        pairs: tuple[tuple[int, int], ...],
        start: int,
        end: int,
        at: tuple[str, int] | None,
    ) -> Iterator[Item]:
        changes, timeout, most = said
        for ident, which, flags in changes:
            one = (int(ident), int(which), int(flags))
            ctl = self._kqueues.change(fd, *one) if result >= 0 else self._kqueues.refused(*one)
            if ctl is not None:
                yield Call(tid, "epoll_ctl", (fd, *ctl), min(result, 0), start, end, pid=self.pid, at=at)
        if most:
            found = self._kqueues.found(fd, pairs)
            args = (fd, found, int(most), int(timeout))
            yield Call(tid, "epoll_wait", args, min(result, len(found)), start, end, pid=self.pid, at=at)

    def _asleep(self, numbers: array.array[int]) -> Iterator[Item]:
        for at in range(0, len(numbers) - 4, 5):
            ident, code, fd, argument, start = numbers[at : at + 5]
            if start <= self._last.get(ident, -1) or self._open.get(ident) == start:
                continue
            self._open[ident] = start
            tid = self._threads.get(ident, ident & 0x7FFFFFFF)
            name = self._calls[code]
            if name == "kevent":
                name = "epoll_wait"
            args, _ = _arguments(name, fd, None if code in self._detailed else argument, None)
            yield Call(tid, name, args, None, start, entered_only=True, pid=self.pid)


def _integers(body: bytes) -> array.array[int]:
    numbers = array.array("q")
    numbers.frombytes(body)
    if sys.byteorder == "big":  # the agent runs on this machine, and writes as it reads
        return numbers
    return numbers


def address(value: Any) -> str | None:
    """A socket's address as Python has it, as `Call.args` wants it."""
    if isinstance(value, list) and len(value) >= 2:
        host, port = str(value[0]), int(value[1])
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(value, str):
        return "@" + value[1:] if value.startswith("\0") else value
    return None


def _arguments(
    name: str, fd: int, said: Any, pairs: tuple[tuple[int, int], ...] | None
) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """The kernel's arguments of a call, and what `select` gave. `said` is None, or `pairs`, while the call sleeps."""
    parts = said if isinstance(said, list) else []
    match name:
        case "recvfrom" | "sendto":
            return (fd, None, said, 0, None, None), None
        case "read" | "write":
            return (fd, None, said), None
        case "epoll_wait":
            ready = None if pairs is None else tuple((events, watched) for watched, events in pairs)
            return (fd, ready, None, said), None
        case "poll" if not parts:
            return (None, None, None), None
        case "poll":
            found = dict(pairs or ())
            asked = tuple((int(f), int(events), found.get(f, 0)) for f, events in parts[0])
            return (asked, len(asked), int(parts[1])), None
        case "select" if not parts:
            return (None, None, None, None, None), None
        case "select":
            sets = tuple(tuple(map(int, part)) for part in parts[:3])
            wait = int(parts[3])
            out = tuple(tuple(f for f, kind in pairs or () if kind == 1 << which) for which in range(3))
            highest = max((f for part in sets for f in part), default=-1)
            return (highest + 1, *sets, None if wait < 0 else wait * 1_000_000), out
        case "accept4":
            return (fd, address(parts[0]) if parts else None, None, SOCK_CLOEXEC), None
        case "bind" | "connect":
            return (fd, address(parts[0]) if parts else None, None), None
        case "socket":
            family, kind, protocol = map(int, parts)
            return (family, kind | SOCK_CLOEXEC, protocol), None
        case "socketpair":
            family, kind, protocol, first, second = map(int, parts)
            return (family, kind | SOCK_CLOEXEC, protocol, (first, second)), None
        case "setsockopt":
            level, option, value = (*parts, None, None, None)[:3]
            return (fd, level, option, value if isinstance(value, int) else None, None), None
        case "epoll_ctl":
            op, watched, events = map(int, parts)
            return (fd, op, watched, None if op == 2 else (events, watched)), None
        case "pipe2":
            return (tuple(map(int, parts)), SOCK_CLOEXEC), None
        case "fcntl":
            return (fd, F_SETFL, O_NONBLOCK if parts and parts[1] else 0), None
        case "clock_nanosleep":
            return (0, 0, said, None), None
        case "recvmsg" | "sendmsg":
            return (fd, None, 0), None
        case "clone":
            return (THREAD, None, None, None, None), None
        case "epoll_create1":
            return (0o2000000,), None
        case "listen" | "shutdown":
            return (fd, said), None
        case "close" | "dup":
            return (fd,), None
    return (None,), None
