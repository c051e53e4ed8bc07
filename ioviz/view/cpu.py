"""The CPU: ring, registers and flags, the two stacks of the running task, and each step of a way in or out."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.lesson.words import in_ascii, place_name, task_name, vector_name
from ioviz.model.boot import FIRMWARE, LOADED, LOADER, REAL
from ioviz.model.cpu import NO_VECTOR, USER, ExceptionRaised, SyscallReturned
from ioviz.model.idt import IDT, PAGE_FAULT, SYSCALL
from ioviz.model.memory import layout_of
from ioviz.model.syscalls import BY_NR, name_of
from ioviz.model.task import TaskSwitched
from ioviz.model.trap_steps import (
    FRAME_SIZE,
    Registers,
    call_number,
    kernel_top,
    registers,
    steps_of,
    user_rip,
    user_rsp,
)
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

if TYPE_CHECKING:
    from ioviz.model.cpu import Frame
    from ioviz.model.trap_steps import Step

DIM: Final = "bright_black"
ADDRESSES: Final = 1 << 30
"""What a register holds beyond this is an address."""
STAGES: Final = {
    FIRMWARE: ("runs the firmware", "执行固件"),
    LOADER: ("runs the boot loader", "执行引导程序"),
    LOADED: ("jumps to the kernel", "跳到内核"),
}


def key(moment: Moment) -> Hashable:
    """The CPU, its frame, its line, and the step."""
    world = moment.world
    cpu = world.cpus.get(moment.host)
    if cpu is None:
        return None
    frame = world.frames.get(cpu.task or -cpu.id)
    event = moment.event
    shown = moment.steps or isinstance(event, TaskSwitched)
    return (
        world.boots.get(moment.host),
        moment.host in world.hosts,
        cpu,
        frame,
        world.lines.get(cpu.task),
        moment.step,
        event.seq if event is not None and shown else -1,
    )


def held(moment: Moment) -> Registers:
    """What the registers of the host's CPU hold at the moment."""
    world, event, layout = moment.world, moment.event, layout_of(moment.world)
    if moment.step and event is not None and event.cpu == moment.host:
        found = registers(event, moment.step, layout)
        if found is not None:
            return found
    cpu = world.cpus[moment.host]
    frame = world.frames.get(cpu.task or -cpu.id)
    if cpu.ring == USER:
        rax = event.ret if isinstance(event, SyscallReturned) and event.cpu == moment.host else 0
        return Registers(
            3, f"{user_rip(world.lines.get(cpu.task, 0), layout):#x}", user_rsp(cpu.task, layout), rax, cpu.intr, False
        )
    if frame is None and _preparing(moment):
        return Registers(0, "start_kernel", kernel_top(0, layout) - 64, 0, cpu.intr, False)
    if frame is None:
        return Registers(0, "cpu_idle_loop", kernel_top(0, layout) - 64, 0, cpu.intr, False)
    gate = IDT.get(frame.vector)
    trap = frame.vector in (NO_VECTOR, 0x80)
    rip = f"sys_{name_of(frame.nr)}" if trap else gate.handler if gate is not None else "?"
    number = call_number(frame.nr, frame.vector) if trap else 0
    return Registers(0, rip, kernel_top(cpu.task, layout) - FRAME_SIZE, number, cpu.intr, True)


def _doing(moment: Moment) -> Text:
    cpu = moment.world.cpus[moment.host]
    if cpu.task:
        return Text(task_name(moment.world, cpu.task), style="bold")
    if cpu.vector == NO_VECTOR and _preparing(moment):
        return Text(pick(moment, "the kernel prepares itself", "内核正在准备自己"), style="bold")
    if cpu.vector == NO_VECTOR:
        return Text(pick(moment, "idle", "空闲"), style=DIM)
    known = cpu.vector in IDT
    return Text(vector_name(cpu.vector, moment.lang) if known else f"{cpu.vector:#x}", style="bold")


def _ring(moment: Moment, ring: int) -> Text:
    style = "bold cyan" if ring == 3 else "bold red"
    words = pick(moment, "user", "用户态") if ring == 3 else pick(moment, "kernel", "内核态")
    return Text(f"ring {ring} {words}", style=style)


def render(moment: Moment, width: int, height: int) -> Text:
    """Registers on top, the stacks below, and during a way in or out its steps."""
    world = moment.world
    cpu = world.cpus.get(moment.host)
    if cpu is None:
        return Text(pick(moment, "off", "未启动"), style=DIM)
    if _starting(moment):
        return joined(_real_mode(moment)[:height])
    now = held(moment)
    on = pick(moment, "interrupts on", "允许中断") if now.intr else pick(moment, "interrupts off", "屏蔽中断")
    size = "r" if layout_of(world).bits == 64 else "e"
    lines = [
        Text.assemble(
            f"CPU{cpu.id}  ", _ring(moment, now.ring), "  ", _doing(moment), (f"  IF={int(now.intr)} ", ""), (on, DIM)
        ),
        Text.assemble(
            (f"{size}ip ", DIM), f"{now.rip:<20}", (f"  {size}sp ", DIM), f"{now.rsp:#x}", *_third(moment, now)
        ),
    ]
    steps = steps_of(moment.event) if moment.event is not None and moment.event.cpu == moment.host else ()
    frame = world.frames.get(cpu.task or -cpu.id)
    stacks = _stacks(moment, now, frame, width)
    head = len(lines) + len(stacks)
    if height >= head + min(len(steps), 3):
        lines += stacks
    elif stacks and height > len(lines):
        lines.append(stacks[-1])
    head = len(lines)
    for number, step in enumerate(steps, 1):
        current = number == moment.step
        done = not moment.step or number < moment.step
        mark = glyph(moment, "▶", ">") if current else glyph(moment, "✓", "+") if done else " "
        lines.append(Text(f"{mark} {number} {_told(moment, step)}", "bold reverse" if current else "" if done else DIM))
    return joined(_around(lines, head, moment.step, height))


