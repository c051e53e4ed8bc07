"""How CPython's C code reads its arguments: descriptors, times, integers, buffers. Shared by the shims of C modules.

Each function turns an object of the guest into an atom that may cross into the kernel, or raises what CPython raises,
with its words (sources: `Objects/fileobject.c`, `Python/pytime.c`, `Python/getargs.c`).
"""

from __future__ import annotations

import math
import os
import sys
from operator import index
from typing import Any, Final

INT_MAX: Final = 0x7FFF_FFFF
NS_MAX: Final = (1 << 63) - 1
MS: Final = 1_000_000
TIME_TYPE: Final = "PyTime_t" if sys.version_info >= (3, 13) else "_PyTime_t"

_STRERROR: Final[dict[int, str]] = {}


def failure(result: int) -> OSError:
    """The exception for a negative result of a system call, of the right subclass."""
    text = _STRERROR.get(result)
    if text is None:
        text = _STRERROR[result] = os.strerror(-result)
    return OSError(-result, text)


def c_int(value: Any) -> int:
    """Format `i`: an int that fits C's."""
    number = value if type(value) is int else index(value)
    if not -INT_MAX - 1 <= number <= INT_MAX:
        raise OverflowError(
            "signed integer is greater than maximum" if number > 0 else "signed integer is less than minimum"
        )
    return int(number)


def c_size(value: Any) -> int:
    """Format `n`: an int that fits Py_ssize_t."""
    number = value if type(value) is int else index(value)
    if not -NS_MAX - 1 <= number <= NS_MAX:
        raise OverflowError("Python int too large to convert to C ssize_t")
    return int(number)


def fd_of(value: Any) -> int:
    """PyObject_AsFileDescriptor: an int, or what its `fileno()` gives; never negative."""
    if isinstance(value, int):
        fd = int(value)
    else:
        method = getattr(value, "fileno", None)
        if method is None:
            raise TypeError("argument must be an int, or have a fileno() method.")
        number = method()
        if not isinstance(number, int):
            raise TypeError("fileno() returned a non-integer")
        fd = int(number)
    if not -INT_MAX - 1 <= fd <= INT_MAX:
        raise OverflowError("Python int too large to convert to C int")
    if fd < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
    return fd


def nanoseconds(value: Any, unit: int = 1_000_000_000) -> int:
    """_PyTime_FromSecondsObject: an int or float of `unit` ns each (seconds), rounded away from zero; in ns."""
    if isinstance(value, float):
        if math.isnan(value):
            raise ValueError("Invalid value NaN (not a number)")
        scaled = value * unit
        if not -NS_MAX <= scaled < NS_MAX:
            raise OverflowError("timestamp out of range for platform time_t")
        return math.ceil(scaled) if scaled >= 0 else math.floor(scaled)
    number = index(value) * unit
    if not -NS_MAX <= number <= NS_MAX:
        raise OverflowError(f"timestamp too large to convert to C {TIME_TYPE}")
    return int(number)


def whole_ms(ns: int) -> int:
    """`ns` rounded up to whole milliseconds, which is what poll(2) and epoll_wait(2) take."""
    return -(-ns // MS) * MS


def bytes_of(data: Any) -> bytes:
    """Format `y*`: the bytes of a contiguous buffer."""
    if type(data) is bytes:
        return data
    if isinstance(data, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'") from None
    if not view.contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return view.tobytes()


def writable(buffer: Any, name: str, position: str = "argument 1") -> memoryview:
    """Format `w*`: the bytes of a writable contiguous buffer, to be filled."""
    try:
        view = memoryview(buffer)
        if view.readonly:
            raise TypeError
    except TypeError:
        kind = type(buffer).__name__
        raise TypeError(f"{name}() {position} must be read-write bytes-like object, not {kind}") from None
    if not view.contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return view.cast("B") if view.nbytes else view
