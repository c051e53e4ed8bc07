"""The calls in which threads sleep, the kernel's functions in which they do, and the queues on which they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from ioviz.model.wait import EXCLUSIVE, EXCLUSIVE_HEAD, SHARED

SLEEPS: Final[dict[str, tuple[str, int]]] = {
    "epoll_wait": ("ep_poll", EXCLUSIVE_HEAD), "epoll_pwait": ("ep_poll", EXCLUSIVE_HEAD),
    "epoll_pwait2": ("ep_poll", EXCLUSIVE_HEAD), "accept": ("inet_csk_accept", EXCLUSIVE),
    "accept4": ("inet_csk_accept", EXCLUSIVE), "recvfrom": ("sk_wait_data", SHARED),
    "recvmsg": ("sk_wait_data", SHARED), "recvmmsg": ("sk_wait_data", SHARED), "read": ("wait_woken", SHARED),
    "readv": ("wait_woken", SHARED), "sendto": ("sk_stream_wait_memory", SHARED), "wait4": ("do_wait", -1),
    "sendmsg": ("sk_stream_wait_memory", SHARED), "write": ("wait_woken", SHARED), "waitid": ("do_wait", -1),
    "connect": ("inet_stream_connect", SHARED), "poll": ("do_poll", -1), "ppoll": ("do_poll", -1),
    "select": ("do_select", -1), "pselect6": ("do_select", -1), "futex": ("futex_wait", -1),
    "nanosleep": ("hrtimer_nanosleep", -1), "clock_nanosleep": ("hrtimer_nanosleep", -1), "pause": ("pause", -1),
}  # fmt: skip
"""Calls that sleep: the kernel function, and how they stand on the queue of their first argument (-1: elsewhere)."""


def _polled(args: tuple[Any, ...]) -> Iterable[int]:
    return [fd for fd, *_ in args[0]] if args and args[0] else ()


def _selected(args: tuple[Any, ...]) -> Iterable[int]:
    return sorted({fd for fds in args[1:4] if fds for fd in fds})


ASKED: Final[dict[str, Callable[[tuple[Any, ...]], Iterable[int]]]] = {
    "poll": _polled, "ppoll": _polled, "select": _selected, "pselect6": _selected,
}  # fmt: skip
"""Calls that sleep on the queues of several descriptors, and which those are."""
