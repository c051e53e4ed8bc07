"""poll, on the simulated and on the real kernel."""

from __future__ import annotations

from typing import Any

import pytest

from ioviz.model.poll import FdsScanned
from tests.machine.kernel.two_kernels import ERR, HUP, IN, NVAL, OUT, PRI, RDHUP, SECOND, Calls, agree, on_simulated


def test_order_is_that_of_the_arguments() -> None:
    def script(s: Calls) -> Any:
        pairs = [s.pipe() for _ in range(4)]
        for number in (2, 0, 3):
            s.write(pairs[number][1], b"x")
        ready = [fd for fd, _ in s.poll([(reader, IN) for reader, _ in pairs])]
        return [[reader for reader, _ in pairs].index(fd) for fd in ready]

    agree(script, [0, 2, 3])


def test_a_closed_descriptor_is_nval_and_others_go_on() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.close(reader)
        return [mask for _, mask in s.poll([(reader, IN), (writer, OUT)])]

    agree(script, [NVAL, OUT | ERR])


def test_error_and_hang_up_come_unasked() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.close(writer)
        return [mask for _, mask in s.poll([(reader, 0)])]

    agree(script, [HUP])


def test_a_regular_file_is_always_ready() -> None:
    def script(s: Calls) -> Any:
        fd = s.regular()
        return [mask for _, mask in s.poll([(fd, IN | OUT | PRI)])]

    agree(script, [IN | OUT])


@pytest.mark.parametrize(
    ("kind", "after"), [("unix", IN | OUT | HUP | RDHUP), ("tcp", IN | OUT | RDHUP)], ids=["unix", "tcp"]
)
def test_the_peer_s_close(kind: str, after: int) -> None:
    def script(s: Calls) -> Any:
        one, other = getattr(s, kind)()
        s.close(other)
        s.settle()
        return [mask for _, mask in s.poll([(one, IN | OUT | PRI | RDHUP)])]

    agree(script, [after])


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_half_closed_by_the_peer(kind: str) -> None:
    def script(s: Calls) -> Any:
        one, other = getattr(s, kind)()
        s.shutdown(other, 1)
        s.settle()
        return [mask for _, mask in s.poll([(one, IN | OUT | RDHUP)])], [
            mask for _, mask in s.poll([(other, IN | OUT | RDHUP)])
        ]

    agree(script, ([IN | OUT | RDHUP], [OUT]))


def test_a_reset() -> None:
    def script(s: Calls) -> Any:
        one, other = s.tcp()
        s.reset(other)
        s.settle()
        return [mask for _, mask in s.poll([(one, IN | OUT | RDHUP)])]

    agree(script, [IN | OUT | ERR | HUP | RDHUP])


def test_urgent_data() -> None:
    def script(s: Calls) -> Any:
        one, other = s.tcp()
        s.send_urgent(other)
        s.settle()
        return [mask for _, mask in s.poll([(one, PRI)])]

    agree(script, [PRI])


def test_one_descriptor_twice() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        s.spawn(lambda: s.write(writer, b"x"))
        return len(s.poll([(reader, IN)], SECOND))

    agree(script, 1)


def test_a_sleeping_poll_scans_twice() -> None:
    def script(s: Calls) -> Any:
        pairs = [s.pipe() for _ in range(5)]

        def later() -> None:
            s.settle()
            s.write(pairs[3][1], b"x")

        s.spawn(later)
        return len(s.poll([(reader, IN) for reader, _ in pairs], SECOND))

    observed, ran = on_simulated(script)
    assert observed == 1
    scans = [event for event in ran.log if isinstance(event, FdsScanned)]
    assert [(event.scanned, event.ready, event.again) for event in scans] == [(5, 0, False), (5, 1, True)]
    assert not ran.kernel.world.wait_entries


def test_the_time_out_is_kept() -> None:
    def script(s: Any) -> Any:
        before = s.k.now
        s.poll([(s.pipe()[0], IN)], 7_000_000)
        return s.k.now - before

    assert 7_000_000 <= on_simulated(script)[0] < 7_100_000
