"""The cost table: how far each act of the machine moves the virtual clock."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


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


def load_costs() -> Costs:
    """The table in `costs.toml` beside this file."""
    return Costs(**tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))
