"""How strace writes the arguments and results of each system call: `FORMATS`, a table by number.

A format has what is known when the call is made (`enter`), the rest of the parentheses, known when it returns
(`leave`), and a comment on the result (`note`). Source: strace 6.1's own output. The machine has no user addresses:
where strace would print a pointer, `POINTER` stands.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ioviz.model.poll_bits import NAMES as POLL_NAMES
from ioviz.model.syscalls import SYS

POINTER: Final = "0x7ffc0000e0a0"
SHOWN: Final = 32
"""Bytes of a string that strace shows, and that the log has."""
Args = tuple[Any, ...]


def nothing(*_: Any) -> str:
    return ""


class Format(NamedTuple):
    """How to write one call: see the module."""

    enter: Callable[[Args], str]
    leave: Callable[[Args, int, Any], str] = nothing
    note: Callable[[Args, int, Any], str] = nothing


ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\v": "\\v", "\f": "\\f", '"': '\\"', "\\": "\\\\"}


def quoted(text: str, length: int, most: int = SHOWN) -> str:
    """A string of which the log has the first characters, a byte each, and `length` is the whole length. At most `most`
    are shown."""
    shown = text[: min(length, most)]
    out = []
    for place, char in enumerate(shown):
        if char in ESCAPES:
            out.append(ESCAPES[char])
        elif " " <= char <= "~":
            out.append(char)
        else:
            digits = "03o" if shown[place + 1 : place + 2].isdecimal() else "o"
            out.append(f"\\{ord(char):{digits}}")
    return f'"{"".join(out)}"' + ("..." if length > len(shown) else "")


def bits(value: int, names: tuple[tuple[int, str], ...], none: str = "0") -> str:
    """`A|B`, with what has no name in hexadecimal."""
    out = []
    for bit, name in names:
        if value & bit == bit and bit:
            out.append(name)
            value &= ~bit
    if value:
        out.append(hex(value))
    return "|".join(out) or none


def named(value: int, names: dict[int, str]) -> str:
    return names.get(value, hex(value))


def _prefixed(prefix: str, but: tuple[str, ...] = ()) -> dict[int, str]:
    """The constants of `socket` that begin with `prefix`, by value."""
    names = [name for name in vars(socket) if name.startswith(prefix) and not name.startswith(but)]
    return {int(getattr(socket, name)): name for name in names if isinstance(getattr(socket, name), int)}


EVENTS: Final = tuple((bit, f"EPOLL{name}") for bit, name in POLL_NAMES)
POLLS: Final = tuple((bit, f"POLL{name}") for bit, name in POLL_NAMES)
OPEN_BITS: Final = (
    (0o4010000, "O_SYNC"),
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1000, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (0o200000, "O_DIRECTORY"),
    (0o400000, "O_NOFOLLOW"),
    (0o2000000, "O_CLOEXEC"),
)
FAMILIES: Final = {1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6"}
TYPES: Final = {1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW", 5: "SOCK_SEQPACKET"}
SOCKET_BITS: Final = ((0o2000000, "SOCK_CLOEXEC"), (0o4000, "SOCK_NONBLOCK"))
PROTOCOLS: Final = {0: "IPPROTO_IP", 6: "IPPROTO_TCP", 17: "IPPROTO_UDP", 136: "IPPROTO_UDPLITE"}
LEVELS: Final = {0: "SOL_IP", 1: "SOL_SOCKET", 6: "SOL_TCP", 17: "SOL_UDP", 41: "SOL_IPV6"}
OPTIONS: Final = {
    1: _prefixed("SO_", but=("SO_VM_", "SO_J1939_")),
    6: _prefixed("TCP_"),
    41: _prefixed("IPV6_"),
    0: _prefixed("IP_"),
}
MSG_BITS: Final = tuple((bit, name) for bit, name in sorted(_prefixed("MSG_").items()) if bit)
FCNTLS: Final = {0: "F_DUPFD", 1: "F_GETFD", 2: "F_SETFD", 3: "F_GETFL", 4: "F_SETFL", 1030: "F_DUPFD_CLOEXEC"}
IOCTLS: Final = {0x5421: "FIONBIO", 0x541B: "FIONREAD", 0x5411: "TIOCOUTQ", 0x5450: "FIONCLEX", 0x5451: "FIOCLEX"}
IOCTLS_OUT: Final = (0x541B, 0x5411)
WHENCE: Final = {0: "SEEK_SET", 1: "SEEK_CUR", 2: "SEEK_END"}
MODES: Final = {0o14: "S_IFSOCK", 0o10: "S_IFREG", 0o4: "S_IFDIR", 0o2: "S_IFCHR", 0o1: "S_IFIFO"}
CLONE_THREAD: Final = (
    "child_stack=NULL, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS"
    "|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID"
)


def signal_name(number: int) -> str:
    """`SIGINT`, or `0`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number) if number < 32 else f"SIGRT_{number - 32}"


