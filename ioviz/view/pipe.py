"""Pipes: what is in them, and how many hold each end."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Final

from rich.text import Text

from ioviz.model.pipe import PAGE, Pipe
from ioviz.view.buffer import described
from ioviz.view.moment import Moment, joined, make_panel, pick

MOST: Final = 16


def _rows(moment: Moment) -> list[Pipe]:
    return [row for row in islice(moment.world.pipes.values(), 200) if row.host == moment.host][:MOST]


def key(moment: Moment) -> Hashable:
    """Each pipe with its buffer."""
    return tuple((row, moment.world.buffers.get(row.id * 2)) for row in _rows(moment))


def render(moment: Moment, width: int, height: int) -> Text:
    """A line a pipe: its slots of a page, what is in them, and who holds the ends."""
    lines = []
    for row in _rows(moment):
        buffer = moment.world.buffers.get(row.id * 2)
        line = Text.assemble((f"#{row.id} ", "bold"), described(moment, row.id * 2, "", max(4, min(24, width - 44))))
        if buffer is not None:
            used, slots = buffer.truesize // PAGE, buffer.limit // PAGE
            line.append(pick(moment, f"  {used} of {slots} slots  ", f"  {slots} 槽用了 {used}  "))
        ends = f"readers {row.readers}  writers {row.writers}", f"读端 {row.readers}  写端 {row.writers}"
        line.append(pick(moment, *ends), style="bright_black")
        lines.append(line)
    if not lines:
        return Text(pick(moment, "no pipes", "没有管道"), style="bright_black")
    return joined(lines[:height])


def line(moment: Moment, width: int) -> Text:
    """How many."""
    rows = _rows(moment)
    return Text(
        pick(moment, f"{len(rows)} pipe{'s' * (len(rows) != 1)}", f"{len(rows)} 个管道"),
        style="" if rows else "bright_black",
    )


PANEL: Final = make_panel("pipes", "kernel", {"en": "Pipes", "zh": "管道"}, key, render, line)
