"""The look in force: the theme's colours as rich styles, and the characters. It follows the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.style import Style

from ioviz.tui.theme import Glyphs, glyphs

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOOR_OF: Final = {"user": "floor-user", "kernel": "floor-kernel", "hardware": "floor-hardware"}


class Look:
    """Styles by what they are for. `number` goes up with every change, and so belongs into every key."""

    def __init__(self, ascii_only: bool = False) -> None:
        self.glyphs: Glyphs = glyphs(ascii_only)
        self.ascii = ascii_only
        self.number = 0
        self.dark = True
        self._colours: dict[str, str] = {}
        self._styles: dict[str, Style] = {}

    def take(self, variables: Mapping[str, str], dark: bool) -> None:
        """Use the colours of a theme."""
        self._colours = {name: value for name, value in variables.items() if value.startswith("#")}
        self._styles = {}
        self.dark = dark
        self.number += 1

    def style(self, colour: str, *, bold: bool = False, reverse: bool = False, on: str = "") -> Style:
        """The theme's `colour` (a name of a variable), over `on`."""
        key = f"{colour}/{bold}/{reverse}/{on}"
        found = self._styles.get(key)
        if found is None:
            found = self._styles[key] = Style(
                color=self._colours.get(colour),
                bgcolor=self._colours.get(on),
                bold=bold or None,
                reverse=reverse or None,
            )
        return found

    @property
    def error(self) -> Style:
        """For what went wrong."""
        return self.style("error", bold=True)

    @property
    def muted(self) -> Style:
        """For what is there but not the point."""
        return self.style("muted")

    @property
    def faint(self) -> Style:
        """For lines and rails."""
        return self.style("faint")

    @property
    def strong(self) -> Style:
        """For what is the point."""
        return self.style("foreground", bold=True)

    @property
    def key(self) -> Style:
        """For the names of keys."""
        return self.style("accent", bold=True)

    def floor(self, floor: str, *, bold: bool = False) -> Style:
        """The colour of a floor."""
        return self.style(FLOOR_OF.get(floor, "primary"), bold=bold)

    def edge(self, floor: str, bright: bool) -> Style:
        """The border of a panel."""
        return self.floor(floor) if bright else self.faint

    def name(self, floor: str, bright: bool, selected: bool) -> Style:
        """The title of a panel."""
        if selected:
            return self.style(FLOOR_OF.get(floor, "primary"), bold=True, reverse=True)
        return self.floor(floor, bold=bright) if bright else self.style("foreground", bold=True)
