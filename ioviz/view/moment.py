"""A moment: all that a panel may look at. A panel is a pure function of it and of the room that it has."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

if TYPE_CHECKING:
    from ioviz.model.event import Event
    from ioviz.model.world import World


class Moment(NamedTuple):
    """`world` after `position` events, the last of which is `event`; `step` (0: as a whole) of the `steps` into which
    that unfolds; `host` is the one that is looked at."""

    world: World
    event: Event | None
    position: int
    step: int
    steps: int
    lang: str
    ascii: bool
    host: int


class Panel(NamedTuple):
    """A panel. The same `key` means the same picture."""

    id: str
    floor: str
    title: dict[str, str]
    key: Callable[[Moment], Hashable]
    render: Callable[[Moment, int, int], Text]
    line: Callable[[Moment, int], Text]


def pick(moment: Moment, en: str, zh: str) -> str:
    """The text in the moment's language."""
    return zh if moment.lang == "zh" else en


def starting(moment: Moment, *stages: str) -> bool:
    """Whether the host that is looked at is still starting up; with `stages`, whether it is at one of these."""
    boot = moment.world.boots.get(moment.host)
    return boot is not None and moment.host not in moment.world.hosts and (not stages or boot.stage in stages)


def glyph(moment: Moment, plain: str, ascii_only: str) -> str:
    """The character to draw with."""
    return ascii_only if moment.ascii else plain


def joined(lines: list[Text]) -> Text:
    """Lines as one text."""
    return Text("\n").join(lines)


def cut(moment: Moment, text: Text, width: int, *, pad: bool = False) -> None:
    """Make `text` fit into `width` cells, and say so where something is left out."""
    text.truncate(width, overflow="crop" if moment.ascii else "ellipsis", pad=pad)


def make_panel(
    id: str,
    floor: str,
    title: dict[str, str],
    key: Callable[[Moment], Hashable],
    render: Callable[[Moment, int, int], Text],
    line: Callable[[Moment, int], Text],
) -> Panel:
    """A panel whose pictures never leave their room, whatever `render` and `line` make.

    Every picture may name programs, and a name gets its pid beside it when a second process runs the same program: so
    the number of processes belongs to every key.
    """

    def full_key(moment: Moment) -> Hashable:
        return key(moment), len(moment.world.processes)

    def fitting(moment: Moment, width: int, height: int) -> Text:
        lines = list(render(moment, width, height).split("\n", allow_blank=True))[:height]
        for one in lines:
            cut(moment, one, width)
        return joined(lines)

    def folded(moment: Moment, width: int) -> Text:
        text = line(moment, width)
        cut(moment, text, width)
        return text

    return Panel(id, floor, title, full_key, fitting, folded)
