"""Mouse and keyboard: devices that interrupt the CPU whenever a person touches them, whatever runs.

Nobody reads them here: what counts is that the interrupt arrives, its handler takes the bytes from the device, and the
program that was interrupted goes on. Where Linux differs: its handlers pass them on to the input layer, from where the
program that draws the pointer reads them (`/dev/input/event*`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.model.event import Event
from ioviz.model.idt import KEYBOARD, MOUSE

if TYPE_CHECKING:
    from ioviz.model.world import World

VECTORS: Final = {"mouse": MOUSE, "keyboard": KEYBOARD}


class InputDevice(msgspec.Struct, frozen=True, gc=False):
    """A device of a host: what it said last, and how often it has interrupted. Its key is (host, name)."""

    host: int
    name: str
    last: str
    count: int


class InputReceived(Event):
    """The interrupt handler took from `device` what was done: a movement or a key, as the scene calls it."""

    device: str
    value: str

    def apply(self, world: World) -> None:
        row = world.input_devices.get((self.cpu, self.device))
        count = row.count + 1 if row is not None else 1
        world.input_devices[(self.cpu, self.device)] = InputDevice(self.cpu, self.device, self.value, count)
