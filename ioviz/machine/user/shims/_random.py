"""_random: the host's generator, which without a seed takes one from the machine instead of from the host."""

from __future__ import annotations

import _random
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.model.syscalls import SYS

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest

SEED_BYTES = 16


def build(guest: Guest) -> ModuleType:
    class Random(_random.Random):
        """Random() -> create a random number generator with its own internal state."""

        def __new__(cls, *args: Any, **kwargs: Any) -> Random:
            # The host's would seed itself at once; `random.Random.__init__` seeds again anyway.
            return _random.Random.__new__(cls, 0)  # type: ignore[call-arg]

        def __init__(self, seed: Any = None) -> None:
            self.seed(seed)

        def seed(self, seed: Any = None, /) -> None:
            if seed is None:
                seed = int.from_bytes(guest.syscall(SYS.getrandom, SEED_BYTES)[1], "little")
            super().seed(seed)

    Random.__module__ = "_random"
    Random.__qualname__ = "Random"
    module = ModuleType("_random")
    module.__dict__["Random"] = Random
    return module
