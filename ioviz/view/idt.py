"""The interrupt descriptor table: vector → handler, and which gate is in use."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from rich.text import Text

from ioviz.model.cpu import NO_VECTOR
from ioviz.model.idt import IDT
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick


def _vector(moment: Moment) -> int:
    cpu = moment.world.cpus.get(moment.host)
    return cpu.vector if cpu is not None and cpu.ring == 0 else NO_VECTOR


def key(moment: Moment) -> Hashable:
    """The vector in use."""
    return _vector(moment), moment.host in moment.world.cpus


def render(moment: Moment, width: int, height: int) -> Text:
    """The table, around the gate in use."""
    vector = _vector(moment)
    rows = list(IDT.values())
    lines = []
    for gate in rows:
        used = gate.vector == vector
        mark = glyph(moment, "▶", ">") if used else " "
        style = "bold reverse" if used else ""
        line = Text.assemble((f"{mark}{gate.vector:#04x} ", "bold yellow" if used else "bright_black"))
        line.append(f"{gate.name:<19}", style=style)
        line.append(f" dpl {gate.dpl} ", style="bright_black")
        line.append(gate.handler, style="bold" if used else "bright_black")
        lines.append(line)
    here = next((n for n, gate in enumerate(rows) if gate.vector == vector), 0)
    first = max(0, min(here - height // 2, len(lines) - height))
    return joined(lines[first : first + height])


def line(moment: Moment, width: int) -> Text:
    """The gate in use."""
    gate = IDT.get(_vector(moment))
    if gate is None:
        return Text(pick(moment, "no gate in use", "未使用"), style="bright_black")
    return Text(f"{gate.vector:#x} {gate.name}", style="bold yellow")


PANEL: Final = make_panel("idt", "kernel", {"en": "Interrupt table", "zh": "中断描述符表"}, key, render, line)
