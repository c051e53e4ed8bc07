"""What to call a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ioviz.live.calls import Call

INTERPRETERS: Final = ("python", "node", "ruby", "perl", "java", "sh", "bash", "pypy")


def program_name(path: str, argv: tuple[str, ...]) -> str:
    """Of `/usr/bin/redis-server` the name; of `python3 server.py` the script; of `sh -c "sleep 1"` the shell."""
    name = path.rpartition("/")[2] or path
    if name.startswith(INTERPRETERS):
        for arg in argv[1:]:
            if not arg.startswith("-"):
                return arg.rpartition("/")[2] or name
            if arg.endswith("c") and not arg.startswith("--"):
                break  # a command follows, and no file
    return name or "program"


def executed(call: Call) -> tuple[str, tuple[str, ...]]:
    """Name and arguments of the program that an `execve` starts; ("", ()) if the source does not tell. strace may have
    been told to show no strings but paths: then the arguments are the path."""
    path = call.args[0]
    if not path:
        return "", ()
    argv = tuple(call.args[1] or ()) if len(call.args) > 1 else ()
    if not any(argv):
        argv = (path,)
    return program_name(path, argv), argv
