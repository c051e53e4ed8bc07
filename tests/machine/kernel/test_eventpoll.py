"""epoll's ready list, level and edge triggers, arming: each row on the simulated and on the real kernel."""

from __future__ import annotations

from typing import Any

import pytest

from ioviz.machine.kernel.config import Config
from ioviz.model.eventpoll import EpitemInserted, EventDelivered, ReadyDropped, ReadyLinked
from ioviz.model.poll_bits import EPOLLET
from tests.machine.kernel.harness import run
from tests.machine.kernel.two_kernels import (
    ADD,
    ERR,
    ET,
    HUP,
    IN,
    MOD,
    ONESHOT,
    OUT,
    PRI,
    RDHUP,
    Calls,
    Found,
    Pair,
    Script,
    Simulated,
    agree,
    on_simulated,
)

KINDS = ["pipe", "unix", "tcp"]


def link(s: Calls, kind: str) -> Pair:
    """(where to read, where to write)"""
    pair: Pair = getattr(s, kind)()
    return pair


def data(found: Found) -> Any:
    """The data of the events, in order, or the errno."""
    return found if isinstance(found, int) else [tag for tag, _ in found]


def masks(found: Found) -> Any:
    return found if isinstance(found, int) else [mask for _, mask in found]


def count(found: Found) -> Any:
    return found if isinstance(found, int) else len(found)


@pytest.mark.parametrize("kind", KINDS)
def test_level_reports_while_there_is_data(kind: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = link(s, kind)
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN)
        s.write(writer, b"abcd")
        seen = [count(s.wait(ep)), count(s.wait(ep))]
        s.read(reader, 2)
        seen.append(count(s.wait(ep)))
        s.read(reader, 2)
        return [*seen, count(s.wait(ep))]

    agree(script, [1, 1, 1, 0])


@pytest.mark.parametrize("kind", [*KINDS, "eventfd"])
def test_edge_reports_each_arrival_once(kind: str) -> None:
    def script(s: Calls) -> Any:
        if kind == "eventfd":
            reader = writer = s.eventfd()
            message = (2).to_bytes(8, "little")
        else:
            reader, writer = link(s, kind)
            message = b"abcd"
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN | ET)
        s.write(writer, message)
        seen = [count(s.wait(ep)), count(s.wait(ep))]
        if kind != "eventfd":
            s.read(reader, 2)
        seen.append(count(s.wait(ep)))
        s.write(writer, message)
        return [*seen, count(s.wait(ep)), count(s.wait(ep))]

    agree(script, [1, 0, 0, 1, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_edge_reports_three_arrivals_together(kind: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = link(s, kind)
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN | ET)
        for _ in range(3):
            s.write(writer, b"x")
        return count(s.wait(ep)), count(s.wait(ep))

    agree(script, (1, 0))


@pytest.mark.parametrize("kind", KINDS)
def test_mod_arms_an_edge_again(kind: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = link(s, kind)
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN | ET)
        s.write(writer, b"x")
        seen = [count(s.wait(ep)), count(s.wait(ep))]
        s.ctl(ep, MOD, reader, IN | ET)
        return [*seen, count(s.wait(ep)), count(s.wait(ep))]

    agree(script, [1, 0, 1, 0])


@pytest.mark.parametrize("trigger", [0, ET])
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_drained_before_the_wait_is_dropped(kind: str, trigger: int) -> None:
    def script(s: Calls) -> Any:
        reader, writer = link(s, kind)
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN | trigger)
        s.write(writer, b"abc")
        s.read(reader, 10)
        return s.wait(ep)

    agree(script, [])


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_an_edge_reports_the_whole_mask(kind: str) -> None:
    def script(s: Calls) -> Any:
        one, other = link(s, kind)
        ep = s.epoll()
        s.ctl(ep, ADD, one, IN | OUT | ET)
        seen = [masks(s.wait(ep))]
        s.write(other, b"x")
        seen.append(masks(s.wait(ep)))
        s.read(one, 10)
        return [*seen, masks(s.wait(ep))]

    agree(script, [[OUT], [IN | OUT], []])


def test_an_acknowledgement_is_no_edge_unless_the_sender_met_a_full_buffer() -> None:
    def script(s: Calls) -> Any:
        one, other = s.tcp()
        ep = s.epoll()
        s.ctl(ep, ADD, one, OUT | ET)
        seen = [masks(s.wait(ep))]
        s.write(one, bytes(1024))
        s.read(other, 2048)
        s.settle()
        return [*seen, masks(s.wait(ep))]

    agree(script, [[OUT], []])


def test_out_comes_back_once_when_the_peer_drains() -> None:
    def script(s: Calls) -> Any:
        one, other = s.tcp()
        ep = s.epoll()
        s.ctl(ep, ADD, one, OUT | ET)
        s.wait(ep)
        while s.write(one, bytes(65536)) > 0:
            pass
        s.settle()
        seen = [masks(s.wait(ep))]
        while True:
            got = s.read(other, 1 << 20)
            if isinstance(got, int):
                s.settle()
                if isinstance(s.read(other, 1 << 20), int):
                    break
        s.settle()
        return [*seen, masks(s.wait(ep)), masks(s.wait(ep))]

    agree(script, [[], [OUT], []])


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_fin_after_data_is_an_edge_and_reading_it_is_none(kind: str) -> None:
    def script(s: Calls) -> Any:
        one, other = link(s, kind)
        ep = s.epoll()
        s.ctl(ep, ADD, one, IN | RDHUP | ET)
        s.write(other, b"x")
        seen = [masks(s.wait(ep))]
        s.shutdown(other, 1)
        s.settle()
        seen.append(masks(s.wait(ep)))
        s.read(one, 10)
        return [*seen, masks(s.wait(ep)), s.read(one, 10), masks(s.wait(ep))]

    agree(script, [[IN], [IN | RDHUP], [], b"", []])


@pytest.mark.parametrize("kind", KINDS)
def test_adding_what_is_ready_reports_it_once(kind: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = link(s, kind)
        s.write(writer, b"x")
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN | ET)
        return count(s.wait(ep)), count(s.wait(ep))

    agree(script, (1, 0))


@pytest.mark.parametrize(("kind", "after"), [("pipe", IN | HUP), ("unix", IN | HUP), ("tcp", IN)])
def test_a_fired_one_shot_is_silent_until_it_is_armed(kind: str, after: int) -> None:
    def script(s: Calls) -> Any:
        reader, writer = link(s, kind)
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN | ONESHOT)
        s.write(writer, b"x")
        seen: list[Any] = [masks(s.wait(ep)), masks(s.wait(ep))]
        s.write(writer, b"y")
        seen.append(masks(s.wait(ep)))
        s.close(writer)
        s.settle()
        seen += [masks(s.wait(ep)), s.ctl(ep, ADD, reader, IN)]
        s.ctl(ep, MOD, reader, IN)
        return [*seen, masks(s.wait(ep))]

    agree(script, [[IN], [], [], [], -17, [after]])


