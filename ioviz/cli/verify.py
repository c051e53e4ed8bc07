"""`ioviz verify`: is the simulated kernel right? The same calls on it and on the kernel that runs us.

Exit codes: 0 all agree; 1 a difference; 2 the command makes no sense; 3 this system cannot be compared with; 130
Ctrl+C.
"""

from __future__ import annotations

import argparse
import io
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ioviz.cli.arguments import Found, Parser, UsageError, add_run_flags, count, positive, split, taken_apart
from ioviz.cli.messages import choose_language, say
from ioviz.verify.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from ioviz.cli.arguments import Request

AGREE, DIFFER, CANNOT, INTERRUPTED = 0, 1, 3, 130
LONGEST = 10 * 10**9
"""Virtual ns after which programs that do not end are compared, without --max-time."""


def parser() -> Parser:
    """The flags of `ioviz verify WHAT`."""
    made = Parser("verify")
    add_run_flags(made)
    made.add("--limit", type=positive, default=30.0, metavar="S")
    return made


def random_parser() -> Parser:
    """The flags of `ioviz verify --random`."""
    made = Parser("verify --random")
    made.add("--random", type=count, required=True, metavar="N")
    made.add("--seed", type=int, metavar="S")
    made.add("--save", type=Path, metavar="FILE.py")
    return made


def run(request: Request) -> int:
    """Compare what `request` names."""
    if any(word == "--random" or word.startswith("--random=") for word in request.rest):
        return _random(random_parser().parse_args(request.rest), request)
    made = parser()
    return _programs(taken_apart("verify", made, request.rest, request.lang), limit_of(made, request.rest))


def limit_of(made: Parser, argv: Sequence[str]) -> float:
    """The value of --limit."""
    ours, _ = split(made, argv)
    return float(made.parse_args(ours, argparse.Namespace(found=Found())).limit)


@contextmanager
def _page() -> Iterator[Console]:
    """A console for the report: the terminal, or without one plain lines of any length."""
    from rich.console import Console

    if sys.stdout.isatty():
        yield Console(highlight=False)
        return
    page = Console(file=io.StringIO(), width=1_000, highlight=False, color_system=None)
    yield page
    assert isinstance(page.file, io.StringIO)
    for line in page.file.getvalue().splitlines():
        print(line.rstrip())


def _programs(request: Request, limit: float) -> int:
    from rich.console import Console

    from ioviz.cli.play import run_of
    from ioviz.verify import real
    from ioviz.verify.report import tell
    from ioviz.verify.report_random import kernel_name
    from ioviz.verify.verifying import verify

    lang = choose_language(request.lang)
    assert request.program is not None
    setup = run_of(request)
    if not real.EPOLL:
        print(say("usage", text=text(lang, "no-epoll", system=sys.platform)), file=sys.stderr)
        return CANNOT
    limits = setup.limits
    if request.max_time is None and setup.scene is None:
        limits.time = LONGEST
    shown = Console(stderr=True, highlight=False)
    what = setup.scene.title.of(lang) if setup.scene is not None else setup.title
    with shown.status("") as status:
        outcome = verify(
            what,
            setup.launches,
            setup.config,
            limits,
            seed=setup.seed,
            seconds=limit,
            lang=lang,
            progress=lambda key: status.update(text(lang, key, kernel=kernel_name())),
        )
    if outcome.unsupported:
        print(say("usage", text=text(lang, "unsupported", why=outcome.unsupported)), file=sys.stderr)
        return CANNOT
    compared = outcome.compared
    if not compared.differences and not compared.calls and not compared.printed:
        print(say("usage", text=text(lang, "nothing", what=what)), file=sys.stderr)
        return CANNOT
    with _page() as console:
        tell(console, outcome, lang)
    return DIFFER if outcome.compared.differences else AGREE


def _random(options: argparse.Namespace, request: Request) -> int:
    from rich.console import Console

    from ioviz.verify import real
    from ioviz.verify.campaign import Campaign
    from ioviz.verify.program import program_of
    from ioviz.verify.report_random import progress_text, tell_campaign

    lang = choose_language(options.lang or request.lang)
    if not real.EPOLL:
        print(say("usage", text=text(lang, "no-epoll", system=sys.platform)), file=sys.stderr)
        return CANNOT
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    campaign = Campaign(seed, options.random)
    shown = Console(stderr=True, highlight=False)
    stopped = False
    with shown.status(progress_text(campaign, lang)) as status:

        def progress(now: Campaign) -> None:
            if now.sequences % 50 == 0:
                status.update(progress_text(now, lang))

        try:
            campaign.run(progress)
        except KeyboardInterrupt:
            stopped = True
    with _page() as console:
        tell_campaign(console, campaign, lang, stopped=stopped)
        if not campaign.differences:
            return INTERRUPTED if stopped else AGREE
        console.print("  " + text(lang, "again", operations=options.random, seed=seed))
        if options.save is None:
            console.print("  " + text(lang, "save-hint"))
            return DIFFER
        try:
            options.save.write_text(program_of(campaign.differences[0]), encoding="utf-8")
        except OSError as error:
            raise UsageError(text(lang, "not-saved", path=options.save, why=error.strerror)) from error
        console.print("  " + text(lang, "saved", path=options.save))
    return DIFFER
