"""Snapshots of real processes from `/proc`: descriptors, interest lists, threads and what they sleep in, sockets.

The same user is enough. `fdinfo` of an epoll descriptor has the kernel's own interest list, mask and data and inode.
Reading costs about 10 µs a descriptor, 20 µs an epoll item more; it never touches the process itself. `sampling`
makes a source of that.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ioviz.live.kcmp import with_instances
from ioviz.live.snapshot import Descriptor, Interest, ProcessState, Snapshot, Thread
from ioviz.live.sockdiag import read_sockets
from ioviz.live.source import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ioviz.live.snapshot import SocketState

_LINK: Final = re.compile(r"(socket|pipe|anon_inode):\[?([^\]]*)\]?")
_ITEM: Final = re.compile(
    r"^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)(?:\s+pos:\S+ ino:([0-9a-f]+) sdev:([0-9a-f]+))?", re.M
)
_ANON: Final = {
    "eventpoll": "epoll", "eventfd": "eventfd", "timerfd": "timerfd", "signalfd": "signalfd", "inotify": "inotify",
    "io_uring": "io_uring", "pidfd": "pidfd",
}  # fmt: skip


PF_KTHREAD: Final = 0x00200000
"""A flag in `/proc/PID/stat` (include/linux/sched.h)."""


def exists(pid: int) -> bool:
    """Whether there is such a process, and it is not only waiting to be buried."""
    return state_of(pid) not in ("", "Z", "X")


def state_of(pid: int) -> str:
    """The state letter of a process; empty if there is none."""
    fields = stat_fields(pid)
    return fields[0] if fields else ""


def stat_fields(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` from the third on (the second is a name that may hold anything)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def status_of(pid: int, name: str) -> str:
    """A line of `/proc/PID/status`: its value; empty if it is not there."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    match = re.search(rf"^{name}:\s*(.*)$", text, re.M)
    return match[1] if match is not None else ""


def owner(tid: int) -> tuple[int, str, tuple[str, ...]] | None:
    """Process, name and arguments of thread `tid`; None if it is gone."""
    pid = status_of(tid, "Tgid")
    return (int(pid), *_called(int(pid))) if pid.isdecimal() else None


def _called(pid: int) -> tuple[str, tuple[str, ...]]:
    from ioviz.live.names import program_name

    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return f"process {pid}", ()
    argv = tuple(word.decode("utf-8", "surrogateescape") for word in raw.rstrip(b"\0").split(b"\0") if word)
    return (program_name(argv[0].split(" ")[0].rstrip(":"), argv) if argv else name), argv


def family(pid: int) -> tuple[int, ...]:
    """Process `pid` and all that descend from it."""
    found = [pid]
    for each in found:
        for thread in threads_of(each):
            try:
                text = Path(f"/proc/{each}/task/{thread}/children").read_text(encoding="ascii")
            except OSError:
                continue
            found.extend(int(child) for child in text.split() if int(child) not in found)
    return tuple(each for each in found if each == pid or exists(each))


def threads_of(pid: int) -> tuple[int, ...]:
    """The threads of a process."""
    try:
        return tuple(sorted(int(name) for name in os.listdir(f"/proc/{pid}/task")))
    except OSError:
        return ()


def read_thread(pid: int, tid: int) -> Thread | None:
    """What a thread sleeps in; None if it is gone."""
    base = f"/proc/{pid}/task/{tid}"
    fields = _first_line(f"{base}/stat").rpartition(")")[2].split()
    if not fields:
        return None
    words = _first_line(f"{base}/syscall").split()
    number = -1
    args: tuple[int, ...] = ()
    if len(words) >= 7 and words[0].lstrip("-").isdecimal():
        number, args = int(words[0]), tuple(int(word, 16) for word in words[1:7])
    wchan = _first_line(f"{base}/wchan")
    return Thread(tid, fields[0], number, args, wchan if wchan != "0" else "")


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return ""


def take(
    pids: Iterable[int], clock: Callable[[], int] = time.monotonic_ns, *, seed: bool = False, threads: bool = True
) -> Snapshot:
    """A snapshot of these processes. `seed`: with everything, to begin from; `clock` is the source's."""
    began, started = clock(), time.monotonic_ns()
    processes: list[ProcessState] = []
    sockets: dict[int, SocketState] = {}
    missing: list[str] = []
    for pid in pids:
        process = read_process(pid, seed=seed, threads=threads)
        if process is None:
            missing.append(f"process {pid} is gone, or its descriptors may not be read")
            continue
        processes.append(process)
        inodes = {each.inode for each in process.descriptors if each.kind == "socket"}
        inodes.update(item.inode for each in process.descriptors for item in each.interests)
        sockets.update(read_sockets(pid, inodes - sockets.keys(), ours=process.netns == own_netns()))
    if seed and sum(each.kind == "epoll" for process in processes for each in process.descriptors) > 1:
        processes = with_instances(processes)
    took = time.monotonic_ns() - started
    return Snapshot(began, tuple(processes), sockets, tuple(missing), False, seed, took)


def read_process(pid: int, *, seed: bool, threads: bool = True) -> ProcessState | None:
    """A process; None if it is gone or not ours."""
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return None
    found = (read_descriptor(pid, int(name), seed=seed) for name in names)
    descriptors = tuple(sorted((each for each in found if each is not None), key=lambda each: each.fd))
    if seed:
        descriptors = _still_watched(pid, descriptors)
    asleep = tuple(filter(None, (read_thread(pid, tid) for tid in threads_of(pid)))) if threads else ()
    fields = stat_fields(pid)
    return ProcessState(pid, int(fields[1]) if fields else 0, *_called(pid), asleep, descriptors, _netns(pid))