@pytest.mark.parametrize(("kind", "after"), [("pipe", [HUP]), ("unix", [HUP]), ("tcp", [])])
def test_hang_up_is_reported_unasked(kind: str, after: list[int]) -> None:
    def script(s: Calls) -> Any:
        reader, writer = link(s, kind)
        ep = s.epoll()
        s.ctl(ep, ADD, reader, 0)
        s.write(writer, b"x")
        seen = [masks(s.wait(ep))]
        s.close(writer)
        s.settle()
        return [*seen, masks(s.wait(ep))]

    agree(script, [[], after])


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_mod_to_what_does_not_hold_and_back(kind: str) -> None:
    def script(s: Calls) -> Any:
        one, other = link(s, kind)
        ep = s.epoll()
        s.write(other, b"x")
        s.ctl(ep, ADD, one, IN)
        s.ctl(ep, MOD, one, PRI)
        seen = [masks(s.wait(ep))]
        s.ctl(ep, MOD, one, IN)
        return [*seen, masks(s.wait(ep))]

    agree(script, [[], [IN]])


def six(s: Calls, events: int) -> tuple[int, list[Pair]]:
    """An instance that watches six pipes as 0 to 5."""
    ep = s.epoll()
    pairs = [s.pipe() for _ in range(6)]
    for number, (reader, _) in enumerate(pairs):
        s.ctl(ep, ADD, reader, events, number)
    return ep, pairs


def test_order_is_that_of_first_readiness() -> None:
    def script(s: Calls) -> Any:
        ep, pairs = six(s, IN)
        for number in (3, 1, 5, 0, 4, 2):
            s.write(pairs[number][1], b"x")
        return data(s.wait(ep)), data(s.wait(ep))

    agree(script, ([3, 1, 5, 0, 4, 2], [3, 1, 5, 0, 4, 2]))


def test_level_goes_round_robin() -> None:
    def script(s: Calls) -> Any:
        ep, pairs = six(s, IN)
        for number in (3, 1, 5, 0, 4, 2):
            s.write(pairs[number][1], b"x")
        return [data(s.wait(ep, 2)) for _ in range(4)]

    agree(script, [[3, 1], [5, 0], [4, 2], [3, 1]])


def test_edge_loses_none_beyond_maxevents() -> None:
    def script(s: Calls) -> Any:
        ep, pairs = six(s, IN | ET)
        for _, writer in pairs[:5]:
            s.write(writer, b"x")
        return [count(s.wait(ep, 2)) for _ in range(4)]

    agree(script, [2, 2, 1, 0])


