"""`ioviz calibrate`: measure this computer, show it beside the machine's table, and let the machine go by it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ioviz.cli.arguments import Parser, UsageError
from ioviz.cli.messages import choose_language, say

if TYPE_CHECKING:
    from ioviz.cli.arguments import Request


def run(request: Request) -> int:
    """Measure, show, and write the table unless that is not wanted."""
    from ioviz.measure.calibrate import MeasureError, compiler, remove_table, table_of, write_table

    parser = Parser("calibrate")
    parser.add("--dry-run", action="store_true")
    parser.add("--reset", action="store_true")
    parser.add("--no-compiler", action="store_true")
    options = parser.parse_args(request.rest)
    lang = choose_language(options.lang or request.lang)
    try:
        if options.reset:
            print(say("costs-reset" if remove_table() else "costs-built-in"))
            return 0
        compiled = bool(compiler()) and not options.no_compiler
        measured = _measure(compiled)
        _show(measured, lang, compiled, ascii_only=request.ascii)
        if options.dry_run:
            return 0
        print("\n" + say("costs-written", path=write_table(table_of(measured))))
    except MeasureError as error:
        raise UsageError(str(error)) from error
    return 0


def _measure(compiled: bool) -> dict[str, float]:
    """All acts; what is being measured is said on stderr, if somebody is there to see it."""
    from ioviz.measure.calibrate import ORDER, measure

    measured: dict[str, float] = {}
    shows = sys.stderr.isatty()
    for one in measure(compiled):
        measured[one.name] = one.ns
        if shows:
            print(f"\r{say('costs-measuring', n=len(measured), all=len(ORDER))}", end="", file=sys.stderr, flush=True)
    if shows:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return measured


def _show(measured: dict[str, float], lang: str, compiled: bool, *, ascii_only: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    from ioviz.machine.hardware.costs import load_costs
    from ioviz.measure.costs_table import costs_lines, verdicts
    from ioviz.tui.wrap import wrap

    console = Console(highlight=False)
    width = console.width
    for line in costs_lines(measured, load_costs(), lang, width, "#" if ascii_only else "█"):
        console.print(line, no_wrap=True, overflow="crop")
    notes = [*verdicts(measured, lang), say("costs-by-c" if compiled else "costs-by-python")]
    for note in notes:
        console.print()
        for row in wrap(Text(note), width):
            console.print(row)
