"""What necessarily follows from an entry into the kernel, or a return from it, and therefore is not logged: its steps.

Source: Intel SDM volume 3, 6.12; Linux `arch/x86/entry/entry_64.S`, `entry_64_compat.S`. The log has one event for an
entry; the stage shows and counts these. The `syscall` instruction uses no vector, no gate and no automatic stack
switch: the kernel does that itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ioviz.model.cpu import (
    NO_VECTOR,
    ExceptionRaised,
    ExceptionReturned,
    IrqEntered,
    IrqReturned,
    SyscallReturned,
    TrapEntered,
    refused_vector,
)
from ioviz.model.idt import BREAKPOINT, GENERAL_PROTECTION, IDT, OVERFLOW, PAGE_FAULT
from ioviz.model.memory import LAYOUT_64, Layout, stack_of
from ioviz.model.syscalls import BY_NR, name_of

if TYPE_CHECKING:
    from ioviz.model.event import Event


class Step(NamedTuple):
    """One step; `name` is for programs."""

    name: str
    en: str
    zh: str

    def of(self, lang: str) -> str:
        """What happens, in `lang`."""
        return self.zh if lang == "zh" else self.en


VECTOR: Final = Step(
    "vector", "int 0x80: the vector is 0x80, the call's number is in eax", "int 0x80：向量是 0x80，调用号在 eax 里"
)
LOOKUP: Final = Step(
    "idt",
    "the CPU takes the gate of this vector from the IDT (its address is in IDTR)",
    "CPU 按向量从 IDT 取出门（表的地址在 IDTR 里）",
)
STACK: Final = Step(
    "stack",
    "ring 3 → ring 0: the CPU switches to this task's kernel stack (address from the TSS)",
    "ring 3 → ring 0：CPU 切换到本任务的内核栈（地址来自 TSS）",
)
GATED: Final = Step(
    "stack",
    "ring 3 → ring 0: the CPU switches to this task's kernel stack (address from the TSS) and clears IF",
    "ring 3 → ring 0：CPU 切换到本任务的内核栈（地址来自 TSS），并清除 IF",
)
FRAME: Final = Step(
    "frame",
    "the CPU pushes ss, rsp, rflags, cs and rip there; the entry code saves the other registers",
    "CPU 把 ss、rsp、rflags、cs、rip 压栈，入口代码再保存其余寄存器",
)
TABLE: Final = Step(
    "table",
    "interrupts are allowed again; the call's number is the index into the system-call table",
    "重新允许中断；用调用号作下标查系统调用表",
)
HANDLER: Final = Step("handler", "the handler behind it runs", "执行表中的处理函数")
LSTAR: Final = Step(
    "lstar",
    "syscall: rip goes to rcx, rflags to r11, IF is cleared; the CPU jumps to the address in MSR LSTAR: no gate",
    "syscall：rip 存入 rcx，rflags 存入 r11，清除 IF；CPU 跳到 MSR LSTAR 里的地址，不查 IDT",
)
SWAPGS: Final = Step(
    "swapgs", "swapgs; the kernel itself switches to this task's kernel stack", "swapgs；由内核自己切换到本任务的内核栈"
)
PUSHED: Final = Step(
    "frame",
    "the entry code saves the registers there, rip from rcx and rflags from r11",
    "入口代码把寄存器保存到那里，rip 取自 rcx，rflags 取自 r11",
)
IRQ: Final = Step("vector", "the interrupt controller hands the CPU the vector", "中断控制器把向量交给 CPU")
FAULT: Final = Step(
    "vector",
    "the CPU itself refuses the instruction: the vector is that of the exception",
    "CPU 自己拒绝执行这条指令：向量就是这个异常的编号",
)
CR2: Final = Step(
    "cr2",
    "the CPU puts the address that was touched into its register CR2",
    "CPU 把所访问的地址放进寄存器 CR2",
)
NAMED: Final = Step(
    "named",
    "int n: the program names a vector, and the CPU takes its gate from the IDT",
    "int n：程序指定了一个向量，CPU 从 IDT 取出它的门",
)
ALLOWED: Final = Step(
    "dpl",
    "the gate's dpl is 3: a program in ring 3 may name it",
    "这个门的 dpl 是 3：ring 3 的程序可以指定它",
)
REFUSED: Final = Step(
    "dpl",
    "the gate's dpl is 0 and the program's ring is 3: refused, which makes it exception 13",
    "这个门的 dpl 是 0，程序在 ring 3：拒绝，于是变成 13 号异常",
)
ERROR: Final = Step(
    "error",
    "the CPU pushes an error code as well: what exactly was refused",
    "CPU 再压入一个错误码：到底拒绝了什么",
)
CLEAR: Final = Step(
    "if", "an interrupt gate clears IF: no further interrupt for now", "中断门清除 IF：暂时不再接受中断"
)
IRQ_HANDLER: Final = Step(
    "handler",
    "the handler behind the gate runs",
    "执行门后的处理程序",
)
RESULT: Final = Step("result", "the result is put into rax", "结果放进 rax")
RESTORE: Final = Step("restore", "the registers are restored from the saved frame", "从保存的现场恢复寄存器")
IRET: Final = Step(
    "iret",
    "iret: rip, rsp and rflags come back, the CPU is in ring 3 again",
    "iret：恢复 rip、rsp、rflags，CPU 回到 ring 3",
)

SYSRET: Final = Step(
    "iret",
    "iret (after `syscall`: sysret): rip, rsp and rflags come back, the CPU is in ring 3 again",
    "iret（若由 syscall 进入则是 sysret）：恢复 rip、rsp、rflags，CPU 回到 ring 3",
)
IDLE_IRET: Final = Step(
    "iret",
    "iret: rip, rsp and rflags come back; it was the idle loop, so the CPU stays in ring 0",
    "iret：恢复 rip、rsp、rflags；被打断的是空闲循环，所以 CPU 仍在 ring 0",
)

INT80: Final = (VECTOR, LOOKUP, ALLOWED, GATED, FRAME, TABLE, HANDLER)
SYSCALL: Final = (LSTAR, SWAPGS, PUSHED, TABLE, HANDLER)
INTERRUPT: Final = (IRQ, LOOKUP, STACK, FRAME, CLEAR, IRQ_HANDLER)
EXCEPTION: Final = (FAULT, LOOKUP, STACK, FRAME, CLEAR, IRQ_HANDLER)
PAGE_FAULTED: Final = (FAULT, CR2, LOOKUP, STACK, FRAME, ERROR, CLEAR, IRQ_HANDLER)
PROTECTION: Final = (FAULT, LOOKUP, STACK, FRAME, ERROR, CLEAR, IRQ_HANDLER)
TRAPPED: Final = (NAMED, ALLOWED, STACK, FRAME, CLEAR, IRQ_HANDLER)
GATE_REFUSED: Final = (NAMED, REFUSED, *PROTECTION[1:])
IDLE_INTERRUPT: Final = (IRQ, LOOKUP, FRAME, CLEAR, IRQ_HANDLER)
RETURN: Final = (RESULT, RESTORE, SYSRET)
INTERRUPT_RETURN: Final = (RESTORE, IRET)
IDLE_RETURN: Final = (RESTORE, IDLE_IRET)


def steps_of(event: Event) -> tuple[Step, ...]:
    """The steps into which `event` unfolds, in order; none for most."""
    if isinstance(event, TrapEntered):
        return SYSCALL if event.vector == NO_VECTOR else INT80
    if isinstance(event, SyscallReturned):
        return RETURN
    if isinstance(event, ExceptionRaised):
        return _exception(event)
    if isinstance(event, ExceptionReturned):
        return INTERRUPT_RETURN
    if isinstance(event, IrqEntered):
        return INTERRUPT if event.task else IDLE_INTERRUPT
    if isinstance(event, IrqReturned):
        return INTERRUPT_RETURN if event.task else IDLE_RETURN
    return ()


def _exception(event: ExceptionRaised) -> tuple[Step, ...]:
    if event.vector == PAGE_FAULT:
        return PAGE_FAULTED
    if event.vector == GENERAL_PROTECTION:
        return PROTECTION if refused_vector(event.error) < 0 else GATE_REFUSED
    return TRAPPED if event.vector in (BREAKPOINT, OVERFLOW) else EXCEPTION


class Registers(NamedTuple):
    """What the CPU holds: ring (CS & 3), instruction and stack pointer, rax, IF; and what lies on the kernel stack."""

    ring: int
    rip: str
    rsp: int
    rax: int
    intr: bool
    saved: bool
    """Whether the context of the interrupted program lies on the kernel stack."""


STACK_SIZE: Final = 0x4000
FRAME_SIZE: Final = 168
"""`sizeof(struct pt_regs)`."""


def call_number(nr: int, vector: int) -> int:
    """The number by which a program names call `nr` when it enters by `vector`: i386's for `int 0x80`."""
    row = BY_NR.get(nr)
    return row.nr32 if row is not None and vector != NO_VECTOR else nr


