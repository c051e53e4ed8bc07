"""_posixsubprocess: `fork_exec`, on which `subprocess` stands. Source: `Modules/_posixsubprocess.c`."""

from __future__ import annotations

import os
import posixpath
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.user.shims import error, module_from
from ioviz.machine.user.spawning import Failure, Plan, check, spawn
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

CHDIR_FAILED: Final = "noexec:chdir" if sys.version_info >= (3, 13) else "noexec"
F_SETFD: Final = 2
LAST_FD: Final = 0xFFFF_FFFF
DEFAULTED: Final = (13, 25)
"""SIGPIPE and SIGXFSZ, which Python ignores and its children need not."""


class _Subprocess:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def fork_exec(
        self,
        process_args: Any,
        executable_list: Any,
        close_fds: bool,
        fds_to_keep: tuple[int, ...],
        cwd: Any,
        env_list: Any,
        p2cread: int,
        p2cwrite: int,
        c2pread: int,
        c2pwrite: int,
        errread: int,
        errwrite: int,
        errpipe_read: int,
        errpipe_write: int,
        restore_signals: bool,
        call_setsid: bool,
        pgid_to_set: int,
        gid: Any,
        extra_groups: Any,
        uid: Any,
        child_umask: int,
        preexec_fn: Any,
        *more: object,
    ) -> int:
        """Spawn a fresh new child process; returns its pid."""
        guest = self._guest
        if preexec_fn is not None:
            raise guest.lacks("preexec_fn: nothing of the program can run in the child before it executes another")
        folder = guest.cwd if cwd is None else posixpath.join(guest.cwd, os.fsdecode(cwd))

        def prepare() -> None:
            call = guest.syscall
            for fd in fds_to_keep:
                _done(call(SYS.fcntl, fd, F_SETFD, 1 if fd == errpipe_write else 0))
            for fd in (p2cwrite, c2pread, errread):
                if fd != -1:
                    _done(call(SYS.close, fd))
            out, err = c2pwrite, errwrite
            if out == 0:
                out = _done(call(SYS.dup, out))
            while err in (0, 1):
                err = _done(call(SYS.dup, err))
            for fd, number in ((p2cread, 0), (out, 1), (err, 2)):
                if fd == number:
                    _done(call(SYS.fcntl, fd, F_SETFD, 0))
                elif fd != -1:
                    _done(call(SYS.dup2, fd, number))
            if cwd is not None:
                _done(call(SYS.chdir, os.fsdecode(cwd)), CHDIR_FAILED)
            if child_umask >= 0:
                call(SYS.umask, child_umask)
            if restore_signals:
                for number in DEFAULTED:
                    _done(call(SYS.rt_sigaction, number, 0, None))
            if call_setsid:
                _done(call(SYS.setsid))
            if pgid_to_set >= 0:
                _done(call(SYS.setpgid, 0, pgid_to_set))
            if close_fds:
                first = 3
                for fd in sorted(fds_to_keep):
                    if fd > first:
                        _done(call(SYS.close_range, first, fd - 1, 0))
                    first = max(first, fd + 1)
                _done(call(SYS.close_range, first, LAST_FD, 0))

        def failed(failure: Failure) -> None:
            text = f"OSError:{-failure.result:X}:{failure.about}"
            guest.syscall(SYS.write, errpipe_write, text.encode())

        paths = [os.fsdecode(path) for path in executable_list]
        environ = None
        if env_list is not None:
            pairs = (os.fsdecode(word).partition("=") for word in env_list)
            environ = {name: value for name, _, value in pairs}
        argv = tuple(os.fsdecode(word) for word in process_args)
        plan = Plan(paths, argv, environ, folder, prepare, failed)
        check(guest, plan)
        result = spawn(guest, plan)
        if result < 0:
            raise error(result)
        return result


def _done(result: int, about: str = "") -> int:
    if result < 0:
        raise Failure(result, about)
    return result


def build(guest: Guest) -> ModuleType:
    return module_from("_posixsubprocess", _Subprocess(guest))