def _open_flags(flags: int) -> str:
    access = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE")[flags & 3]
    rest = bits(flags & ~3 & ~0o100000, OPEN_BITS, "")
    return f"{access}|{rest}" if rest else access


def _socket_type(value: int) -> str:
    out = named(value & 0xF, TYPES)
    flags = bits(value & ~0xF, SOCKET_BITS, "")
    return f"{out}|{flags}" if flags else out


def _socket_args(args: Args) -> str:
    protocol = str(args[2]) if args[0] == 1 else named(args[2], PROTOCOLS)
    return f"{named(args[0], FAMILIES)}, {_socket_type(args[1])}, {protocol}"


def address(value: Any) -> str:
    """A `struct sockaddr`."""
    if isinstance(value, str):
        if not value:
            return "{sa_family=AF_UNIX}"
        name = f"@{quoted(value[1:], len(value) - 1)}" if value[0] == "\0" else quoted(value, len(value))
        return f"{{sa_family=AF_UNIX, sun_path={name}}}"
    if isinstance(value, tuple) and len(value) == 4:
        host, port, flow, scope = value
        return (
            f"{{sa_family=AF_INET6, sin6_port=htons({port}), sin6_flowinfo=htonl({flow}), "
            f'inet_pton(AF_INET6, "{host}", &sin6_addr), sin6_scope_id={scope}}}'
        )
    if isinstance(value, tuple) and len(value) == 2:
        return f'{{sa_family=AF_INET, sin_port=htons({value[1]}), sin_addr=inet_addr("{value[0]}")}}'
    return "NULL" if value is None else POINTER


def address_size(value: Any) -> int:
    """The size of a `struct sockaddr`, as the program passes it."""
    if isinstance(value, str):
        return 2 + len(value) + (bool(value) and value[0] != "\0")
    return 28 if isinstance(value, tuple) and len(value) == 4 else 16


def _address_in(args: Args) -> str:
    return f"{args[0]}, {address(args[1])}, {address_size(args[1])}"


def _address_out(args: Args, ret: int, out: Any) -> str:
    if ret < 0:
        return f"{POINTER}, [16]"
    size = address_size(out)
    return f"{address(out)}, [{f'110 => {size}' if isinstance(out, str) else size}]"


def timespec(ns: int) -> str:
    return f"{{tv_sec={ns // 10**9}, tv_nsec={ns % 10**9}}}"


def timeval(ns: int) -> str:
    return f"{{tv_sec={ns // 10**9}, tv_usec={ns % 10**9 // 1000}}}"


