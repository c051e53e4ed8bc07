"""The system-call table: the number in eax or rax picks a handler; the row of the call under way is marked.

The number is that of the entry: `int 0x80` uses the i386 table, the `syscall` instruction the x86-64 table, and the
same call has another number in each.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.lesson.words import task_name
from ioviz.model.boot import FIRMWARE, LOADER
from ioviz.model.cpu import NO_VECTOR, TrapEntered
from ioviz.model.idt import SYSCALL
from ioviz.model.syscalls import BY_NR, SYSCALLS, Syscall, name_of
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick, starting

if TYPE_CHECKING:
    from ioviz.model.cpu import Frame

DIM: Final = "bright_black"


def _frame(moment: Moment) -> Frame | None:
    """The saved context of the call under way on this host's CPU."""
    cpu = moment.world.cpus.get(moment.host)
    frame = moment.world.frames.get(cpu.task) if cpu is not None and cpu.task else None
    return frame if frame is not None and frame.vector in (NO_VECTOR, SYSCALL) else None


def _legacy(moment: Moment) -> bool:
    """Whether numbers are those of `int 0x80`."""
    frame = _frame(moment)
    if frame is not None:
        return frame.vector == SYSCALL
    run = moment.world.runs.get(1)
    return run is None or dict(run.knobs).get("entry", "int80") == "int80"


def _blocked(moment: Moment) -> list[tuple[str, str]]:
    """(task, call) of the calls that sleep in the kernel, at most eight."""
    world = moment.world
    found = []
    for number, (task, frame) in enumerate(world.frames.items()):
        row = world.tasks.get(task)
        if row is not None and row.host == moment.host and row.wchan and frame.vector in (NO_VECTOR, SYSCALL):
            found.append((task_name(world, task), name_of(frame.nr)))
        if number == 64 or len(found) == 8:
            break
    return found


def key(moment: Moment) -> Hashable:
    """The call under way, the calls that sleep, and which of the two tables is used."""
    event = moment.event
    step = moment.step if isinstance(event, TrapEntered) else 0
    there = starting(moment, FIRMWARE, LOADER)
    return _frame(moment), _legacy(moment), tuple(_blocked(moment)), step, moment.steps if step else 0, there


def render(moment: Moment, width: int, height: int) -> Text:
    """The register that holds the number, then the table around the row of the call, then who sleeps in a call."""
    if starting(moment, FIRMWARE, LOADER):
        return Text(pick(moment, "there is no kernel yet, and no table", "还没有内核，也就没有这张表"), style=DIM)
    frame, legacy = _frame(moment), _legacy(moment)
    table: list[Syscall] = sorted(SYSCALLS, key=lambda row: row.nr32 if legacy else row.nr)
    current = BY_NR.get(frame.nr) if frame is not None else None
    register, symbol = ("eax", "ia32_sys_call_table") if legacy else ("rax", "sys_call_table")
    arrow = glyph(moment, "→", "->")
    if current is not None:
        number = current.nr32 if legacy else current.nr
        head = Text.assemble((f"{register} = {number}", "bold yellow"), f"  {arrow} {symbol}[{number}]")
    else:
        head = Text(f"{symbol}[{register}]", style=DIM)
    blocked = _blocked(moment) if height >= 6 else []
    room = max(0, height - 1 - bool(blocked))
    here = next((n for n, row in enumerate(table) if row is current), 0)
    first = max(0, min(here - room // 2, len(table) - room))
    lines = [head]
    for row in table[first : first + room]:
        used = row is current
        mark = glyph(moment, "▶", ">") if used else " "
        number = row.nr32 if legacy else row.nr
        line = Text.assemble((f"{mark}{number:>4} ", "bold yellow" if used else DIM))
        lines.append(line.append(f"{arrow} sys_{row.name}", style="bold reverse" if used else DIM))
    if blocked:
        calls = ", ".join(f"{who}: {call}" for who, call in blocked)
        lines.append(Text.assemble((pick(moment, "asleep inside  ", "睡在其中  "), DIM), (calls, "blue")))
    return joined(lines)


def line(moment: Moment, width: int) -> Text:
    """The call under way."""
    frame = _frame(moment)
    if frame is None:
        return Text(pick(moment, "no call under way", "没有正在执行的调用"), style=DIM)
    row = BY_NR.get(frame.nr)
    number = (row.nr32 if _legacy(moment) else row.nr) if row is not None else frame.nr
    return Text(f"[{number}] {glyph(moment, '→', '->')} sys_{name_of(frame.nr)}", style="bold yellow")


PANEL: Final = make_panel("syscalls", "kernel", {"en": "System-call table", "zh": "系统调用表"}, key, render, line)
