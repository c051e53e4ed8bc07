"""Two logs side by side."""

from __future__ import annotations

from msgspec.structs import replace

from ioviz.model.event import Event
from ioviz.model.eventpoll import EpitemInserted
from ioviz.model.host import RunStarted
from ioviz.model.poll_bits import EPOLLET
from ioviz.model.task import LineReached, TaskSlept
from ioviz.trace.compare import Comparison, counterpart, first_difference, same
from ioviz.trace.timeline import Timeline
from tests.trace.synthetic import echo_log


def timeline_of(events: list[Event]) -> Timeline:
    timeline = Timeline()
    for event in events:
        timeline.append(event)
    return timeline


def changed(events: list[Event], place: int) -> list[Event]:
    """The events with one more at `place`, and numbers, times and causes shifted after it."""
    extra = LineReached(place, events[place].t, 1, 101, -1, 0, 65999)
    later = [
        replace(event, seq=event.seq + 1, t=event.t + 50, cause=event.cause + (event.cause >= place))
        for event in events[place:]
    ]
    return [*events[:place], extra, *later]


def test_a_run_is_the_same_as_itself() -> None:
    log = echo_log(10, 5)
    assert first_difference(timeline_of(log), timeline_of(log)) is None


def test_times_numbers_and_causes_do_not_count() -> None:
    log = echo_log(10, 5)
    shifted = [replace(event, t=event.t + 9, cause=-1) for event in log]
    assert first_difference(timeline_of(log), timeline_of(shifted)) is None


def test_when_a_sleep_will_end_does_not_count() -> None:
    asleep = TaskSlept(7, 1_000, 1, 101, -1, 0, 0, "hrtimer_nanosleep", (), 0, 0, 6_000)
    assert same(asleep, replace(asleep, t=3_000, until=8_000))
    assert not same(asleep, replace(asleep, wchan="do_epoll_wait"))


def test_the_first_difference_is_found_wherever_it_is() -> None:
    log = echo_log(10, 5)
    for place in (1, 2, 1023, 1024, 1025, len(log) - 1):
        other = timeline_of(changed(log, place))
        assert first_difference(timeline_of(log), other) == place
        assert first_difference(other, timeline_of(log)) == place


def test_a_run_that_stops_earlier_parts_there() -> None:
    log = echo_log(10, 5)
    assert first_difference(timeline_of(log), timeline_of(log[:700])) == 700


def test_a_comparison_follows_logs_that_grow() -> None:
    log, other = echo_log(10, 5), changed(echo_log(10, 5), 900)
    one, two = Timeline(), Timeline()
    comparison = Comparison(one, two)
    for place, event in enumerate(other):
        two.append(event)
        if place < len(log):
            one.append(log[place])
        if place % 100 == 0:
            assert (comparison.advance() is None) == (place < 900)
    assert comparison.finish() == 900


def test_what_a_knob_does_by_itself_is_no_difference_yet() -> None:
    log = echo_log(3, 1)
    start = next(event for event in log if isinstance(event, RunStarted))
    assert same(start, replace(start, knobs=(("trigger", "et"),)))
    item = next(event for event in log if isinstance(event, EpitemInserted))
    assert same(item, replace(item, events=item.events | EPOLLET))
    assert not same(item, replace(item, events=item.events | 4))
    assert not same(item, replace(item, fd=item.fd + 1))


def test_a_place_is_found_again_in_the_other_run() -> None:
    log = echo_log(10, 5)
    one, two = timeline_of(log), timeline_of(changed(log, 900))
    parted = first_difference(one, two)
    for place in (0, 5, 900):
        assert counterpart(one, two, place, parted) == place
    for place in (901, 1000, 1500, len(log)):
        assert counterpart(one, two, place, parted) == place + 1
    assert counterpart(two, one, 901, parted) == 901  # the event that only one of them has: by time
    assert counterpart(one, timeline_of(log[:950]), 1200, 950) == 950