def _starting(moment: Moment) -> bool:
    """Whether the host is starting up and its CPU has no rings yet."""
    boot = moment.world.boots.get(moment.host)
    return boot is not None and boot.mode == REAL


def _preparing(moment: Moment) -> bool:
    """Whether the kernel is there, but neither interrupts nor tasks are yet."""
    return moment.host in moment.world.boots and moment.host not in moment.world.hosts


def _real_mode(moment: Moment) -> list[Text]:
    boot = moment.world.boots[moment.host]
    who = pick(moment, *STAGES[boot.stage])
    return [
        Text.assemble(f"CPU{moment.host}  ", (pick(moment, "real mode", "实模式"), "bold yellow"), "  ", (who, "bold")),
        Text(
            pick(moment, "no rings, no page tables, no IDT yet", "没有 ring，没有页表，还没有 IDT"),
            style=DIM,
        ),
    ]


def _third(moment: Moment, now: Registers) -> tuple[tuple[str, str] | str, ...]:
    """What else is worth a look: CR2 after a page fault, CR3 at a switch, and eax otherwise."""
    event = moment.event
    if event is not None and event.cpu == moment.host:
        if isinstance(event, ExceptionRaised) and event.vector == PAGE_FAULT:
            return ("  cr2 ", DIM), f"{event.address:#x}"
        if isinstance(event, TaskSwitched):
            pid = moment.world.page_tables.get(moment.host, 0)
            return ("  cr3 ", DIM), pick(moment, f"page tables of {pid}", f"{pid} 的页表")
    rax = f"{now.rax:#x}" if now.rax > ADDRESSES else str(now.rax)
    return ("  rax " if layout_of(moment.world).bits == 64 else "  eax ", DIM), rax


def _told(moment: Moment, step: Step) -> str:
    text = step.of(moment.lang)
    return in_ascii(text) if moment.ascii else text


def _stacks(moment: Moment, now: Registers, frame: Frame | None, width: int) -> list[Text]:
    """Both stacks of the running task, with what lies on them."""
    task = moment.world.cpus[moment.host].task
    here, there = glyph(moment, "◀ rsp", "< rsp"), "     "
    user = pick(moment, "user stack   ", "用户栈  ")
    kernel = pick(moment, "kernel stack ", "内核栈  ")
    saved = frame is not None and now.saved
    content = pick(moment, "empty", "空")
    if saved and frame is not None:
        nobody = pick(moment, "the idle loop", "空闲循环")
        place = place_name(moment.world, frame.at) or task_name(moment.world, task) or nobody
        content = f"pt_regs: ss rsp rflags cs rip={place} orig_rax={_number(frame)}"
    lines: list[Text] = []
    if task:
        mark = here if now.ring == 3 else there
        lines.append(Text.assemble((user, DIM), f"{user_rsp(task, layout_of(moment.world)):#x} ", (mark, "bold cyan")))
    mark = here if now.ring == 0 else there
    box = f"▕{content}▏" if not moment.ascii else f"[{content}]"
    below = Text.assemble((kernel, DIM), (box, "bold" if saved else DIM), " ", (mark, "bold red"))
    if lines and lines[0].cell_len + below.cell_len + 2 <= width:
        return [lines[0].append("  ").append_text(below)]
    return [*lines, below]


def _number(frame: Frame) -> int:
    """What the entry left in orig_rax: the number of the call as that entry numbers it, or the vector."""
    row = BY_NR.get(frame.nr)
    if frame.vector not in (NO_VECTOR, SYSCALL):
        return frame.vector
    return row.nr32 if row is not None and frame.vector == SYSCALL else frame.nr


def _around(lines: list[Text], head: int, step: int, height: int) -> list[Text]:
    """The head, and of the steps those around `step`."""
    if len(lines) <= height:
        return lines
    room = max(0, height - head)
    first = max(0, min(step - 1 - room // 2, len(lines) - head - room))
    return [*lines[: min(head, height)], *lines[head + first : head + first + room]]


def line(moment: Moment, width: int) -> Text:
    """Ring and task."""
    if moment.host not in moment.world.cpus:
        return Text()
    if _starting(moment):
        return _real_mode(moment)[0]
    return Text.assemble(_ring(moment, held(moment).ring), "  ", _doing(moment))


PANEL: Final = make_panel("cpu", "hardware", {"en": "CPU", "zh": "CPU"}, key, render, line)
