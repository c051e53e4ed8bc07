"""The programs: source text with the line that each task is at, and whether it runs, waits or sleeps."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.style import Style
from rich.text import Span, Text

from ioviz.model.event import file_and_line
from ioviz.model.syscalls import name_of
from ioviz.model.task import DEAD, READY, RUNNING, SLEEPING
from ioviz.view.moment import Moment, cut, glyph, joined, make_panel, pick

if TYPE_CHECKING:
    from ioviz.model.task import Task

MOST: Final = 40
"""Threads of real programs that are listed."""
FEW: Final = 4
"""Rows in which a program shows its line and what is around it."""
STATES: Final = {
    RUNNING: ("running", "运行", "green", "▶", ">"),
    READY: ("ready", "就绪", "yellow", "◷", "."),
    SLEEPING: ("sleeping", "睡眠", "blue", "◌", "z"),
    DEAD: ("ended", "结束", "bright_black", "✕", "x"),
}


@lru_cache(maxsize=64)
def highlighted(text: str) -> tuple[Text, ...]:
    """The lines of a Python program in colours that follow the terminal's own."""
    from rich.syntax import Syntax

    code = Syntax(text, "python", theme="ansi_dark").highlight(text)
    code.spans = [Span(a, b, _plain(style)) for a, b, style in code.spans]
    code.style = ""
    return tuple(code.split("\n", allow_blank=True))


def _plain(style: str | Style) -> Style:
    style = style if isinstance(style, Style) else Style.parse(style)
    return Style(color=style.color, bold=style.bold, italic=style.italic)


def task_state(moment: Moment, task: Task, wchan: bool = True) -> Text:
    """`▶ running`, `◌ sleeping in ep_poll`."""
    en, zh, colour, plain, ascii_only = STATES[task.state]
    words = pick(moment, en, zh)
    if task.state == SLEEPING and task.wchan and wchan:
        words += pick(moment, f" in {task.wchan}", f"于 {task.wchan}")
    return Text(f"{glyph(moment, plain, ascii_only)} {words}", style=colour)


def _tasks(moment: Moment) -> list[Task]:
    """The tasks of this host that have a source line, those of the main program first, at most four."""
    world = moment.world
    found = []
    for task in world.tasks.values():
        if task.host == moment.host and task.id in world.lines:
            found.append(task)
            if len(found) == 64:
                break
    event = moment.event
    here = event.task if event is not None else 0
    alive = [task for task in found if task.state != DEAD] or found[:1]
    alive.sort(key=lambda task: (task.id != here and task.state != RUNNING, task.id))
    return sorted(alive[:4], key=lambda task: task.id)


def _threads(moment: Moment) -> list[Task]:
    """The threads of real programs, whose lines nobody sees: those that live, at most a screen full."""
    alive = [task for task in islice(moment.world.tasks.values(), 256) if task.state != DEAD]
    here = _here(moment)
    return sorted(alive[:MOST], key=lambda task: (task.id != here, task.id)) if len(alive) > MOST else alive


def _thread(moment: Moment, task: Task) -> Text:
    world = moment.world
    line = Text.assemble((f"{task.id} ", "bold"), (world.processes[task.process].name, "bold"), "  ")
    line.append_text(task_state(moment, task, wchan=False))
    frame = world.frames.get(task.id)
    if frame is not None:
        line.append(pick(moment, f"  in {name_of(frame.nr)}", f"  在 {name_of(frame.nr)} 中"), style="yellow")
    return line


def key(moment: Moment) -> Hashable:
    """Lines and states of the tasks that are shown."""
    if moment.world.mirrors and not moment.world.lines:
        frames = moment.world.frames
        return tuple((task, frames.get(task.id)) for task in _threads(moment)), _here(moment)
    return tuple((task, moment.world.lines[task.id]) for task in _tasks(moment)), _here(moment)


def _here(moment: Moment) -> int:
    return moment.event.task if moment.event is not None else 0


def render(moment: Moment, width: int, height: int) -> Text:
    """The tasks beside each other where there is room, else below each other."""
    tasks = _tasks(moment)
    if not tasks and moment.world.mirrors:
        return joined([_thread(moment, task) for task in _threads(moment)[:height]])
    if not tasks:
        return Text(pick(moment, "no program yet", "还没有程序"), style="bright_black")
    across = max(1, min(len(tasks), width // 40))
    lines: list[Text] = []
    for row, room in enumerate(_rooms(moment, tasks, across, height)):
        part = tasks[row * across : (row + 1) * across]
        cell = (width - 3 * (len(part) - 1)) // len(part)
        columns = [_column(moment, task, cell, room) for task in part]
        for number in range(room):
            line = Text()
            for column in columns:
                piece = column[number] if number < len(column) else Text()
                cut(moment, piece, cell, pad=True)
                if line.cell_len:
                    line.append(glyph(moment, " ┊ ", " : "), style="bright_black")
                line.append_text(piece)
            lines.append(line)
    return joined(lines)


def _rooms(moment: Moment, tasks: list[Task], across: int, height: int) -> list[int]:
    """The height of each row of programs: the same for all where there is room; else the one that the event is about
    has most of it."""
    rows = -(-len(tasks) // across)
    even = [height * (row + 1) // rows - height * row // rows for row in range(rows)]
    if height >= FEW * rows:
        return even
    at = next((n for n, task in enumerate(tasks) if task.id == _here(moment)), None)
    if at is None:
        at = next((n for n, task in enumerate(tasks) if task.state == RUNNING), None)
    others = 2 if height - 2 * (rows - 1) >= FEW else 1
    if at is None or height <= others * (rows - 1):
        return even
    rooms = [others] * rows
    rooms[at // across] = height - others * (rows - 1)
    return rooms


def _column(moment: Moment, task: Task, width: int, height: int) -> list[Text]:
    world = moment.world
    file, at = file_and_line(world.lines[task.id])
    process = world.processes[task.process]
    here = task.id == _here(moment)
    head = Text.assemble((f"{task.id} ", "bold"), (process.name, "bold underline" if here else "bold"), "  ")
    head.append_text(task_state(moment, task))
    source = world.sources.get(file)
    if source is None:
        return [head]
    code = highlighted(source.text)
    room = height - 1
    first = max(0, min(at - 1 - room // 2, len(code) - room))
    digits = len(str(len(code)))
    lines = [head]
    for number in range(first, min(first + room, len(code))):
        current = number + 1 == at
        mark = glyph(moment, "▶", ">") if current else " "
        line = Text.assemble((f"{mark}{number + 1:>{digits}} ", "bold yellow" if current else "bright_black"))
        runs = current and task.state == RUNNING
        line.append_text(Text(code[number].plain) if runs else code[number].copy())  # reversed colours are a patchwork
        if current:
            line.truncate(width, pad=True)
            line.stylize("bold reverse" if runs else "bold underline", len(mark) + digits + 1)
        lines.append(line)
    return lines


def line(moment: Moment, width: int) -> Text:
    """`server.py:19 ▶ …` for each task."""
    parts = []
    tasks = _tasks(moment)
    if not tasks and moment.world.mirrors:
        parts = [_thread(moment, task) for task in _threads(moment)[:3]]
    for task in tasks:
        _, at = file_and_line(moment.world.lines[task.id])
        name = moment.world.processes[task.process].name
        parts.append(Text.assemble(f"{name}:{at} ", task_state(moment, task, wchan=False)))
    return Text("  ").join(parts)


PANEL: Final = make_panel("source", "user", {"en": "Programs", "zh": "程序"}, key, render, line)
