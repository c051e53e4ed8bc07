"""What is to be started: a loaded program, in which role, who types at its terminal, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from ioviz.machine.user.loader import Program

MAIN: Final = "main"
PEER: Final = "peer"
REMOTE: Final = "remote"


class Launch(msgspec.Struct, frozen=True):
    """A program in a run. `role` is main, peer (same host) or remote (second host). `stdin` are the lines that are
    typed at its terminal (None: nobody types, unless it is the main program and a person does). `delay` is when it
    starts, in ns after the run began; -1 leaves that to the machine. `times`: when each line is typed, in ns after the
    run began; without, they are typed as the knob `typing` says, once the program waits for them. `host` is the
    number of a remote program's host (0: host 2). `held`: after the last line of `stdin` the input has not ended, and
    the program waits for more: for what is `typed`, lines with their times in ns (None: the input ends there), which
    come whether it asks for them or not."""

    program: Program
    role: str = MAIN
    stdin: tuple[str, ...] | None = None
    delay: int = -1
    times: tuple[int, ...] = ()
    host: int = 0
    held: bool = False
    typed: tuple[tuple[int, str | None], ...] = ()

    @property
    def name(self) -> str:
        """What the stage calls it."""
        return self.program.name.rsplit("/", 1)[-1]
