"""From strace's notation of a call's arguments to the normal form of `ioviz.live.calls`.

A signature has a letter a parameter (see `_KINDS`). The calls that make up nearly all of a server's life have a regular
expression each for the numbers that `-X raw` prints; everything else, and whatever does not match, takes the general
way through `Values`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any, Final

from ioviz.live.strace_values import Applied, Quoted, Values, unescape

Args = tuple[Any, ...]
Normal = tuple[Args, bytes | None]
"""The arguments, and the bytes that were read or written if they could be seen."""

SIGNATURES: Final[dict[str, str]] = {
    "read": "nbn", "write": "nbn", "pread64": "nbnn", "pwrite64": "nbnn", "readv": "nbn", "writev": "nbn",
    "preadv": "nbnn", "pwritev": "nbnn", "preadv2": "nbnnn", "pwritev2": "nbnnn", "close": "n", "open": "snn",
    "openat": "nsnn", "openat2": "nsxn", "creat": "sn", "dup": "n", "dup2": "nn", "dup3": "nnn", "fcntl": "nnn",
    "ioctl": "nni", "pipe": "P", "pipe2": "Pn", "socket": "nnn", "socketpair": "nnnP", "bind": "nan", "listen": "nn",
    "accept": "nal", "accept4": "naln", "connect": "nan", "getsockname": "nal", "getpeername": "nal",
    "setsockopt": "nnnin", "getsockopt": "nnnil", "shutdown": "nn", "sendto": "nbnnan", "recvfrom": "nbnnal",
    "sendmsg": "nmn", "recvmsg": "nmn", "sendmmsg": "nMnn", "recvmmsg": "nMnnt", "poll": "pnn", "ppoll": "pntxn",
    "select": "nSSSt", "pselect6": "nSSStx", "epoll_create": "n", "epoll_create1": "n", "epoll_ctl": "nnne",
    "epoll_wait": "nEnn", "epoll_pwait": "nEnnxn", "epoll_pwait2": "nEntxn", "eventfd": "n", "eventfd2": "nn",
    "timerfd_create": "nn", "timerfd_settime": "nnxx", "signalfd": "nxn", "signalfd4": "nxnn", "inotify_init1": "n",
    "memfd_create": "sn", "sendfile": "nnxn", "splice": "nxnxnn", "tee": "nnnn", "close_range": "nnn",
    "clone": "F", "clone3": "F", "fork": "", "vfork": "", "execve": "svx", "exit": "n", "exit_group": "n",
    "pidfd_open": "nn", "pidfd_getfd": "nnn", "io_uring_setup": "nx", "io_uring_enter": "nnnnxn",
    "io_uring_register": "nnxn",
}  # fmt: skip

_DECIMAL: Final = re.compile(r"\d{1,18}(?![\w.])")
_NAMES: Final = r"[A-Z\d][\w|]*"
_FD: Final = r"(\d+)(?:<[^\s\"]*>)?"
_TEXT: Final = r'"([^"\\]*(?:\\.[^"\\]*)*)"(?:\.\.\.)?'
_EVENT: Final = re.compile(rf"events=({_NAMES}), data=\{{u32=\d+, u64=(\d+)\}}")
_HOT: Final[dict[str, re.Pattern[str]]] = {
    "read": re.compile(rf"{_FD}, {_TEXT}, (\d+)", re.DOTALL),
    "recvfrom": re.compile(rf"{_FD}, {_TEXT}, (\d+), ({_NAMES}), NULL, NULL", re.DOTALL),
    "sendto": re.compile(rf"{_FD}, {_TEXT}, (\d+), ({_NAMES}), NULL, 0", re.DOTALL),
    "epoll_wait": re.compile(rf"{_FD}, \[(.*)\], (\d+), (-?\d+)"),
    "epoll_pwait": re.compile(rf"{_FD}, \[(.*)\], (\d+), (-?\d+), NULL, \d+"),
    "epoll_ctl": re.compile(
        rf"{_FD}, (0x[123]|EPOLL_CTL_[A-Z]+), {_FD}, \{{events=({_NAMES}), data=\{{u32=\d+, u64=(\d+)\}}\}}"
    ),
}
_HOT["write"] = _HOT["read"]
_WORDS: Final[dict[str, int]] = {}
"""Flags that have been met, and their numbers."""
MET: Final = 4096
"""Of those, at most."""


def _word(text: str) -> int:
    """The number of `0x11`, `EPOLLIN|EPOLLET` or `EPOLL_CTL_ADD`."""
    number = _WORDS.get(text)
    if number is None:
        value = Values(text).all()[0]
        number = value if isinstance(value, int) else 0
        if len(_WORDS) < MET:
            _WORDS[text] = number
    return number


def normal(name: str, text: str) -> Normal:
    """The arguments of call `name` as strace wrote them between the parentheses. Raises ValueError."""
    pattern = _HOT.get(name)
    if pattern is not None:
        match = pattern.fullmatch(text)
        if match is not None:
            if name == "recvfrom" or name == "sendto":
                fd, shown, size, flags = match.groups()
                last = None if name == "recvfrom" else 0
                return (int(fd), None, int(size), _word(flags), None, last), unescape(shown) if shown else None
            if name == "epoll_ctl":
                epfd, op, fd, events, data = match.groups()
                return (int(epfd), _word(op), int(fd), (_word(events), int(data))), None
            if name == "read" or name == "write":
                fd, shown, size = match.groups()
                return (int(fd), None, int(size)), unescape(shown) if shown else None
            epfd, found, most, timeout = match.groups()
            events_found = tuple([(_word(events), int(data)) for events, data in _EVENT.findall(found)])
            if len(events_found) == found.count("{events="):
                if name == "epoll_wait":
                    return (int(epfd), events_found, int(most), int(timeout)), None
                return (int(epfd), events_found, int(most), int(timeout), None, 8), None
    elif text.isdecimal():
        return (int(text),), None
    return _general(name, text)


def _general(name: str, text: str) -> Normal:
    kinds = SIGNATURES.get(name)
    if kinds is None:  # nothing depends on it
        first = _DECIMAL.match(text)
        return ((int(first[0]),) if first is not None else ()), None
    values = Values(text).all()
    if kinds == "F":
        return (_clone_flags(text, values),), None
    data = None
    args: list[Any] = []
    for kind, value in zip(kinds, values, strict=False):
        if kind == "b":
            data = _bytes(value)
            args.append(None)
        else:
            args.append(_KINDS[kind](value))
    return tuple(args), data


def _bytes(value: Any) -> bytes | None:
    """The bytes behind a buffer or an iovec, as far as strace shows them; None if it shows none."""
    if isinstance(value, Quoted):
        return None if value.cut and not value.data else value.data
    if isinstance(value, list):
        pieces = [_bytes(each.get("iov_base")) for each in value if isinstance(each, dict)]
        if pieces and all(piece is not None for piece in pieces):
            return b"".join(piece or b"" for piece in pieces)
    return None


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _first_int(value: Any) -> int | None:
    """`[16]`, `[1]`, `[128 => 16]`, or a plain number."""
    if isinstance(value, list):
        return _int(value[0]) if value else None
    return _int(value)


def _path(value: Any) -> str | None:
    return value.data.decode("utf-8", "surrogateescape") if isinstance(value, Quoted) else None


def _address(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    family = value.get("sa_family")
    if family == 2:
        host = _host(value.get("sin_addr", value.get("inet_addr")), socket.AF_INET)
        return f"{host}:{_port(value.get('sin_port'))}"
    if family == 10:
        host = _host(value.get("sin6_addr", value.get("inet_pton")), socket.AF_INET6)
        return f"[{host}]:{_port(value.get('sin6_port'))}"
    if family == 1:
        name = value.get("sun_path")
        if not isinstance(name, Quoted):
            return ""
        text = name.data.split(b"\0", 1)[0] if name.data[:1] != b"\0" else b"@" + name.data[1:]
        return text.decode("utf-8", "surrogateescape")
    return f"family {family}" if family is not None else ""


def _host(value: Any, family: socket.AddressFamily) -> str:
    if isinstance(value, Applied):
        value = next((each for each in value.args if isinstance(each, Quoted)), None)
        return value.data.decode("latin-1") if value is not None else "?"
    if isinstance(value, Quoted):
        try:
            return socket.inet_ntop(family, value.data)
        except ValueError:
            return value.data.decode("latin-1")
    return "?"


def _port(value: Any) -> int:
    if isinstance(value, Applied):
        return _int(value.args[0] if value.args else 0) or 0
    if isinstance(value, Quoted):
        return int.from_bytes(value.data[:2], "big")
    return _int(value) or 0


def _event(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, dict):
        return None
    data = value.get("data")
    if isinstance(data, dict):
        data = data.get("u64", data.get("u32", data.get("ptr", data.get("fd"))))
    return (_int(value.get("events")) or 0) & 0xFFFFFFFF, (_int(data) or 0) & 0xFFFFFFFFFFFFFFFF


def _events(value: Any) -> tuple[tuple[int, int], ...] | None:
    return tuple(filter(None, map(_event, value))) if isinstance(value, list) else None


def _strings(value: Any) -> tuple[str, ...] | None:
    """Arguments of a program; one of which strace showed only the first bytes ends in an ellipsis."""
    if not isinstance(value, list):
        return None
    texts = ((_path(each), each.cut if isinstance(each, Quoted) else False) for each in value)
    return tuple(f"{text}…" if cut else text for text, cut in texts if text)


def _polled(value: Any) -> tuple[tuple[int, int, int], ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(
        (_int(each.get("fd")) or 0, _int(each.get("events")) or 0, _int(each.get("revents")) or 0)
        for each in value
        if isinstance(each, dict)
    )


def _fd_set(value: Any) -> tuple[int, ...] | None:
    return tuple(each for each in value if isinstance(each, int)) if isinstance(value, list) else None


def _time(value: Any) -> int | None:
    if not isinstance(value, dict):
        return None
    return (_int(value.get("tv_sec")) or 0) * 10**9 + (
        _int(value.get("tv_nsec")) or (_int(value.get("tv_usec")) or 0) * 1000
    )


def _pair(value: Any) -> tuple[int, int] | None:
    found = _fd_set(value) or ()
    return (found[0], found[1]) if len(found) == 2 else None


def _message(value: Any) -> tuple[str | None, tuple[int, ...]] | None:
    if not isinstance(value, dict):
        return None
    fds: list[int] = []
    control = value.get("msg_control")
    for each in control if isinstance(control, list) else ():
        if isinstance(each, dict) and each.get("cmsg_type") == 1 and each.get("cmsg_level") == 1:
            fds.extend(_fd_set(each.get("cmsg_data")) or ())
    return _address(value.get("msg_name")), tuple(fds)


def _messages(value: Any) -> tuple[str | None, tuple[int, ...]] | None:
    first = value[0] if isinstance(value, list) and value else None
    return _message(first.get("msg_hdr")) if isinstance(first, dict) else None


_FLAGS: Final = re.compile(r"flags=([\w|]+)")


def _clone_flags(text: str, values: list[Any]) -> int | None:
    """`clone(child_stack=NULL, flags=…)` and `clone3({flags=…} …)`, whose fields the general grammar does not know."""
    match = _FLAGS.search(text)
    if match is None:
        return next((value["flags"] for value in values if isinstance(value, dict) and "flags" in value), None)
    found = Values(match[1]).all()
    return _int(found[0]) if found else None


def _nothing(value: Any) -> None:
    return None


_KINDS: Final[dict[str, Callable[[Any], Any]]] = {
    "n": _int,
    "s": _path,
    "a": _address,
    "l": _first_int,
    "i": _first_int,
    "e": _event,
    "E": _events,
    "p": _polled,
    "S": _fd_set,
    "t": _time,
    "P": _pair,
    "m": _message,
    "M": _messages,
    "v": _strings,
    "x": _nothing,
}
