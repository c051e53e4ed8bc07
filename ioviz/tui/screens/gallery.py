"""The gallery: every scene with what it is about, and how to open something of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Span, Text
from textual.geometry import Region, Size

from ioviz.tui.layout import Planned
from ioviz.tui.texts import drawn, say
from ioviz.tui.widgets.bars import TitleBar
from ioviz.tui.widgets.lines import Lines, one_strip
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.lesson.scene import Scene, SceneError
    from ioviz.tui.app import IovizApp


def _no_background(style: str | Style) -> Style:
    style = style if isinstance(style, Style) else Style.parse(style)
    return Style(color=style.color, bold=style.bold, italic=style.italic)


SIDE_BY_SIDE = 96
"""Columns from which the preview stands beside the list."""


class Cards(Lines):
    """The list: a title and a line of the summary for each scene. A click chooses, another one opens."""

    def __init__(self, chosen: Callable[[int], None]) -> None:
        super().__init__(id="cards")
        self.rows: list[int] = []
        self._chosen = chosen

    def on_click(self, event: events.Click) -> None:
        """Choose, or open what is chosen."""
        if 0 <= event.y < len(self.rows):
            self._chosen(self.rows[event.y])


class GalleryScreen(Planned):
    """See the module."""

    app: IovizApp
    BINDINGS: ClassVar[list[BindingType]] = [
        ("up,k", "move(-1)", ""),
        ("down,j,tab", "move(1)", ""),
        ("home", "move(-1000)", ""),
        ("end", "move(1000)", ""),
        ("enter,space", "open", ""),
        ("escape", "app.quit", ""),
    ]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._scenes: tuple[Scene, ...] | None = None
        self._problems: list[SceneError] = []
        self._at = 0
        self._first = 0

    def compose(self) -> ComposeResult:
        """Title, list, preview, hints."""
        self._title_bar = TitleBar(self.app.look)
        self._cards = Cards(self._choose)
        self._preview = Lines(id="preview")
        self._hints = Lines(id="footer")
        yield from (self._title_bar, self._cards, self._preview, self._hints)

    def on_mount(self) -> None:
        """Show the frame at once, and look for the scenes behind it."""
        self.restyle()
        self.call_after_refresh(self._load)

    def _load(self) -> None:
        from ioviz.lesson.scene import find_scenes

        try:
            self._scenes = find_scenes(None, self._problems)
        except Exception as error:
            self._scenes = ()
            from ioviz.tui.screens.message import MessageScreen

            self.app.push_screen(MessageScreen("load-failed", error))
        self.restyle()
        self.app.ready()

    def places(self, size: Size) -> dict[str, Region]:
        """Every child's region, for the layout."""
        width, height = size
        body = max(1, height - 3)
        if width >= SIDE_BY_SIDE:
            left = min(64, width * 2 // 5)
            cards, preview = Region(0, 2, left, body), Region(left + 1, 2, width - left - 1, body)
        else:
            count = len(self._scenes or ())
            top = min(body // 2, max(3, count * 2 + 1))
            cards, preview = Region(0, 2, width, top), Region(0, 2 + top, width, max(1, body - top))
        places = {
            "title": Region(0, 0, width, 1),
            "cards": cards,
            "preview": preview,
            "footer": Region(0, height - 1, width, 1),
        }
        for widget in (self._title_bar, self._cards, self._preview, self._hints):
            widget.extent = places[widget.id or ""].size
        return places

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.restyle()

    # -- what a person does ------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Up or down."""
        if self._scenes:
            self._at = min(max(self._at + by, 0), len(self._scenes) - 1)
            self.restyle()

    def action_open(self) -> None:
        """Open the scene."""
        if self._scenes:
            self.app.open_scene(self._scenes[self._at])

    def _choose(self, number: int) -> None:
        if number == self._at:
            self.action_open()
        else:
            self.action_move(number - self._at)

    # -- the picture -------------------------------------------------------------------------------------------------

    def restyle(self) -> None:
        """Draw everything that is new."""
        look, lang, console = self.app.look, self.app.lang, self.app.console
        self.lay_out()
        self.places(self.app.size)
        self._title_bar.update(say(lang, "tagline"), "", [])
        hints = Text(f" {drawn(say(lang, 'gallery-hint'), look.ascii)}", look.style("foreground"))
        self._hints.show([one_strip(hints, console, self._hints.extent.width)])
        width, height = self._cards.extent
        self._cards.show([one_strip(line, console, width) for line in self._list(width, height)])
        width, height = self._preview.extent
        lines = self._about(width - 6, height - 2)
        self._preview.show([one_strip(line, console, width) for line in self._boxed(lines, width, height)])

    def _list(self, width: int, height: int) -> list[Text]:
        look, lang, glyph = self.app.look, self.app.lang, self.app.look.glyphs
        if self._scenes is None:
            return []
        if not self._scenes:
            self._cards.rows = []
            key = "gallery-empty"
            return [Text("  ").append_text(line) for line in wrap(Text(say(lang, key), look.muted), width - 4)]
        lines: list[Text] = [Text(f"  {say(lang, 'gallery')}", look.style("secondary", bold=True))]
        rows = [-1]
        shown = max(1, (height - 1) // 2)
        self._first = min(max(self._first, self._at - shown + 1), self._at)
        for number, scene in enumerate(self._scenes[self._first : self._first + shown], self._first):
            chosen = number == self._at
            background = "block-cursor-background" if chosen else ""
            bar = glyph.folded if chosen else " "
            title = Text(f" {bar} ", look.style("accent", bold=True, on=background))
            title.append(scene.title.of(lang), look.style("foreground", bold=True, on=background))
            about = Text("   ", look.style("foreground", on=background))
            about.append(scene.summary.of(lang), look.style("muted", on=background))
            for line in (title, about):
                line.truncate(width - 1, overflow="ellipsis")
                line.append(" " * (width - line.cell_len), look.style("foreground", on=background))
                lines.append(line)
                rows.append(number)
        self._cards.rows = rows
        return lines

    def _boxed(self, lines: list[Text], width: int, height: int) -> list[Text]:
        """The preview in a box that bears the scene's title."""
        look, lang, glyph = self.app.look, self.app.lang, self.app.look.glyphs
        edge = look.faint
        title = self._scenes[self._at].title.of(lang) if self._scenes else ""
        head = Text.assemble((glyph.top_left + glyph.across, edge), (f" {title} ", look.style("primary", bold=True)))
        head.truncate(width - 2)
        head.append(glyph.across * (width - 1 - head.cell_len) + glyph.top_right, edge)
        found = [head]
        for line in [*lines, *[Text("")] * (height - 2 - len(lines))]:
            row = Text.assemble((f"{glyph.down}  ", edge), line)
            row.append(" " * max(0, width - 1 - row.cell_len))
            found.append(row.append(glyph.down, edge))
        foot = glyph.bottom_left + glyph.across * (width - 2) + glyph.bottom_right
        return [*found, Text(foot, edge)]

    def _about(self, width: int, height: int) -> list[Text]:
        look, lang = self.app.look, self.app.lang
        lines: list[Text] = []
        if self._scenes:
            scene = self._scenes[self._at]
            lines.extend(wrap(Text(scene.summary.of(lang), look.style("foreground")), width))
            lines.append(Text(""))
            lines.append(Text(say(lang, "chapters"), look.style("secondary", bold=True)))
            for number, chapter in enumerate(scene.chapters, 1):
                lines.append(
                    Text.assemble((f"{number:2} ", look.muted), (chapter.title.of(lang), look.style("foreground")))
                )
            own = [Text(say(lang, key), look.muted) for key in ("gallery-own", "gallery-recording")]
            lines.extend(self._program(scene, width, height - len(lines) - len(own) - 1))
            room = max(4, height - len(own) - 1)
            if len(lines) > room:
                lines = [*lines[: room - 1], Text(f"   {look.glyphs.ellipsis}", look.muted)]
            lines.extend([Text("")] * (height - len(lines) - len(own)))
            lines.extend(own)
        for problem in self._problems:
            lines.extend(wrap(Text(f"{say(lang, 'gallery-broken')} {problem}", look.error), width))
        return lines[:height] if not self._problems else lines[-height:]

    def _program(self, scene: Scene, width: int, room: int) -> list[Text]:
        """The main program, as far as there is room."""
        if room < 6:
            return []
        look = self.app.look
        try:
            text = scene.path(scene.main.file).read_text(encoding="utf-8").rstrip()
        except OSError:
            return []
        names = "  ".join(program.file for program in scene.programs)
        head = [
            Text(""),
            Text.assemble((say(self.app.lang, "programs"), look.style("secondary", bold=True)), f"  {names}"),
        ]
        from rich.syntax import Syntax

        theme = "ansi_dark" if look.dark else "ansi_light"
        code = Syntax(text, "python", theme=theme, background_color="default").highlight(text)
        rows = code.split("\n")[: room - 2]
        for row in rows:
            row.spans = [Span(start, end, _no_background(style)) for start, end, style in row.spans]
            row.style = ""
            row.truncate(width, overflow="ellipsis")
        return [*head, *rows]
