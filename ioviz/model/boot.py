"""From power on to a kernel that runs: what the CPU can and knows at each stage. Only with the knob `boot = "full"`.

Sources: Intel SDM volume 3, 9.9 (switching to protected mode), LIDT; Linux `arch/x86/boot`, `head_64.S`.
Where it differs: a computer of today has firmware (UEFI) that is in long mode when it hands over, several CPUs, and a
kernel that unpacks itself and a first file system in memory; a boot loader switches to protected mode to reach high
addresses; the times here are much shorter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ioviz.model.cpu import KERNEL, NO_VECTOR, Cpu
from ioviz.model.disk import Disk
from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World

FIRMWARE, LOADER, LOADED, RUNNING = "firmware", "boot loader", "kernel loaded", "kernel"
REAL, PROTECTED = "real", "protected"


class Boot(msgspec.Struct, frozen=True, gc=False):
    """How far host `host` has come: who runs, whether there are rings and page tables, what IDTR holds (0: nothing)."""

    host: int
    stage: str
    mode: str = REAL
    idt_base: int = 0
    idt_limit: int = 0


class PoweredOn(Event):
    """The CPU begins in real mode at an address in the firmware's ROM: no rings, no page tables, no kernel, no process.

    `files` is what lies on the disk, as in `Disk.files`."""

    host: int
    files: tuple[tuple[str, int, int], ...]

    def apply(self, world: World) -> None:
        world.boots[self.host] = Boot(self.host, FIRMWARE)
        world.disks[self.host] = Disk(self.host, self.files)
        world.cpus[self.host] = Cpu(self.host, KERNEL, 0, NO_VECTOR, 0, False)


class BootLoaderStarted(Event):
    """The firmware has read the boot loader into memory and jumps to it."""

    host: int

    def apply(self, world: World) -> None:
        world.boots[self.host] = replace(world.boots[self.host], stage=LOADER)


class KernelLoaded(Event):
    """The kernel, a file on the disk, lies in memory at physical address `address`: before any other program."""

    host: int
    address: int
    size: int

    def apply(self, world: World) -> None:
        world.boots[self.host] = replace(world.boots[self.host], stage=LOADED)


class ProtectionEnabled(Event):
    """CR0.PE and CR0.PG are set, and EFER.LME: rings, and page tables for each address. The CPU is in ring 0."""

    host: int

    def apply(self, world: World) -> None:
        world.boots[self.host] = replace(world.boots[self.host], mode=PROTECTED, stage=RUNNING)


class IdtLoaded(Event):
    """`lidt`: the register IDTR holds the address and the size of the table, which itself lies in memory."""

    host: int
    base: int
    limit: int

    def apply(self, world: World) -> None:
        world.boots[self.host] = replace(world.boots[self.host], idt_base=self.base, idt_limit=self.limit)
