"""The cost table: how far each act of the machine moves the virtual clock.

The built-in table is the same everywhere. A person may have a table of their own computer (`ioviz calibrate` writes it
into the configuration folder); the knob `costs` says which one a run goes by, and the first event of a run with such a
table has the whole of it. It is a file that anybody may have written, so it is checked; what it leaves out is built-in.
"""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

BUILT_IN, OWN = "built-in", "own"
MOST: Final = 10**9
"""The dearest that anything may be: a second."""
MAX_BYTES: Final = 1 << 16


class CostsError(ValueError):
    """A table that cannot be used; the text says which file, what is wrong, and what to do."""


class Costs(NamedTuple):
    """Virtual nanoseconds of each act; the comments in `costs.toml` say what they are."""

    line: int
    vdso: int
    trap: int
    sysret: int
    context_switch: int
    page_tables: int
    wakeup: int
    irq: int
    iret: int
    fault: int
    page: int
    clone: int
    kilobyte: int
    poll: int
    epitem: int


def own_file() -> Path:
    """Where a person's own table is (XDG base directories)."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(home) if home.startswith("/") else Path(os.path.expanduser("~/.config"))
    return folder / "ioviz" / "costs.toml"


def load_costs(which: str = BUILT_IN) -> Costs:
    """The table beside this file, or a person's own. Raises CostsError."""
    return _built_in() if which == BUILT_IN else _own(own_file())


@cache
def _built_in() -> Costs:
    return Costs(**tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))


def _own(file: Path) -> Costs:
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
    return _built_in()._replace(**table)


def describe(costs: Costs) -> str:
    """The table in a line, for the log."""
    return " ".join(f"{name}={value}" for name, value in zip(Costs._fields, costs, strict=True))
