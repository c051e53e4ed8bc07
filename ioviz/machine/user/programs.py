"""The programs that a guest may start: the Python interpreter and `sh`, by their paths and their command lines.

`program_at` says what stands at a path, `launch` turns a command line into a `Program`. Everything else that a guest
wants to start does not exist on the machine: in the folders of a system's own programs it is refused by name.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.machine.user.loader import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDERS: Final = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin")
"""Where a system keeps its programs: what a guest looks for there is refused, since it would be found on Linux."""
SHELL: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sh.py")
_PYTHON: Final = re.compile(r"python(3(\.\d+)?)?$")
_TAKES_VALUE: Final = "WX"
USAGE: Final = "[option] ... [-c cmd | -m mod | file | -] [arg] ..."
PYTHON, SH = "python", "sh"


class CommandLine(msgspec.Struct, frozen=True):
    """What the command line of the interpreter asks for."""

    program: Program
    unbuffered: bool = False
    warnings: tuple[str, ...] = ()
    xoptions: tuple[str, ...] = ()
    isolated: bool = False
    """Not to look for modules where the program is."""
    reads: str = ""
    """A file to be read as the program; "-" for standard input."""
    prints: str = ""
    """What it prints instead of running anything."""


def program_at(path: str, cwd: str) -> str:
    """`PYTHON`, `SH`, "lacking" for what a system has and the machine has not, or "" for a file like any other."""
    full = posixpath.normpath(posixpath.join(cwd, path))
    folder, name = posixpath.split(full)
    if full == sys.executable or (folder in FOLDERS and _PYTHON.match(name)):
        return PYTHON
    if folder in FOLDERS:
        return SH if name == "sh" else "lacking"
    return ""


def shell(argv: Sequence[str], cwd: str) -> CommandLine:
    """`sh ...`: a program of ours, which runs as a guest."""
    with open(SHELL, encoding="utf-8") as file:
        text = file.read()
    return CommandLine(Program("sh", tuple(argv[1:]), False, SHELL, "", cwd, text), isolated=True)


def interpreter(argv: Sequence[str], cwd: str) -> CommandLine:
    """`python ...`. Options that change what a program computes (-O, -E, -s, -S, -b, -B, -v, -d, -x) are ignored."""
    unbuffered = isolated = False
    prints = ""
    warnings: list[str] = []
    xoptions: list[str] = []
    rest = list(argv[1:])
    while rest and rest[0].startswith("-") and rest[0] != "-":
        letters = rest.pop(0)[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in "cm" or letter in _TAKES_VALUE:
                value = letters or (rest.pop(0) if rest else "")
                letters = ""
                if letter == "W":
                    warnings.append(value)
                elif letter == "X":
                    xoptions.append(value)
                else:
                    args = tuple(rest)
                    made = Program("-c", args, False, "", "", cwd, value)
                    if letter == "m":
                        made = Program(value, args, True, "", cwd, cwd)
                    return CommandLine(made, unbuffered, tuple(warnings), tuple(xoptions), isolated)
            unbuffered |= letter == "u"
            isolated |= letter in "IP"
            if letter in "Vh?":
                prints = f"Python {sys.version.split()[0]}\n" if letter == "V" else f"usage: {argv[0]} {USAGE}\n"
    name = rest.pop(0) if rest else ""
    full = posixpath.normpath(posixpath.join(cwd, name))
    folder = posixpath.dirname(full) if name not in ("", "-") else ""
    program = Program(name, tuple(rest), False, full if folder else "", folder, cwd)
    return CommandLine(program, unbuffered, tuple(warnings), tuple(xoptions), isolated, name if folder else "-", prints)
