"""The system calls of the machine: names and numbers.

Source: Linux `arch/x86/entry/syscalls/syscall_64.tbl` and `syscall_32.tbl`. A program that enters by the `syscall`
instruction uses the first number, one that enters by `int 0x80` the second (the i386 ABI). Inside ioviz a call is
always known by its x86-64 number; the stage shows the number of the entry that is in force.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ioviz.model.syscall_names import NAMES


class Syscall(NamedTuple):
    """One row of the table: name, x86-64 number, i386 number."""

    name: str
    nr: int
    nr32: int


SYSCALLS: Final = tuple(
    Syscall(*row)
    for row in (
        ("read", 0, 3),
        ("write", 1, 4),
        ("close", 3, 6),
        ("stat", 4, 106),
        ("fstat", 5, 108),
        ("poll", 7, 168),
        ("lseek", 8, 19),
        ("mmap", 9, 192),
        ("rt_sigaction", 13, 174),
        ("rt_sigprocmask", 14, 175),
        ("ioctl", 16, 54),
        ("readv", 19, 145),
        ("writev", 20, 146),
        ("access", 21, 33),
        ("select", 23, 142),
        ("sched_yield", 24, 158),
        ("dup", 32, 41),
        ("dup2", 33, 63),
        ("pause", 34, 29),
        ("getitimer", 36, 105),
        ("alarm", 37, 27),
        ("setitimer", 38, 104),
        ("getpid", 39, 20),
        ("sendfile", 40, 187),
        ("socket", 41, 359),
        ("connect", 42, 362),
        ("sendto", 44, 369),
        ("recvfrom", 45, 371),
        ("sendmsg", 46, 370),
        ("recvmsg", 47, 372),
        ("shutdown", 48, 373),
        ("bind", 49, 361),
        ("listen", 50, 363),
        ("getsockname", 51, 367),
        ("getpeername", 52, 368),
        ("socketpair", 53, 360),
        ("setsockopt", 54, 366),
        ("getsockopt", 55, 365),
        ("clone", 56, 120),
        ("vfork", 58, 190),
        ("execve", 59, 11),
        ("exit", 60, 1),
        ("wait4", 61, 114),
        ("kill", 62, 37),
        ("uname", 63, 122),
        ("fcntl", 72, 55),
        ("flock", 73, 143),
        ("fsync", 74, 118),
        ("fdatasync", 75, 148),
        ("ftruncate", 77, 93),
        ("getcwd", 79, 183),
        ("chdir", 80, 12),
        ("rename", 82, 38),
        ("mkdir", 83, 39),
        ("rmdir", 84, 40),
        ("unlink", 87, 10),
        ("chmod", 90, 15),
        ("fchmod", 91, 94),
        ("umask", 95, 60),
        ("getrusage", 98, 77),
        ("getuid", 102, 199),
        ("getgid", 104, 200),
        ("geteuid", 107, 201),
        ("getegid", 108, 202),
        ("setpgid", 109, 57),
        ("getppid", 110, 64),
        ("setsid", 112, 66),
        ("getpgid", 121, 132),
        ("getsid", 124, 147),
        ("rt_sigpending", 127, 176),
        ("rt_sigtimedwait", 128, 177),
        ("gettid", 186, 224),
        ("futex", 202, 240),
        ("getdents64", 217, 220),
        ("clock_nanosleep", 230, 267),
        ("exit_group", 231, 252),
        ("epoll_wait", 232, 256),
        ("epoll_ctl", 233, 255),
        ("tgkill", 234, 270),
        ("waitid", 247, 284),
        ("openat", 257, 295),
        ("pselect6", 270, 308),
        ("ppoll", 271, 309),
        ("splice", 275, 313),
        ("epoll_pwait", 281, 319),
        ("timerfd_create", 283, 322),
        ("timerfd_settime", 286, 325),
        ("timerfd_gettime", 287, 326),
        ("accept4", 288, 364),
        ("signalfd4", 289, 327),
        ("eventfd2", 290, 328),
        ("epoll_create1", 291, 329),
        ("dup3", 292, 330),
        ("pipe2", 293, 331),
        ("preadv", 295, 333),
        ("pwritev", 296, 334),
        ("prlimit64", 302, 340),
        ("getrandom", 318, 355),
        ("close_range", 436, 436),
        ("epoll_pwait2", 441, 441),
    )
)

BY_NR: Final = {row.nr: row for row in SYSCALLS}
BY_NAME: Final = {row.name: row for row in SYSCALLS}
TABLE_SIZE: Final = max(BY_NR) + 1

NUMBERS: Final = {name: nr for nr, name in NAMES.items()}
"""x86-64 numbers by name, of all calls of Linux."""


RESTARTS: Final = {
    512: ("ERESTARTSYS", "To be restarted if SA_RESTART is set"),
    513: ("ERESTARTNOINTR", "To be restarted"),
    514: ("ERESTARTNOHAND", "To be restarted if no handler"),
    516: ("ERESTART_RESTARTBLOCK", "Interrupted by signal"),
}
"""Results that no program sees, of calls that a signal interrupts: name, and what strace says of it."""


class SYS:
    """The x86-64 numbers by name: `SYS.read == 0`."""

    read: Final = 0
    write: Final = 1
    close: Final = 3
    stat: Final = 4
    fstat: Final = 5
    poll: Final = 7
    lseek: Final = 8
    mmap: Final = 9
    rt_sigaction: Final = 13
    rt_sigprocmask: Final = 14
    ioctl: Final = 16
    readv: Final = 19
    writev: Final = 20
    access: Final = 21
    select: Final = 23
    sched_yield: Final = 24
    dup: Final = 32
    dup2: Final = 33
    pause: Final = 34
    getitimer: Final = 36
    alarm: Final = 37
    setitimer: Final = 38
    getpid: Final = 39
    sendfile: Final = 40
    socket: Final = 41
    connect: Final = 42
    sendto: Final = 44
    recvfrom: Final = 45
    sendmsg: Final = 46
    recvmsg: Final = 47
    shutdown: Final = 48
    bind: Final = 49
    listen: Final = 50
    getsockname: Final = 51
    getpeername: Final = 52
    socketpair: Final = 53
    setsockopt: Final = 54
    getsockopt: Final = 55
    clone: Final = 56
    vfork: Final = 58
    execve: Final = 59
    exit: Final = 60
    wait4: Final = 61
    kill: Final = 62
    uname: Final = 63
    fcntl: Final = 72
    flock: Final = 73
    fsync: Final = 74
    fdatasync: Final = 75
    ftruncate: Final = 77
    getcwd: Final = 79
    chdir: Final = 80
    rename: Final = 82
    mkdir: Final = 83
    rmdir: Final = 84
    unlink: Final = 87
    chmod: Final = 90
    fchmod: Final = 91
    umask: Final = 95
    getrusage: Final = 98
    getuid: Final = 102
    getgid: Final = 104
    geteuid: Final = 107
    getegid: Final = 108
    setpgid: Final = 109
    getppid: Final = 110
    setsid: Final = 112
    getpgid: Final = 121
    getsid: Final = 124
    rt_sigpending: Final = 127
    rt_sigtimedwait: Final = 128
    gettid: Final = 186
    futex: Final = 202
    getdents64: Final = 217
    clock_nanosleep: Final = 230
    exit_group: Final = 231
    epoll_wait: Final = 232
    epoll_ctl: Final = 233
    tgkill: Final = 234
    waitid: Final = 247
    openat: Final = 257
    pselect6: Final = 270
    ppoll: Final = 271
    splice: Final = 275
    epoll_pwait: Final = 281
    timerfd_create: Final = 283
    timerfd_settime: Final = 286
    timerfd_gettime: Final = 287
    accept4: Final = 288
    signalfd4: Final = 289
    eventfd2: Final = 290
    epoll_create1: Final = 291
    dup3: Final = 292
    pipe2: Final = 293
    preadv: Final = 295
    pwritev: Final = 296
    prlimit64: Final = 302
    getrandom: Final = 318
    close_range: Final = 436
    epoll_pwait2: Final = 441


def name_of(nr: int) -> str:
    """The name of call `nr`; `syscall_N` for a number that Linux does not have."""
    return NAMES.get(nr, f"syscall_{nr}")
