"""A place in a run, apart from all that has to be imported to find one."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """After `position` events; `step` is 0 when the last of them is seen as a whole, else a step inside it."""

    position: int
    step: int = 0
