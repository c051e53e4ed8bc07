"""What to call a program."""

from __future__ import annotations

from typing import Final

INTERPRETERS: Final = ("python", "node", "ruby", "perl", "java", "sh", "bash", "pypy")


def program_name(path: str, argv: tuple[str, ...]) -> str:
    """Of `/usr/bin/redis-server` the name; of `python3 server.py` the script."""
    name = path.rpartition("/")[2] or path
    if name.startswith(INTERPRETERS):
        script = next((arg for arg in argv[1:] if not arg.startswith("-")), "")
        if script:
            return script.rpartition("/")[2] or name
    return name or "program"
