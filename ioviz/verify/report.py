"""What the comparison of a program's two runs says on the terminal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ioviz.verify.report_random import kernel_name
from ioviz.verify.rules import RULES
from ioviz.verify.texts import text
from ioviz.view.strace import line_of

if TYPE_CHECKING:
    from rich.console import Console

    from ioviz.machine.launch import Launch
    from ioviz.verify.compare import Compared, Difference
    from ioviz.verify.traced import Call
    from ioviz.verify.verifying import Outcome

AROUND: Final = 2
"""Lines of the program that are shown before and after the one that made the call."""
SHOWN_CALLS: Final = 6
"""Kinds of calls that are named in the summary."""


def tell(console: Console, outcome: Outcome, lang: str) -> None:
    """The whole report."""
    compared, launches = outcome.compared, outcome.launches
    values: dict[str, Any] = {
        "calls": compared.calls,
        "tasks": len(outcome.mine.calls),
        "programs": len(launches),
        "kernel": kernel_name(),
        "what": outcome.what,
    }
    console.print(Text(text(lang, "compared", **values), "bold"))
    for note in outcome.notes:
        _indented(console, Text(note, "dim"))
    if compared.differences:
        console.print(Text("✗ ", "bold red").append(text(lang, "differs", **values), "bold"))
        _tell_difference(console, compared.differences[0], outcome, lang)
        if len(compared.differences) > 1:
            console.print(Text("  " + text(lang, "more-differ", count=len(compared.differences) - 1), "dim"))
    else:
        key = "agrees-printed" if not compared.calls else "agrees" if len(launches) > 1 else "agrees-one"
        console.print(Text("✓ ", "bold green").append(text(lang, key, **values), "bold"))
    for line in _details(compared, lang):
        _indented(console, Text(line, "dim"))


def _indented(console: Console, shown: Text, by: int = 2) -> None:
    """A line whose continuation keeps its indentation."""
    console.print(Padding(shown, (0, 0, 0, by), expand=False))


def _details(compared: Compared, lang: str) -> list[str]:
    lines = []
    if compared.agreed:
        most = compared.agreed.most_common()
        shown = [f"{name} {count}" for name, count in most[:SHOWN_CALLS]]
        lines.append("  ".join(shown) + ("  …" if len(most) > SHOWN_CALLS else ""))
    if compared.asleep:
        lines.append(text(lang, "asleep-both", asleep=compared.asleep))
    for key, count in compared.by_rule.items():
        rule = RULES[key]
        lines.append(text(lang, "by-rule", count=count, rule=rule.zh if lang == "zh" else rule.en))
    return lines


def _tell_difference(console: Console, difference: Difference, outcome: Outcome, lang: str) -> None:
    launch = outcome.launches[difference.task[0]]
    thread = difference.task[1]
    key = "program" if thread else "program-main"
    console.print()
    console.print(Text("  " + text(lang, key, name=launch.name, thread=thread), "bold cyan"))
    call = difference.mine or difference.theirs
    if call is not None:
        _tell_lines(console, launch, call)
    console.print(Text("  " + text(lang, f"why-{difference.why}")))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for before in difference.before:
        grid.add_row("", Text(line_of(before.nr, before.args, before.ret, before.out), "dim"))
    for key, side, shown, style in (
        ("machine", difference.mine, difference.texts[0], "bold yellow"),
        ("linux", difference.theirs, difference.texts[1], "bold magenta"),
    ):
        grid.add_row(Text(text(lang, key), style), Text(_side(side, shown) or "–"))
    console.print(Padding(grid, (0, 0, 1, 4), expand=False))
    errors = outcome.errors.get(difference.task[0], "").strip()
    if errors and not difference.why.startswith("print"):
        console.print(Text("  " + text(lang, "what-it-said", name=launch.name), "dim"))
        for line in errors.splitlines()[-3:]:
            console.print(Text("      " + line, "dim"))


def _side(call: Call | None, shown: str) -> str:
    return shown if call is None else line_of(call.nr, call.args, call.ret, call.out)


def _tell_lines(console: Console, launch: Launch, call: Call) -> None:
    """The lines of the program around `call`."""
    name, line = call.at
    if not line:
        return
    source = launch.program.text
    if name != Path(launch.program.path).name:
        other = Path(launch.program.directory) / name
        try:
            source = other.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
    lines = io.StringIO(source).read().splitlines()
    for number in range(max(line - AROUND, 1), min(line + AROUND, len(lines)) + 1):
        here = number == line
        console.print(
            Text(f"    {'▸' if here else ' '} {number:4} ", "bold" if here else "dim").append(
                lines[number - 1], "bold" if here else "dim"
            ),
            overflow="ellipsis",
            no_wrap=True,
        )
