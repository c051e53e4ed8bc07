"""`ioviz trace -- PROGRAM [ARGS]` and `ioviz attach PID`: a real process on the stage, or as text."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ioviz.cli.arguments import Parser, UsageError
from ioviz.cli.messages import choose_language, say

if TYPE_CHECKING:
    from ioviz.cli.arguments import Request
    from ioviz.live.choose import Streams
    from ioviz.live_session import LiveSession

SOURCES = ("auto", "strace", "procfs", "probe", "ebpf")


def parser_of(verb: str) -> Parser:
    """The flags of a verb."""
    parser = Parser(verb)
    if verb == "trace":
        parser.add("program", nargs=argparse.REMAINDER, metavar="PROGRAM")
        parser.add("--stdin", type=Path, metavar="FILE")
        parser.add("--output", type=Path, metavar="FILE")
    else:
        parser.add("pid", metavar="PID")
    parser.add("--source", choices=SOURCES, default="auto")
    parser.add("--record", type=Path, metavar="FILE")
    parser.add("--plain", action="store_true")
    parser.add("--ascii", action="store_true")
    return parser


def run(request: Request) -> int:
    """Watch what `request` names."""
    options = parser_of(request.verb).parse_args(request.rest)
    lang = choose_language(options.lang or request.lang)
    pid = _pid(options.pid) if request.verb == "attach" else None
    argv = tuple(options.program) if request.verb == "trace" else ()
    if argv[:1] == ("--",):
        argv = argv[1:]
    if request.verb == "trace" and not argv:
        raise UsageError(say("what-to-run", verb="trace"))
    from ioviz.cli.play import at_terminal

    plain = options.plain or not at_terminal()
    stdin, output = (options.stdin, options.output) if argv else (None, None)
    with contextlib.ExitStack() as files:
        streams = _streams(stdin, output, files, plain=plain)
        session = open_session(pid, argv, options.source, options.record, lang, streams)
    try:
        if plain:
            return _tell(session, lang, options.record)
        from ioviz.tui.app import run as run_app

        return run_app(lambda: session, lang=lang, ascii_only=options.ascii or request.ascii)
    finally:
        session.close()
        if options.record is not None:
            print(say("recorded", path=options.record), file=sys.stderr)


def _streams(stdin: Path | None, output: Path | None, files: contextlib.ExitStack, *, plain: bool) -> Streams:
    """stdin, stdout and stderr of a program that we start. On the stage the terminal is ours: it may neither read from
    it nor write across the picture. Raises UsageError."""
    silent = subprocess.DEVNULL
    first: Any = None if plain else silent
    rest: Any = (sys.stderr, None) if plain else (silent, silent)
    try:
        if stdin is not None:
            first = files.enter_context(stdin.open("rb"))
        if output is not None:
            file = files.enter_context(output.open("wb"))
            rest = (file, file)
    except OSError as error:
        raise UsageError(say("no-stream", path=error.filename, why=error.strerror)) from error
    return (first, *rest)


def open_session(
    pid: int | None, argv: tuple[str, ...], source: str, record: Path | None, lang: str, streams: Streams
) -> LiveSession:
    """A session that has begun. Raises UsageError."""
    from ioviz.live.choose import choose
    from ioviz.live.procfs import owner
    from ioviz.live.source import SourceError
    from ioviz.live_session import LiveSession
    from ioviz.trace.writer import Writer

    try:
        chosen = choose(source, pid, argv, streams, whole=record is not None)
    except SourceError as error:
        raise UsageError(error.refusal.sentence(lang)) from error
    try:
        writer = Writer(record) if record is not None else None
    except OSError as error:
        raise UsageError(say("no-record", path=record, why=error.strerror)) from error
    if argv:
        title, how = " ".join(argv), " ".join(argv)
    else:
        known = owner(pid) if pid is not None else None
        title, how = f"{known[1]} ({pid})" if known is not None else str(pid), f"PID {pid}"
    session = LiveSession(chosen.source, title, how, writer=writer, look=chosen.look, who=owner, slower=chosen.slower)
    try:
        session.start()
    except SourceError as error:
        session.close()
        if record is not None:
            record.unlink(missing_ok=True)
        raise UsageError(error.refusal.sentence(lang)) from error
    return session


def _tell(session: LiveSession, lang: str, record: Path | None) -> int:
    from ioviz.cli.plain import tell

    try:
        tell(session, lang)
    except KeyboardInterrupt:
        return 0
    ending = session.ending
    if ending is not None:
        print(say("usage", text=ending.sentence(lang)), file=sys.stderr)
        return 1
    return 0


def _pid(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 10 or int(text) == 0:
        raise UsageError(say("bad-pid", text=text))
    return int(text)
