"""Mouse and keyboard of host 1: a person touches them at given times, and they pull their interrupt lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ioviz.model.inputs import VECTORS, InputReceived

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ioviz.machine.kernel.kernel import Kernel

HOST = 1


class Input(NamedTuple):
    """At `at` ns after the run began, `device` (mouse or keyboard) has `value` to tell."""

    at: int
    device: str
    value: str


def plug_in(k: Kernel, inputs: Iterable[Input]) -> None:
    """See to it that each input interrupts the CPU at its time. A run that is over does not wait for them."""
    for each in inputs:
        k.after(max(each.at - k.now, 1), HOST, _touched, k, each.device, each.value, waits=True)


def _touched(k: Kernel, device: str, value: str) -> None:
    k.interrupt(HOST, VECTORS[device], _handler, k, device, value)


def _handler(k: Kernel, device: str, value: str) -> None:
    """`atkbd_interrupt`, `psmouse_interrupt`: read the byte from the controller, pass it on."""
    k.emit(InputReceived, device, value)
