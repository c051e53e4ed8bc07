"""Breakpoints and searches: what a person types, turned into a question that an event answers with yes or no.

Understood are `server.py:27` or `27` (a source line), the name of a system call, a kind of event (in any case, or a
part of it), `fd 7`, `task 101`; for searches also any word of the event's sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import Event, file_and_line
from ioviz.model.syscalls import BY_NAME
from ioviz.model.task import LineReached
from ioviz.model.vocabulary import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ioviz.model.task import Source

Fits = Callable[[Event], bool]


class Question(NamedTuple):
    """`text` as it is shown; `fits` answers."""

    text: str
    fits: Fits


def understand(text: str, sources: Mapping[int, Source]) -> Question | None:
    """The question that `text` asks, None if it is none of those above."""
    words = text.strip().split()
    if not words:
        return None
    if len(words) == 2 and words[1].isdigit():
        number = int(words[1])
        if words[0].lower() == "fd":
            return Question(f"fd {number}", lambda event: _names_fd(event, number))
        if words[0].lower() in {"task", "tid", "pid"}:
            return Question(f"task {number}", lambda event: event.task == number)
    if len(words) > 1:
        return None
    word = words[0]
    line = re.fullmatch(r"(?:(.+):)?(\d+)", word)
    if line:
        return _line(line[1], int(line[2]), sources)
    call = BY_NAME.get(word.lower().removesuffix("()"))
    if call is not None:
        nr = call.nr
        return Question(call.name, lambda event: isinstance(event, TrapEntered) and event.nr == nr)
    kinds = [name for name in KINDS if name.lower() == word.lower()]
    kinds = kinds or [name for name in KINDS if len(word) > 3 and word.lower() in name.lower()]
    if kinds:
        wanted = tuple(KINDS[name] for name in kinds)
        return Question(kinds[0] if len(kinds) == 1 else word, lambda event: isinstance(event, wanted))
    return None


def _line(name: str | None, number: int, sources: Mapping[int, Source]) -> Question | None:
    files = {
        row.id: row.path.rpartition("/")[2]
        for row in sources.values()
        if name is None or row.path == name or row.path.endswith("/" + name) or row.path.rpartition("/")[2] == name
    }
    files = {file: path for file, path in files.items() if number <= sources[file].text.count("\n") + 1}
    if not files or not number:
        return None
    text = f"{name}:{number}" if name else f"{next(iter(files.values()))}:{number}" if len(files) == 1 else str(number)
    places = frozenset(file << 16 | number for file in files)
    return Question(text, lambda event: isinstance(event, LineReached) and event.at in places)


def line_question(at: int, sources: Mapping[int, Source]) -> Question | None:
    """The question for the source line `at`."""
    file, line = file_and_line(at)
    row = sources.get(file)
    return _line(row.path.rpartition("/")[2], line, sources) if row is not None and line else None


def _names_fd(event: Event, fd: int) -> bool:
    if isinstance(event, TrapEntered):
        args = event.args
        return bool(args) and (
            args[0] == fd or (len(args) > 2 and BY_NAME["epoll_ctl"].nr == event.nr and args[2] == fd)
        )
    if isinstance(event, SyscallReturned):
        return False
    return getattr(event, "fd", None) == fd


def advanced(text: str) -> Question | None:
    """The question in the language of `ioviz.trace.search` (`kind:Task -task:101`), if it is one."""
    from ioviz.trace.search import QueryError, parse

    if ":" not in text and not text.startswith("-"):
        return None
    try:
        return Question(text, parse(text).fits)
    except QueryError:
        return None


def any_of(questions: Sequence[Question]) -> Fits:
    """Whether one of them fits."""
    return lambda event: any(question.fits(event) for question in questions)
