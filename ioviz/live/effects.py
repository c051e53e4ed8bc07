"""What each observed call changes in the mirror: `EFFECTS`, a table by name; and the calls that make descriptors.

An effect is applied when the call has returned. It is written so that doing it twice, or to something that the mirror
does not know yet, does no harm: two threads' calls may be told in another order than they took effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ioviz.live.names import executed
from ioviz.live.open_files import (
    FILE,
    O_CLOEXEC,
    O_NONBLOCK,
    close_fd,
    install,
    known_file,
    make_object,
    new_socket,
    number_at,
    open_file,
)
from ioviz.live.polling import controlled, scanned, uring, waited
from ioviz.live.socket_calls import (
    accepted,
    bound,
    connected,
    file_sent,
    learn_name,
    listening,
    option_set,
    received,
    sent,
    shut_down,
    spliced,
)
from ioviz.model.files import (
    EVENTFD,
    EVENTPOLL,
    PIPE_READ,
    PIPE_WRITE,
    SOCKET,
    FdFlagsSet,
    FileFlagsSet,
    fd_key,
)
from ioviz.model.process import ProcessExecuted
from ioviz.model.socket import (
    ESTABLISHED,
    SocketConnected,
)

if TYPE_CHECKING:
    from ioviz.live.calls import Call
    from ioviz.live.mirror import Mirror

Effect = Callable[["Mirror", int, "Call"], None]


def _opens(kind: str, flags_at: int) -> Effect:
    def effect(m: Mirror, pid: int, call: Call) -> None:
        if call.result is None or call.result < 0:
            return
        flags = number_at(call, flags_at) if flags_at >= 0 else 0
        m.origin = 1
        file = open_file(m, kind, make_object(m, kind), flags)
        install(m, pid, call.result, file, bool(flags & O_CLOEXEC))

    return effect


def _make_socket(m: Mirror, pid: int, call: Call) -> None:
    if call.result is None or call.result < 0:
        return
    kind = number_at(call, 1)
    m.origin = 1
    sock = new_socket(m, number_at(call, 0), kind, number_at(call, 2))
    file = open_file(m, SOCKET, sock, 2 | kind & O_NONBLOCK)
    install(m, pid, call.result, file, bool(kind & O_CLOEXEC))


def _make_pair(m: Mirror, pid: int, call: Call) -> None:
    pair = call.args[3] if len(call.args) > 3 else None
    if call.result != 0 or pair is None:
        return
    kind = number_at(call, 1)
    m.origin = 1
    both = [new_socket(m, number_at(call, 0), kind, number_at(call, 2)) for _ in pair]
    for sock, peer, fd in zip(both, reversed(both), pair, strict=True):
        m.emit(SocketConnected, sock, ESTABLISHED, "", "", peer)
        install(m, pid, fd, open_file(m, SOCKET, sock, 2 | kind & O_NONBLOCK), bool(kind & O_CLOEXEC))


def _make_pipe(m: Mirror, pid: int, call: Call) -> None:
    pair = call.args[0]
    if call.result != 0 or not isinstance(pair, tuple):
        return
    flags = number_at(call, 1)
    m.origin = 1
    pipe = make_object(m, PIPE_READ)
    for fd, kind, mode in ((pair[0], PIPE_READ, 0), (pair[1], PIPE_WRITE, 1)):
        install(m, pid, fd, open_file(m, kind, pipe, mode | flags & O_NONBLOCK), bool(flags & O_CLOEXEC))


def _close(m: Mirror, pid: int, call: Call) -> None:
    """The number is free soon after `close` was entered, though what it closes takes until it returns: when another
    thread has been given the number meanwhile, and told us first, it is not that which was closed."""
    since, tid = m.opened.get(fd_key(pid, number_at(call, 0)), (0, 0))
    if call.start and since > call.start and tid != call.tid:
        return
    m.origin = 1
    if call.result == 0 or (call.result is not None and call.result == -4):
        close_fd(m, pid, number_at(call, 0))


def _close_range(m: Mirror, pid: int, call: Call) -> None:
    if call.result != 0:
        return
    m.origin = 1
    first, last, flags = number_at(call, 0), number_at(call, 1), number_at(call, 2)
    for row in [row for row in m.world.fds.values() if row.pid == pid and first <= row.fd <= last]:
        if flags & 4:
            m.emit(FdFlagsSet, pid, row.fd, True)
        else:
            close_fd(m, pid, row.fd)


def _dup(m: Mirror, pid: int, call: Call) -> None:
    if call.result is None or call.result < 0 or call.result == number_at(call, 0):
        return
    file = known_file(m, pid, call.args[0], FILE)
    cloexec = call.name == "dup3" and bool(number_at(call, 2) & O_CLOEXEC)
    if file:
        m.origin = 1
        install(m, pid, call.result, file, cloexec)


def _fcntl(m: Mirror, pid: int, call: Call) -> None:
    command, value = number_at(call, 1), number_at(call, 2)
    if call.result is None or call.result < 0:
        return
    if command in (0, 1030):
        file = known_file(m, pid, call.args[0], FILE)
        if file:
            m.origin = 1
            install(m, pid, call.result, file, command == 1030)
    elif command == 2 and fd_key(pid, number_at(call, 0)) in m.world.fds:
        m.seen(FdFlagsSet, pid, number_at(call, 0), bool(value & 1))
    elif command == 4:
        file = m.file_of(pid, call.args[0])
        if file and m.world.files[file].flags & O_NONBLOCK != value & O_NONBLOCK:
            m.seen(FileFlagsSet, file, m.world.files[file].flags & ~O_NONBLOCK | value & O_NONBLOCK)


def _ioctl(m: Mirror, pid: int, call: Call) -> None:
    command, file = number_at(call, 1), m.file_of(pid, call.args[0])
    if call.result != 0 or not file:
        return
    if command == 0x5421:
        flags = m.world.files[file].flags
        wanted = flags | O_NONBLOCK if number_at(call, 2) else flags & ~O_NONBLOCK
        if wanted != flags:
            m.seen(FileFlagsSet, file, wanted)
    elif command in (0x5450, 0x5451):
        m.seen(FdFlagsSet, pid, number_at(call, 0), command == 0x5451)


def _execve(m: Mirror, pid: int, call: Call) -> None:
    if call.result != 0:
        return
    row = m.world.processes[pid]
    known = m.who(pid) if m.who is not None else None
    _, name, argv = known if known is not None else (pid, *executed(call))
    if name and (name, argv) != (row.name, row.argv):
        (m.seen if known is None else m.infer)(ProcessExecuted, pid, name, argv)
    m.origin = 2
    for fd in [fd for fd in m.world.fds.values() if fd.pid == pid and fd.cloexec]:
        close_fd(m, pid, fd.fd)


EFFECTS: Final[dict[str, Effect]] = {
    "socket": _make_socket, "socketpair": _make_pair, "pipe": _make_pipe, "pipe2": _make_pipe,
    "open": _opens(FILE, 1), "openat": _opens(FILE, 2), "openat2": _opens(FILE, -1), "creat": _opens(FILE, -1),
    "epoll_create": _opens(EVENTPOLL, -1), "epoll_create1": _opens(EVENTPOLL, 0), "eventfd": _opens(EVENTFD, -1),
    "eventfd2": _opens(EVENTFD, 1), "timerfd_create": _opens("timerfd", 1), "signalfd4": _opens("signalfd", 3),
    "inotify_init1": _opens("inotify", 0), "memfd_create": _opens(FILE, -1), "pidfd_open": _opens("pidfd", -1),
    "io_uring_setup": uring, "io_uring_enter": uring, "io_uring_register": uring,
    "close": _close, "close_range": _close_range, "dup": _dup, "dup2": _dup, "dup3": _dup, "fcntl": _fcntl,
    "ioctl": _ioctl, "execve": _execve, "bind": bound, "listen": listening, "accept": accepted, "accept4": accepted,
    "connect": connected, "getsockname": learn_name, "getpeername": learn_name, "shutdown": shut_down,
    "setsockopt": option_set, "read": received, "readv": received, "recvfrom": received, "recvmsg": received,
    "write": sent, "writev": sent, "sendto": sent, "sendmsg": sent, "sendfile": file_sent,
    "splice": spliced, "tee": spliced, "poll": scanned, "ppoll": scanned,
    "select": scanned, "pselect6": scanned, "epoll_ctl": controlled, "epoll_wait": waited, "epoll_pwait": waited,
    "epoll_pwait2": waited,
}  # fmt: skip
