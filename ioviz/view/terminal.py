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
    printed = [text.rstrip("\n").split("\n") for _, _, text in rows]
    lines: list[Text] = []
    for (name, colour, _), pieces, share in zip(rows, printed, _shares([*map(len, printed)], height), strict=True):
        lines += [Text.assemble((f"{name} ", colour), piece) for piece in pieces[len(pieces) - share :]]
    return joined(lines[-height:])


def _shares(lengths: list[int], height: int) -> list[int]:
    """How many lines each program has: as many as the others, and what those do not need."""
    shares, left = [1] * len(lengths), height - len(lengths)
    while left > 0:
        wanting = [number for number, length in enumerate(lengths) if shares[number] < length]
        if not wanting:
            break
        for number in wanting[:left]:
            shares[number] += 1
        left -= len(wanting)
    return shares


def line(moment: Moment, width: int) -> Text:
    """The last line."""
    parts = [
        Text.assemble((f"{name} ", colour), text.rstrip("\n").split("\n")[-1]) for name, colour, text in _rows(moment)
    ]
    return Text("  ").join(parts)


PANEL: Final = make_panel("terminal", "user", {"en": "Terminal", "zh": "终端"}, key, render, line)
