"""time: clocks of the machine, read without entering the kernel as from Linux's vDSO; sleeping is a system call. UTC
only."""

from __future__ import annotations

import time
from errno import EINTR, EINVAL
from time import struct_time
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims import error, module_from
from ioviz.machine.user.shims.arguments import nanoseconds
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.user.guest import Guest

REALTIME, MONOTONIC = 0, 1
_CLOCKS: Final = {
    "CLOCK_REALTIME": 0,
    "CLOCK_MONOTONIC": 1,
    "CLOCK_PROCESS_CPUTIME_ID": 2,
    "CLOCK_THREAD_CPUTIME_ID": 3,
    "CLOCK_MONOTONIC_RAW": 4,
    "CLOCK_BOOTTIME": 7,
    "CLOCK_TAI": 11,
}
_NAMED: Final = {
    "time": ("clock_gettime(CLOCK_REALTIME)", False, True),
    "monotonic": ("clock_gettime(CLOCK_MONOTONIC)", True, False),
    "perf_counter": ("clock_gettime(CLOCK_MONOTONIC)", True, False),
    "process_time": ("clock_gettime(CLOCK_PROCESS_CPUTIME_ID)", True, False),
    "thread_time": ("clock_gettime(CLOCK_THREAD_CPUTIME_ID)", True, False),
}


class _Time:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._clock: Callable[[int], int] = getattr(guest.kernel, "read_clock", guest.kernel.vdso_clock)
        self._syscall = guest.syscall

    def time(self) -> float:
        """Seconds since the epoch; the machine starts at 2024-01-01."""
        return self._clock(REALTIME) / 1e9

    def time_ns(self) -> int:
        return self._clock(REALTIME)

    def monotonic(self) -> float:
        return self._clock(MONOTONIC) / 1e9

    def monotonic_ns(self) -> int:
        return self._clock(MONOTONIC)

    def perf_counter(self) -> float:
        return self._clock(MONOTONIC) / 1e9

    def perf_counter_ns(self) -> int:
        return self._clock(MONOTONIC)

    def process_time(self) -> float:
        """The machine keeps no account of a process's time: all that passed counts."""
        return self._clock(MONOTONIC) / 1e9

    def process_time_ns(self) -> int:
        return self._clock(MONOTONIC)

    def thread_time(self) -> float:
        return self._clock(MONOTONIC) / 1e9

    def thread_time_ns(self) -> int:
        return self._clock(MONOTONIC)

    def clock_gettime(self, clock: int, /) -> float:
        return self.clock_gettime_ns(clock) / 1e9

    def clock_gettime_ns(self, clock: int, /) -> int:
        if clock not in _CLOCKS.values():
            raise error(-EINVAL)
        return self._clock(REALTIME if clock in (0, 11) else MONOTONIC)

    def clock_getres(self, clock: int, /) -> float:
        if clock not in _CLOCKS.values():
            raise error(-EINVAL)
        return 1e-09

    def get_clock_info(self, name: str, /) -> SimpleNamespace:
        if name not in _NAMED:
            raise ValueError("unknown clock")
        implementation, monotonic, adjustable = _NAMED[name]
        return SimpleNamespace(
            implementation=implementation, monotonic=monotonic, adjustable=adjustable, resolution=1e-09
        )

    def sleep(self, seconds: Any, /) -> None:
        """Suspend the calling thread; a signal whose handler returns does not shorten it."""
        ns = nanoseconds(seconds)
        if ns < 0:
            raise ValueError("sleep length must be non-negative")
        clock = self._guest.kernel.vdso_clock
        until = clock(MONOTONIC) + ns
        while (result := self._syscall(SYS.clock_nanosleep, ns)) < 0:
            if result != -EINTR:
                raise error(result)
            self._guest.check_signals()
            ns = until - clock(MONOTONIC)
            if ns <= 0:
                return

    def localtime(self, seconds: Any = None, /) -> struct_time:
        """UTC: the machine stands in no country."""
        return self.gmtime(seconds)

    def gmtime(self, seconds: Any = None, /) -> struct_time:
        return time.gmtime(self.time() if seconds is None else seconds)

    def mktime(self, parts: Any, /) -> float:
        import calendar

        return float(calendar.timegm(tuple(parts)))

    def ctime(self, seconds: Any = None, /) -> str:
        return time.asctime(self.gmtime(seconds))

    def asctime(self, parts: Any = None, /) -> str:
        return time.asctime(self.gmtime() if parts is None else parts)

    def strftime(self, form: str, parts: Any = None, /) -> str:
        return time.strftime(form, self.gmtime() if parts is None else parts)

    def strptime(self, *args: Any) -> Any:
        strptime: Any = self._guest.import_module("_strptime")
        return strptime._strptime_time(*args)

    def tzset(self) -> None:
        """There is one time zone."""


def build(guest: Guest) -> ModuleType:
    return module_from(
        "time",
        _Time(guest),
        {
            **_CLOCKS,
            "_STRUCT_TM_ITEMS": 11,
            "struct_time": struct_time,
            "timezone": 0,
            "altzone": 0,
            "daylight": 0,
            "tzname": ("UTC", "UTC"),
        },
    )
