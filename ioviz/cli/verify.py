"""`ioviz verify`: is the simulated kernel right? The same calls on it and on the kernel that runs us.

Exit codes: 0 all agree; 1 a difference; 2 the command makes no sense; 3 this system cannot be compared with; 130
Ctrl+C.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ioviz.cli.arguments import Parser, UsageError, count
from ioviz.cli.messages import LANGUAGES, choose_language, say
from ioviz.verify.texts import text

if TYPE_CHECKING:
    from ioviz.cli.arguments import Request

AGREE, DIFFER, CANNOT, INTERRUPTED = 0, 1, 3, 130


def parser() -> Parser:
    """The flags of `ioviz verify --random`."""
    made = Parser(
        prog="ioviz verify --random",
        usage="ioviz verify --random N [--seed S] [--save FILE.py]",
        description="Make random operations on the simulated and on the real kernel, and compare what they give.",
        allow_abbrev=False,
    )
    made.add_argument("--random", type=count, required=True, metavar="N", help="how many operations")
    made.add_argument("--seed", type=int, metavar="S", help="of the operations (without: a fresh one, which is told)")
    made.add_argument("--save", type=Path, metavar="FILE.py", help="keep a difference as a program")
    made.add_argument("--lang", choices=LANGUAGES, help="language of the texts")
    return made


def run(request: Request) -> int:
    """Compare what `request` names."""
    if any(word == "--random" or word.startswith("--random=") for word in request.rest):
        return _random(parser().parse_args(request.rest), request)
    raise UsageError(say("what-to-run", verb="verify"))


def _random(options: argparse.Namespace, request: Request) -> int:
    from rich.console import Console

    from ioviz.verify.campaign import Campaign
    from ioviz.verify.program import program_of
    from ioviz.verify.real import EPOLL
    from ioviz.verify.report_random import progress_text, tell_campaign

    lang = choose_language(options.lang or request.lang)
    if not EPOLL:
        print(say("usage", text=text(lang, "no-epoll", system=sys.platform)), file=sys.stderr)
        return CANNOT
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    campaign = Campaign(seed, options.random)
    console, shown = Console(highlight=False), Console(stderr=True, highlight=False)
    stopped = False
    with shown.status(progress_text(campaign, lang)) as status:

        def progress(now: Campaign) -> None:
            if now.sequences % 50 == 0:
                status.update(progress_text(now, lang))

        try:
            campaign.run(progress)
        except KeyboardInterrupt:
            stopped = True
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
