"""`ioviz live [MODEL]`: a real server of ours with real clients on loopback, on the stage while it runs."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ioviz.cli.arguments import Parser, UsageError
from ioviz.cli.messages import choose_language, say

if TYPE_CHECKING:
    from ioviz.cli.arguments import Request
    from ioviz.demo_session import DemoSession

SOURCES: Final = ("auto", "probe", "ebpf", "strace")
DEFAULT: Final = "epoll-lt"
NAMES: Final = ("bio", "nio", "select", "poll", "epoll-lt", "epoll-et", "asyncio")


def parser() -> Parser:
    """The flags."""
    made = Parser("live")
    made.epilog = say("help-model", names=", ".join(NAMES), default=DEFAULT)
    made.add("model", nargs="?", default=DEFAULT, metavar="MODEL")
    made.add("--clients", type=_clients, default=3, metavar="N")
    made.add("--rate", type=_rate, default=1, metavar="N")
    made.add("--port", type=_port, default=0, metavar="N")
    made.add("--source", choices=SOURCES, default="auto")
    made.add("--record", type=Path, metavar="FILE")
    made.add("--plain", action="store_true")
    made.add("--ascii", action="store_true")
    return made


def _whole(text: str, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > most:
        raise argparse.ArgumentTypeError(say("not-in-range", text=text, most=most))
    return int(text)


def _clients(text: str) -> int:
    return _whole(text, 1_000)


def _rate(text: str) -> int:
    return _whole(text, 100_000)


def _port(text: str) -> int:
    return _whole(text, 65_535)


def run(request: Request) -> int:
    """Start the server and watch it until the person has seen enough."""
    options = parser().parse_args(request.rest)
    lang = choose_language(options.lang or request.lang)
    if options.model not in NAMES:
        raise UsageError(say("no-model", text=options.model, names=", ".join(NAMES)))
    from ioviz.cli.play import at_terminal

    session = open_session(options, lang)
    try:
        print(say("demo-listens", port=session.demo.port), file=sys.stderr)
        if options.plain or not at_terminal():
            return _tell(session, lang)
        from ioviz.tui.app import run as run_app

        return run_app(lambda: session, lang=lang, ascii_only=options.ascii or request.ascii)
    finally:
        session.close()
        if options.record is not None:
            print(say("recorded", path=options.record), file=sys.stderr)


def open_session(options: argparse.Namespace, lang: str) -> DemoSession:
    """A demo that runs. Raises UsageError."""
    from ioviz.demo_session import DemoSession, Starting
    from ioviz.live.choose import choose
    from ioviz.live.demo.demo import Demo
    from ioviz.live.paired import PairedSource
    from ioviz.live.probe.source import ProbeSource
    from ioviz.live.procfs import owner
    from ioviz.live.source import SourceError
    from ioviz.trace.writer import Writer

    demo = Demo(options.model, clients=options.clients, rate=options.rate, port=options.port)
    streams = (subprocess.PIPE, subprocess.PIPE, subprocess.DEVNULL)
    wanted = "probe" if options.source == "auto" else options.source
    try:
        chosen = choose(wanted, None, demo.argv, streams, whole=options.record is not None)
    except SourceError as error:
        raise UsageError(error.refusal.sentence(lang)) from error
    source: Starting
    if options.source == "auto" and isinstance(chosen.source, ProbeSource):
        source = PairedSource(chosen.source)
    else:
        source = chosen.source  # type: ignore[assignment]  # each of SOURCES starts programs, and has `process`
    try:
        writer = Writer(options.record) if options.record is not None else None
    except OSError as error:
        raise UsageError(say("no-record", path=options.record, why=error.strerror)) from error
    session = DemoSession(demo, source, options.model, f"live {options.model}", writer=writer, look=chosen.look,
                          who=owner, slower=chosen.slower)  # fmt: skip
    try:
        session.start()
    except SourceError as error:
        session.close()
        if options.record is not None:
            options.record.unlink(missing_ok=True)
        raise UsageError(error.refusal.sentence(lang)) from error
    return session


def _tell(session: DemoSession, lang: str) -> int:
    from ioviz.cli.plain import tell

    try:
        tell(session, lang)
    except KeyboardInterrupt:
        return 0
    return 0
