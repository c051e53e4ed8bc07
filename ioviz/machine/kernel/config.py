"""The knobs: kernel settings that a person may turn. Every one has a name, a default, a check and a sentence."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ioviz.machine.hardware.costs import BUILT_IN, OWN, CostsError, describe, load_costs


class KnobError(ValueError):
    """A knob that does not exist, or a value that it cannot take. The message is for the person."""


UNITS: Final = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
SIZES: Final = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class Config(msgspec.Struct, frozen=True):
    """The setting of every knob. Times are virtual nanoseconds, sizes bytes; 0 for a buffer means as Linux has it."""

    trigger: str = "as-written"
    """epoll: as-written, or every `epoll_ctl` made lt or et."""
    entry: str = "int80"
    """How a program enters the kernel: int80 or syscall."""
    rcvbuf: int = 0
    sndbuf: int = 0
    somaxconn: int = 4096
    time_slice: int = 3_000_000
    bits: str = "64"
    """The size of the address space: 64 (128 TiB for the process, 128 TiB for the kernel) or 32 (3 GiB and 1 GiB)."""
    boot: str = "off"
    """full: the run begins at power on, and programs are read from the disk."""
    timer: str = "on"
    """off: no timer ends a time slice; a task keeps the CPU until it gives it away. (A sleep still ends in time.)"""
    latency: int = 200_000
    """Of the link between hosts, one way."""
    bandwidth: int = 125_000_000
    """Of the link, in bytes a second."""
    nic_ring: int = 8
    """Descriptors in each ring of a network card."""
    typing: int = 200_000_000
    """Between two lines that are typed at a program's terminal."""
    costs: str = BUILT_IN
    """The table of costs: built-in, or own (of this computer, see `ioviz calibrate`)."""

    def turned(self, name: str, value: str) -> Config:
        """This configuration with knob `name` at `value` (text, as a person writes it). Raises `KnobError`."""
        known = sorted(self.__struct_fields__)
        if name not in known:
            raise KnobError(f"there is no knob {name!r}; the knobs are {', '.join(known)}")
        return replace(self, **{name: _parse(name, value)})

    def settings(self) -> tuple[tuple[str, str], ...]:
        """Every knob with its value as text, in order of definition, and the cost table unless it is the built-in one:
        what the first event of a run records."""
        settings = tuple((name, str(getattr(self, name))) for name in self.__struct_fields__)
        return settings if self.costs == BUILT_IN else (*settings, ("cost_table", describe(load_costs(self.costs))))


CHOICES: Final = {
    "trigger": ("as-written", "lt", "et"),
    "entry": ("int80", "syscall"),
    "timer": ("on", "off"),
    "boot": ("off", "full"),
    "bits": ("64", "32"),
    "costs": (BUILT_IN, OWN),
}
TIMES: Final = ("time_slice", "latency", "typing")
RANGES: Final = {
    "rcvbuf": (0, 1 << 30),
    "sndbuf": (0, 1 << 30),
    "somaxconn": (1, 65535),
    "time_slice": (1_000, 10**12),
    "latency": (1, 10**12),
    "bandwidth": (1, 10**12),
    "nic_ring": (2, 4096),
    "typing": (0, 10**12),
}


def _parse(name: str, value: str) -> Any:
    text = value.strip().lower()
    if name in CHOICES:
        if text not in CHOICES[name]:
            raise KnobError(f"knob {name} takes {' or '.join(CHOICES[name])}, not {value!r}")
        if name == "costs":
            try:
                load_costs(text)
            except CostsError as error:
                raise KnobError(str(error)) from error
        return text
    number, factor = text, 1
    for suffix in sorted(UNITS if name in TIMES else SIZES, key=len, reverse=True):
        if text.endswith(suffix):
            number, factor = text[: -len(suffix)], (UNITS if name in TIMES else SIZES)[suffix]
            break
    try:
        result = round(float(number) * factor) if "." in number else int(number) * factor
    except (ValueError, OverflowError):
        kind = "a time such as 3ms" if name in TIMES else "a number such as 4096 or 64k"
        raise KnobError(f"knob {name} takes {kind}, not {value!r}") from None
    low, high = RANGES[name]
    if not low <= result <= high:
        raise KnobError(f"knob {name} must lie between {low} and {high}, not {value!r}")
    return result
