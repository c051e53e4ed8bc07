"""The interrupt descriptor table: vector → gate. The same on every host, and constant after boot.

Source: Linux `arch/x86/kernel/idt.c`, `arch/x86/include/asm/irq_vectors.h`. A gate's `dpl` says who may name it with
`int n`: only the gates of 3, 4 and 0x80 have 3, so `int 0x21` from a program is a general protection fault.
"""

from __future__ import annotations

from typing import Final, NamedTuple

DIVIDE_ERROR: Final = 0
BREAKPOINT: Final = 3
OVERFLOW: Final = 4
GENERAL_PROTECTION: Final = 13
PAGE_FAULT: Final = 14
KEYBOARD: Final = 0x21
NIC: Final = 0x2B
MOUSE: Final = 0x2C
DISK: Final = 0x2E
SYSCALL: Final = 0x80
TIMER: Final = 0xEC


class Gate(NamedTuple):
    """One row of the IDT: the vector, what it is for, the handler's symbol and the privilege that may name it."""

    vector: int
    name: str
    handler: str
    dpl: int


IDT: Final = {
    gate.vector: gate
    for gate in (
        Gate(DIVIDE_ERROR, "divide error", "asm_exc_divide_error", 0),
        Gate(BREAKPOINT, "breakpoint", "asm_exc_int3", 3),
        Gate(OVERFLOW, "overflow", "asm_exc_overflow", 3),
        Gate(GENERAL_PROTECTION, "general protection", "asm_exc_general_protection", 0),
        Gate(PAGE_FAULT, "page fault", "asm_exc_page_fault", 0),
        Gate(KEYBOARD, "keyboard", "atkbd_interrupt", 0),
        Gate(NIC, "network card", "nic_interrupt", 0),
        Gate(MOUSE, "mouse", "psmouse_interrupt", 0),
        Gate(DISK, "disk", "ata_bmdma_interrupt", 0),
        Gate(SYSCALL, "system call", "asm_int80_emulation", 3),
        Gate(TIMER, "timer", "asm_sysvec_apic_timer_interrupt", 0),
    )
}