def user_rip(at: int, layout: Layout = LAYOUT_64) -> int:
    """The address of a source line: made up, in the program's text, and the same in every run."""
    return layout.text + (at >> 16) * 0x1_0000 + (at & 0xFFFF) * 0x10


def user_rsp(task: int, layout: Layout = LAYOUT_64) -> int:
    """The user stack pointer of a task, made up likewise."""
    return stack_of(layout, task)[1] - 0x1A8


def kernel_top(task: int, layout: Layout = LAYOUT_64) -> int:
    """Where the kernel stack of a task begins; it grows down. 0 is the idle loop's."""
    return layout.kernel_stacks + (task + 1) * STACK_SIZE


def registers(event: Event, step: int, layout: Layout = LAYOUT_64) -> Registers | None:
    """The registers after step `step` (from 1) of `event`; None if it has no such step."""
    names = [one.name for one in steps_of(event)]
    if not 0 < step <= len(names):
        return None
    done, task, at = names[:step], event.task, event.at
    top = kernel_top(task, layout)
    if isinstance(event, (SyscallReturned, IrqReturned, ExceptionReturned)):
        ret = event.ret if isinstance(event, SyscallReturned) else 0
        if "iret" in done and task:
            return Registers(3, f"{user_rip(at, layout):#x}", user_rsp(task, layout), ret, True, False)
        restored = "restore" in done
        rsp = top if restored else top - FRAME_SIZE
        return Registers(0, "exit_to_user_mode", rsp, ret, not restored, not restored)
    trap = isinstance(event, TrapEntered)
    vector = getattr(event, "vector", NO_VECTOR)
    inside = "stack" in done or "lstar" in done or not task
    rip, rsp, rax = (
        (f"{user_rip(at, layout):#x}", user_rsp(task, layout), 0) if task else ("cpu_idle_loop", top - 64, 0)
    )
    if isinstance(event, TrapEntered):
        rax = call_number(event.nr, vector)
    if "stack" in done or "lstar" in done or ("idt" in done and not task):
        rip = IDT[vector].handler if vector in IDT else "entry_SYSCALL_64"
    if "handler" in done and isinstance(event, TrapEntered):
        rip = f"sys_{name_of(event.nr)}"
    if "stack" in done or "swapgs" in done:
        rsp = top
    if "frame" in done:
        rsp = top - FRAME_SIZE
    masked = "if" in done if not trap else inside and "table" not in done
    return Registers(0 if inside else 3, rip, rsp, rax, not masked, "frame" in done)
