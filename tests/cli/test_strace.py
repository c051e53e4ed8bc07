"""A run as strace would print it; the expected lines were printed by strace 6.1 for the same calls."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from ioviz.model.cpu import ExceptionRaised, ExceptionReturned, SyscallReturned, TrapEntered
from ioviz.model.event import Event
from ioviz.model.signals import SignalDelivered
from ioviz.model.syscalls import BY_NAME
from ioviz.model.task import ProcessExited, ProcessStarted, TaskCreated, TaskExited
from ioviz.view.strace import Strace
from ioviz.view.strace_args import POINTER

PID = 101


def made(kind: Any, *own: Any, task: int = PID) -> Event:
    """An event of `kind` with its own fields."""
    event: Event = kind(0, 0, 1, task, -1, 0, 0, *own)
    return event


def entered(call: str, *args: Any, task: int = PID) -> Event:
    return made(TrapEntered, 0x80, BY_NAME[call].nr, args, task=task)


def returned(call: str, ret: int, out: Any = None, task: int = PID) -> Event:
    return made(SyscallReturned, BY_NAME[call].nr, ret, out, task=task)


def lines(*events: Event, tasks: int = 1) -> list[str]:
    out: list[str] = []
    strace = Strace(out.append)
    strace.feed(made(ProcessStarted, PID, 1, "p.py", ("p.py",), "main"))
    for number in range(tasks):
        strace.feed(made(TaskCreated, PID + number, PID, 1))
    for event in events:
        strace.feed(event)
    strace.finish()
    return "".join(out).splitlines()


AT_LENGTH = "/tmp/" + "x" * 60
LOCAL = ("127.0.0.1", 8765)
LOCAL_SHOWN = '{sa_family=AF_INET, sin_port=htons(8765), sin_addr=inet_addr("127.0.0.1")}'


@pytest.mark.parametrize(
    ("call", "args", "ret", "out", "line"),
    [
        ("socket", (2, 1 | 0o2000000, 0), 3, None, "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3"),
        ("socket", (1, 1 | 0o2000000, 0), 12, None, "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 12"),
        ("getcwd", (1024,), 5, "/tmp", 'getcwd("/tmp", 1024)                    = 5'),
        (
            "chdir",
            ("nix",),
            -errno.ENOENT,
            None,
            'chdir("nix")                            = -1 ENOENT (No such file or directory)',
        ),
        ("umask", (0,), 0o22, None, "umask(000)                              = 022"),
        ("umask", (0o777,), 0, None, "umask(0777)                             = 000"),
        (
            "uname",
            (),
            0,
            ("Linux", "vm", "6.1.0", "#1", "x86_64"),
            'uname({sysname="Linux", nodename="vm", ...}) = 0',
        ),
        (
            "access",
            ("nix", 0),
            -errno.ENOENT,
            None,
            'access("nix", F_OK)                     = -1 ENOENT (No such file or directory)',
        ),
        ("access", ("r", 5), 0, None, 'access("r", R_OK|X_OK)                  = 0'),
        ("chmod", ("f", 0o4711), 0, None, 'chmod("f", 04711)                       = 0'),
        ("fsync", (3,), 0, None, "fsync(3)                                = 0"),
        ("getuid", (), 0, None, "getuid()                                = 0"),
        ("openat", (AT_LENGTH, 0o2000000, 0), 3, None, f'openat(AT_FDCWD, "{AT_LENGTH}", O_RDONLY|O_CLOEXEC) = 3'),
        ("rmdir", ("\udcff\u00e9",), 0, None, 'rmdir("\\377\\303\\251")                   = 0'),
        ("bind", (3, LOCAL), 0, None, f"bind(3, {LOCAL_SHOWN}, 16) = 0"),
        ("bind", (12, "\0abc"), 0, None, 'bind(12, {sa_family=AF_UNIX, sun_path=@"abc"}, 6) = 0'),
        (
            "execve",
            ("/usr/bin/python3", ("python3", "a.py"), 4),
            0,
            None,
            f'execve("/usr/bin/python3", ["python3", "a.py"], {POINTER} /* 4 vars */) = 0',
        ),
        (
            "mmap",
            (0, 8192, 3, 0x22, -1, 0),
            0x7EFF_FFFF_E000,
            None,
            "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7effffffe000",
        ),
        ("listen", (3, 5), 0, None, "listen(3, 5)                            = 0"),
        ("setsockopt", (3, 1, 2, 1), 0, None, "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0"),
        ("setsockopt", (4, 6, 1, 1), 0, None, "setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0"),
        ("getsockopt", (8, 1, 7, 0), 0, 212992, "getsockopt(8, SOL_SOCKET, SO_SNDBUF, [212992], [4]) = 0"),
        ("ioctl", (3, 0x5421, 1), 0, None, "ioctl(3, FIONBIO, [1])                  = 0"),
        ("ioctl", (12, 0x541B, 0), 0, 7, "ioctl(12, FIONREAD, [7])                = 0"),
        (
            "connect",
            (4, LOCAL),
            -errno.EINPROGRESS,
            None,
            f"connect(4, {LOCAL_SHOWN}, 16) = -1 EINPROGRESS (Operation now in progress)",
        ),
        ("accept4", (3, 0o2000000), 5, LOCAL, f"accept4(3, {LOCAL_SHOWN}, [16], SOCK_CLOEXEC) = 5"),
        (
            "accept4",
            (3, 0o2000000),
            -errno.EAGAIN,
            None,
            f"accept4(3, {POINTER}, [16], SOCK_CLOEXEC) = -1 EAGAIN (Resource temporarily unavailable)",
        ),
        ("epoll_create1", (0o2000000,), 6, None, "epoll_create1(EPOLL_CLOEXEC)            = 6"),
        (
            "epoll_ctl",
            (6, 1, 5, 1 | 1 << 31, 5),
            0,
            None,
            "epoll_ctl(6, EPOLL_CTL_ADD, 5, {events=EPOLLIN|EPOLLET, data={u32=5, u64=5}}) = 0",
        ),
        (
            "epoll_wait",
            (6, 1023, 1_000_000_000),
            2,
            ((4, 4), (5, 1)),
            "epoll_wait(6, [{events=EPOLLOUT, data={u32=4, u64=4}}, {events=EPOLLIN, data={u32=5, u64=5}}], "
            "1023, 1000) = 2",
        ),
        ("epoll_wait", (6, 1023, -1), 0, (), "epoll_wait(6, [], 1023, -1)             = 0"),
        ("sendto", (4, "hello\n\0\xff", 8, 0, None), 8, None, r'sendto(4, "hello\n\0\377", 8, 0, NULL, 0) = 8'),
        ("sendto", (4, "\x001", 2, 0, None), 2, None, r'sendto(4, "\0001", 2, 0, NULL, 0)       = 2'),
        ("recvfrom", (5, 200, 0), 100, ("x" * 32, None), f'recvfrom(5, "{"x" * 32}"..., 200, 0, NULL, NULL) = 100'),
        ("recvfrom", (5, 10, 0), 0, ("", None), 'recvfrom(5, "", 10, 0, NULL, NULL)      = 0'),
        ("recvfrom", (11, 100, 0), 2, ("dg", LOCAL), f'recvfrom(11, "dg", 100, 0, {LOCAL_SHOWN}, [16]) = 2'),
        ("poll", (((5, 1), (4, 5)), 2, 10_000_000), 1, ((4, 4),), None),
        ("poll", (((5, 1),), 1, None), 0, (), "poll([{fd=5, events=POLLIN}], 1, -1)    = 0 (Timeout)"),
        (
            "select",
            (6, (3, 5), (4,), (), 10_000_000),
            1,
            ((), (4,), ()),
            "select(6, [3 5], [4], NULL, {tv_sec=0, tv_usec=10000}) = 1 (out [4])",
        ),
        ("shutdown", (4, 1), 0, None, "shutdown(4, SHUT_WR)                    = 0"),
        ("pipe2", (0o2000000,), 0, (4, 5), "pipe2([4, 5], O_CLOEXEC)                = 0"),
        (
            "socketpair",
            (1, 1 | 0o2000000, 0),
            0,
            (7, 8),
            "socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [7, 8]) = 0",
        ),
        ("fcntl", (4, 1030, 0), 14, None, "fcntl(4, F_DUPFD_CLOEXEC, 0)            = 14"),
        ("fcntl", (4, 3, 0), 0o4002, None, "fcntl(4, F_GETFL)                       = 0x802 (flags O_RDWR|O_NONBLOCK)"),
        ("fcntl", (4, 4, 0o4000), 0, None, "fcntl(4, F_SETFL, O_RDONLY|O_NONBLOCK)  = 0"),
        (
            "openat",
            ("/tmp/zz", 0o2001102, 0o644),
            15,
            None,
            'openat(AT_FDCWD, "/tmp/zz", O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, 0644) = 15',
        ),
        ("lseek", (15, 0, 0), 0, None, "lseek(15, 0, SEEK_SET)                  = 0"),
        ("kill", (10017, 10), 0, None, "kill(10017, SIGUSR1)                    = 0"),
        ("close", (5,), -errno.EBADF, None, "close(5)                                = -1 EBADF (Bad file descriptor)"),
        ("getrandom", (4,), 4, "abcd", 'getrandom("abcd", 4, 0)                 = 4'),
    ],
)
def test_a_line_is_as_strace_prints_it(call: str, args: tuple[Any, ...], ret: int, out: Any, line: str | None) -> None:
    expected = line or (
        "poll([{fd=5, events=POLLIN}, {fd=4, events=POLLIN|POLLOUT}], 2, 10) = 1 ([{fd=4, revents=POLLOUT}])"
    )
    assert lines(entered(call, *args), returned(call, ret, out)) == [expected]


def test_threads_are_told_apart_and_interrupted_calls_resumed() -> None:
    printed = lines(
        entered("recvfrom", 5, 1024, 0),
        entered("getpid", task=PID + 1),
        returned("getpid", PID, task=PID + 1),
        returned("recvfrom", 5, ("hello", None)),
        tasks=2,
    )
    assert printed == [
        "[pid   101] recvfrom(5,  <unfinished ...>",
        "[pid   102] getpid()                    = 101",
        '[pid   101] <... recvfrom resumed>"hello", 1024, 0, NULL, NULL) = 5',
    ]


def test_other_programs_are_not_followed() -> None:
    other = made(ProcessStarted, 201, 1, "c.py", ("c.py",), "peer")
    events = [
        other,
        made(TaskCreated, 201, 201, 1),
        entered("getpid", task=201),
        returned("getpid", 201, task=201),
    ]
    assert lines(*events) == []


def test_the_end_of_a_program() -> None:
    over = [made(TaskExited, 3), made(ProcessExited, PID, 3)]
    assert lines(entered("exit_group", 3), *over) == [
        "exit_group(3)                           = ?",
        "+++ exited with 3 +++",
    ]


def test_a_call_that_never_returns() -> None:
    assert lines(entered("accept4", 3, 0)) == ["accept4(3,  <unfinished ...>"]


def test_a_deadly_signal() -> None:
    killed = [made(SignalDelivered, PID, 2, "killed"), made(ProcessExited, PID, 130, 2)]
    assert lines(*killed) == [
        "--- SIGINT {si_signo=SIGINT, si_code=SI_USER, si_pid=101} ---",
        "+++ killed by SIGINT +++",
    ]


@pytest.mark.parametrize(
    ("raised", "number", "line"),
    [
        (
            (14, 0xFFFF_FFFF_8100_0000, 5),
            11,
            "SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0xffffffff81000000}",
        ),
        ((14, 8, 4), 11, "SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8}"),
        ((14, 0x40_0000, 7), 11, "SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_ACCERR, si_addr=0x400000}"),
        ((13, 0, 0x10A), 11, "SIGSEGV {si_signo=SIGSEGV, si_code=SI_KERNEL, si_addr=NULL}"),
        ((0, 0, 0), 8, f"SIGFPE {{si_signo=SIGFPE, si_code=FPE_INTDIV, si_addr={POINTER}}}"),
    ],
)
def test_a_signal_says_which_exception_it_was(raised: tuple[int, int, int], number: int, line: str) -> None:
    delivered = made(SignalDelivered, PID, number, "killed")
    assert lines(made(ExceptionRaised, *raised), delivered) == [f"--- {line} ---"]
    after = lines(made(ExceptionRaised, *raised), made(ExceptionReturned, raised[0]), delivered)
    assert "SI_USER" in after[0], "the exception was over"
