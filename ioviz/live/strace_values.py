"""The notation in which strace writes arguments: a parser of single values, and the numbers behind the names.

Grammar, as far as strace 4.20 to 6.x uses it (its authors call it "C-like"):

    value   string | [ list ] | { fields } | number | NAME | A|B|0x10 | fn(list) | ~value | &name | value => value
    string  "…"  with C escapes, and `...` after it when it was cut
    field   name=value | value

Numbers may carry a descriptor's decoration (`-y`): `4<socket:[123]>`. Of `a => b` (before and after the call) b counts.
Anything else raises ValueError, also nesting deeper than `DEEPEST`: a log may be hostile.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import select
import signal
import socket
from typing import Any, Final, NamedTuple

DEEPEST: Final = 24

_NUMBER: Final = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|\d+)(?![\w.])")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_STRING: Final = re.compile(r'@?"((?:[^"\\]|\\.)*)"(\.\.\.)?', re.DOTALL)
_SPACE: Final = re.compile(r"(?:\s|/\*.*?\*/)*")
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f", "a": "\a", "b": "\b", "e": "\x1b"}


class Quoted(NamedTuple):
    """A string: its bytes, and whether strace showed only the first of them."""

    data: bytes
    cut: bool


class Applied(NamedTuple):
    """`htons(80)`, `inet_addr("…")`."""

    name: str
    args: list[Any]


def _constants() -> dict[str, int]:
    found: dict[str, int] = {}
    wanted = {
        socket: ("AF_", "SOCK_", "MSG_", "SO_", "SOL_", "IPPROTO_", "TCP_", "SHUT_", "IPV6_", "IP_", "SCM_"),
        select: ("EPOLL", "POLL"),
        os: ("O_", "EFD_", "GRND_", "CLONE_"),
        fcntl: ("F_", "FD_"),
        signal: ("SIG",),
    }
    for module, prefixes in wanted.items():
        for name in dir(module):
            value = getattr(module, name)
            if name.startswith(prefixes) and isinstance(value, int):
                found[name] = int(value)
    if "EPOLLET" not in found:  # not Linux: the numbers are Linux's all the same
        from ioviz.model.poll_bits import NAMES

        found |= {f"{prefix}{name}": bit for bit, name in NAMES for prefix in ("EPOLL", "POLL")}
    found |= {
        "EPOLL_CTL_ADD": 1, "EPOLL_CTL_DEL": 2, "EPOLL_CTL_MOD": 3, "EPOLLRDHUP": 0x2000, "POLLRDHUP": 0x2000,
        "EPOLLEXCLUSIVE": 1 << 28, "EPOLLWAKEUP": 1 << 29, "EPOLLONESHOT": 1 << 30, "EPOLLET": 1 << 31,
        "AF_UNIX": 1, "AF_LOCAL": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_UNSPEC": 0,
        "SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_NONBLOCK": 0o4000, "SOCK_CLOEXEC": 0o2000000,
        "O_RDONLY": 0, "O_WRONLY": 1, "O_RDWR": 2, "O_NONBLOCK": 0o4000, "O_CLOEXEC": 0o2000000, "O_CREAT": 0o100,
        "EPOLL_CLOEXEC": 0o2000000, "EFD_CLOEXEC": 0o2000000, "EFD_NONBLOCK": 0o4000, "EFD_SEMAPHORE": 1,
        "SFD_CLOEXEC": 0o2000000, "SFD_NONBLOCK": 0o4000, "TFD_CLOEXEC": 0o2000000, "TFD_NONBLOCK": 0o4000,
        "F_DUPFD": 0, "F_GETFD": 1, "F_SETFD": 2, "F_GETFL": 3, "F_SETFL": 4, "F_DUPFD_CLOEXEC": 1030,
        "FD_CLOEXEC": 1, "AT_FDCWD": -100, "SHUT_RD": 0, "SHUT_WR": 1, "SHUT_RDWR": 2,
        "FIONBIO": 0x5421, "FIONREAD": 0x541B, "FIOASYNC": 0x5452, "TIOCOUTQ": 0x5411, "TCGETS": 0x5401,
        "FIOCLEX": 0x5451, "FIONCLEX": 0x5450, "NULL": 0, "SCM_RIGHTS": 1,
        "CLONE_VM": 0x100, "CLONE_FS": 0x200, "CLONE_FILES": 0x400, "CLONE_SIGHAND": 0x800, "CLONE_PIDFD": 0x1000,
        "CLONE_VFORK": 0x4000, "CLONE_PARENT": 0x8000, "CLONE_THREAD": 0x10000, "CLONE_SYSVSEM": 0x40000,
        "CLONE_SETTLS": 0x80000, "CLONE_PARENT_SETTID": 0x100000, "CLONE_CHILD_CLEARTID": 0x200000,
        "CLONE_CHILD_SETTID": 0x1000000, "SIGCHLD": 17, "CLOSE_RANGE_CLOEXEC": 4, "CLOSE_RANGE_UNSHARE": 2,
        "MSG_DONTWAIT": 0x40, "MSG_NOSIGNAL": 0x4000, "MSG_PEEK": 2, "MSG_WAITALL": 0x100, "MSG_OOB": 1,
        "MSG_MORE": 0x8000, "MSG_CMSG_CLOEXEC": 0x40000000, "MSG_ERRQUEUE": 0x2000, "MSG_TRUNC": 0x20,
    }  # fmt: skip
    return found


CONSTANTS: Final = _constants()
"""The numbers of the names that strace writes, as far as anything here depends on them."""
ERRNOS: Final = {name: number for number, name in errno.errorcode.items()} | {
    "EWOULDBLOCK": 11, "EAGAIN": 11, "EINTR": 4, "ENOTSUP": 95, "ERESTARTSYS": 512, "ERESTARTNOINTR": 513,
    "ERESTARTNOHAND": 514, "ERESTART_RESTARTBLOCK": 516,
}  # fmt: skip


def unescape(text: str) -> bytes:
    """The bytes of a string as strace writes it between its quotes."""
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return text.encode("latin-1", "replace")


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _ESCAPES.get(code, code)


class Values:
    """A text and how far it has been read."""

    def __init__(self, text: str, at: int = 0) -> None:
        self._text = text
        self._at = at

    def all(self) -> list[Any]:
        """The values of the whole text, between commas. Raises ValueError."""
        found = self._list("", 0)
        if self._at < len(self._text):
            raise ValueError(f"a stray {self._text[self._at]!r}")
        return found

    def _space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _eat(self, token: str) -> bool:
        self._space()
        if self._text.startswith(token, self._at):
            self._at += len(token)
            return True
        return False

    def _list(self, closing: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while True:
            self._space()
            if (closing and self._eat(closing)) or self._at >= len(self._text):
                return found
            if not closing:
                self._label()
            found.append(self._value(depth + 1))
            while not self._eat(","):  # fd sets have blanks between their members
                self._space()
                if (closing and self._eat(closing)) or self._at >= len(self._text):
                    return found
                if closing != "]":
                    if not closing:
                        return found
                    raise ValueError("a comma is missing")
                found.append(self._value(depth + 1))

    def _label(self) -> None:
        """`child_stack=NULL`: strace names the arguments of clone."""
        name = _NAME.match(self._text, self._at)
        if name is not None and self._text.startswith("=", name.end()):
            self._at = name.end() + 1

    def _fields(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._eat("}"):
            if self._at >= len(self._text):
                return found
            name = _NAME.match(self._text, self._at)
            if name is not None and self._text.startswith("=", name.end()) and self._text[name.end() + 1 :][:1] != ">":
                self._at = name.end() + 1
                found[name[0]] = self._value(depth + 1)
            else:
                value = self._value(depth + 1)
                found[value.name if isinstance(value, Applied) else f"#{len(found)}"] = value
            self._eat(",")
        return found

    def _value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        value = self._single(depth)
        while True:
            self._space()
            if self._eat("=>"):
                value = self._single(depth)
            elif self._text.startswith("|", self._at) and not self._text.startswith("||", self._at):
                self._at += 1
                other = self._single(depth)
                value = (value if isinstance(value, int) else 0) | (other if isinstance(other, int) else 0)
            elif self._text.startswith(("*", "<<"), self._at):
                self._at += 1 + (self._text[self._at] == "<")
                self._single(depth)
                value = None
            else:
                return value

    def _single(self, depth: int) -> Any:
        self._space()
        text, at = self._text, self._at
        if at >= len(text):
            return None
        char = text[at]
        if char in '"@':
            match = _STRING.match(text, at)
            if match is None:
                raise ValueError("a string without an end")
            self._at = match.end()
            data = unescape(match[1])
            return Quoted(b"\0" + data if char == "@" else data, match[2] is not None)
        if char == "[":
            self._at += 1
            return self._list("]", depth)
        if char == "{":
            self._at += 1
            return self._fields(depth)
        if char in "~&":
            self._at += 1
            self._value(depth + 1)
            return None
        if char == "(":
            self._at += 1
            self._list(")", depth)
            return self._single(depth + 1) if depth < DEEPEST else None
        if text.startswith("...", at):
            self._at += 3
            return None
        match = _NUMBER.match(text, at)
        if match is not None:
            self._at = match.end()
            self._decoration()
            number = match[0]
            octal = len(number) > 1 and number[0] == "0" and number[1] not in "xX"
            return int(number, 8 if octal else 0) if not octal or set(number) <= set("01234567") else int(number)
        match = _NAME.match(text, at)
        if match is not None:
            self._at = match.end()
            if text.startswith("(", self._at):
                self._at += 1
                return Applied(match[0], self._list(")", depth))
            self._decoration()
            return CONSTANTS.get(match[0])
        if char == "?":
            self._at += 1
            return None
        match = re.compile(r"-?[\w.]+").match(text, at)
        if match is not None:
            self._at = match.end()
            return None
        raise ValueError(f"a stray {char!r}")

    def _decoration(self) -> None:
        """`<…>` after a descriptor; `->` in it does not close it."""
        if not self._text.startswith("<", self._at) or self._text.startswith("<<", self._at):
            return
        at, deep = self._at, 0
        while at < len(self._text):
            char = self._text[at]
            if char == "<":
                deep += 1
            elif char == ">" and self._text[at - 1] != "-":
                deep -= 1
                if not deep:
                    self._at = at + 1
                    return
            at += 1
        self._at = len(self._text)
