"""What watching costs: the arithmetic, and that each source says something of a program that works."""

from __future__ import annotations

import time

import pytest

from ioviz.live.cost import Cost, slower


@pytest.mark.parametrize(
    ("worked", "beside", "within", "said"),
    [
        (10**9, 0, 0, 1.0),
        (10**9, 3 * 10**9, 0, 4.0),
        (10**9, 0, 500_000_000, 2.0),
        (1000, 10**9, 0, 0.0),
        (-5, 0, 0, 0.0),
        (10**9, -1, 0, 0.0),
    ],
)
def test_what_was_spent_beside_adds_and_what_was_spent_within_is_missing(
    worked: int, beside: int, within: int, said: float
) -> None:
    assert slower(worked, beside, within) == pytest.approx(said)


def test_it_never_says_more_than_can_be() -> None:
    assert slower(10**9, 0, 10**12) == pytest.approx(100, rel=0.01)


def test_it_is_measured_from_one_second_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    now, worked, taken = [0.0], [0], [0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr("ioviz.live.cost.run_time", lambda pid: worked[0])
    cost = Cost(lambda: (1,), within=lambda: taken[0])
    now[0] = 5.0
    assert cost() == 0.0
    now[0], worked[0], taken[0] = 5.5, 10**9, 10**8
    assert cost() == 0.0
    now[0] = 6.1
    assert cost() == pytest.approx(1 / 0.9)
