"""The command line: verbs and flags. Nothing heavy is imported before a verb is known.

Exit codes: the guest's own; 1 after an uncaught exception; 2 when the command makes no sense; 124 a limit was reached;
125 nothing can ever happen again (a deadlock, a wait for ever); 126 the program asked for what the machine lacks;
130 Ctrl+C; 141 nobody reads our output any more; 74 the recording could not be written; 70 a fault of ours.
"""

from __future__ import annotations

import gc
import os
import sys
from errno import ENOSPC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ioviz.cli.arguments import Request

USAGE = 2
FAULT = 70
INTERRUPTED = 130
PIPE_CLOSED = 141
NOT_WRITTEN = 74
HASH_SEED = "0"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and give its exit code."""
    if argv is not None:
        return _command(argv)
    open_closed_streams()
    fix_hash_seed()
    gc.disable()  # until `_run`: it would only walk what is being imported, again and again
    code = _command(sys.argv[1:])
    gc.freeze()  # the interpreter is about to go, and need not look for garbage in all that we leave
    return code


def _command(argv: Sequence[str]) -> int:
    """`main`, in a process that may go on."""
    from ioviz.cli.arguments import UsageError, parse
    from ioviz.cli.messages import choose_language, in_language, say

    lang = _language_typed(argv)
    choose_language(lang)
    try:
        try:
            request = parse(argv)
        except SystemExit:  # --help
            sys.stdout.flush()
            raise
        choose_language(request.lang or lang)
        code = _run(request)
        sys.stdout.flush()  # a full disk is told here, and not by Python on its way out
        return code
    except UsageError as error:
        print(say("usage", text=in_language(error)), file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        from ioviz.cli.output import to_nowhere

        to_nowhere(sys.stdout.buffer)
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("IOVIZ_DEBUG"):
            raise
        if isinstance(error, OSError) and error.errno == ENOSPC:
            from ioviz.cli.output import to_nowhere

            to_nowhere(sys.stdout.buffer)
            print(say("usage", text=say("no-output", why=error.strerror)), file=sys.stderr)
            return NOT_WRITTEN
        print(say("usage", text=_our_fault(error)), file=sys.stderr)
        return FAULT


def _run(request: Request) -> int:
    """Import what the verb needs, and hand over to it."""
    verb = _verb(request.verb)
    if not gc.isenabled():
        gc.freeze()  # what was imported stays for good
        gc.enable()
    return verb(request)


def _verb(name: str) -> Callable[[Request], int]:
    if name == "exec":
        from ioviz.cli.exec import run_exec

        return run_exec
    from ioviz.cli.arguments import MODULES

    if name in MODULES:
        from importlib import import_module

        run: Callable[[Request], int] = import_module(MODULES[name]).run
        return run
    from ioviz.cli.play import run_gallery, run_play

    return run_gallery if name == "gallery" else run_play


def open_closed_streams() -> None:
    """Give what a shell closed (`>&-`) somewhere to go, lest the next file that is opened take its number."""
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), fd)
            os.set_inheritable(fd, True)
            setattr(sys, name, open(fd, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  # as long as we live


def fix_hash_seed() -> None:
    """Start again under a fixed PYTHONHASHSEED: sets of strings in a guest must have the same order in every run.

    Before anything else is imported, since that would have to be done twice.
    """
    if os.environ.get("PYTHONHASHSEED") == HASH_SEED:
        return
    environment = {**os.environ, "PYTHONHASHSEED": HASH_SEED}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _language_typed(argv: Sequence[str]) -> str | None:
    """The value of an early --lang, so that complaints about the rest are in that language."""
    for word, following in zip(argv, [*argv[1:], ""], strict=False):
        if word == "--lang" and following in {"en", "zh"}:
            return following
        if word in {"--lang=en", "--lang=zh"}:
            return word[-2:]
        if not word.startswith("-") and word != argv[0]:
            break
    return None


def _our_fault(error: Exception) -> str:
    from ioviz.cli.messages import say

    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "?"
    return say("our-fault", what=f"{type(error).__name__}: {error}", where=where)
