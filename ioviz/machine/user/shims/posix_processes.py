"""The half of posix that is about other processes: spawning, waiting, groups and sessions."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from errno import ECHILD, EINTR
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ioviz.machine.user.shims import error
from ioviz.machine.user.shims.arguments import c_int
from ioviz.machine.user.spawning import Failure, Plan, check, spawn
from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

OPEN, CLOSE, DUP2 = 0, 1, 2
SIG_BLOCK, SIG_SETMASK = 0, 2
SIGINT, SIGQUIT, SIGCHLD = 2, 3, 17
CANNOT_EXECUTE: Final = 127


class Processes:
    """What `posix` offers on processes."""

    _guest: Guest

    def _await(self, *call: Any) -> Any:
        while True:
            result = self._guest.syscall(*call)
            if isinstance(result, tuple):
                return result
            if result != -EINTR:
                raise error(result)
            self._guest.check_signals()

    def wait(self) -> tuple[int, int]:
        """Wait for completion of a child process; returns (pid, status)."""
        return self.waitpid(-1, 0)

    def waitpid(self, pid: int, options: int, /) -> tuple[int, int]:
        """Wait for completion of a given child process; returns (pid, status)."""
        found: tuple[int, int] = self._await(SYS.wait4, c_int(pid), c_int(options))
        return found

    def wait3(self, options: int) -> tuple[int, int, Any]:
        """Wait for completion of a child process; returns (pid, status, rusage)."""
        return self.wait4(-1, options)

    def wait4(self, pid: int, options: int) -> tuple[int, int, Any]:
        """Wait for completion of a specific child process; the machine keeps no account of what it used."""
        found, status = self.waitpid(pid, options)
        return found, status, resource.struct_rusage((0.0, 0.0, *(0,) * 14))

    def waitid(self, idtype: int, id: int, options: int, /) -> Any:
        """Returns the result of waiting for a process or processes; None if none ended and WNOHANG was given."""
        _, row = self._await(SYS.waitid, idtype, id, options)
        return os.waitid_result(row) if row[0] else None

    def getppid(self) -> int:
        """Return the parent's process id."""
        return int(self._guest.syscall(SYS.getppid))

    def getpgid(self, pid: int) -> int:
        """Call the system call getpgid(), and return the result."""
        return self._number(SYS.getpgid, pid)

    def getpgrp(self) -> int:
        """Return the current process group id."""
        return self._number(SYS.getpgid, 0)

    def setpgid(self, pid: int, pgrp: int, /) -> None:
        """Call the system call setpgid(pid, pgrp)."""
        self._number(SYS.setpgid, pid, pgrp)

    def setpgrp(self) -> None:
        """Make the current process the leader of its process group."""
        self._number(SYS.setpgid, 0, 0)

    def getsid(self, pid: int, /) -> int:
        """Call the system call getsid(pid) and return the result."""
        return self._number(SYS.getsid, pid)

    def setsid(self) -> None:
        """Call the system call setsid()."""
        self._number(SYS.setsid)

    def killpg(self, pgid: int, number: int, /) -> None:
        """Kill a process group with a signal."""
        self._number(SYS.kill, -c_int(pgid), c_int(number))
        self._guest.check_signals()

    def _number(self, nr: int, *args: int) -> int:
        result: int = self._guest.syscall(nr, *args)
        if result < 0:
            raise error(result)
        return result

    # -- starting programs

    def posix_spawn(self, path: Any, argv: Any, env: Any, /, **options: Any) -> int:
        """Execute the program specified by path in a new process."""
        return self._posix_spawn([os.fsdecode(path)], argv, env, **options)

    def posix_spawnp(self, path: Any, argv: Any, env: Any, /, **options: Any) -> int:
        """Like posix_spawn, but looks in PATH."""
        name = os.fsdecode(path)
        folders = self._guest.environ.get("PATH", "/bin:/usr/bin").split(":")
        paths = [name] if "/" in name else [f"{folder or '.'}/{name}" for folder in folders]
        return self._posix_spawn(paths, argv, env, **options)

    def _posix_spawn(
        self,
        paths: list[str],
        argv: Any,
        env: Any,
        *,
        file_actions: Any = (),
        setpgroup: Any = None,
        resetids: bool = False,
        setsid: bool = False,
        setsigmask: Any = (),
        setsigdef: Any = (),
        scheduler: Any = None,
    ) -> int:
        guest = self._guest
        words = tuple(os.fsdecode(word) for word in argv)
        if not words or not words[0]:
            raise ValueError("posix_spawn: argv first element cannot be empty")
        environ = None
        if env is not None:
            items = env.items() if isinstance(env, Mapping) or hasattr(env, "items") else ()
            environ = {os.fsdecode(name): os.fsdecode(value) for name, value in items}
        actions = [_checked(action) for action in file_actions or ()]
        masked = tuple(sorted(map(int, setsigmask)))
        defaulted = tuple(map(int, setsigdef))
        if scheduler is not None:
            raise guest.lacks("posix_spawn with a scheduler")
        outcome: list[int] = []

        def prepare() -> None:
            call = guest.syscall
            for number in defaulted:
                call(SYS.rt_sigaction, number, 0, None)
            if setsid:
                call(SYS.setsid)
            if setpgroup is not None:
                call(SYS.setpgid, 0, setpgroup)
            for action in actions:
                _act(guest, action)
            if masked:
                call(SYS.rt_sigprocmask, SIG_SETMASK, masked)

        plan = Plan(paths, words, environ, guest.cwd, prepare, lambda failure: outcome.append(failure.result))
        check(guest, plan)
        pid = spawn(guest, plan)
        if outcome:
            self._guest.syscall(SYS.wait4, pid, 0)
            raise error(outcome[0], paths[0])
        return pid

    def system(self, command: Any) -> int:
        """Execute the command in a subshell; returns its wait status."""
        guest = self._guest
        ignored = [(number, guest.syscall(SYS.rt_sigaction, number, 1, None)) for number in (SIGINT, SIGQUIT)]
        before = guest.syscall(SYS.rt_sigprocmask, SIG_BLOCK, (SIGCHLD,))[1]
        defaulted = tuple(number for number, kind in ignored if kind != 1)
        words = ["sh", "-c", os.fsdecode(command)]
        try:
            pid = self._posix_spawn(["/bin/sh"], words, None, setsigmask=before or (64,), setsigdef=defaulted)
            while True:
                result = guest.syscall(SYS.wait4, pid, 0)
                if isinstance(result, tuple):
                    return int(result[1])
                if result == -ECHILD:
                    return -1
        finally:
            for number, kind in ignored:
                guest.syscall(SYS.rt_sigaction, number, kind, guest.mark_signal if kind == 2 else None)
            guest.syscall(SYS.rt_sigprocmask, SIG_SETMASK, before)

    def register_at_fork(self, **callbacks: object) -> None:
        """Nothing ever forks."""

    def fork(self) -> NoReturn:
        raise self._guest.lacks("fork: a running program cannot be copied; use subprocess, or threads")

    forkpty = fork

    def execv(self, path: Any, argv: Any, /) -> NoReturn:
        raise self._guest.lacks("exec in place of a running program; use subprocess")

    def execve(self, path: Any, argv: Any, env: Any) -> NoReturn:
        raise self._guest.lacks("exec in place of a running program; use subprocess")


