"""Search, causes and effects, over the synthetic log."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest

from ioviz.model.cpu import TrapEntered
from ioviz.model.event import Event, Unknown, file_and_line
from ioviz.model.syscalls import SYS
from ioviz.model.task import TaskWoken
from ioviz.trace.causes import chain, consequences, effects
from ioviz.trace.search import QueryError, find, parse, search
from ioviz.trace.timeline import Timeline
from tests.trace.synthetic import SERVER, echo_log


@cache
def timeline() -> Timeline:
    made = Timeline()
    for event in echo_log(12, 8):
        made.append(event)
    return made


def events() -> list[Event]:
    return timeline().events(0, len(timeline()))


def all_of(text: str, *, back: bool = False) -> list[int]:
    query = parse(text)
    found = []
    place: int | None = len(timeline()) if back else 0
    while place is not None:
        place = find(timeline(), query, place, back=back)
        if place is not None:
            found.append(place)
            place += 0 if back else 1
    return found


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("kind:taskwoken", lambda event: isinstance(event, TaskWoken)),
        ("TaskWoken", lambda event: isinstance(event, TaskWoken)),
        ("call:accept4", lambda event: getattr(event, "nr", None) == SYS.accept4),
        ("accept4 kind:Trap", lambda event: isinstance(event, TrapEntered) and event.nr == SYS.accept4),
        (f"task:{SERVER} sendto", lambda event: event.task == SERVER and getattr(event, "nr", None) == SYS.sendto),
        ("line:30 -kind:LineReached -kind:Trap", None),
        ("fd:7", None),
        ("text:server.py", lambda event: "server.py" in str(event)),
        ("reason:event", lambda event: getattr(event, "reason", None) == "event"),
    ],
)
def test_forwards_and_backwards_find_what_a_plain_walk_finds(text: str, fits: object) -> None:
    found = all_of(text)
    assert found
    assert all_of(text, back=True) == found[::-1]
    if callable(fits):
        assert found == [event.seq for event in events() if fits(event)]


def test_an_fd_is_that_of_a_descriptor_or_an_argument() -> None:
    found = {type(timeline().event(place)).__name__ for place in all_of("fd:7")}
    assert found == {"FdInstalled", "EpitemInserted", "TrapEntered"}


def test_words_without_and_lines() -> None:
    places = all_of("line:30 -kind:LineReached -kind:Trap")
    assert {file_and_line(timeline().event(place).at)[1] for place in places} == {30}
    assert not {"LineReached", "TrapEntered"} & {type(timeline().event(place)).__name__ for place in places}


def test_nothing_is_found_where_there_is_nothing() -> None:
    assert all_of("kind:FinReceived") == []
    assert all_of('"no such text"') == []
    assert find(timeline(), parse("TaskWoken"), len(timeline())) is None
    assert find(timeline(), parse("TaskWoken"), 0, back=True) is None


def test_a_search_comes_back_after_every_slice() -> None:
    steps = list(search(timeline(), parse("kind:RunEnded"), 0, slice_=500))
    assert steps[:-1] == [None] * (len(steps) - 1)
    assert len(steps) > 5
    assert steps[-1] == len(timeline()) - 1


@pytest.mark.parametrize("text", ["", "   ", '"open', "fd:seven", "line:", "colour:red"])
def test_queries_that_make_no_sense_are_told(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)


def test_an_unknown_event_is_found_by_its_name() -> None:
    made = Timeline()
    made.append(Unknown(0, 0, 1, 0, -1, 0, 0, "RingFilled", b"1"))
    assert find(made, parse("kind:ringfilled"), 0) == 0
    assert find(made, parse("RingFilled"), 0) == 0


def test_a_chain_of_causes_ends_at_an_event_without_one() -> None:
    last = len(timeline()) - 1
    found = list(chain(timeline(), last))
    assert found[0] == last
    assert all(timeline().event(later).cause == earlier for later, earlier in pairwise(found))
    assert timeline().event(found[-1]).cause == -1


def test_effects_are_the_mirror_image_of_causes() -> None:
    log = events()
    place = next(event.seq for event in log if isinstance(event, TrapEntered))
    direct = list(effects(timeline(), place))
    assert direct == [event.seq for event in log if event.cause == place]
    everything = set(consequences(timeline(), place, window=len(log)))
    assert everything == {event.seq for event in log if place in list(chain(timeline(), event.seq))[1:]}
