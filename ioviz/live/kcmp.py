"""Whether two descriptors, of one process or two, name the same open file: kcmp(2), which alone can tell it of an epoll
instance (all of them have one inode). Needed when several processes share an instance since before we came.

Where the kernel does not say it (CONFIG_KCMP, another user's process), nothing is known, and each counts by itself.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.live.snapshot import ProcessState

NUMBER: Final = {"x86_64": 312, "aarch64": 272, "riscv64": 272}
KCMP_FILE: Final = 0
MOST: Final = 64
"""Epoll instances that are compared with each other."""


@cache
def _kcmp() -> Callable[..., int] | None:
    number = NUMBER.get(platform.machine())
    if number is None or not sys.platform.startswith("linux"):
        return None
    call = ctypes.CDLL(None).syscall
    return lambda one, other, fd, other_fd: int(
        call(number, one, other, KCMP_FILE, ctypes.c_ulong(fd), ctypes.c_ulong(other_fd))
    )


def same_file(pid: int, fd: int, other: int, other_fd: int) -> bool:
    """Whether descriptor `fd` of `pid` and `other_fd` of `other` name one open file; False if nobody says."""
    kcmp = _kcmp()
    return kcmp is not None and kcmp(pid, other, fd, other_fd) == 0


def with_instances(processes: list[ProcessState]) -> list[ProcessState]:
    """`processes`, in which descriptors of the same epoll instance have the same `inode`: below zero, and no inode."""
    found: list[tuple[int, int]] = []
    numbered = []
    for process in processes:
        descriptors = []
        for each in process.descriptors:
            if each.kind == "epoll" and len(found) < MOST:
                here = (process.pid, each.fd)
                number = next((n for n, known in enumerate(found) if same_file(*known, *here)), len(found))
                if number == len(found):
                    found.append(here)
                descriptors.append(replace(each, inode=-1 - number))
            else:
                descriptors.append(each)
        numbered.append(replace(process, descriptors=tuple(descriptors)))
    return numbered
