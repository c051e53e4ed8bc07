"""Marks on the timeline: every breakpoint, in no more marks than a rail can show."""

from __future__ import annotations

from ioviz.model.task import LineReached
from ioviz.trace.log import Log
from ioviz.tui.marks import BUCKETS, Marks
from tests.tui.fakes import events


def test_few_are_marked_where_they_are() -> None:
    log = Log()
    for event in events():
        log.append(event)
    marks = Marks(lambda event: isinstance(event, LineReached))
    while not marks.advance(log, 3):
        pass
    wanted = [event.seq + 1 for event in events() if isinstance(event, LineReached)]
    assert list(marks.places) == wanted
    assert marks.count == len(wanted)


def test_many_are_bounded_and_the_last_one_is_near_its_mark() -> None:
    log = Log()
    made = 200_000
    for number in range(made):
        log.append(LineReached(number, number, 1, 101, -1, 0, 1 << 16 | 3))
    marks = Marks(lambda event: True)
    while not marks.advance(log, 2_048):
        log.pack()
    assert marks.count == made
    assert len(marks.places) <= BUCKETS
    assert made - marks.places[-1] <= 2 * made / BUCKETS


def test_it_goes_on_where_the_log_has_grown_and_after_what_was_forgotten() -> None:
    log = Log()
    for number in range(5_000):
        log.append(LineReached(number, number, 1, 101, -1, 0, 1 << 16 | number % 2))
    marks = Marks(lambda event: event.at & 1 == 1)
    log.forget(3_000)
    assert marks.advance(log, 10_000)
    assert marks.places[0] > 3_000
    log.append(LineReached(5_000, 5_000, 1, 101, -1, 0, 1 << 16 | 1))
    assert marks.advance(log, 1)
    assert marks.places[-1] >= 5_000 - 4
