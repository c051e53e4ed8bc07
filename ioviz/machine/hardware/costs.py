"""The cost table: how far each act of the machine moves the virtual clock.

The built-in table is the same everywhere. A person may have a table of their own computer (`ioviz calibrate` writes it
into the configuration folder); the knob `costs` says which one a run goes by, and the first event of a run with such a
table has the whole of it. It is a file that anybody may have written, so it is checked; what it leaves out is built-in.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

BUILT_IN, OWN = "built-in", "own"
MOST: Final = 10**9
"""The dearest that anything may be: a second."""
MAX_BYTES: Final = 1 << 16


class CostsError(ValueError):
    """A table that cannot be used; the text says which file, what is wrong, and what to do."""


class Costs(NamedTuple):
    """Virtual nanoseconds of each act; what is built in is of the order of an x86-64 of 2020 on bare metal. Everything
    else (a row changed in the kernel) is part of the call or the interrupt that did it."""

    line: int = 60
    """A source line of a guest."""
    vdso: int = 22
    """Reading the clock without entering the kernel."""
    trap: int = 70
    """Into the kernel, by either instruction."""
    sysret: int = 40
    """And back."""
    context_switch: int = 1200
    """From one kernel stack to another: a switch of threads."""
    page_tables: int = 120
    """On top of that, if the next task is of another process: CR3 is loaded, the TLB misses."""
    wakeup: int = 250
    irq: int = 400
    """An interrupt, entry to handler."""
    iret: int = 200
    fault: int = 400
    """An exception, entry to handler."""
    page: int = 300
    """Finding a free page and filling it with zeros."""
    clone: int = 8000
    kilobyte: int = 80
    """Copying 1,000 bytes."""
    poll: int = 28
    """Asking one open file whether it is ready: select and poll ask each, epoll_wait the linked ones."""
    epitem: int = 40
    """Handling an item of epoll: linking it in ep_poll_callback, moving it when it is delivered."""


def own_file() -> Path:
    """Where a person's own table is (XDG base directories)."""
    from pathlib import Path  # it takes 3 ms, and a run by the built-in table needs none

    home = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(home) if home.startswith("/") else Path(os.path.expanduser("~/.config"))
    return folder / "ioviz" / "costs.toml"


def load_costs(which: str = BUILT_IN) -> Costs:
    """The built-in table, or a person's own. Raises CostsError."""
    return Costs() if which == BUILT_IN else _own(own_file())


def _own(file: Path) -> Costs:
    import tomllib  # it takes 10 ms, and few have a table of their own

    mend = "`ioviz calibrate` writes a new one, `ioviz calibrate --reset` goes back to the built-in table"
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise CostsError(f"{file}: is larger than {MAX_BYTES} bytes, which no table of costs is; {mend}")
        table = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise CostsError(f"{file}: the cost table cannot be read ({error.strerror}); {mend}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, CostsError):
            raise
        raise CostsError(f"{file}: the cost table is not TOML ({error}); {mend}") from error
    for name, value in table.items():
        if name not in Costs._fields:
            allowed = ", ".join(Costs._fields)
            raise CostsError(f"{file}: the cost table has {name!r}, which nothing costs; it may have {allowed}; {mend}")
        if type(value) is not int or not 0 <= value <= MOST:
            raise CostsError(f"{file}: {name} = {value!r} is no whole number of nanoseconds from 0 to {MOST}; {mend}")
    return Costs()._replace(**table)


def describe(costs: Costs) -> str:
    """The table in a line, for the log."""
    return " ".join(f"{name}={value}" for name, value in zip(Costs._fields, costs, strict=True))
