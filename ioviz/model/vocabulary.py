"""Every kind of event, imported: whoever decodes a log needs them all defined."""

from __future__ import annotations

from typing import Any, Union

from ioviz.model import (
    boot,
    buffer,
    cpu,
    disk,
    eventfd,
    eventpoll,
    files,
    flock,
    futex,
    host,
    inputs,
    memory,
    mirror,
    nic,
    pipe,
    poll,
    process,
    ramfs,
    rbtree,
    signalfd,
    signals,
    socket,
    softirq,
    task,
    tcp,
    terminal,
    timerfd,
)
from ioviz.model.event import Event, Gap, Unknown, kinds, own_fields

__all__ = ["ANY_EVENT", "KINDS", "Gap", "Unknown", "field_names"]

_CONCEPTS = (
    boot,
    buffer,
    cpu,
    disk,
    eventfd,
    eventpoll,
    files,
    flock,
    futex,
    host,
    inputs,
    memory,
    mirror,
    nic,
    pipe,
    poll,
    process,
    ramfs,
    rbtree,
    signalfd,
    signals,
    socket,
    softirq,
    task,
    tcp,
    terminal,
    timerfd,
)

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in kinds()}
"""Kinds by name."""

ANY_EVENT: Any = Union[tuple(KINDS.values())]  # noqa: UP007  # the members are only known here
"""The union of all kinds, for msgspec decoders."""


def field_names() -> dict[str, tuple[str, ...]]:
    """Kind → the names of its own fields: a recording's header has this."""
    return {name: own_fields(kind) for name, kind in KINDS.items()}
