"""Verifying programs: the machine's run, the real one led after it, and their comparison."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ioviz.machine.kernel.config import Config
from ioviz.machine.launch import REMOTE
from ioviz.verify.compare import Compared, compare, drop_foreign
from ioviz.verify.lead import Lead, free_ports
from ioviz.verify.texts import text
from ioviz.verify.traced import Traced, trace_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ioviz.machine.kernel.sched import Limits
    from ioviz.machine.launch import Launch

SLICE: Final = 1_000
"""The machine's time slice, in ns: tasks change at every call. Who was woken comes back before its waker goes on, as on
a computer whose CPUs are idle."""
OWN_MODULE: Final = re.compile(r"^\s*(?:import|from) ioviz\b", re.MULTILINE)
TRIES: Final = 3
"""Real runs until one agrees: Linux leaves a little to chance."""
SHOWN_ALONE: Final = frozenset({"entry", "typing", "nic_ring", "latency", "bandwidth"})
"""Knobs that change times and pictures alone."""
ON_BOTH: Final = frozenset({"rcvbuf", "sndbuf", "somaxconn"})
SCHEDULING: Final = frozenset({"time_slice", "timer"})


@dataclass
class Outcome:
    """A comparison and what belongs to its report. `notes` are lines about the conditions; `errors` what the real
    programs wrote to stderr, by number."""

    what: str
    launches: Sequence[Launch]
    mine: Traced
    compared: Compared
    notes: list[str] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    unsupported: str = ""
    """Why the machine's run cannot be compared at all."""


def verify(
    what: str,
    launches: Sequence[Launch],
    config: Config,
    limits: Limits,
    *,
    seed: int = 0,
    seconds: float = 30.0,
    lang: str = "en",
    progress: Callable[[str], object] = lambda key: None,
) -> Outcome:
    """Run `launches` on both kernels and compare. The real side has `seconds` for each try."""
    for launch in launches:
        if OWN_MODULE.search(launch.program.text):
            outcome = Outcome(what, launches, Traced(), Compared())
            outcome.unsupported = text(lang, "own-module", name=launch.name)
            return outcome
    progress("on-machine")
    mine, ports = trace_machine(launches, replace(config, time_slice=SLICE, timer="on"), seed, limits)
    drop_foreign(mine)
    outcome = Outcome(what, launches, mine, Compared())
    if mine.code == UNSUPPORTED:
        outcome.unsupported = mine.why
        return outcome
    taken: dict[int, int] = {}
    progress("on-linux")
    tries = 0
    while tries < TRIES:
        tries += 1
        taken = free_ports(ports)  # each time: the try before may have left a port in TIME-WAIT
        with Lead(launches, mine, taken, config, seconds) as lead:
            theirs = lead.run()
            slow, lost = lead.time_is_up, lead.lost
            outcome.errors = dict(enumerate(lead.errors))
        outcome.compared = compare(mine, theirs, ports, slow)
        if not outcome.compared.differences or slow:
            break
    outcome.notes = list(_knobs(config, lang))
    if any(launch.role == REMOTE for launch in launches):
        outcome.notes.append(text(lang, "remote"))
    outcome.notes += [text(lang, "ports", port=port, free=free) for port, free in taken.items()]
    if mine.why:
        outcome.notes.append(text(lang, "ended", why=mine.why))
    if slow:
        outcome.notes.append(text(lang, "too-long", limit=seconds))
    elif lost and outcome.compared.differences:
        outcome.notes.append(text(lang, "lost", lost=lost))
    elif tries > 1 and not outcome.compared.differences:
        outcome.notes.append(text(lang, "again-once"))
    return outcome


UNSUPPORTED: Final = 126


def _knobs(config: Config, lang: str) -> list[str]:
    """What became of each knob that is turned."""
    plain = dict(Config().settings())
    notes = []
    for name, value in config.settings():
        if value != plain[name]:
            how = (
                "knob-trigger"
                if name == "trigger"
                else "knob-real"
                if name in ON_BOTH
                else "knob-shown"
                if name in SHOWN_ALONE
                else "knob-slice"
                if name in SCHEDULING
                else "knob-machine"
            )
            notes.append(text(lang, "knob", name=name, value=value, how=text(lang, how)))
    return notes
