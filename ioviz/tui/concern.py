"""Which panels an event concerns: they are marked, and grow where nothing else is asked for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from ioviz.model.idt import NIC

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ioviz.model.event import Event

BY_KIND: Final[dict[str, tuple[str, ...]]] = {
    "LineReached": ("source",),
    "MirrorStarted": (),
    "MirrorChecked": ("eventpoll",),
    "MirrorBlinded": ("eventpoll",),
    "TextPrinted": ("terminal",),
    "SourceLoaded": ("source",),
    "IrqRaised": ("cpu",),
    "IrqEntered": ("cpu", "idt"),
    "ExceptionRaised": ("cpu", "idt", "memory"),
    "PoweredOn": ("disk", "cpu"),
    "BootLoaderStarted": ("disk", "cpu"),
    "KernelLoaded": ("disk", "cpu"),
    "ProgramLoaded": ("memory", "disk"),
    "TaskSlept": ("wait", "sched"),
    "TaskWoken": ("sched", "wait"),
    "TaskSwitched": ("sched", "cpu"),
    "EventDelivered": ("eventpoll",),
    "TrapEntered": ("cpu", "idt", "syscalls"),
    "SyscallReturned": ("cpu", "syscalls"),
}
BY_CONCEPT: Final[dict[str, tuple[str, ...]]] = {
    "cpu": ("cpu",),
    "idt": ("idt",),
    "task": ("sched",),
    "buffer": ("sockets",),
    "mirror": ("sockets",),
    "socket": ("sockets",),
    "files": ("files",),
    "flock": ("files",),
    "pipe": ("pipes",),
    "eventpoll": ("eventpoll",),
    "rbtree": ("eventpoll",),
    "poll": ("sockets",),
    "futex": ("wait",),
    "signals": ("sched",),
    "inputs": ("cpu", "idt"),
    "process": ("sched",),
    "disk": ("disk",),
    "boot": ("cpu", "idt"),
    "memory": ("memory", "cpu"),
    "terminal": ("terminal",),
    "nic": ("nic",),
    "softirq": ("nic",),
    "tcp": ("sockets",),
    "eventfd": ("files",),
    "timerfd": ("files",),
    "signalfd": ("files",),
    "ramfs": ("files",),
}
PRIORITY: Final = (
    "source", "terminal", "eventpoll", "sockets", "cpu", "sched", "nic", "pipes", "wait", "syscalls", "idt", "files",
    "memory", "disk",
)  # fmt: skip
"""Which panels are large where the scene does not say, and after those that it names."""

ALWAYS: Final = ("source", "cpu", "sched")
UNSEEN: Final = frozenset({"cpu", "idt", "nic"})
"""What nobody sees of a real computer: panels of a simulated machine only."""
FLEETING: Final = frozenset({"EpollCreated", "EpollReleased"})
"""Kinds that alone do not make a panel worth its place: `import socket` makes an epoll instance, and throws it away."""


def concerned(event: Event | None) -> tuple[str, ...]:
    """The panels that show what the event did, the first one above all."""
    if event is None:
        return ()
    panels = _panels_of(type(event))
    return ("nic", *panels) if type(event).__name__ == "IrqRaised" and getattr(event, "vector", 0) == NIC else panels


@cache
def _panels_of(kind: type[Event]) -> tuple[str, ...]:
    named = BY_KIND.get(kind.__name__)
    return named if named is not None else BY_CONCEPT.get(kind.__module__.rpartition(".")[2], ())


def present(kinds: Collection[type[Event]]) -> Callable[[str], bool]:
    """Whether a panel has anything to show in a run in which these kinds of events happen."""
    told = {panel for panels in (*BY_KIND.values(), *BY_CONCEPT.values()) for panel in panels}
    seen = set(ALWAYS)
    for kind in kinds:
        if kind.__name__ not in FLEETING:
            seen.update(_panels_of(kind))
    if any(kind.__name__ == "MirrorStarted" for kind in kinds):
        seen -= UNSEEN
    return lambda panel: panel in seen or panel not in told