def test_a_newcomer_stands_before_what_was_put_back() -> None:
    def script(s: Calls) -> Any:
        ep, pairs = six(s, IN)
        s.write(pairs[0][1], b"x")
        s.write(pairs[1][1], b"x")
        seen = [data(s.wait(ep, 1))]
        s.write(pairs[2][1], b"x")
        return seen + [data(s.wait(ep, 1)) for _ in range(4)]

    agree(script, [[0], [1], [0], [2], [1]])


def test_a_stale_item_does_not_count() -> None:
    def script(s: Calls) -> Any:
        ep, pairs = six(s, IN)
        for _, writer in pairs[:3]:
            s.write(writer, b"x")
        s.read(pairs[1][0], 1)
        return data(s.wait(ep, 2))

    agree(script, [0, 2])


@pytest.mark.parametrize("again", ["write", "mod"])
def test_a_linked_item_keeps_its_place(again: str) -> None:
    def script(s: Calls) -> Any:
        ep, pairs = six(s, IN)
        s.write(pairs[0][1], b"x")
        s.write(pairs[1][1], b"x")
        if again == "write":
            s.write(pairs[0][1], b"x")
        else:
            s.ctl(ep, MOD, pairs[0][0], IN, 0)
        return data(s.wait(ep))

    agree(script, [0, 1])


def test_mod_changes_the_data() -> None:
    def script(s: Calls) -> Any:
        ep, pairs = six(s, IN)
        s.write(pairs[0][1], b"x")
        s.ctl(ep, MOD, pairs[0][0], IN, 2**64 - 1)
        return s.wait(ep)

    agree(script, [(2**64 - 1, IN)])


def test_a_listener_with_edges_has_to_accept_in_a_loop() -> None:
    def script(s: Calls) -> Any:
        server = s.listener()
        ep = s.epoll()
        s.ctl(ep, ADD, server, IN | ET)
        for _ in range(3):
            s.connect(server)
        s.settle()
        seen = [count(s.wait(ep))]
        s.accept(server)
        seen.append(count(s.wait(ep)))
        s.connect(server)
        s.settle()
        return [*seen, count(s.wait(ep))]

    agree(script, [1, 0, 1])


def test_a_pipe_whose_reader_is_gone_is_an_error_of_its_writer() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, writer, 0)
        s.close(reader)
        return masks(s.wait(ep)), s.write(writer, b"x")

    agree(script, ([ERR], -32))


# -- inside the machine


def edge_script(s: Calls) -> Any:
    reader, writer = s.pipe()
    ep = s.epoll()
    s.ctl(ep, ADD, reader, IN)
    s.write(writer, b"ab")
    return count(s.wait(ep)), count(s.wait(ep))


def level_script(s: Calls) -> Any:
    reader, writer = s.pipe()
    ep = s.epoll()
    s.ctl(ep, ADD, reader, IN | ET)
    s.write(writer, b"ab")
    first = count(s.wait(ep))
    s.ctl(ep, MOD, reader, IN | ET)
    return first, count(s.wait(ep)), count(s.wait(ep))


@pytest.mark.parametrize(
    ("trigger", "script", "seen"),
    [
        ("as-written", edge_script, (1, 1)),
        ("lt", edge_script, (1, 1)),
        ("et", edge_script, (1, 0)),
        ("as-written", level_script, (1, 1, 0)),
        ("et", level_script, (1, 1, 0)),
        ("lt", level_script, (1, 1, 1)),
    ],
)
def test_the_knob_sets_or_clears_the_trigger(trigger: str, script: Script, seen: Any) -> None:
    observed: list[Any] = []
    ran = run(lambda k: observed.append(script(Simulated(k))), config=Config(trigger=trigger))
    assert observed == [seen]
    asked = [event for event in ran.log if isinstance(event, EpitemInserted)]
    assert bool(asked[0].requested & EPOLLET) == (script is level_script)
    if trigger != "as-written":
        assert bool(asked[0].events & EPOLLET) == (trigger == "et")


def test_what_a_delivery_is_caused_by_and_costs() -> None:
    ran = on_simulated(edge_script)[1]
    linked = [event for event in ran.log if isinstance(event, ReadyLinked)]
    assert [event.by for event in linked] == ["callback"]
    assert type(ran.log[linked[0].cause]).__name__ == "BytesCopiedIn"
    delivered = [event for event in ran.log if isinstance(event, EventDelivered)]
    assert [event.relinked for event in delivered] == [True, True]


def test_a_linked_item_logs_nothing_when_more_arrives() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN)
        for _ in range(5):
            s.write(writer, b"x")
        s.read(reader, 10)
        return s.wait(ep)

    ran = on_simulated(script)[1]
    assert ran.kinds().count("ReadyLinked") == 1
    assert sum(isinstance(event, ReadyDropped) for event in ran.log) == 1