def _checked(action: Any) -> tuple[Any, ...]:
    """One element of `file_actions`, with its parts as numbers and paths."""
    if not isinstance(action, tuple) or not action:
        raise TypeError("Each file_actions element must be a non-empty tuple")
    if action[0] not in (OPEN, CLOSE, DUP2):
        raise TypeError("Unknown file_actions identifier")
    shape = {OPEN: 5, CLOSE: 2, DUP2: 3}[action[0]]
    if len(action) != shape:
        raise TypeError(f"A {('open', 'close', 'dup2')[action[0]]} file_action tuple must have {shape} elements")
    if action[0] == OPEN:
        _, fd, path, flags, mode = action
        os.fsencode(path)
        if "\0" in os.fsdecode(path):
            raise ValueError("embedded null byte")
        return OPEN, c_int(fd), path, c_int(flags), c_int(mode)
    return action[0], *map(c_int, action[1:])


def _act(guest: Guest, action: tuple[Any, ...]) -> None:
    """One of the file actions of posix_spawn."""
    kind, *rest = action
    if kind == OPEN:
        fd, path, flags, mode = rest
        opened = guest.syscall(SYS.openat, os.fsdecode(path), flags, mode)
        if opened < 0:
            raise Failure(opened)
        if opened != fd:
            guest.syscall(SYS.dup2, opened, fd)
            guest.syscall(SYS.close, opened)
    elif kind == CLOSE:
        guest.syscall(SYS.close, rest[0])
    else:
        old, new = rest
        result = guest.syscall(SYS.fcntl, old, 2, 0) if old == new else guest.syscall(SYS.dup2, old, new)
        if result < 0:
            raise Failure(result)
