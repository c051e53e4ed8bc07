"""`ioviz doctor`: what of a real kernel this computer lets us watch, source by source, and what would help."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from ioviz.cli.arguments import Parser
from ioviz.cli.messages import choose_language, say

if TYPE_CHECKING:
    from ioviz.cli.arguments import Request


def run(request: Request) -> int:
    """Print a line a source; 0 if any can watch a process that runs."""
    parser = Parser("doctor")
    options = parser.parse_args(request.rest)
    lang = choose_language(options.lang or request.lang)
    from ioviz.live.choose import NAMES, why_not

    print(f"{platform.system()} {platform.release()}, {platform.machine()}, Python {platform.python_version()}")
    print(say("doctor-machine"))
    best = ""
    for name in NAMES:
        refusal = why_not(name)
        if refusal is None:
            best = best or name
            print(f"  + {name:<8}{say(f'doctor-{name}')}")
        else:
            print(f"  - {name:<8}{say('doctor-no', why=refusal.sentence(lang))}")
    print(say("doctor-best", name=best) if best else say("doctor-none"))
    if sys.platform.startswith("linux"):
        from ioviz.live.strace import yama

        scope = yama()
        if scope:
            print(say("doctor-yama", scope=scope))
    return 0 if best else 1
