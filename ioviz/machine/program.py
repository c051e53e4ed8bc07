"""What is to run: a Python program with its arguments and its input, on which host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAIN: Final = "main"
PEER: Final = "peer"
REMOTE: Final = "remote"


@dataclass(frozen=True, slots=True)
class Program:
    """A program. Either `path` (a file) or `module` (as in `python -m`) is set. `stdin` are the lines that are typed at
    its terminal (None: nobody types; the main program may have a person instead). `delay` is when it starts, in ns
    after the run began; -1 leaves that to the machine."""

    path: str = ""
    module: str = ""
    args: tuple[str, ...] = ()
    role: str = MAIN
    stdin: tuple[str, ...] | None = None
    delay: int = -1

    @property
    def name(self) -> str:
        """What the stage calls it."""
        return self.module or self.path.rsplit("/", 1)[-1]
