"""What watching costs: the arithmetic, and that each source says something of a program that works."""

from __future__ import annotations

import time

import pytest

from ioviz.live.cost import Cost, slower

SECOND = 10**9


@pytest.mark.parametrize(
    ("worked", "beside", "within", "between", "said"),
    [
        (SECOND, 0, 0, 0, 1.0),
        (SECOND, 3 * SECOND, 0, 0, 4.0),
        (SECOND, 0, SECOND // 2, 0, 2.0),
        (SECOND, 0, 0, SECOND // 2, 1.5),
        (SECOND // 5, 0, 0, SECOND // 10, 1.1),
        (1000, SECOND, 0, 0, 0.0),
        (SECOND, 0, 2 * SECOND, 0, 0.0),
        (-5, 0, 0, 0, 0.0),
        (SECOND, -1, 0, 0, 0.0),
    ],
)
def test_what_was_spent_beside_adds_and_what_was_spent_within_is_missing(
    worked: int, beside: int, within: int, between: int, said: float
) -> None:
    assert slower(worked, beside, within, between, elapsed=SECOND) == pytest.approx(said)


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
