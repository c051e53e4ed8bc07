"""Where everything on the stage lies: a pure function of the size and of what is to be large.

Three floors, one under the other, each with its rule above it (but one on which nothing is to be seen, such as the
hardware below real programs). On a floor, large panels stand in rows side by side; the
rest is folded, a line a panel, two or more to a row where there is room. Panels are made large in the order given, as
long as each of them keeps its least size, so 80×24 shows the two or three that matter and 200×60 shows everything.
What is left over goes to the rows in proportion to what their panels can use. Invariant: places never overlap nor
leave the screen, and on every floor they fill its rows from edge to edge.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.widget import Widget

    from ioviz.view.panels import Panel

FLOORS: Final = ("user", "kernel", "hardware")
LEAST: Final = (60, 16)
FOLDED_WIDTH: Final = 38
"""The least width of a folded panel's line."""


class Wish(NamedTuple):
    """What a panel needs (`least`), how many rows show it well (`good`), and what it can use at most (`most`)."""

    id: str
    floor: str
    least: tuple[int, int] = (30, 5)
    good: int = 8
    most: tuple[int, int] = (80, 16)
    wide: int = 0
    """How many columns show it well, if that is more than the least."""

    def grown(self, rows: int) -> Wish:
        """With at least `rows` rows."""
        return self._replace(least=(self.least[0], max(self.least[1], rows)))

    def well(self) -> Wish:
        """With the rows and columns that show it well."""
        return self.grown(self.good)._replace(least=(max(self.least[0], self.wide), max(self.least[1], self.good)))


WISHES: Final[dict[str, tuple[tuple[int, int], int, tuple[int, int]]]] = {
    "source": ((50, 5), 11, (130, 24)),
    "terminal": ((30, 4), 6, (60, 10)),
    "cpu": ((36, 4), 9, (70, 12)),
    "idt": ((36, 4), 8, (70, 13)),
    "syscalls": ((36, 4), 7, (60, 12)),
    "eventpoll": ((38, 5), 10, (90, 20)),
    "sockets": ((38, 4), 9, (90, 16)),
    "memory": ((44, 6), 12, (80, 18)),
    "nic": ((38, 5), 7, (90, 10)),
    "disk": ((30, 4), 7, (60, 12)),
}
"""(least, good, most) of the panels that need more or less than others, without a border."""
WIDE: Final = {"terminal": 46, "nic": 52, "sockets": 64}
"""Columns that show a panel well."""


def wish_of(panel: Panel) -> Wish:
    """What `panel` needs."""
    least, good, most = WISHES.get(panel.id, ((30, 5), 7, (60, 12)))
    return Wish(panel.id, panel.floor, least, good, most, WIDE.get(panel.id, 0))


class Spot(NamedTuple):
    """Where a panel lies."""

    id: str
    region: Region
    folded: bool


class Plan(NamedTuple):
    """Where all of it lies. `boxed`: panels have a border all round; otherwise only a title line."""

    title: Region
    rules: dict[str, Region]
    spots: tuple[Spot, ...]
    why: Region
    timeline: Region
    footer: Region
    boxed: bool

    @property
    def size(self) -> Size:
        """The size of all of it."""
        return Size(self.footer.width, self.footer.bottom)

    def large(self) -> frozenset[str]:
        """The panels that are not folded."""
        return frozenset(spot.id for spot in self.spots if not spot.folded)


def make_plan(
    width: int, height: int, wishes: Sequence[Wish], order: Sequence[str], why: int = 2, focus: int = 0
) -> Plan:
    """Lay out `wishes` on `width` × `height`; `order` names the panels to make large, most important first; the
    sentence for the event has `why` rows. The first `focus` of `order` are the point: others are made large only where
    these are shown well."""
    boxed = height >= 34
    timeline = 2 if height >= 30 else 1
    shown = [floor for floor in FLOORS if not wishes or any(wish.floor == floor for wish in wishes)]
    bars = 1 + len(shown) + timeline + 1
    why = max(1, min(why, height - bars - _needed(width, wishes, ())))
    body = height - bars - why
    if boxed:
        wishes = [wish.grown(wish.least[1] + 1)._replace(good=wish.good + 1) for wish in wishes]
    large: list[str] = []
    known = {wish.id: wish for wish in wishes}
    point = order[:focus]
    well = [wish.well() if wish.id in point else wish for wish in wishes]
    for number, panel in enumerate(order):
        asked = wishes if number < focus else well
        if panel in known and panel not in large and _needed(width, asked, [*large, panel]) <= body:
            large.append(panel)
    if _needed(width, well, large) <= body:
        wishes = well
    spots: list[Spot] = []
    rules: dict[str, Region] = {}
    floors = {floor: _Floor(width, [wish for wish in wishes if wish.floor == floor], large) for floor in shown}
    while sum(floor.needed for floor in floors.values()) > body:  # smaller than we promise: leave something out
        fullest = max(floors.values(), key=lambda floor: len(floor.folded))
        if not fullest.folded:
            break
        fullest.folded.pop()
    heights = _share(list(floors.values()), body)
    y = 1
    for floor, rows in heights:
        rules[floor.name(shown, floors)] = Region(0, y, width, 1)
        y += 1 if wishes else 1 + body // len(shown)  # nothing is loaded yet: three empty floors
        for row, row_height in zip(floor.rows, rows, strict=True):
            for wish, x, row_width in _columns(row, width):
                spots.append(Spot(wish.id, Region(x, y, row_width, row_height), False))
            y += row_height
        for line in floor.folded:
            for number, wish in enumerate(line):
                x, after = width * number // len(line), width * (number + 1) // len(line)
                spots.append(Spot(wish.id, Region(x, y, after - x, 1), True))
            y += 1
    bottom = height - why - timeline - 1
    return Plan(
        Region(0, 0, width, 1),
        rules,
        tuple(spot for spot in spots if spot.region.bottom <= bottom),
        Region(0, bottom, width, why),
        Region(0, bottom + why, width, timeline),
        Region(0, height - 1, width, 1),
        boxed,
    )


