"""`ioviz race`: the five ways to wait, simulated and measured, side by side; on a terminal as a screen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ioviz.cli.arguments import Parser, UsageError
from ioviz.cli.messages import choose_language, say

if TYPE_CHECKING:
    from ioviz.cli.arguments import Request


def run(request: Request) -> int:
    """Open the screen, or with `--plain` (or without a terminal) print the race when it is over."""
    parser = Parser("race")
    parser.add("--plain", action="store_true")
    parser.add("--ascii", action="store_true")
    options = parser.parse_args(request.rest)
    lang = choose_language(options.lang or request.lang)
    ascii_only = options.ascii or request.ascii
    if options.plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _plain(lang, ascii_only=ascii_only)
    from ioviz.tui.app import run as run_app

    return run_app(page="race", lang=lang, ascii_only=ascii_only)


def _plain(lang: str, *, ascii_only: bool) -> int:
    from rich.console import Console
    from rich.text import Text

    from ioviz.cli.launches import with_own_costs
    from ioviz.machine.kernel.config import Config
    from ioviz.measure.race import METHODS, SHARES, Left, LeftOut, RaceError, Times, cells, measured, simulated
    from ioviz.measure.race_table import bar_lines, growth_lines, left_out, map_lines, verdicts
    from ioviz.tui.wrap import wrap

    machine: Times = {}
    here: Times = {}
    left: Left = {}
    config = with_own_costs(Config())
    laps = 2 * len(METHODS) * len(set(cells()))
    shows = sys.stderr.isatty()
    try:
        for times, race in ((machine, simulated(config)), (here, measured())):
            for lap in race:
                if lap is None:
                    continue
                if isinstance(lap, LeftOut):
                    left[lap.method, lap.cell] = lap.why
                else:
                    times[lap.method, lap.cell] = lap.ns
                if shows:
                    count = len(machine) + len(here) + len(left)
                    print(f"\r{say('race-running', n=count, all=laps)}", end="", file=sys.stderr, flush=True)
    except RaceError as error:
        raise UsageError(str(error)) from error
    finally:
        if shows:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    console = Console(highlight=False)
    both = (("simulated", machine), ("measured", here))
    for side, times in both:
        for line in map_lines(times, side, lang, left=left if times is here else None):
            console.print(line, no_wrap=True, overflow="crop")
        console.print()
    for one in (cells()[0], cells()[3], cells()[-4], cells()[-1]):
        console.print(Text(say("race-track", n=one.connections, k=one.active), "bold"))
        for line in bar_lines(both, one, lang, console.width, "#" if ascii_only else "█"):
            console.print(line, no_wrap=True, overflow="crop")
        console.print()
    for share in (SHARES[0], SHARES[-1]):
        for line in growth_lines(both, share, lang, "" if ascii_only else "▁▂▃▄▅▆▇█"):
            console.print(line, no_wrap=True, overflow="crop")
        console.print()
    for note in [*left_out(left, lang), *verdicts(machine, here, lang, left), say("race-about")]:
        for row in wrap(Text(note), console.width):
            console.print(row)
        console.print()
    return 0
