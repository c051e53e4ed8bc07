"""What the programs printed."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from rich.text import Text

from ioviz.view.moment import Moment, joined, make_panel, pick

COLOURS: Final = ("cyan", "magenta", "yellow", "green")
SHOWN: Final = dict.fromkeys((*range(32), *range(127, 160)), "·") | {ord("\n"): "\n", ord("\t"): "    ", 13: ""}
"""What a program prints must not reach the real terminal as it is: escape sequences would draw over the stage."""


def _rows(moment: Moment) -> list[tuple[str, str, str]]:
    """(program, colour, text) of each process of this host."""
    world = moment.world
    found = []
    for number, row in enumerate(world.terminals.values()):
        process = world.processes.get(row.pid)
        if process is not None and process.host == moment.host and row.printed:
            found.append((process.name, COLOURS[number % 4], "".join(row.printed).translate(SHOWN)))
    return found


def key(moment: Moment) -> Hashable:
    """The rows themselves."""
    return tuple(moment.world.terminals.values()), moment.host


def render(moment: Moment, width: int, height: int) -> Text:
    """The last lines of each program, one program after the other."""
    rows = _rows(moment)
    if not rows:
        return Text(pick(moment, "nothing printed yet", "还没有输出"), style="bright_black")
    share = max(1, height // len(rows))
    lines: list[Text] = []
    for name, colour, text in rows:
        for piece in text.rstrip("\n").split("\n")[-share:]:
            line = Text.assemble((f"{name} ", colour), piece)
            lines.append(line)
    return joined(lines[-height:])


def line(moment: Moment, width: int) -> Text:
    """The last line."""
    parts = [
        Text.assemble((f"{name} ", colour), text.rstrip("\n").split("\n")[-1]) for name, colour, text in _rows(moment)
    ]
    return Text("  ").join(parts)


PANEL: Final = make_panel("terminal", "user", {"en": "Terminal", "zh": "终端"}, key, render, line)