def _ms(ns: int | None) -> int:
    return -1 if ns is None or ns < 0 else -(-ns // 1_000_000)


def _fds(fds: tuple[int, ...]) -> str:
    return f"[{' '.join(map(str, fds))}]" if fds else "NULL"


def _select_note(args: Args, ret: int, out: Any) -> str:
    if ret <= 0 or out is None:
        return " (Timeout)" if ret == 0 else ""
    sets = [f"{name} {_fds(fds)}" for name, fds in zip(("in", "out", "except"), out, strict=False) if fds]
    return f" ({', '.join(sets)})"


def _poll_note(args: Args, ret: int, out: Any) -> str:
    if ret <= 0 or out is None:
        return " (Timeout)" if ret == 0 else ""
    ready = ", ".join(f"{{fd={fd}, revents={bits(events, POLLS)}}}" for fd, events in out if events)
    return f" ([{ready}])"


def _waits_with(mask: Any) -> str:
    return "NULL, 8" if mask is None else f"{_sigset(mask)}, 8"


def _timespec_or_null(ns: int | None) -> str:
    return "NULL" if ns is None else timespec(ns)


def _pollfds(args: Args) -> str:
    fds = ", ".join(f"{{fd={fd}, events={bits(events, POLLS)}}}" for fd, events in args[0])
    return f"[{fds}{', ...' if args[1] > len(args[0]) else ''}], {args[1]}"


def _poll_args(args: Args) -> str:
    return f"{_pollfds(args)}, {_ms(args[2])}"


def _epoll_event(events: int, data: int) -> str:
    return f"{{events={bits(events, EVENTS)}, data={{u32={data & 0xFFFFFFFF}, u64={data & 0xFFFFFFFFFFFFFFFF}}}}}"


def _epoll_ctl_args(args: Args) -> str:
    epfd, op, fd, events, data = args
    name = named(op, {1: "EPOLL_CTL_ADD", 2: "EPOLL_CTL_DEL", 3: "EPOLL_CTL_MOD"})
    return f"{epfd}, {name}, {fd}, {POINTER if op == 2 else _epoll_event(events, data)}"


def _epoll_wait_rest(args: Args, ret: int, out: Any) -> str:
    shown = f"[{', '.join(_epoll_event(events, data) for data, events in out or ())}{', ...' if ret > SHOWN else ''}]"
    return f"{shown if ret >= 0 else POINTER}, {args[1]}, {_ms(args[2])}"


def _epoll_pwait2_rest(args: Args, ret: int, out: Any) -> str:
    found = _epoll_wait_rest((*args[:2], -1), ret, out).rpartition(", ")[0]
    return f"{found}, {_timespec_or_null(args[2])}, {_waits_with(args[3])}"


def _received(args: Args, ret: int, out: Any) -> str:
    if ret < 0:
        return f"{POINTER}, {args[1]}, {bits(args[2], MSG_BITS)}, NULL, NULL"
    text, sender = out
    where = "NULL, NULL" if sender is None else f"{address(sender)}, [{address_size(sender)}]"
    return f"{quoted(text, ret)}, {args[1]}, {bits(args[2], MSG_BITS)}, {where}"


def _sent(args: Args) -> str:
    fd, text, length, flags, to = args
    where = "NULL, 0" if to is None else f"{address(to)}, {address_size(to)}"
    return f"{fd}, {quoted(text, length)}, {length}, {bits(flags, MSG_BITS)}, {where}"


def _msghdr(text: str, length: int, space: int, flags: int, name: Any) -> str:
    who = (
        "msg_name=NULL, msg_namelen=0"
        if name is None
        else f"msg_name={address(name)}, msg_namelen={address_size(name)}"
    )
    vector = f"msg_iov=[{{iov_base={quoted(text, length)}, iov_len={space}}}], msg_iovlen=1"
    return f"{{{who}, {vector}, msg_controllen=0, msg_flags={bits(flags, MSG_BITS)}}}"


def _recvmsg_rest(args: Args, ret: int, out: Any) -> str:
    flags = bits(args[3], MSG_BITS)
    if ret < 0:
        return f"{{msg_namelen=0}}, {flags}"
    text, msg_flags, sender = out
    return f"{_msghdr(text, ret, args[1], msg_flags, sender)}, {flags}"


def _option(args: Args) -> str:
    return f"{args[0]}, {named(args[1], LEVELS)}, {named(args[2], OPTIONS.get(args[1], {}))}"


def _setsockopt_args(args: Args) -> str:
    value = args[3]
    shown = f"{quoted(value, len(value))}, {len(value)}" if isinstance(value, str) else f"[{value}], 4"
    return f"{_option(args)}, {shown}"


def _getsockopt_rest(args: Args, ret: int, out: Any) -> str:
    if ret < 0:
        return f"{POINTER}, [{args[3] or 4}]"
    return f"{quoted(out, len(out))}, [{len(out)}]" if isinstance(out, str) else f"[{out}], [4]"


def _fcntl_args(args: Args) -> str:
    fd, command, value = args
    shown = {2: "FD_CLOEXEC" if value else "0", 4: _open_flags(value)}.get(command, str(value))
    return f"{fd}, {named(command, FCNTLS)}" + ("" if command in (1, 3) else f", {shown}")


def _fcntl_note(args: Args, ret: int, out: Any) -> str:
    if ret < 0 or args[1] not in (1, 3):
        return ""
    return f" (flags {_open_flags(ret)})" if args[1] == 3 else " (flags FD_CLOEXEC)" if ret else ""


def _stat(ret: int, out: Any) -> str:
    if ret < 0 or not isinstance(out, tuple):
        return POINTER
    mode, size = out[0], out[6]
    return f"{{st_mode={named(mode >> 12, MODES)}|{mode & 0o7777:04o}, st_size={size}, ...}}"


def _path(args: Args) -> str:
    """A path, which strace shows whole. Bytes that are no text stand as characters or as escapes in the log."""
    text = args[0].encode("utf-8", "surrogateescape").decode("latin-1") if isinstance(args[0], str) else str(args[0])
    return quoted(text, len(text), len(text))


def _getcwd_rest(args: Args, ret: int, out: Any) -> str:
    return f"{_path((out,)) if ret >= 0 else POINTER}, {args[0]}"


def octal(value: int) -> str:
    """A umask: three digits at least."""
    return f"0{value:02o}"


def _openat_args(args: Args) -> str:
    mode = f", {args[2]:04o}" if args[1] & 0o100 else ""
    return f"AT_FDCWD, {_path(args)}, {_open_flags(args[1])}{mode}"


def _futex_args(args: Args) -> str:
    key, op, value, timeout = args
    if op & 1:
        return f"{0x55550000 + key * 16:#x}, FUTEX_WAKE_PRIVATE, {value}"
    return (
        f"{0x55550000 + key * 16:#x}, FUTEX_WAIT_PRIVATE, {value}, {'NULL' if timeout is None else timespec(timeout)}"
    )


ACTIONS: Final = {0: "SIG_DFL", 1: "SIG_IGN", 2: POINTER}


def _sigaction(kind: int) -> str:
    if kind == 0:
        return "{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}"
    return f"{{sa_handler={named(kind, ACTIONS)}, sa_mask=[], sa_flags=SA_RESTORER|SA_ONSTACK, sa_restorer={POINTER}}}"


def _sigset(numbers: Any) -> str:
    return "NULL" if numbers is None else f"[{' '.join(signal_name(number)[3:] for number in numbers)}]"


def _siginfo(info: Any) -> str:
    return f"{{si_signo={signal_name(info[0])}, si_code={info[1]}, si_pid={info[3]}, si_uid={info[4]}}}"


def _itimer(first: int, interval: int) -> str:
    return f"{{it_interval={timeval(interval)}, it_value={timeval(first)}}}"


def _plain(args: Args) -> str:
    return ", ".join(str(arg) for arg in args)


def _first(args: Args) -> str:
    return f"{args[0]}, "


def _pair(args: Args, ret: int, out: Any) -> str:
    return f"[{out[0]}, {out[1]}]" if ret >= 0 else POINTER


def _data_read(args: Args, ret: int, out: Any) -> str:
    return f"{quoted(out, ret) if ret >= 0 else POINTER}, {args[1]}"


ACCESS: Final = ((4, "R_OK"), (2, "W_OK"), (1, "X_OK"))
FLOCKS: Final = ((1, "LOCK_SH"), (2, "LOCK_EX"), (4, "LOCK_NB"), (8, "LOCK_UN"))
PROTECTION: Final = ((1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC"))
MAPPING: Final = ((2, "MAP_PRIVATE"), (0x20, "MAP_ANONYMOUS"))

FORMATS: Final[dict[int, Format]] = {
    SYS.read: Format(_first, _data_read),
    SYS.write: Format(lambda a: f"{a[0]}, {quoted(a[1], a[2])}, {a[2]}"),
    SYS.mmap: Format(lambda a: f"NULL, {a[1]}, {bits(a[2], PROTECTION, 'PROT_NONE')}, {bits(a[3], MAPPING)}, -1, 0"),
    SYS.openat: Format(_openat_args),
    SYS.stat: Format(lambda a: f"{_path(a)}, ", lambda a, ret, out: _stat(ret, out)),
    SYS.fstat: Format(_first, lambda a, ret, out: _stat(ret, out)),
    SYS.flock: Format(lambda a: f"{a[0]}, {bits(a[1], FLOCKS)}"),
    SYS.lseek: Format(lambda a: f"{a[0]}, {a[1]}, {named(a[2], WHENCE)}"),
    SYS.mkdir: Format(lambda a: f"{_path(a)}, {a[1]:04o}" if len(a) > 1 else _path(a)),
    SYS.rmdir: Format(_path),
    SYS.access: Format(lambda a: f"{_path(a)}, {bits(a[1] & 0xFFFFFFFF, ACCESS, 'F_OK')}"),
    SYS.chmod: Format(lambda a: f"{_path(a)}, {octal(a[1])}"),
    SYS.fchmod: Format(lambda a: f"{a[0]}, {octal(a[1])}"),
    SYS.chdir: Format(_path),
    SYS.getcwd: Format(nothing, _getcwd_rest),
    SYS.umask: Format(lambda a: octal(a[0])),
    SYS.uname: Format(
        nothing,
        lambda a, ret, out: f"{{sysname={quoted(out[0], len(out[0]))}, nodename={quoted(out[1], len(out[1]))}, ...}}",
    ),
    SYS.unlink: Format(_path),
    SYS.rename: Format(lambda a: f"{_path(a)}, {_path(a[1:])}"),
    SYS.getdents64: Format(_first, lambda a, ret, out: f"{POINTER}, 32768"),
    SYS.fcntl: Format(_fcntl_args, nothing, _fcntl_note),
    SYS.ioctl: Format(
        lambda a: f"{a[0]}, {named(a[1], IOCTLS)}" + ("" if a[1] in (0x5450, 0x5451) else ", "),
        lambda a, ret, out: "" if a[1] in (0x5450, 0x5451) else f"[{out if a[1] in IOCTLS_OUT else a[2]}]",
    ),
    SYS.pipe2: Format(nothing, lambda a, ret, out: f"{_pair(a, ret, out)}, {_open_flags(a[0])[9:] or '0'}"),
    SYS.dup3: Format(lambda a: f"{a[0]}, {a[1]}, {_open_flags(a[2])[9:] or '0'}"),
    SYS.eventfd2: Format(lambda a: f"{a[0]}, {bits(a[1], ((0o2000000, 'EFD_CLOEXEC'), (0o4000, 'EFD_NONBLOCK')))}"),
    SYS.socket: Format(_socket_args),
    SYS.socketpair: Format(lambda a: f"{_socket_args(a)}, ", _pair),
    SYS.bind: Format(_address_in),
    SYS.connect: Format(_address_in),
    SYS.accept4: Format(_first, lambda a, ret, out: f"{_address_out(a, ret, out)}, {bits(a[1], SOCKET_BITS)}"),
    SYS.getsockname: Format(_first, _address_out),
    SYS.getpeername: Format(_first, _address_out),
    SYS.sendto: Format(_sent),
    SYS.recvfrom: Format(_first, _received),
    SYS.sendmsg: Format(lambda a: f"{a[0]}, {_msghdr(a[1], a[2], a[2], 0, a[4])}, {bits(a[3], MSG_BITS)}"),
    SYS.recvmsg: Format(_first, _recvmsg_rest),
    SYS.shutdown: Format(lambda a: f"{a[0]}, {named(a[1], {0: 'SHUT_RD', 1: 'SHUT_WR', 2: 'SHUT_RDWR'})}"),
    SYS.setsockopt: Format(_setsockopt_args),
    SYS.getsockopt: Format(lambda a: f"{_option(a)}, ", _getsockopt_rest),
    SYS.select: Format(
        lambda a: f"{a[0]}, {', '.join(map(_fds, a[1:4]))}, {'NULL' if a[4] is None else timeval(a[4])}",
        nothing,
        _select_note,
    ),
    SYS.poll: Format(_poll_args, nothing, _poll_note),
    SYS.epoll_create1: Format(lambda a: "EPOLL_CLOEXEC" if a[0] & 0o2000000 else str(a[0])),
    SYS.epoll_ctl: Format(_epoll_ctl_args),
    SYS.epoll_wait: Format(_first, _epoll_wait_rest),
    SYS.epoll_pwait: Format(_first, lambda a, ret, out: f"{_epoll_wait_rest(a, ret, out)}, {_waits_with(a[3])}"),
    SYS.epoll_pwait2: Format(_first, _epoll_pwait2_rest),
    SYS.ppoll: Format(lambda a: f"{_pollfds(a)}, {_timespec_or_null(a[2])}, {_waits_with(a[3])}", nothing, _poll_note),
    SYS.pselect6: Format(
        lambda a: (
            f"{a[0]}, {', '.join(map(_fds, a[1:4]))}, {_timespec_or_null(a[4])}, "
            f"{{sigmask={'NULL' if a[5] is None else _sigset(a[5])}, sigsetsize=8}}"
        ),
        nothing,
        _select_note,
    ),
    SYS.signalfd4: Format(
        lambda a: f"{a[0]}, {_sigset(a[1])}, 8, {bits(a[2], ((0o2000000, 'SFD_CLOEXEC'), (0o4000, 'SFD_NONBLOCK')))}"
    ),
    SYS.futex: Format(_futex_args),
    SYS.execve: Format(
        lambda a: f"{_path(a)}, [{', '.join(quoted(one, len(one)) for one in a[1])}], {POINTER} /* {a[2]} vars */"
    ),
    SYS.clone: Format(lambda a: CLONE_THREAD),
    SYS.clock_nanosleep: Format(lambda a: f"CLOCK_MONOTONIC, 0, {timespec(a[0])}, NULL"),
    SYS.kill: Format(lambda a: f"{a[0]}, {signal_name(a[1])}"),
    SYS.tgkill: Format(lambda a: f"{a[0]}, {a[1]}, {signal_name(a[2])}"),
    SYS.rt_sigaction: Format(
        lambda a: f"{signal_name(a[0])}, {_sigaction(a[1])}, ", lambda a, ret, out: f"{_sigaction(max(ret, 0))}, 8"
    ),
    SYS.rt_sigprocmask: Format(
        lambda a: f"{named(a[0], {0: 'SIG_BLOCK', 1: 'SIG_UNBLOCK', 2: 'SIG_SETMASK'})}, {_sigset(a[1])}, ",
        lambda a, ret, out: f"{_sigset(out)}, 8",
    ),
    SYS.rt_sigpending: Format(nothing, lambda a, ret, out: f"{_sigset(out)}, 8"),
    SYS.rt_sigtimedwait: Format(
        lambda a: f"{_sigset(a[0])}, ",
        lambda a, ret, out: f"{'NULL' if not out else _siginfo(out)}, {'NULL' if a[1] is None else timespec(a[1])}, 8",
    ),
    SYS.getitimer: Format(
        lambda a: f"{named(a[0], {0: 'ITIMER_REAL'})}, ",
        lambda a, ret, out: _itimer(*out) if ret >= 0 and out else "NULL",
    ),
    SYS.setitimer: Format(
        lambda a: f"{named(a[0], {0: 'ITIMER_REAL'})}, {_itimer(a[1], a[2])}, ",
        lambda a, ret, out: _itimer(*out) if ret >= 0 and out else "NULL",
    ),
    SYS.getrandom: Format(nothing, lambda a, ret, out: f"{quoted(out, ret)}, {a[0]}, 0"),
}
"""By x86-64 number; a call that is not here has plain numbers only."""

PLAIN: Final = Format(_plain)