def _still_watched(pid: int, descriptors: tuple[Descriptor, ...]) -> tuple[Descriptor, ...]:
    """Items of files that no descriptor opens came or went while we read. Those that are gone are left out, as nobody
    would ever tell of their end; of the others the descriptors are there by now (or another process has them)."""
    inodes = {each.inode for each in descriptors}
    found = {each.fd: each for each in descriptors}
    for each in descriptors:
        if any(item.inode not in inodes for item in each.interests):
            now = set(interests_in(fdinfo(pid, each.fd)))
            kept = tuple(item for item in each.interests if item.inode in inodes or item in now)
            found[each.fd] = replace(each, interests=kept)
            for item in kept:
                if item.inode not in inodes and item.fd not in found:
                    late = read_descriptor(pid, item.fd, seed=True)
                    if late is not None:
                        found[item.fd] = late
    return tuple(found[fd] for fd in sorted(found))


def read_descriptor(pid: int, fd: int, *, seed: bool) -> Descriptor | None:
    """One descriptor; None if it is closed. `seed`: with its flags."""
    path = f"/proc/{pid}/fd/{fd}"
    try:
        target = os.readlink(path)
    except OSError:
        return None
    match = _LINK.match(target)
    flags = 0
    inode = 0
    interests: tuple[Interest, ...] = ()
    if match is None:
        kind = "tty" if target.startswith(("/dev/pts/", "/dev/tty", "/dev/console")) else "file"
    elif match[1] == "anon_inode":
        kind = _ANON.get(match[2], "anon")
    else:
        kind, inode = match[1], int(match[2]) if match[2].isdecimal() else 0
    if kind == "epoll" or seed:
        text = fdinfo(pid, fd)
        line = re.search(r"^flags:\s*([0-7]+)", text, re.M)
        flags = int(line[1], 8) if line is not None else 0
        if kind == "epoll":
            interests = interests_in(text)
    elif kind == "pipe":
        flags = _mode(path)
    return Descriptor(fd, kind, inode, target, flags, interests)


def _mode(path: str) -> int:
    """O_RDONLY, O_WRONLY or O_RDWR, from the permissions of the link, which is cheaper than `fdinfo`."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return 0
    return (0, 0, 1, 2)[bool(mode & stat.S_IWUSR) * 2 + bool(mode & stat.S_IRUSR)]


def interests_in(text: str) -> tuple[Interest, ...]:
    """The interest list that `fdinfo` of an epoll descriptor tells."""
    return tuple([_interest(*each) for each in _ITEM.findall(text)])


def _interest(fd: str, events: str, data: str, inode: str, device: str) -> Interest:
    return Interest(int(fd), int(events, 16), int(data, 16), int(inode or "0", 16), int(device or "0", 16))


def open_count(pid: int) -> int:
    """How many descriptors process `pid` has open, without listing them; 0 if it is gone, or before Linux 6.2."""
    try:
        return os.stat(f"/proc/{pid}/fd").st_size
    except OSError:
        return 0


def fdinfo(pid: int, fd: int) -> str:
    """What `/proc/PID/fdinfo/FD` says; empty if it is closed."""
    try:
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _netns(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return 0


def own_netns() -> int:
    """Our own network namespace."""
    return _netns(os.getpid())


def no_such(pid: int) -> Refusal:
    """There is no process of this number."""
    return Refusal(
        f"there is no process {pid}", "`ps` lists those that run", f"没有进程 {pid}", "可用 `ps` 查看正在运行的进程"
    )


def why_not(pid: int | None = None) -> Refusal | None:
    """Why `/proc` cannot be read here, or process `pid` in it; None if it can."""
    if not sys.platform.startswith("linux"):
        return Refusal(
            "procfs is Linux's, and this is another system", "use --source probe",
            "procfs 只有 Linux 才有，这里是别的系统", "请用 --source probe",
        )  # fmt: skip
    if not os.path.isdir("/proc/self/fdinfo"):
        return Refusal("/proc is not mounted here", "mount it: mount -t proc proc /proc", "这里没有挂载 /proc",
                       "请挂载：mount -t proc proc /proc")  # fmt: skip
    if pid is None:
        return None
    if state_of(pid) == "Z":
        return Refusal(
            f"process {pid} has ended, and only waits for its parent to take note", "there is nothing left to watch",
            f"进程 {pid} 已经结束，只等父进程收尸", "已经没有什么可观察的了",
        )  # fmt: skip
    if not exists(pid):
        return no_such(pid)
    fields = stat_fields(pid)
    if len(fields) > 6 and int(fields[6]) & PF_KTHREAD:
        return Refusal(
            f"process {pid} is a thread of the kernel, and makes no system calls", "name a program",
            f"{pid} 是内核线程，它不发起系统调用", "请换一个程序",
        )  # fmt: skip
    try:
        os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        return Refusal(
            f"process {pid} is not yours", "run ioviz as its user, or as root",
            f"进程 {pid} 不属于你", "请以它的用户或 root 运行 ioviz",
        )  # fmt: skip
    except OSError:
        return no_such(pid)
    return None
