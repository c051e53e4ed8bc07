"""The cost table: how far each act moves the virtual clock."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import NamedTuple

from ioviz.model.event import Event
from ioviz.model.vocabulary import KINDS


class Costs(NamedTuple):
    """Virtual nanoseconds: of a source line, of reading the clock, of a thousand copied bytes, of each kind of event."""

    line: int
    vdso: int
    kilobyte: int
    kinds: dict[type[Event], int]


def load_costs() -> Costs:
    """The table in `costs.toml` beside this file."""
    table = tomllib.loads(files(__package__).joinpath("costs.toml").read_text(encoding="utf-8"))
    time, named = table["time"], table["event"]
    default = time["event"]
    return Costs(
        time["line"],
        time["vdso"],
        time["byte_per_mille"],
        {kind: named.get(name, default) for name, kind in KINDS.items()},
    )
