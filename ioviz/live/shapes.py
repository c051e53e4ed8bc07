"""Arguments and results of observed calls in the shape in which the machine logs its own.

`TrapEntered.args` has what goes in, `SyscallReturned.out` what the kernel copied out; sentences, search, the panel of
system calls and strace's notation (`ioviz.view.strace_args`) all read that one shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ioviz.live.calls import Call
    from ioviz.model.cpu import Arg

SHOWN: Final = 32
"""Bytes of a string, and members of a list, that the log keeps."""

Shape = Callable[["Call"], Any]


def _text(call: Call, at: int) -> str:
    """The first bytes of what was written, a character a byte; dots where nobody saw them."""
    data = call.data
    return data[:SHOWN].decode("latin-1") if data is not None else ""


def address(text: Any) -> Any:
    """ "127.0.0.1:80" → ("127.0.0.1", 80); a Unix path stays, "@name" gets its zero byte."""
    if not isinstance(text, str):
        return None
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and not text.startswith(("/", "@")):
        return (host[1:-1], int(port), 0, 0) if host.startswith("[") else (host, int(port))
    return "\0" + text[1:] if text.startswith("@") else text


def _at(args: tuple[Any, ...], place: int, otherwise: Any = 0) -> Any:
    value = args[place] if place < len(args) else None
    return otherwise if value is None else value


def _first(*places: int) -> Shape:
    return lambda call: tuple([_at(call.args, place) for place in places])


def _received_into(call: Call) -> Any:
    args = call.args
    if len(args) < 4 or args[2] is None:
        return _at(args, 0), _at(args, 2), _at(args, 3)
    return args[0], args[2], args[3]


def _sent(call: Call) -> Any:
    args = call.args
    if len(args) == 6 and args[4] is None:
        return args[0], _text(call, 1), args[2] or 0, args[3] or 0, None
    return _at(args, 0), _text(call, 1), _at(args, 2), _at(args, 3), address(_at(args, 4, None))


def _message(call: Call) -> Any:
    args = call.args
    name = args[1][0] if len(args) > 1 and args[1] else None
    size = call.result if call.result is not None and call.result > 0 else 0
    return _at(args, 0), _text(call, 1), size, _at(args, 2), address(name)


def _ctl(call: Call) -> Any:
    args = call.args
    events, data = _at(args, 3, (0, 0))
    return _at(args, 0), _at(args, 1), _at(args, 2), events, data


def _ms(value: Any) -> int:
    return value * 1_000_000 if isinstance(value, int) and value >= 0 else -1


def _polled(call: Call) -> Any:
    polled = _at(call.args, 0, ())
    timeout = _at(call.args, 2, -1)
    wait = _ms(timeout) if call.name == "poll" else timeout
    return tuple((fd, events) for fd, events, _ in polled[:SHOWN]), _at(call.args, 1), wait


def _select(call: Call) -> Any:
    sets = tuple(tuple(_at(call.args, place, ())[:SHOWN]) for place in (1, 2, 3))
    return (_at(call.args, 0), *sets, _at(call.args, 4, None))


def _wait(call: Call) -> Any:
    timeout = _at(call.args, 3, -1)
    return _at(call.args, 0), _at(call.args, 2), timeout if call.name == "epoll_pwait2" else _ms(timeout)


_IN: Final[dict[str, Shape]] = {
    "read": _first(0, 2), "readv": _first(0, 2), "recvfrom": _received_into, "close": _first(0),
    "write": lambda call: (_at(call.args, 0), _text(call, 1), _at(call.args, 2)),
    "sendto": _sent, "sendmsg": _message,
    "recvmsg": lambda call: (_at(call.args, 0), 0, 0, _at(call.args, 2)),
    "accept": _first(0), "accept4": _first(0, 3), "getsockname": _first(0), "getpeername": _first(0),
    "bind": lambda call: (_at(call.args, 0), address(_at(call.args, 1, None))),
    "connect": lambda call: (_at(call.args, 0), address(_at(call.args, 1, None))),
    "socketpair": _first(0, 1, 2), "pipe2": _first(1), "pipe": lambda call: (0,), "epoll_ctl": _ctl,
    "epoll_wait": _wait, "epoll_pwait": _wait, "epoll_pwait2": _wait, "poll": _polled, "ppoll": _polled,
    "select": _select, "pselect6": _select, "setsockopt": _first(0, 1, 2, 3), "getsockopt": _first(0, 1, 2, 4),
    "openat": lambda call: (_at(call.args, 1, ""), _at(call.args, 2), _at(call.args, 3)),
    "open": lambda call: (_at(call.args, 0, ""), _at(call.args, 1), _at(call.args, 2)),
    "clone": lambda call: (), "clone3": lambda call: (), "dup3": _first(0, 1, 2), "fcntl": _first(0, 1, 2),
    "ioctl": _first(0, 1, 2), "futex": lambda call: (0, 0, 0, None), "clock_nanosleep": lambda call: (0,),
    "rt_sigaction": lambda call: (_at(call.args, 0), 2), "rt_sigprocmask": lambda call: (0, ()),
    "setitimer": lambda call: (0, 0, 0), "execve": lambda call: (_at(call.args, 0, ""),),
    "getrandom": lambda call: (0,), "stat": lambda call: (_at(call.args, 0, ""),), "fstat": _first(0),
    "mkdir": lambda call: (_at(call.args, 0, ""),), "unlink": lambda call: (_at(call.args, 0, ""),),
    "rename": lambda call: (_at(call.args, 0, ""), _at(call.args, 1, "")), "lseek": lambda call: (0, 0, 0),
    "rmdir": lambda call: (_at(call.args, 0, ""),), "kill": lambda call: (0, 0), "tgkill": lambda call: (0, 0, 0),
    "getdents64": lambda call: (_at(call.args, 0),),
}  # fmt: skip


def _pair(place: int) -> Shape:
    return lambda call: _at(call.args, place, None)


def _received(call: Call) -> Any:
    return _text(call, 1), address(_at(call.args, 4, None))


def _found(call: Call) -> Any:
    return tuple((data, events) for events, data in _at(call.args, 1, ())[:SHOWN])


def _address_out(call: Call) -> Any:
    return address(_at(call.args, 1, None))


_OUT: Final[dict[str, Shape]] = {
    "read": lambda call: _text(call, 1), "recvfrom": _received,
    "recvmsg": lambda call: (_text(call, 1), 0, address((_at(call.args, 1, None) or (None, ()))[0])),
    "accept": _address_out, "accept4": _address_out, "getsockname": _address_out, "getpeername": _address_out,
    "socketpair": _pair(3), "pipe2": _pair(0), "pipe": _pair(0), "epoll_wait": _found, "epoll_pwait": _found,
    "epoll_pwait2": _found, "getsockopt": lambda call: _at(call.args, 3),
    "poll": lambda call: tuple((fd, found) for fd, _, found in _at(call.args, 0, ()) if found)[:SHOWN],
    "ppoll": lambda call: tuple((fd, found) for fd, _, found in _at(call.args, 0, ()) if found)[:SHOWN],
    "select": lambda call: call.out, "pselect6": lambda call: call.out, "getrandom": lambda call: "",
}  # fmt: skip


def shape_in(call: Call) -> tuple[Arg, ...]:
    """The arguments of `call` as `TrapEntered` has them."""
    shape = _IN.get(call.name)
    if shape is not None:
        return shape(call)  # type: ignore[no-any-return]
    return tuple(value if isinstance(value, (int, str)) else None for value in call.args)


def shape_out(call: Call) -> Arg:
    """What the kernel gave the program beside the result, as `SyscallReturned` has it."""
    if call.result is None or call.result < 0:
        return None
    shape = _OUT.get(call.name)
    return shape(call) if shape is not None else None
