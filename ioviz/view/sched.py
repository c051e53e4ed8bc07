"""The scheduler: who runs, who is ready, who sleeps and in which function."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from ioviz.model.lists import walk
from ioviz.model.task import DEAD, SLEEPING
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick, starting
from ioviz.view.source import task_state

MOST: Final = 24


def _queue(moment: Moment) -> list[int]:
    world = moment.world
    return list(islice(walk(world.run_queues, moment.host, world.run_links), MOST))


def _sleepers(moment: Moment) -> list[int]:
    tasks = islice(moment.world.tasks.values(), 256)
    return [task.id for task in tasks if task.host == moment.host and task.state == SLEEPING][:MOST]


def _ended(moment: Moment) -> int:
    return sum(task.state == DEAD for task in islice(moment.world.tasks.values(), 256))


def key(moment: Moment) -> Hashable:
    """The rows that are shown."""
    cpu = moment.world.cpus.get(moment.host)
    tasks = moment.world.tasks
    sleepers = tuple(tasks[tid] for tid in _sleepers(moment))
    return cpu.task if cpu else 0, tuple(_queue(moment)), sleepers, _ended(moment), starting(moment)


def _name(moment: Moment, tid: int) -> str:
    task = moment.world.tasks.get(tid)
    return f"{tid} {moment.world.processes[task.process].name}" if task is not None else str(tid)


def _in_rows(names: list[str], arrow: str, width: int, most: int) -> list[str]:
    """`a → b → c` on as many rows of `width` columns as it needs, but at most `most`: the last one may be too long."""
    rows: list[str] = []
    for name in names:
        if rows and (len(rows) == most or cell_len(rows[-1] + arrow + name) <= width - 2):
            rows[-1] += arrow + name
        else:
            if rows:
                rows[-1] += arrow.rstrip()
            rows.append(name)
    return rows


def render(moment: Moment, width: int, height: int) -> Text:
    """Three rows: running, ready, sleeping; a sleeper a line."""
    if starting(moment):
        return Text(pick(moment, "no task yet", "还没有任务"), style="bright_black")
    cpu = moment.world.cpus.get(moment.host)
    arrow = glyph(moment, " → ", " -> ")
    running = _name(moment, cpu.task) if cpu is not None and cpu.task else pick(moment, "nobody (idle)", "没有（空闲）")
    lines = [Text.assemble((pick(moment, "on the CPU  ", "在 CPU 上  "), "bright_black"), (running, "bold green"))]
    label = pick(moment, "run queue   ", "运行队列   ")
    names = [_name(moment, tid) for tid in _queue(moment)]
    spare = height - 1 - len(_sleepers(moment)) - bool(_ended(moment))
    for number, row in enumerate(_in_rows(names, arrow, width - cell_len(label), max(1, spare))):
        lines.append(Text.assemble((label if not number else " " * cell_len(label), "bright_black"), (row, "yellow")))
    if not names:
        lines.append(Text.assemble((label, "bright_black"), (pick(moment, "empty", "空"), "yellow")))
    for tid in _sleepers(moment):
        task = moment.world.tasks[tid]
        lines.append(Text.assemble(f"{_name(moment, tid)}  ", task_state(moment, task)))
    dead = _ended(moment)
    if dead:
        lines.append(Text(pick(moment, f"{dead} ended", f"{dead} 个已结束"), style="bright_black"))
    return joined(lines[:height])


def line(moment: Moment, width: int) -> Text:
    """Counts."""
    if starting(moment):
        return Text(pick(moment, "no task yet", "还没有任务"), style="bright_black")
    cpu = moment.world.cpus.get(moment.host)
    running = str(cpu.task) if cpu is not None and cpu.task else pick(moment, "idle", "空闲")
    ready, asleep = len(_queue(moment)), len(_sleepers(moment))
    return Text.assemble(
        (f"{glyph(moment, '▶', '>')} {running}  ", "green"),
        (pick(moment, f"ready {ready}  ", f"就绪 {ready}  "), "yellow"),
        (pick(moment, f"asleep {asleep}", f"睡眠 {asleep}"), "blue"),
    )


PANEL: Final = make_panel("sched", "kernel", {"en": "Tasks", "zh": "任务"}, key, render, line)
