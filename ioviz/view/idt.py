"""The interrupt descriptor table: vector → handler, which gate is in use, and which a program may name itself.

The table lies in memory; the CPU's register IDTR has only its address. The `syscall` instruction looks nothing up here,
and the panel says so while such a call is under way.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from rich.cells import set_cell_size
from rich.text import Text

from ioviz.lesson.words import vector_name
from ioviz.model.cpu import KERNEL, NO_VECTOR
from ioviz.model.idt import IDT, Gate
from ioviz.model.memory import layout_of
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

DIM: Final = "bright_black"
NARROW: Final = 44


def _vector(moment: Moment) -> int:
    cpu = moment.world.cpus.get(moment.host)
    return cpu.vector if cpu is not None and cpu.ring == KERNEL else NO_VECTOR


def _by_syscall(moment: Moment) -> bool:
    """Whether the kernel was entered by the `syscall` instruction."""
    cpu = moment.world.cpus.get(moment.host)
    return cpu is not None and cpu.ring == KERNEL and cpu.vector == NO_VECTOR and cpu.task in moment.world.frames


def key(moment: Moment) -> Hashable:
    """The vector in use."""
    return _vector(moment), _by_syscall(moment), moment.host in moment.world.cpus, _missing(moment)


def _missing(moment: Moment) -> bool:
    """Whether the host is starting up and has no table yet."""
    boot = moment.world.boots.get(moment.host)
    return boot is not None and not boot.idt_base


def name_of(moment: Moment, gate: Gate) -> str:
    """What the gate is for, in the moment's language."""
    return vector_name(gate.vector, moment.lang)


def render(moment: Moment, width: int, height: int) -> Text:
    """Where the table is, and the table around the gate in use."""
    if _missing(moment):
        return Text(pick(moment, "IDTR is empty: there is no table yet", "IDTR 是空的：还没有这张表"), style=DIM)
    vector = _vector(moment)
    rows = list(IDT.values())
    lines = []
    for gate in rows:
        used = gate.vector == vector
        mark = glyph(moment, "▶", ">") if used else " "
        line = Text.assemble((f"{mark}{gate.vector:#04x} ", "bold yellow" if used else DIM))
        line.append(set_cell_size(name_of(moment, gate), 19), style="bold reverse" if used else "")
        if width >= NARROW:
            line.append(f" dpl {gate.dpl} ", style="bold cyan" if gate.dpl else DIM)
        line.append(f" {gate.handler}", style="bold" if used else DIM)
        lines.append(line)
    head: list[Text] = []
    if _by_syscall(moment):
        text = "not used: syscall jumps to MSR LSTAR", "未使用：syscall 直接跳到 MSR LSTAR"
        head = [Text(pick(moment, *text), style="bold yellow")] if height > 1 else []
    elif height > len(lines):
        arrow = glyph(moment, "→", "->")
        where = pick(moment, "the table, in memory", "表在内存里")
        head = [Text.assemble((f"IDTR {arrow} {layout_of(moment.world).idt_base:#x}  ", ""), (where, DIM))]
        if height > len(lines) + 1:
            note = "dpl 3: a program may name the gate by int n", "dpl 3：程序可以用 int n 指定这个门"
            lines.append(Text(pick(moment, *note), style=DIM))
    room = height - len(head)
    here = next((n for n, gate in enumerate(rows) if gate.vector == vector), 0)
    first = max(0, min(here - room // 2, len(lines) - room))
    return joined([*head, *lines[first : first + room]])


def line(moment: Moment, width: int) -> Text:
    """The gate in use."""
    if _missing(moment):
        return Text(pick(moment, "no table yet", "还没有"), style=DIM)
    gate = IDT.get(_vector(moment))
    if gate is None:
        if _by_syscall(moment):
            return Text(pick(moment, "syscall uses none", "syscall 不用它"), style=DIM)
        return Text(pick(moment, "no gate in use", "未使用"), style=DIM)
    return Text(f"{gate.vector:#x} {name_of(moment, gate)}", style="bold yellow")


PANEL: Final = make_panel("idt", "kernel", {"en": "Interrupt table", "zh": "中断向量表"}, key, render, line)
