"""One sentence for every event, in English and in Chinese.

The sentences are data, a table a language: kind → template (`sentences_en`, `sentences_zh`). A template's places are
fields of the event, or names that `Words` works out from the world *before* the event. A kind without a template of
its own (one that a newer version recorded) is named, and nothing is claimed.
"""

from __future__ import annotations

import re
from signal import Signals
from typing import TYPE_CHECKING, Any, Final

from ioviz.lesson import sentences_en, sentences_zh
from ioviz.lesson.endings import told
from ioviz.lesson.words import (
    buffer_owner,
    line_text,
    place_name,
    preview,
    process_name,
    result_name,
    socket_name,
    task_name,
)
from ioviz.model.cpu import refused_vector
from ioviz.model.event import Unknown
from ioviz.model.idt import BREAKPOINT, GENERAL_PROTECTION, IDT, OVERFLOW, PAGE_FAULT
from ioviz.model.memory import FETCHING, PAGE_SIZE, PRESENT, WRITING, layout_of, region_at
from ioviz.model.poll_bits import EPOLLONESHOT, describe
from ioviz.model.syscalls import BY_NR, RESTARTS, SYS, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.model.event import Event
    from ioviz.model.world import World

TABLES: Final[dict[str, Any]] = {"en": sentences_en, "zh": sentences_zh}


BETWEEN: Final = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
"""A space that parts a Chinese word from the name that follows it, where that turns out to be a Chinese word, too."""


def narrate(world: World, event: Event, lang: str) -> str:
    """The sentence for `event`; `world` is the one before it."""
    table = TABLES.get(lang, sentences_en)
    kind = type(event).__name__
    variant = VARIANTS.get(kind)
    special = table.SENTENCES.get(f"{kind}.{variant(event)}") if variant is not None else None
    template: str | None = special or table.SENTENCES.get(kind)
    if template is None:
        return str(table.UNKNOWN.format(kind=event.name if isinstance(event, Unknown) else kind))
    return BETWEEN.sub("", template.format_map(Words(world, event, table.TERMS, lang)))


def _returned(event: Any) -> str:
    if event.ret < 0:
        return "again" if event.ret == -11 else "restart" if -event.ret in RESTARTS else "failed"
    name = name_of(event.nr)
    if name in ("recvfrom", "read") and event.ret == 0:
        return "eof"
    if name in ("epoll_wait", "poll", "select"):
        return "ready" if event.ret else "timeout"
    return "fine"


def _exception(event: Any) -> str:
    if event.vector == GENERAL_PROTECTION:
        return "protection" if refused_vector(event.error) < 0 else "gate"
    return {PAGE_FAULT: "page", BREAKPOINT: "trap", OVERFLOW: "trap"}.get(event.vector, "divide")


VARIANTS: Final[dict[str, Callable[[Any], str]]] = {
    "TrapEntered": lambda event: "int80" if event.vector >= 0 else "syscall",
    "SyscallReturned": _returned,
    "TaskSwitched": lambda event: "idle" if not event.next else "start" if not event.prev else "switch",
    "TaskSlept": lambda event: (
        "forever" if not event.until else "nap" if event.wchan == "hrtimer_nanosleep" else "until"
    ),
    "TaskWoken": lambda event: str(event.reason),
    "EventDelivered": lambda event: "again" if event.relinked else "once",
    "EpitemInserted": lambda event: "leaf" if event.parent else "root",
    "ReadyLinked": lambda event: str(event.by),
    "RunEnded": lambda event: str(event.reason),
    "TreeRotated": lambda event: "left" if event.left else "right",
    "TreeRecoloured": lambda event: "red" if event.red else "black",
    "FdsScanned": lambda event: "again" if event.again else "first",
    "FileHeld": lambda event: "kept" if event.delta > 0 else "given",
    "SocketErrorSet": lambda event: "set" if event.error else "cleared",
    "NoSpaceSet": lambda event: "full" if event.nospace else "room",
    "SignalDelivered": lambda event: str(event.action),
    "PacketQueued": lambda event: "data" if event.data else "control",
    "SegmentSent": lambda event: "again" if event.again else "data" if event.n else "control",
    "UrgentReceived": lambda event: "came" if event.byte >= 0 else "taken",
    "ExceptionRaised": _exception,
    "ExceptionReturned": lambda event: "trap" if event.vector in (BREAKPOINT, OVERFLOW) else "fault",
    "BlocksRequested": lambda event: "kernel" if event.task else "polled",
    "InputReceived": lambda event: str(event.device),
    "PageMapped": lambda event: "own" if event.writable else "file" if event.frame else "zeros",
    "TaskPreempted": lambda event: event.reason if event.reason in ("yield", "parallel") else "slice",
}
"""Kinds that have several sentences: which one an event takes."""


