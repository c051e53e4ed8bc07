"""The system-call table: number → handler, and how arguments and results are shown in the log.

A handler takes the kernel and the arguments and returns an int, a negative errno, or a pair (int, what is copied to the
user). Bytes never go into the log whole here: they stand there as text, a character a byte, their first 32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.kernel import (
    eventfd,
    eventpoll,
    files,
    flock,
    fork,
    futex,
    identity,
    itimer,
    masked_wait,
    mmap,
    pipe,
    poll,
    process,
    ramfs,
    reap,
    select,
    signalfd,
    signals,
    socket,
    sockopt,
    splice,
    time,
    timerfd,
    tty,
)
from ioviz.model.files import EVENTFD, EVENTPOLL, INODE, PIPE_READ, PIPE_WRITE, SIGNALFD, SOCKET, TIMERFD, TTY
from ioviz.model.shown import SHOWN, address, received, sent, text
from ioviz.model.syscalls import SYS, TABLE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.kernel.files import FileOps

TABLE: Final[dict[int, Callable[..., Any]]] = {
    SYS.read: files.sys_read,
    SYS.write: files.sys_write,
    SYS.close: files.sys_close,
    SYS.dup: files.sys_dup,
    SYS.dup2: files.sys_dup2,
    SYS.dup3: files.sys_dup3,
    SYS.fcntl: files.sys_fcntl,
    SYS.ioctl: files.sys_ioctl,
    SYS.mmap: mmap.sys_mmap,
    SYS.flock: flock.sys_flock,
    SYS.openat: ramfs.sys_openat,
    SYS.stat: ramfs.sys_stat,
    SYS.fstat: ramfs.sys_fstat,
    SYS.access: ramfs.sys_access,
    SYS.chmod: ramfs.sys_chmod,
    SYS.fchmod: ramfs.sys_fchmod,
    SYS.fsync: ramfs.sys_fsync,
    SYS.fdatasync: ramfs.sys_fsync,
    SYS.lseek: ramfs.sys_lseek,
    SYS.ftruncate: ramfs.sys_ftruncate,
    SYS.getdents64: ramfs.sys_getdents64,
    SYS.mkdir: ramfs.sys_mkdir,
    SYS.rmdir: ramfs.sys_rmdir,
    SYS.rename: ramfs.sys_rename,
    SYS.unlink: ramfs.sys_unlink,
    SYS.pipe2: pipe.sys_pipe2,
    SYS.eventfd2: eventfd.sys_eventfd2,
    SYS.signalfd4: signalfd.sys_signalfd4,
    SYS.timerfd_create: timerfd.sys_timerfd_create,
    SYS.timerfd_settime: timerfd.sys_timerfd_settime,
    SYS.timerfd_gettime: timerfd.sys_timerfd_gettime,
    SYS.sendfile: splice.sys_sendfile,
    SYS.splice: splice.sys_splice,
    SYS.readv: splice.sys_readv,
    SYS.writev: splice.sys_writev,
    SYS.preadv: splice.sys_preadv,
    SYS.pwritev: splice.sys_pwritev,
    SYS.socket: socket.sys_socket,
    SYS.socketpair: socket.sys_socketpair,
    SYS.bind: socket.sys_bind,
    SYS.listen: socket.sys_listen,
    SYS.accept4: socket.sys_accept4,
    SYS.connect: socket.sys_connect,
    SYS.getsockname: socket.sys_getsockname,
    SYS.getpeername: socket.sys_getpeername,
    SYS.sendto: socket.sys_sendto,
    SYS.recvfrom: socket.sys_recvfrom,
    SYS.sendmsg: socket.sys_sendmsg,
    SYS.recvmsg: socket.sys_recvmsg,
    SYS.shutdown: socket.sys_shutdown,
    SYS.setsockopt: sockopt.sys_setsockopt,
    SYS.getsockopt: sockopt.sys_getsockopt,
    SYS.select: select.sys_select,
    SYS.poll: poll.sys_poll,
    SYS.epoll_create1: eventpoll.sys_epoll_create1,
    SYS.epoll_ctl: eventpoll.sys_epoll_ctl,
    SYS.epoll_wait: eventpoll.sys_epoll_wait,
    SYS.pselect6: masked_wait.sys_pselect6,
    SYS.ppoll: masked_wait.sys_ppoll,
    SYS.epoll_pwait: masked_wait.sys_epoll_pwait,
    SYS.epoll_pwait2: masked_wait.sys_epoll_pwait2,
    SYS.futex: futex.sys_futex,
    SYS.clock_nanosleep: time.sys_clock_nanosleep,
    SYS.clone: process.sys_clone,
    SYS.vfork: fork.sys_vfork,
    SYS.execve: fork.sys_execve,
    SYS.wait4: reap.sys_wait4,
    SYS.waitid: reap.sys_waitid,
    SYS.setpgid: fork.sys_setpgid,
    SYS.getpgid: fork.sys_getpgid,
    SYS.setsid: fork.sys_setsid,
    SYS.getsid: fork.sys_getsid,
    SYS.prlimit64: files.sys_prlimit64,
    SYS.close_range: files.sys_close_range,
    SYS.exit: process.sys_exit,
    SYS.exit_group: process.sys_exit_group,
    SYS.getpid: identity.sys_getpid,
    SYS.gettid: identity.sys_gettid,
    SYS.getppid: identity.sys_getppid,
    SYS.getuid: identity.sys_getuid,
    SYS.geteuid: identity.sys_getuid,
    SYS.getgid: identity.sys_getuid,
    SYS.getegid: identity.sys_getuid,
    SYS.umask: identity.sys_umask,
    SYS.uname: identity.sys_uname,
    SYS.getcwd: identity.sys_getcwd,
    SYS.chdir: identity.sys_chdir,
    SYS.getrusage: process.sys_getrusage,
    SYS.sched_yield: process.sys_sched_yield,
    SYS.getrandom: process.sys_getrandom,
    SYS.kill: signals.sys_kill,
    SYS.tgkill: signals.sys_tgkill,
    SYS.rt_sigaction: signals.sys_rt_sigaction,
    SYS.rt_sigprocmask: signals.sys_rt_sigprocmask,
    SYS.rt_sigpending: signals.sys_rt_sigpending,
    SYS.rt_sigtimedwait: signals.sys_rt_sigtimedwait,
    SYS.setitimer: itimer.sys_setitimer,
    SYS.getitimer: itimer.sys_getitimer,
    SYS.alarm: itimer.sys_alarm,
    SYS.pause: signals.sys_pause,
}

OPS: Final[dict[str, FileOps]] = {
    TTY: tty.OPS,
    INODE: ramfs.OPS,
    PIPE_READ: pipe.READ_OPS,
    PIPE_WRITE: pipe.WRITE_OPS,
    EVENTFD: eventfd.OPS,
    TIMERFD: timerfd.OPS,
    SIGNALFD: signalfd.OPS,
    EVENTPOLL: eventpoll.OPS,
    SOCKET: socket.OPS,
}

SHOW_ARGS: Final[dict[int, Callable[[tuple[Any, ...]], tuple[Any, ...]]]] = {
    SYS.write: lambda args: (args[0], text(args[1]), len(args[1])),
    SYS.sendto: sent,
    SYS.writev: lambda args: (args[0], text(b"".join(args[1])), len(args[1])),
    SYS.pwritev: lambda args: (args[0], text(b"".join(args[1])), len(args[1]), args[2]),
    SYS.sendmsg: lambda args: (args[0], text(args[1]), len(args[1]), args[3], args[4]),
    SYS.bind: lambda args: (args[0], address(args[1])),
    SYS.connect: lambda args: (args[0], address(args[1])),
    SYS.setsockopt: lambda args: (*args[:3], text(args[3]) if isinstance(args[3], bytes) else args[3]),
    SYS.poll: lambda args: (args[0][:SHOWN], len(args[0]), args[1]),
    SYS.select: lambda args: (args[0], args[1][:SHOWN], args[2][:SHOWN], args[3][:SHOWN], args[4]),
    SYS.ppoll: lambda args: (args[0][:SHOWN], len(args[0]), *args[1:]),
    SYS.pselect6: lambda args: (args[0], args[1][:SHOWN], args[2][:SHOWN], args[3][:SHOWN], *args[4:]),
    SYS.clone: lambda args: (args[0],),
    SYS.vfork: lambda args: (),
    SYS.execve: lambda args: (args[0], tuple(arg[:SHOWN] for arg in args[1][:SHOWN]), len(args[2])),
    SYS.rt_sigaction: lambda args: (args[0], args[1], *args[3:]),
}
"""How to log the arguments of the calls whose arguments are not small atoms."""


SHOW_OUT: Final[dict[int, Callable[[Any], Any]]] = {
    SYS.read: text,
    SYS.readv: text,
    SYS.preadv: text,
    SYS.recvfrom: received,
    SYS.recvmsg: lambda out: (text(out[0]), out[2], address(out[3])),
    SYS.accept4: address,
    SYS.getsockname: address,
    SYS.getpeername: address,
    SYS.getsockopt: address,
    SYS.getrandom: text,
    SYS.epoll_wait: lambda out: out[:SHOWN],
    SYS.epoll_pwait: lambda out: out[:SHOWN],
    SYS.epoll_pwait2: lambda out: out[:SHOWN],
    SYS.poll: lambda out: out[:SHOWN],
    SYS.ppoll: lambda out: out[:SHOWN],
    SYS.pselect6: lambda out: tuple(fds[:SHOWN] for fds in out),
    SYS.select: lambda out: tuple(fds[:SHOWN] for fds in out),
    SYS.getdents64: lambda out: len(out),
}
"""How to log what the calls copy to the user, where that is not a small atom."""

Entry = tuple["Callable[..., Any]", "Callable[[Any], Any] | None", "Callable[[Any], Any] | None"]
ENTRIES: Final[list[Entry | None]] = [
    (TABLE[nr], SHOW_ARGS.get(nr), SHOW_OUT.get(nr)) if nr in TABLE else None for nr in range(TABLE_SIZE)
]
"""All that a trap needs to know of a call, by number: handler, how to log its arguments, how to log what it gives."""
