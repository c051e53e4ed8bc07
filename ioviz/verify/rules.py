"""The rules of comparison: what may differ between the machine and Linux without either being wrong, and why.

Everything else must be equal: which call a task makes next and with which arguments, its result or errno, its bytes,
the descriptors that it finds ready, which sleeper wakes, what a program prints and how it ends. A rule is applied where
`compare` names it, and the report counts how often.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ioviz.model.syscalls import SYS


class Rule(NamedTuple):
    """One rule, as it is told."""

    en: str
    zh: str


RULES: Final[dict[str, Rule]] = {
    "led": Rule(
        "the order of calls of different tasks is the scheduler's: the real ones are led through the machine's order",
        "不同任务的调用先后由调度器决定：真实一侧按模拟内核的次序推进",
    ),
    "apart": Rule(
        "what Python closes while it takes an ended program apart is not compared: it leaves the order open",
        "程序结束后 Python 清理残留时关闭了什么，不作比较：先后次序它并不保证",
    ),
    "names": Rule(
        "numbers of processes, threads, descriptors and chosen ports are compared by whom they belong to",
        "进程号、线程号、描述符和自动分配的端口号不比数值，只比它们指的是谁",
    ),
    "times": Rule(
        "times differ: only whether a call sleeps, wakes or times out is compared",
        "时间不同：只比较一次调用是睡眠、被唤醒还是超时",
    ),
    "large": Rule(
        "how much of a large transfer goes at once depends on buffers that Linux sizes by memory and speed",
        "一次大块收发能走多少，取决于 Linux 按内存与速度自动调整的缓冲区",
    ),
    "amounts": Rule(
        "how many bytes each piece of a large transfer has, a program may print",
        "程序可能打印出一次大块收发中每一段的字节数",
    ),
    "buffers": Rule(
        "sizes of buffers that Linux chooses itself (SO_SNDBUF, SO_RCVBUF) depend on the computer",
        "Linux 自行选择的缓冲区大小（SO_SNDBUF、SO_RCVBUF）因机器而异",
    ),
    "ready-order": Rule(
        "descriptors that become ready at the same moment are handed over in no guaranteed order",
        "同一时刻就绪的描述符，交付次序没有保证",
    ),
    "lines": Rule(
        "lines that several threads of one program print may interleave",
        "同一程序的多个线程各自打印的行可以交错",
    ),
    "interrupted": Rule(
        "a call that a signal interrupts Python makes again by itself: the two are compared as one",
        "被信号打断的调用由 Python 自动重来：前后两次当作一次来比较",
    ),
    "cut": Rule(
        "a program that runs for ever is compared as far as the machine's run goes",
        "不会结束的程序，只比较到模拟内核这一次运行为止",
    ),
}

LARGE: Final = 16_384
"""Bytes from which a transfer is large."""

COMPARED: Final = frozenset(
    {
        *(SYS.socket, SYS.socketpair, SYS.bind, SYS.listen, SYS.accept4, SYS.connect, SYS.getpeername, SYS.shutdown),
        *(SYS.sendto, SYS.recvfrom, SYS.sendmsg, SYS.recvmsg, SYS.setsockopt, SYS.getsockopt, SYS.close),
        *(SYS.epoll_create1, SYS.epoll_ctl, SYS.epoll_wait, SYS.poll, SYS.select, SYS.pipe2, SYS.eventfd2),
        *(SYS.read, SYS.write, SYS.fcntl, SYS.clock_nanosleep),
    }
)
"""Calls that are compared. Not: futex (who waits for a lock is the threads' interleaving), files and the standard
standard streams (what is printed is compared as a whole, and
only `os.write` as a call), ioctl and fcntl that only say whether a descriptor blocks (CPython's
versions differ in which they use; what follows from it is compared), getsockname, which Python's `socket` makes for its
own purposes, and what Python asks of a new socket (SO_TYPE, SO_PROTOCOL)."""
DUPLICATES: Final = (0, 1030)
"""fcntl: F_DUPFD, F_DUPFD_CLOEXEC."""
OWN_QUESTIONS: Final = (3, 38)
"""getsockopt: SO_TYPE, SO_PROTOCOL."""
SIZES: Final = (7, 8)
"""getsockopt: SO_SNDBUF, SO_RCVBUF."""
MOVES: Final = frozenset({SYS.sendto, SYS.recvfrom, SYS.sendmsg, SYS.recvmsg, SYS.read, SYS.write})
"""Calls that move bytes, which a program repeats until all is moved."""
MAKERS: Final = frozenset({SYS.socket, SYS.accept4, SYS.epoll_create1, SYS.eventfd2, SYS.fcntl})
"""Calls whose result is a new descriptor."""
PAIRS: Final = frozenset({SYS.socketpair, SYS.pipe2})
FIRST: Final = COMPARED - MAKERS - PAIRS - {SYS.poll, SYS.select, SYS.clock_nanosleep} | {SYS.accept4, SYS.fcntl}
"""Calls whose first argument is a descriptor."""


def is_compared(nr: int, args: tuple[Any, ...]) -> bool:
    """Whether a call is compared, so far as its number and arguments say."""
    if nr not in COMPARED:
        return False
    if nr == SYS.fcntl:
        return args[1] in DUPLICATES
    if nr == SYS.getsockopt:
        return not (args[1] == 1 and args[2] in OWN_QUESTIONS)
    return nr != SYS.read or args[0] not in (1, 2)
