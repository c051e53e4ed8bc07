"""The C module `fcntl`: fcntl(2) and ioctl(2), as far as sockets and pipes need them, and flock(2). Locks by fcntl(2)
(`lockf`) always succeed.

Source: `Modules/fcntlmodule.c`.
"""

from __future__ import annotations

import struct
from errno import EINTR
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims import module_from
from ioviz.machine.user.shims.arguments import c_int, failure, fd_of
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

CONSTANTS: Final = {
    "DN_ACCESS": 1,
    "DN_ATTRIB": 32,
    "DN_CREATE": 4,
    "DN_DELETE": 8,
    "DN_MODIFY": 2,
    "DN_MULTISHOT": 0x80000000,
    "DN_RENAME": 16,
    "FASYNC": 8192,
    "FD_CLOEXEC": 1,
    "F_ADD_SEALS": 1033,
    "F_DUPFD": 0,
    "F_DUPFD_CLOEXEC": 1030,
    "F_EXLCK": 4,
    "F_GETFD": 1,
    "F_GETFL": 3,
    "F_GETLEASE": 1025,
    "F_GETLK": 5,
    "F_GETLK64": 5,
    "F_GETOWN": 9,
    "F_GETPIPE_SZ": 1032,
    "F_GETSIG": 11,
    "F_GET_SEALS": 1034,
    "F_NOTIFY": 1026,
    "F_OFD_GETLK": 36,
    "F_OFD_SETLK": 37,
    "F_OFD_SETLKW": 38,
    "F_RDLCK": 0,
    "F_SEAL_GROW": 4,
    "F_SEAL_SEAL": 1,
    "F_SEAL_SHRINK": 2,
    "F_SEAL_WRITE": 8,
    "F_SETFD": 2,
    "F_SETFL": 4,
    "F_SETLEASE": 1024,
    "F_SETLK": 6,
    "F_SETLK64": 6,
    "F_SETLKW": 7,
    "F_SETLKW64": 7,
    "F_SETOWN": 8,
    "F_SETPIPE_SZ": 1031,
    "F_SETSIG": 10,
    "F_SHLCK": 8,
    "F_UNLCK": 2,
    "F_WRLCK": 1,
    "LOCK_EX": 2,
    "LOCK_MAND": 32,
    "LOCK_NB": 4,
    "LOCK_READ": 64,
    "LOCK_RW": 192,
    "LOCK_SH": 1,
    "LOCK_UN": 8,
    "LOCK_WRITE": 128,
}
ASKING: Final = (5, 36)
"""F_GETLK and F_OFD_GETLK."""
LOCKS: Final = (5, 6, 7, 36, 37, 38)
"""The requests that take a `struct flock`."""
BUFFER: Final = 1024
"""The longest argument that is taken as bytes."""


class Control:
    """The functions of `fcntl` for one guest."""

    UNDERSCORED = ()

    def __init__(self, guest: Guest) -> None:
        self._syscall = guest.syscall
        self._check_signals = guest.check_signals

    def _call(self, nr: int, fd: int, request: int, arg: int) -> tuple[int, int]:
        """(result, what the kernel wrote back)."""
        while True:
            result = self._syscall(nr, fd, request, arg)
            if type(result) is tuple:
                return int(result[0]), int(result[1])
            if result >= 0:
                return int(result), arg
            if result != -EINTR:
                raise failure(result)
            self._check_signals()

    def fcntl(self, fd: Any, cmd: int, arg: Any = 0, /) -> Any:
        """Perform the operation `cmd` on file descriptor `fd`; `arg` an int, or bytes that stand for a struct."""
        number, request = fd_of(fd), c_int(cmd)
        if isinstance(arg, int):
            return self._call(SYS.fcntl, number, request, _signed(arg))[0]
        data = arg.encode() if isinstance(arg, str) else bytes(memoryview(arg))
        if len(data) > BUFFER:
            raise ValueError("fcntl string arg too long")
        if request in LOCKS:
            self._call(SYS.fcntl, number, CONSTANTS["F_GETFD"], 0)
            # Nobody else holds a lock: setting one succeeds, and the one that would be in the way is none.
            return data if request not in ASKING else struct.pack("h", CONSTANTS["F_UNLCK"]) + data[2:]
        _, out = self._call(SYS.fcntl, number, request, _from_bytes(data))
        return _to_bytes(out, data)

    def ioctl(self, fd: Any, request: Any, arg: Any = 0, mutate_flag: Any = True, /) -> Any:
        """Perform the operation `request` on file descriptor `fd`; a writable buffer gets what the kernel writes."""
        number, code = fd_of(fd), int(request) & 0xFFFF_FFFF
        if isinstance(arg, int):
            return self._call(SYS.ioctl, number, code, _signed(arg))[0]
        if isinstance(arg, str):
            arg = arg.encode()
        view = memoryview(arg).cast("B")
        data = view.tobytes()
        mutates = mutate_flag and not view.readonly
        if len(data) > BUFFER and not mutates:
            raise ValueError("ioctl string arg too long")
        result, out = self._call(SYS.ioctl, number, code, _from_bytes(data))
        if mutates:
            view[:] = _to_bytes(out, data)
            return result
        return _to_bytes(out, data)

    def flock(self, fd: Any, operation: int, /) -> None:
        """Perform the lock operation on file descriptor `fd`; it belongs to the open file."""
        number, code = fd_of(fd), c_int(operation)
        while (result := self._syscall(SYS.flock, number, code)) == -EINTR:
            self._check_signals()
        if result < 0:
            raise failure(result)

    def lockf(self, fd: Any, cmd: int, len: int = 0, start: int = 0, whence: int = 0, /) -> None:
        """Nothing but a look at the descriptor."""
        if not c_int(cmd) & 0xB:
            raise ValueError("unrecognized lockf argument")
        self._call(SYS.fcntl, fd_of(fd), CONSTANTS["F_GETFD"], 0)


def _signed(number: int) -> int:
    """The low 32 bits, as C's int."""
    low = number & 0xFFFF_FFFF
    return low - (1 << 32) if low >> 31 else low


def _from_bytes(data: bytes) -> int:
    """The int at the start of a buffer, as the requests that we know take one."""
    return int(struct.unpack("i", data[:4].ljust(4, b"\0"))[0])


def _to_bytes(number: int, data: bytes) -> bytes:
    """`data` with its first four bytes replaced by an int."""
    return (struct.pack("i", number) + data[4:])[: len(data)]


def build(guest: Guest) -> ModuleType:
    """The module `fcntl` for one guest."""
    return module_from("fcntl", Control(guest), CONSTANTS)
