"""The disk: which file lies in which blocks, what is being read, and what is in memory already."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from rich.cells import set_cell_size
from rich.text import Text

from ioviz.model.disk import BLOCK
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

DIM: Final = "bright_black"
NAME: Final = 20
NARROW: Final = 52
NAMES_ZH: Final = {"boot loader": "引导程序", "kernel": "内核"}


def key(moment: Moment) -> Hashable:
    """The row."""
    return moment.world.disks.get(moment.host)


def name_of(moment: Moment, name: str) -> str:
    """What lies there, in the moment's language."""
    return NAMES_ZH.get(name, name) if moment.lang == "zh" else name


def render(moment: Moment, width: int, height: int) -> Text:
    """What the disk does, and a line a file; the one that is being read stays in sight."""
    row = moment.world.disks.get(moment.host)
    if row is None:
        return Text(pick(moment, "no disk", "没有硬盘"), style=DIM)
    lines = []
    here = 0
    for number, (name, first, count) in enumerate(row.files):
        reading, loaded = name == row.reading, name in row.loaded
        mark = glyph(moment, "▶", ">") if reading else glyph(moment, "✓", "+") if loaded else " "
        here = number if reading or (loaded and not row.reading) else here
        line = Text(f"{mark} ", style="bold yellow" if reading else "green")
        line.append(set_cell_size(name_of(moment, name), NAME), style="bold reverse" if reading else "")
        blocks = f" blocks {first}-{first + count - 1}", f" 块 {first}-{first + count - 1}"
        if width >= NARROW:
            line.append(set_cell_size(pick(moment, *blocks), 20), style=DIM)
        if reading:
            line.append(pick(moment, " DMA to memory", " DMA 到内存"), style="bold yellow")
        elif loaded:
            line.append(pick(moment, " in memory", " 在内存里"), style="green")
        else:
            line.append(f" {count * BLOCK >> 10} KiB", style=DIM)
        lines.append(line)
    first = max(0, min(here - height // 2, len(lines) - height))
    return joined(lines[first : first + height])


def line(moment: Moment, width: int) -> Text:
    """What it does."""
    row = moment.world.disks.get(moment.host)
    if row is None:
        return Text(pick(moment, "no disk", "没有硬盘"), style=DIM)
    if row.reading:
        name = name_of(moment, row.reading)
        return Text(pick(moment, f"reads {name}", f"正在读 {name}"), style="bold yellow")
    return Text(pick(moment, "idle", "空闲"), style=DIM)


PANEL: Final = make_panel("disk", "hardware", {"en": "Disk", "zh": "硬盘"}, key, render, line)
