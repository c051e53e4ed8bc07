"""The knob `boot = "full"`: from power on to `init`, and how a file on the disk becomes a process.

Firmware, boot loader and kernel follow each other before anything else happens (`power_on`). Then the kernel makes task
1, `init`, which is a task as any other: for each program it makes a process, waits until the next one is due, and at
last sleeps in `wait4`. The new process calls `execve`: the kernel reads the beginning of the file from the disk, while
the task sleeps, and maps it; its first instruction is a page fault, since nothing was copied in advance.

Source: Linux `init/main.c` (`kernel_init`), `fs/exec.c`, `fs/binfmt_script.c`, `mm/filemap.c`. Where Linux differs:
`init` starts a login or a shell, and that starts the programs; Python reads its program by calls of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ioviz.machine.hardware import disk
from ioviz.machine.kernel import traps
from ioviz.machine.kernel.process import spawn_task
from ioviz.model.boot import (
    BootLoaderStarted,
    IdtLoaded,
    KernelLoaded,
    PoweredOn,
    ProtectionEnabled,
)
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.disk import BLOCK, BOOT_LOADER, KERNEL
from ioviz.model.idt import PAGE_FAULT
from ioviz.model.memory import FETCHING, FROM_USER, ProgramLoaded, layout_of
from ioviz.model.syscalls import SYS
from ioviz.model.task import ProcessStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ioviz.machine.kernel.kernel import Kernel

INIT: Final = 1
ENVIRON: Final = 4
"""Variables in the environment of a program."""
SIGCHLD: Final = 17
INIT_FILE, PYTHON = "/sbin/init", "/usr/bin/python3"
SIZES: Final = {BOOT_LOADER: 64 << 10, KERNEL: 14 << 20, INIT_FILE: 96 << 10, PYTHON: 6 << 20}
"""Bytes of what lies on every disk."""
LINGER: Final = 100_000
"""More than `init` takes to start a program once it is due, in ns."""
KERNEL_ADDRESS: Final = 0x100_0000
"""Where the kernel lies in physical memory (16 MiB)."""
FIRMWARE_TIME, KERNEL_TIME = 300_000, 200_000
"""What firmware and kernel take to set themselves up, in ns: in truth seconds and tenths of seconds."""


def power_on(k: Kernel, host: int, name: str, address: str, programs: Iterable[tuple[str, int]]) -> None:
    """Everything up to `HostBooted`; `programs` are further files on the disk: (name, bytes)."""
    files, block = [], 0
    for file, size in (*SIZES.items(), *dict(programs).items()):
        count = -(-max(size, 1) // BLOCK)
        files.append((file, block, count))
        block += count
    k.cpu = host
    k.cause = k.emit(PoweredOn, host, tuple(files))
    k.now += FIRMWARE_TIME
    disk.read_polling(k, host, BOOT_LOADER)
    k.cause = k.emit(BootLoaderStarted, host)
    disk.read_polling(k, host, KERNEL)
    k.cause = k.emit(KernelLoaded, host, KERNEL_ADDRESS, SIZES[KERNEL])
    k.now += KERNEL_TIME
    k.cause = k.emit(ProtectionEnabled, host)
    k.now += KERNEL_TIME
    layout = layout_of(k.world)
    k.cause = k.emit(IdtLoaded, host, layout.idt_base, layout.idt_limit)
    k.boot(host, name, address)


def start_init(k: Kernel, host: int, starts: Sequence[tuple[int, Callable[[], int]]]) -> None:
    """Make task 1, which will call each of `starts` at its time (ns after now), in order; each returns a pid."""
    k.cause = k.emit(ProcessStarted, INIT, host, "init", (INIT_FILE,), "init")
    k.add_process(INIT)
    began = k.now

    def init() -> None:
        execve(k, INIT_FILE, (INIT_FILE,), (INIT_FILE,))
        for delay, start in starts:
            if began + delay > k.now:
                k.syscall(SYS.clock_nanosleep, began + delay - k.now)
            _call(k, SYS.clone, (SIGCHLD,), start)
        _call(k, SYS.wait4, (-1, 0), lambda: _wait_for_ever(k))

    for delay, _ in starts:  # a run is not over before its last program has started
        if delay:
            k.after(delay + LINGER, host, lambda: None)
    spawn_task(k, INIT, host, INIT, init)


def execve(k: Kernel, path: str, argv: tuple[str, ...], files: Sequence[str]) -> None:
    """execve(2) of the running task, whose kernel reads `files`; and its first instruction behind it."""

    def load() -> int:
        for name in files:
            _page_in(k, name)
        k.cause = k.emit(ProgramLoaded, k.pid, files[-1])
        return 0

    _call(k, SYS.execve, (path, argv, ENVIRON), load)
    traps.exception(k, PAGE_FAULT, layout_of(k.world).text, FROM_USER | FETCHING)


def _page_in(k: Kernel, name: str) -> None:
    """`filemap_read`: the beginning of a file is to be in the page cache; sleep while the disk reads."""
    host, tid = k.cpu, k.task
    if name in k.world.disks[host].loaded:
        return
    disk.read(k, host, name, lambda: k.wake_task(tid))
    while name not in k.world.disks[host].loaded:
        k.sleep("folio_wait_bit_common", ())


def _call(k: Kernel, nr: int, args: tuple[Any, ...], work: Callable[[], int]) -> None:
    """A system call of a task that is no Python program, and has no entry in the table of calls."""
    k.now += k.costs.trap
    k.cause = k.emit(TrapEntered, k.vector, nr, args)
    ret = work()
    k.now += k.costs.sysret
    k.cause = k.emit(SyscallReturned, nr, ret, None)


def _wait_for_ever(k: Kernel) -> int:
    while True:
        k.sleep("do_wait", ())
