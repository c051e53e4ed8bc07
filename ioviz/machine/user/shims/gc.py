"""gc: the host's collector runs at fixed places of a run, so a guest can ask and is told, but switches nothing."""

from __future__ import annotations

import gc
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.shims import module_from

if TYPE_CHECKING:
    from ioviz.machine.user.guest import Guest


class _Gc:
    def __init__(self) -> None:
        self._enabled = True
        self._threshold: tuple[int, ...] = (700, 10, 10)

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def isenabled(self) -> bool:
        return self._enabled

    def collect(self, generation: int = 2) -> int:
        """Run the host's collector, as a guest may count on what it frees."""
        if not 0 <= generation <= 2:
            raise ValueError("invalid generation")
        return gc.collect(generation)

    def get_threshold(self) -> tuple[int, ...]:
        return self._threshold

    def set_threshold(self, *thresholds: int) -> None:
        self._threshold = (*thresholds, *self._threshold[len(thresholds) :])

    def get_count(self) -> tuple[int, int, int]:
        return (0, 0, 0)

    def get_stats(self) -> list[dict[str, int]]:
        return [{"collections": 0, "collected": 0, "uncollectable": 0} for _ in range(3)]

    def get_debug(self) -> int:
        return 0

    def set_debug(self, flags: int, /) -> None:
        """Nothing is debugged."""

    def freeze(self) -> None:
        """Nothing is frozen."""

    def unfreeze(self) -> None:
        """Nothing was frozen."""

    def get_freeze_count(self) -> int:
        return 0

    def get_objects(self, generation: int | None = None) -> list[Any]:
        """The host's objects are none of a guest's business."""
        return []

    def get_referrers(self, *objects: object) -> list[Any]:
        return gc.get_referrers(*objects)

    def get_referents(self, *objects: object) -> list[Any]:
        return gc.get_referents(*objects)

    def is_tracked(self, thing: object, /) -> bool:
        return gc.is_tracked(thing)

    def is_finalized(self, thing: object, /) -> bool:
        return gc.is_finalized(thing)


def build(guest: Guest) -> ModuleType:
    constants = {name: value for name, value in vars(gc).items() if name.startswith("DEBUG_")}
    return module_from("gc", _Gc(), {**constants, "garbage": [], "callbacks": []})
