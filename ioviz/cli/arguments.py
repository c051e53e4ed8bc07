"""What was typed, taken apart: verbs, flags, and the programs with their own arguments.

As with Python itself, everything after the program's name (or after `-m MODULE`) belongs to the program. The order of
`--peer`, `--remote` and `--peer-stdin` counts: each `--peer-stdin` feeds the program named before it.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ioviz import __version__
from ioviz.cli.help import Parser, UsageError
from ioviz.cli.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Parser", "Program", "Request", "UsageError", "parse"]

MAIN, PEER, REMOTE = "main", "peer", "remote"
MAX_STEPS = 50_000_000
"""Events after which a run is ended, unless `--max-steps` says otherwise."""


MODULES: Final = {
    "attach": "ioviz.cli.watch",
    "check-scene": "ioviz.cli.check_scene",
    "doctor": "ioviz.cli.doctor",
    "live": "ioviz.cli.live",
    "new-scene": "ioviz.cli.new_scene",
    "calibrate": "ioviz.cli.calibrate",
    "race": "ioviz.cli.race",
    "progress": "ioviz.cli.progress",
    "verify": "ioviz.cli.verify",
    "trace": "ioviz.cli.watch",
}
"""Verbs that take their own flags apart: each module has `run(request) -> int`, and finds them in `request.rest`."""


@dataclass(frozen=True)
class Program:
    """A program to run: a file, or a module if `module`; its own arguments; the file that feeds its stdin."""

    name: str
    args: tuple[str, ...] = ()
    module: bool = False
    role: str = MAIN
    stdin: Path | None = None


@dataclass(frozen=True)
class Request:
    """A verb and what it is to work on. `what` is the scene, program or recording of `play`."""

    verb: str
    lang: str | None = None
    program: Program | None = None
    others: tuple[Program, ...] = ()
    knobs: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    strace: bool = False
    record: Path | None = None
    json: bool = False
    plain: bool = False
    ascii: bool = False
    lines: bool = True
    max_steps: int = MAX_STEPS
    max_time: float | None = None
    rest: tuple[str, ...] = ()
    """What was typed after a verb that takes its flags apart itself."""


@dataclass
class Found:
    """The programs and knobs in the order in which they were typed."""

    others: list[Program] = field(default_factory=list)
    knobs: list[tuple[str, str]] = field(default_factory=list)


class _Other(argparse.Action):
    """`--peer 'FILE ARGS'`, `--remote 'FILE ARGS'`: a further program."""

    def __call__(self, parser: object, namespace: Any, values: Any, option_string: str | None = None) -> None:
        try:
            name, *args = shlex.split(values)
        except ValueError as error:
            raise UsageError(say("bad-quotes", option=option_string, text=values)) from error
        namespace.found.others.append(Program(name, tuple(args), role=(option_string or "")[2:]))


class _Stdin(argparse.Action):
    """`--peer-stdin FILE`: the input of the program named last."""

    def __call__(self, parser: object, namespace: Any, values: Any, option_string: str | None = None) -> None:
        others = namespace.found.others
        if not others:
            raise UsageError(say("stdin-of-whom"))
        others[-1] = replace(others[-1], stdin=Path(values))


class _Knob(argparse.Action):
    """`--set KNOB=VALUE`."""

    def __call__(self, parser: object, namespace: Any, values: Any, option_string: str | None = None) -> None:
        name, equals, value = values.partition("=")
        if not (name and equals and value):
            raise UsageError(say("bad-knob", text=values))
        namespace.found.knobs.append((name, value))


def positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(say("not-positive", text=text))
    return number


def count(text: str) -> int:
    if not text.replace("_", "").isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(say("not-positive", text=text))
    return int(text)


def add_run_flags(parser: Parser) -> None:
    """The flags that say what runs and under which conditions: the same for `exec` and `play`."""
    parser.add("-m", dest="module", metavar="MODULE")
    parser.add("--peer", action=_Other, metavar="'FILE ARGS'")
    parser.add("--remote", action=_Other, metavar="'FILE ARGS'")
    parser.add("--peer-stdin", action=_Stdin, metavar="FILE")
    parser.add("--set", action=_Knob, metavar="KNOB=VALUE")
    parser.add("--seed", type=int, default=0, metavar="N")
    parser.add("--no-lines", dest="lines", action="store_false")
    parser.add("--max-steps", type=count, default=MAX_STEPS, metavar="N")
    parser.add("--max-time", type=positive, metavar="S")


def exec_parser() -> Parser:
    """The flags of `ioviz exec`, for parsing and for help."""
    parser = Parser("exec")
    add_run_flags(parser)
    parser.add("--record", type=Path, metavar="FILE")
    parser.add("--strace", action="store_true")
    parser.add("--json", action="store_true")
    return parser


def play_parser() -> Parser:
    """The flags of `ioviz play`, for parsing and for help."""
    parser = Parser("play")
    add_run_flags(parser)
    parser.add("--stdin", type=Path, metavar="FILE")
    parser.add("--plain", action="store_true")
    parser.add("--ascii", action="store_true")
    return parser


def main_parser() -> Parser:
    """`ioviz` without a verb, and what `ioviz --help` prints."""
    parser = Parser("")
    parser.add("--version", action="version", version=f"ioviz {__version__}")
    parser.add("--ascii", action="store_true")
    return parser


def split(parser: argparse.ArgumentParser, argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Cut `argv` into our flags and the rest, which starts with the program (or follows `-m MODULE`)."""
    takes_value = {option: action.nargs != 0 for action in parser._actions for option in action.option_strings}
    place = 0
    while place < len(argv) and argv[place].startswith("-") and argv[place] != "-":
        word = argv[place]
        if word == "--":
            return list(argv[:place]), list(argv[place + 1 :])
        place += 1 + (takes_value.get(word, False) and "=" not in word)
        if word == "-m":
            break
    return list(argv[:place]), list(argv[place:])


