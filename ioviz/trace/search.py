"""Searching a log: a few words become a question, and the question finds the next event, or the one before.

    recvfrom           a call, a kind of event, or a text that an event carries
    kind:TaskWoken     the kind, or a part of its name       call:epoll_wait    entry to or return from a call
    task:101  cpu:1    who ran, and where                    line:12            the source line
    fd:7  ep:3 …       a field of that name; an `fd` also as the argument of a call
    text:hello         in what was printed, sent or passed   -word              without it

All words of a query must fit; "two words" in quotes are one. Case does not matter.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ioviz.model.cpu import TrapEntered
from ioviz.model.event import HEAD, Event, Unknown, file_and_line
from ioviz.model.syscalls import SYS, name_of
from ioviz.model.vocabulary import KINDS

if TYPE_CHECKING:
    from ioviz.trace.log import Log

Fits = Callable[[Event], bool]
_FIELDS = frozenset(name for kind in KINDS.values() for name in kind.__struct_fields__)


class QueryError(ValueError):
    """A query that makes no sense; the text is one sentence for the person."""


class Query(NamedTuple):
    """A question. `kinds` are the only ones that can fit (None: any), so that chunks without them are passed over."""

    text: str
    fits: Fits
    kinds: frozenset[type[Event]] | None


def parse(text: str) -> Query:
    """The question that `text` asks. Raises QueryError."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise QueryError(f"a quotation mark is missing in {text!r}") from None
    tests: list[Fits] = []
    kinds: frozenset[type[Event]] | None = None
    for word in words:
        without = word.startswith("-") and len(word) > 1
        fits, only = _term(word[1:] if without else word)
        tests.append(_not(fits) if without else fits)
        if only is not None and not without:
            kinds = only if kinds is None else kinds & only
    if not tests:
        raise QueryError("say what to look for")
    if len(tests) == 1:
        return Query(text, tests[0], kinds)
    return Query(text, lambda event: all(test(event) for test in tests), kinds)


def find(log: Log, query: Query, start: int, *, back: bool = False) -> int | None:
    """The first event that fits from `start` on, or the last one before `start`; None if there is none."""
    for found in search(log, query, start, back=back):
        if found is not None:
            return found
    return None


def search(log: Log, query: Query, start: int, *, back: bool = False, slice_: int = 4096) -> Iterator[int | None]:
    """The same, yielding None after every `slice_` events without one, and ending after the first one that fits."""
    while start > 0 if back else start < len(log):
        low, high = (max(0, start - slice_), start) if back else (start, min(start + slice_, len(log)))
        start = low if back else high
        if query.kinds is None or not query.kinds.isdisjoint(log.kinds(low, high)):
            events = log.events(low, high)
            for place in reversed(range(len(events))) if back else range(len(events)):
                if query.fits(events[place]):
                    yield low + place
                    return
        yield None


def _term(word: str) -> tuple[Fits, frozenset[type[Event]] | None]:
    name, colon, value = word.partition(":")
    name = name.lower()
    if not colon or not name.isidentifier():
        return _word(word.lower()), None
    if name == "kind":
        kinds = frozenset(kind for each, kind in KINDS.items() if value.lower() in each.lower()) | {Unknown}
        return (lambda event: value.lower() in name_of_kind(event).lower()), kinds
    if name == "call":
        return (lambda event: value.lower() == call_of(event)), _with("nr")
    if name == "text":
        return (lambda event: value.lower() in text_of(event)), None
    if name == "line":
        number = _number(name, value)
        return (lambda event: file_and_line(event.at)[1] == number), None
    if name == "fd":
        number = _number(name, value)
        return (lambda event: _has_fd(event, number)), _with("fd") | {TrapEntered}
    if name in _FIELDS:
        wanted = value.lower()
        return (lambda event: _shown(getattr(event, name, None)) == wanted), None if name in HEAD else _with(name)
    raise QueryError(f"events have no {name!r}: use kind, call, fd, task, line, text or the name of a field")


def _not(fits: Fits) -> Fits:
    return lambda event: not fits(event)


def _word(word: str) -> Fits:
    def fits(event: Event) -> bool:
        return word in name_of_kind(event).lower() or word == call_of(event) or word in text_of(event)

    return fits


def _number(name: str, value: str) -> int:
    try:
        return int(value, 0)
    except ValueError:
        raise QueryError(f"{name}: takes a number, not {value!r}") from None


@cache
def _with(field: str) -> frozenset[type[Event]]:
    return frozenset(kind for kind in KINDS.values() if field in kind.__struct_fields__)


def name_of_kind(event: Event) -> str:
    """The kind of an event, also of one that this version does not know."""
    return event.name if isinstance(event, Unknown) else type(event).__name__


def call_of(event: Event) -> str:
    """The name of the call that an event enters or leaves, or an empty string."""
    nr = getattr(event, "nr", None)
    return name_of(nr) if isinstance(nr, int) else ""


def text_of(event: Event) -> str:
    """All that an event carries of text and bytes, in small letters."""
    return "\n".join(_texts([getattr(event, name) for name in type(event).__struct_fields__[len(HEAD) :]])).lower()


def _texts(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, bytes):
            yield value.decode("utf-8", "replace")
        elif isinstance(value, tuple):
            yield from _texts(value)


def _shown(value: object) -> str:
    return str(int(value) if isinstance(value, bool) else value).lower()


def _has_fd(event: Event, fd: int) -> bool:
    if isinstance(event, TrapEntered):
        args = event.args
        return args[:1] == (fd,) or (event.nr == SYS.epoll_ctl and args[2:3] == (fd,))
    return getattr(event, "fd", None) == fd