class _Floor:
    """The rows of a floor: of large panels, and of folded ones."""

    def __init__(self, width: int, wishes: Sequence[Wish], large: Sequence[str]) -> None:
        self.rows = _rows([wish for wish in wishes if wish.id in large], width)
        rest = [wish for wish in wishes if wish.id not in large]
        across = max(1, width // FOLDED_WIDTH)
        lines = -(-len(rest) // across)
        self.folded = [rest[len(rest) * n // lines : len(rest) * (n + 1) // lines] for n in range(lines)]

    def name(self, names: Sequence[str], floors: dict[str, _Floor]) -> str:
        return next(name for name in names if floors[name] is self)

    @property
    def needed(self) -> int:
        return sum(max(wish.least[1] for wish in row) for row in self.rows) + len(self.folded)


def _rows(panels: list[Wish], width: int) -> list[list[Wish]]:
    """`panels` in as few rows as there can be, no higher than if each row took all that fits, which share the width as
    fairly as may be."""
    full: list[list[Wish]] = []
    room = 0
    for wish in panels:
        if not full or room < wish.least[0]:
            full.append([])
            room = width
        full[-1].append(wish)
        room -= wish.least[0]
    if len(full) < 2:
        return full
    found, height, fairness = full, _height(full), _widest(full)
    for cuts in combinations(range(1, len(panels)), len(full) - 1):
        rows = [panels[start:stop] for start, stop in pairwise((0, *cuts, len(panels)))]
        fits = all(len(row) == 1 or sum(wish.least[0] for wish in row) <= width for row in rows)
        if fits and _height(rows) <= height and _widest(rows) < fairness:
            found, fairness = rows, _widest(rows)
    return found


def _height(rows: list[list[Wish]]) -> int:
    return sum(max(wish.least[1] for wish in row) for row in rows)


def _widest(rows: list[list[Wish]]) -> int:
    """What the row that can use most could use."""
    return max(sum(wish.most[0] for wish in row) for row in rows)


def _needed(width: int, wishes: Sequence[Wish], large: Sequence[str]) -> int:
    return sum(_Floor(width, [wish for wish in wishes if wish.floor == floor], large).needed for floor in FLOORS)


def _share(floors: list[_Floor], body: int) -> list[tuple[_Floor, list[int]]]:
    """The height of each row of large panels: its least, then up to what it can use, then the rest to all alike."""
    rows = [(floor, row) for floor in floors for row in floor.rows]
    heights = [max(wish.least[1] for wish in row) for _, row in rows]
    wanted = [max(wish.most[1] for wish in row) for _, row in rows]
    left = body - sum(heights) - sum(len(floor.folded) for floor in floors)
    while left > 0 and rows:
        hungry = [n for n in range(len(rows)) if heights[n] < wanted[n]]
        if not hungry:
            break
        # The row that is furthest from its wish, in proportion, gets the next line.
        neediest = min(hungry, key=lambda n: (heights[n] / wanted[n], n))
        heights[neediest] += 1
        left -= 1
    if left > 0 and rows:
        largest = max(range(len(rows)), key=lambda n: (wanted[n], n))
        heights[largest] += left
    found = []
    start = 0
    for floor in floors:
        found.append((floor, heights[start : start + len(floor.rows)]))
        start += len(floor.rows)
    return found


def _columns(row: Sequence[Wish], width: int) -> list[tuple[Wish, int, int]]:
    """(panel, x, width) for each panel of a row: its least, and of the rest as much as it can use."""
    widths = [wish.least[0] for wish in row]
    if sum(widths) > width:  # one panel on a narrow screen
        widths = [width]
    left = width - sum(widths)
    wanted = [max(0, wish.most[0] - given) for wish, given in zip(row, widths, strict=True)]
    total = sum(wanted)
    if total:
        gives = min(left, total)
        shares = [gives * want // total for want in wanted]
        widths = [given + share for given, share in zip(widths, shares, strict=True)]
        left = width - sum(widths)
    for n in range(len(row)):
        extra = left // (len(row) - n)
        widths[n] += extra
        left -= extra
    found, x = [], 0
    for wish, given in zip(row, widths, strict=True):
        found.append((wish, x, given))
        x += given
    return found


class _ByPlan(Layout):
    """Puts the children of a screen where its `places` says."""

    name = "by-plan"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        assert isinstance(parent, Planned)
        places = parent.places(size)
        return [
            WidgetPlacement(region, NULL_OFFSET, Spacing(), child)
            for child in children
            if child.id is not None and (region := places.get(child.id)) is not None
        ]


class Planned(Screen[None]):
    """A screen that works out by itself where its children lie."""

    _by_plan: ClassVar[Layout] = _ByPlan()

    @property
    def layout(self) -> Layout:
        """Ours, whatever the styles say."""
        return self._by_plan

    def lay_out(self) -> None:
        """Ask for `places` again. (A screen keeps what it was told until one of its children asks for room.)"""
        for child in self.children[:1]:
            child.refresh(repaint=False, layout=True)

    def places(self, size: Size) -> dict[str, Region]:
        """The region of every child that is to be seen, by its id."""
        raise NotImplementedError