def _is_scene(name: str) -> bool:
    from ioviz.lesson.scene import is_scene

    return is_scene(name)


def taken_apart(verb: str, parser: argparse.ArgumentParser, argv: Sequence[str], lang: str | None) -> Request:
    ours, rest = split(parser, argv)
    if verb == "play" and len(rest) > 1 and rest[1].startswith("-") and _is_scene(rest[0]):  # not its arguments: ours
        ours, rest = [*ours, *rest[1:]], rest[:1]
    found = Found()
    options = parser.parse_args(ours, argparse.Namespace(found=found))
    stdin = getattr(options, "stdin", None)
    if options.module is not None:
        program = Program(options.module, tuple(rest), module=True, stdin=stdin)
    elif rest:
        program = Program(rest[0], tuple(rest[1:]), stdin=stdin)
    else:
        raise UsageError(say("what-to-run", verb=verb))
    return Request(
        verb,
        options.lang or lang,
        program,
        tuple(found.others),
        tuple(found.knobs),
        options.seed,
        getattr(options, "strace", False),
        getattr(options, "record", None),
        getattr(options, "json", False),
        getattr(options, "plain", False),
        getattr(options, "ascii", False),
        options.lines,
        options.max_steps,
        options.max_time,
    )


def parse(argv: Sequence[str]) -> Request:
    """Take `argv` (without the program's own name) apart. Raises UsageError; SystemExit after --help, --version."""
    parser = main_parser()
    ours, rest = split(parser, argv)
    options = parser.parse_args(ours)
    if not rest:
        return Request("gallery", options.lang, ascii=options.ascii)
    verb, *argv = rest
    if verb == "exec":
        return taken_apart(verb, exec_parser(), argv, options.lang)
    if verb == "play":
        return taken_apart(verb, play_parser(), argv, options.lang)
    if verb in MODULES:
        return Request(verb, options.lang, ascii=options.ascii, rest=tuple(argv))
    raise UsageError(say("unknown-verb", verb=verb, verbs=", ".join(("exec", "play", *MODULES))))
