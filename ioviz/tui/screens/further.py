"""The further pages of scenes: the table of costs, and the race."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.screen import Screen


def further_screen(page: str) -> Screen[None]:
    """The screen called `page`: costs or race."""
    if page == "costs":
        from ioviz.tui.screens.costs import CostsScreen

        return CostsScreen()
    from ioviz.tui.screens.race import RaceScreen

    return RaceScreen()
