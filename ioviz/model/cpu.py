"""The CPU and the ways into the kernel: traps, interrupts and exceptions, and the way back.

A `Cpu` row says in which ring the CPU runs and for which task; the saved frame lies on the kernel stack of the task
that was interrupted (`Frame`, keyed by task; the idle loop of CPU n has the key -n). What follows necessarily from an
entry is not logged: `TrapEntered` stands for all of vector, IDT, stack switch, saved frame, table and handler, and
`ioviz.model.trap_steps` unfolds it.

Where Linux differs from the article: the IDT is in memory and only its address is in a register; entering the kernel
changes the privilege and the stack but not the task. Where we differ from Linux: interrupts arrive only while the CPU
runs user code or idles, never in the middle of kernel code, so frames do not nest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World

USER, KERNEL = 3, 0
VECTOR_SYSCALL = 0x80
NO_VECTOR = -1
"""The vector of the `syscall` instruction, which uses none."""


Atom = int | str | None
Arg = int | str | None | tuple[Atom | tuple[Atom, ...], ...]
"""An argument or a result as the log keeps it. Bytes stand as text, a character a byte (latin-1), shortened."""


class Cpu(msgspec.Struct, frozen=True, gc=False):
    """One CPU. `ring` 3 or 0; `vector` is why it is in ring 0 (meaningless in ring 3); `intr` is the IF flag."""

    id: int
    ring: int
    task: int
    vector: int
    nr: int
    intr: bool


class Frame(msgspec.Struct, frozen=True, gc=False):
    """The context saved on a kernel stack (`struct pt_regs`): entered how, with which call, from which source line."""

    vector: int
    nr: int
    at: int
    entered: int
    """The seq of the entry."""


class TrapEntered(Event):
    """A task called the kernel: `int 0x80` (vector 0x80) or the `syscall` instruction (vector -1).

    `nr` is the x86-64 number.
    """

    vector: int
    nr: int
    args: tuple[Arg, ...]

    def apply(self, world: World) -> None:
        world.cpus[self.cpu] = Cpu(self.cpu, KERNEL, self.task, self.vector, self.nr, True)
        world.frames[self.task] = Frame(self.vector, self.nr, self.at, self.seq)


class SyscallReturned(Event):
    """The kernel gives the CPU back to the program: `ret` as in rax (a negative errno on failure), `out` what it
    copied to the user (shortened for display)."""

    nr: int
    ret: int
    out: Arg = None

    def apply(self, world: World) -> None:
        world.cpus[self.cpu] = Cpu(self.cpu, USER, self.task, NO_VECTOR, 0, True)
        world.frames.pop(self.task, None)


class IrqRaised(Event):
    """A device pulled the interrupt line of `vector`; the CPU takes it at its next chance."""

    vector: int

    def apply(self, world: World) -> None:
        world.irq_lines[(self.cpu, self.vector)] = True


class IrqEntered(Event):
    """The CPU left what it did for an interrupt: frame on the kernel stack, IF cleared, handler of `vector`."""

    vector: int

    def apply(self, world: World) -> None:
        world.irq_lines.pop((self.cpu, self.vector), None)
        world.cpus[self.cpu] = Cpu(self.cpu, KERNEL, self.task, self.vector, 0, False)
        world.frames[self.task or -self.cpu] = Frame(self.vector, 0, self.at, self.seq)


class IrqReturned(Event):
    """`iret`: the interrupted code goes on (or the idle loop)."""

    vector: int

    def apply(self, world: World) -> None:
        ring = USER if self.task else KERNEL
        world.cpus[self.cpu] = Cpu(self.cpu, ring, self.task, NO_VECTOR, 0, True)
        world.frames.pop(self.task or -self.cpu, None)


class ExceptionRaised(Event):
    """The program did what the CPU refuses, and the CPU entered the kernel through the gate of `vector`.

    `error` is what it pushes beside the frame (0 where it pushes none). For a page fault (14) that are the bits of
    `ioviz.model.memory`, and `address` is what it put into CR2; for a general protection fault (13) by `int n` it names
    the gate that was refused (see `refused_vector`)."""

    vector: int
    address: int = 0
    error: int = 0

    def apply(self, world: World) -> None:
        world.cpus[self.cpu] = Cpu(self.cpu, KERNEL, self.task, self.vector, 0, False)
        world.frames[self.task] = Frame(self.vector, 0, self.at, self.seq)


class ExceptionReturned(Event):
    """`iret` from an exception: after a fault the same instruction is executed again."""

    vector: int

    def apply(self, world: World) -> None:
        world.cpus[self.cpu] = Cpu(self.cpu, USER, self.task, NO_VECTOR, 0, True)
        world.frames.pop(self.task, None)


IDT_BIT: Final = 2
"""Of a general protection fault's error code: the rest of it, shifted, is a vector."""


def gate_refused(vector: int) -> int:
    """The error code of the fault that `int vector` gets when its gate is not for ring 3, or is none."""
    return vector << 3 | IDT_BIT


def refused_vector(error: int) -> int:
    """The vector that `gate_refused` put into an error code; -1 if it was no `int n`."""
    return error >> 3 if error & IDT_BIT else -1
