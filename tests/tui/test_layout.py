"""The plan: nothing overlaps or leaves the screen, what is asked for is large where there is room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region

from ioviz.tui.layout import FLOORS, LEAST, Plan, Wish, make_plan

IDS = ("source", "terminal", "cpu", "idt", "sched", "wait", "files", "sockets", "eventpoll", "nic", "timer")
FLOOR = dict(zip(IDS, ("user", "user", *["kernel"] * 7, *["hardware"] * 2), strict=True))


def wishes(ids: tuple[str, ...] = IDS) -> tuple[Wish, ...]:
    return tuple(Wish(panel, FLOOR[panel]) for panel in ids)


def regions(plan: Plan) -> list[Region]:
    bars = [plan.title, *plan.rules.values(), plan.why, plan.timeline, plan.footer]
    return [*bars, *(spot.region for spot in plan.spots)]


@given(
    st.integers(LEAST[0], 260),
    st.integers(LEAST[1], 90),
    st.sets(st.sampled_from(IDS)),
    st.permutations(IDS),
    st.integers(2, 6),
    st.integers(0, 4),
)
def test_nothing_overlaps_or_leaves_the_screen(
    width: int, height: int, ids: set[str], order: list[str], why: int, focus: int
) -> None:
    plan = make_plan(width, height, wishes(tuple(panel for panel in IDS if panel in ids)), order, why, focus)
    screen = Region(0, 0, width, height)
    found = regions(plan)
    for number, region in enumerate(found):
        assert screen.contains_region(region)
        assert region.area > 0
        assert not any(region.overlaps(other) for other in found[number + 1 :])


@given(st.integers(80, 260), st.integers(24, 90), st.permutations(IDS))
def test_floors_are_filled_from_edge_to_edge(width: int, height: int, order: list[str]) -> None:
    plan = make_plan(width, height, wishes(), order)
    covered = sum(region.area for region in regions(plan))
    assert covered == width * height


def test_the_first_of_the_order_is_large_at_80_by_24() -> None:
    for panel in IDS:
        plan = make_plan(80, 24, wishes(), (panel, *IDS))
        assert panel in plan.large()
        assert {spot.id for spot in plan.spots} == set(IDS)


def test_everything_is_large_at_200_by_60() -> None:
    assert make_plan(200, 60, wishes(), IDS).large() == set(IDS)


def test_floors_stand_in_their_order() -> None:
    plan = make_plan(120, 40, wishes(), IDS)
    heights = [plan.rules[floor].y for floor in FLOORS]
    assert heights == sorted(heights)
    for spot in plan.spots:
        number = FLOORS.index(FLOOR[spot.id])
        assert spot.region.y > heights[number]
        assert number == 2 or spot.region.y < heights[number + 1]