class Word(str):
    """What stands in a place of a template. `{n:byte|bytes}` is "1 byte" or "5 bytes", `{n:=is|are}` only the word."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        one, _, many = spec.removeprefix("=").partition("|")
        word = one if self == "1" else many
        return word if spec[0] == "=" else f"{self} {word}"


class Words:
    """The names that a template may use, each worked out when it is asked for."""

    def __init__(self, world: World, event: Any, terms: dict[str, str], lang: str) -> None:
        self._lang = lang
        self._world = world
        self._event = event
        self._terms = terms

    def __getitem__(self, name: str) -> Word:
        return Word(self._text(name))

    def _text(self, name: str) -> str:
        maker = MAKERS.get(name)
        if maker is not None:
            made = maker(self._world, self._event)
            return self._terms.get(f"{name} {made}", made) if made else self._terms.get(f"no {name}", "?")
        value = getattr(self._event, name)
        if name == "data":
            return preview(value)
        if name == "message":
            return told(value, self._lang)
        return self._terms.get(f"{name} {value}", str(value))


def _item(field: str) -> Callable[[World, Any], str]:
    def name(world: World, event: Any) -> str:
        item = getattr(event, field)
        row = world.epitems.get(item)
        return f"fd {row.fd}" if row is not None else f"#{item}" if item else ""

    return name


def _buffer(field: str) -> Callable[[World, Any], str]:
    return lambda world, event: buffer_owner(world, getattr(event, field))[0]


def _frame_call(world: World, event: Any) -> str:
    frame = world.frames.get(event.task)
    return name_of(frame.nr) if frame is not None and frame.vector in (0x80, -1) else ""


def _number(world: World, event: Any) -> str:
    row = BY_NR.get(event.nr)
    if row is None:
        return str(event.nr)
    return str(row.nr32 if event.vector >= 0 else row.nr)


def _result(world: World, event: Any) -> str:
    return f"{event.ret:#x}" if event.nr == SYS.mmap and event.ret > 0 else result_name(event.ret)


def _leaves(world: World, event: Any) -> str:
    """Why an item that is reported does not go back to the ready list."""
    row = world.epitems.get(event.item)
    return "oneshot" if row is not None and row.events & EPOLLONESHOT else "edge"


def _found(world: World, event: Any) -> str:
    shown = ", ".join(f"fd {fd} {describe(mask)}" for fd, mask in event.found[:4])
    return shown + (", …" if len(event.found) > 4 else "")


def _vector(world: World, event: Any) -> str:
    gate = IDT.get(event.vector)
    return gate.name if gate is not None else f"{event.vector:#x}"


def _handler(world: World, event: Any) -> str:
    gate = IDT.get(event.vector)
    return gate.handler if gate is not None else f"{event.vector:#x}"


def _size(world: World, event: Any) -> str:
    return str(len(event.data) if hasattr(event, "data") else event.size)


def _region(world: World, event: Any) -> str:
    process = world.tasks[event.task].process if event.task in world.tasks else 0
    region = region_at(world, process, event.address)
    return region.name if region is not None else ""


def _refusal(world: World, event: Any) -> str:
    """Why the page tables forbade it."""
    if not event.error & PRESENT:
        return "absent"
    return "read-only" if event.error & WRITING and event.address < layout_of(world).user_end else "supervisor"


def _cr3(world: World, event: Any) -> str:
    """Whether a switch loads other page tables."""
    return "kept" if world.page_tables.get(event.cpu) == world.tasks[event.next].process else "loaded"


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({Signals(number).name})"
    except ValueError:
        return str(number)


MAKERS: Final[dict[str, Callable[[World, Any], str]]] = {
    "who": lambda world, event: task_name(world, event.task),
    "woken": lambda world, event: task_name(world, event.tid),
    "next_who": lambda world, event: task_name(world, event.next),
    "prev_who": lambda world, event: task_name(world, event.prev),
    "program": lambda world, event: process_name(world, event.pid),
    "call": lambda world, event: name_of(event.nr) if hasattr(event, "nr") else str(event.call),
    "in_call": _frame_call,
    "number": _number,
    "result": _result,
    "host_name": lambda world, event: world.hosts[event.cpu].name if event.cpu in world.hosts else str(event.cpu),
    "vector_hex": lambda world, event: f"{event.vector:#x}",
    "vector_name": _vector,
    "handler": _handler,
    "sock_name": lambda world, event: socket_name(world, event.sock),
    "listener_name": lambda world, event: socket_name(world, event.listener),
    "buffer_name": _buffer("buffer"),
    "side": lambda world, event: buffer_owner(world, event.buffer)[1],
    "source_name": _buffer("source"),
    "target_name": _buffer("target"),
    "size": _size,
    "permissions": lambda world, event: f"{event.mode & 0o7777:04o}",
    "flags_octal": lambda world, event: f"{event.flags:#o}",
    "item_name": _item("item"),
    "node_name": _item("node"),
    "pivot_name": _item("pivot"),
    "successor_name": _item("successor"),
    "parent_name": _item("parent"),
    "mask": lambda world, event: describe(event.events),
    "leaves": _leaves,
    "requested_mask": lambda world, event: describe(event.requested),
    "found_fds": _found,
    "address_hex": lambda world, event: f"{event.address:#x}",
    "start_hex": lambda world, event: f"{event.start:#x}",
    "page_hex": lambda world, event: f"{event.number * PAGE_SIZE:#x}",
    "error_hex": lambda world, event: f"{event.error:#x}",
    "refused_hex": lambda world, event: f"{refused_vector(event.error):#x}",
    "region": _region,
    "touch": lambda world, event: "write" if event.error & WRITING else "fetch" if event.error & FETCHING else "read",
    "base_hex": lambda world, event: f"{event.base:#x}",
    "limit_hex": lambda world, event: f"{event.limit:#x}",
    "mib": lambda world, event: str(event.size >> 20),
    "refusal": _refusal,
    "signal": lambda world, event: _signal_name(event.number),
    "signals": lambda world, event: ", ".join(map(_signal_name, event.numbers)) or "-",
    "cr3": _cr3,
    "line": lambda world, event: line_text(world, event.at),
    "place": lambda world, event: place_name(world, event.at),
    "file_name": lambda world, event: str(event.path).rpartition("/")[2],
    "wait_ms": lambda world, event: f"{(event.until - event.t) / 1e6:.6g}",
    "error_name": lambda world, event: result_name(-event.error).removeprefix("-1 "),
}
