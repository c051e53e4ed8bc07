"""The gallery: the course in its parts, what has been played, and how to open something of one's own.

Typing looks for scenes by a word of their headings, or else of their texts, in either language. Where one left off is
chosen when it opens: the scene that was played last, or the one after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.geometry import Region, Size

from ioviz.lesson.endings import told
from ioviz.tui.layout import Planned
from ioviz.tui.preview import about, boxed
from ioviz.tui.texts import say
from ioviz.tui.widgets.bars import Hints, TitleBar
from ioviz.tui.widgets.lines import Lines, one_strip
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.lesson.scene import Both, Scene, SceneError
    from ioviz.tui.app import IovizApp

SIDE_BY_SIDE = 96
"""Columns from which the preview stands beside the list."""
HEADING = -1
ALWAYS, BEFORE = frozenset("LD?"), frozenset("q")
"""Characters that are keys of the app: always, and as long as nothing is looked for."""


class Cards(Lines):
    """The list. A click chooses, another one opens; the wheel moves."""

    def __init__(self, chosen: Callable[[int], None], moved: Callable[[int], None]) -> None:
        super().__init__(id="cards")
        self.rows: list[int] = []
        self._chosen = chosen
        self._moved = moved

    def on_click(self, event: events.Click) -> None:
        """Choose, or open what is chosen."""
        if 0 <= event.y < len(self.rows) and self.rows[event.y] != HEADING:
            self._chosen(self.rows[event.y])

    def on_mouse_scroll_down(self) -> None:
        """To the next scene."""
        self._moved(+1)

    def on_mouse_scroll_up(self) -> None:
        """To the one before."""
        self._moved(-1)


class GalleryScreen(Planned):
    """See the module. `_shown` are the scenes that fit what was typed; `_at` is the place among them."""

    app: IovizApp
    BINDINGS: ClassVar[list[BindingType]] = [
        ("up", "move(-1)", ""),
        ("down,tab", "move(1)", ""),
        ("shift+tab", "move(-1)", ""),
        ("pageup", "move(-8)", ""),
        ("pagedown", "move(8)", ""),
        ("home", "move(-1000)", ""),
        ("end", "move(1000)", ""),
        ("enter", "open", ""),
        ("backspace", "shorten", ""),
        ("escape", "leave", ""),
    ]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._scenes: tuple[Scene, ...] | None = None
        self._shown: list[Scene] = []
        self._problems: list[SceneError] = []
        self._typed = ""
        self._at = 0
        self._first = 0

    def compose(self) -> ComposeResult:
        """Title, list, preview, hints."""
        self._title_bar = TitleBar(self.app.look)
        self._cards = Cards(self._choose, self.action_move)
        self._preview = Lines(id="preview")
        self._hints = Hints(self.app.look)
        yield from (self._title_bar, self._cards, self._preview, self._hints)

    def on_mount(self) -> None:
        """Show the frame at once, and look for the scenes behind it."""
        self.restyle()
        self.call_after_refresh(self._load)

    def on_screen_resume(self) -> None:
        """Back from a scene: what was played has changed."""
        if self._scenes is not None:
            self._to_last()
            self.restyle()

    def _load(self) -> None:
        from ioviz.lesson.scene import find_scenes

        try:
            self._scenes = find_scenes(None, self._problems)
        except Exception as error:
            self._scenes = ()
            from ioviz.tui.screens.message import MessageScreen

            self.app.push_screen(MessageScreen("load-failed", error))
        self._shown = list(self._scenes)
        self._to_last()
        self.restyle()
        self.app.ready()

    def _to_last(self) -> None:
        """Choose where one left off: the last scene, or what follows it once it was played to its end."""
        from ioviz.lesson.scene import next_scene

        progress, scenes = self.app.progress, self._scenes or ()
        last = next((scene for scene in scenes if scene.id == progress.last), None)
        if last is None or self._typed:
            return
        following = next_scene(last, scenes) if progress.of(last.id).finished else last
        if following is None or progress.of(following.id).finished:  # played already: the next that is not
            at = scenes.index(last)
            unplayed = (scene for scene in (*scenes[at:], *scenes[:at]) if not progress.of(scene.id).finished)
            following = next(unplayed, following)
        if following in self._shown:
            self._at = self._shown.index(following)

    def places(self, size: Size) -> dict[str, Region]:
        """Every child's region, for the layout."""
        width, height = size
        body = max(1, height - 3)
        if width >= SIDE_BY_SIDE:
            left = min(70, width * 9 // 20)
            cards, preview = Region(0, 2, left, body), Region(left + 1, 2, width - left - 1, body)
        else:
            top = min(max(3, body - 9), max(3, len(self._rows()) + 1))
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
        if self._shown:
            self._at = min(max(self._at + by, 0), len(self._shown) - 1)
            self.restyle()

    def action_open(self) -> None:
        """Open the scene."""
        if self._shown:
            self.app.open_scene(self._shown[self._at])

    def _choose(self, number: int) -> None:
        if number == self._at:
            self.action_open()
        else:
            self.action_move(number - self._at)

    def on_key(self, event: events.Key) -> None:
        """A character goes on with what is looked for; those of the keys that work everywhere begin no search."""
        character = event.character if event.is_printable else None
        if character is None or character in ALWAYS or (character in BEFORE and not self._typed):
            return
        event.stop()
        if character == " " and not self._typed:
            self.action_open()
        else:
            self._look_for(self._typed + character)

    def action_shorten(self) -> None:
        """One character less."""
        self._look_for(self._typed[:-1])

    def action_leave(self) -> None:
        """Show all again; else out."""
        if self._typed:
            self._look_for("")
        else:
            self.app.exit(0)

    def _look_for(self, typed: str) -> None:
        chosen = self._shown[self._at] if self._shown else None
        self._typed = typed.lstrip()[:40]
        words, scenes = self._typed.lower().split(), self._scenes or ()
        self._shown = [scene for scene in scenes if _has(_headings(scene), words)]
        self._shown = self._shown or [scene for scene in scenes if _has(_all_text(scene), words)]
        self._at = self._shown.index(chosen) if chosen in self._shown else 0
        self._first = 0
        self.restyle()

    # -- the picture -------------------------------------------------------------------------------------------------

    def restyle(self) -> None:
        """Draw everything that is new."""
        look, lang, console = self.app.look, self.app.lang, self.app.console
        self.lay_out()
        self.places(self.app.size)
        done = sum(self.app.progress.of(scene.id).finished for scene in self._scenes or ())
        state = [say(lang, "gallery-done", done=done, all=len(self._scenes or ()))] if self.app.progress.any else []
        self._title_bar.update(say(lang, "tagline"), "", state)
        hint = say(lang, "gallery-hint")
        if self._typed:
            hint = say(lang, "gallery-filter", text=self._typed, n=len(self._shown))
        self._hints.update(hint)
        width, height = self._cards.extent
        self._cards.show([one_strip(line, console, width) for line in self._list(width, height)])
        width, height = self._preview.extent
        scene = self._shown[self._at] if self._shown else None
        played = self.app.progress.of(scene.id) if scene is not None else None
        progress = self.app.progress
        key = "progress-unread" if progress.unread else "progress-problem"
        problems = [say(lang, key, why=progress.problem)] if progress.problem else []
        problems += [f"{say(lang, 'gallery-broken')} {told(error, lang)}" for error in self._problems]
        lines = about(scene, played, problems, width - 6, height - 2, lang, look)
        title = scene.title.of(lang) if scene is not None else ""
        self._preview.show([one_strip(line, console, width) for line in boxed(title, lines, width, height, look)])

    def _rows(self) -> list[int]:
        """The rows of the whole list: the number of a scene, or HEADING where a part begins."""
        rows: list[int] = []
        part: int | None = None
        for number, scene in enumerate(self._shown):
            if not number or (scene.part or 0) != part:
                part = scene.part or 0
                rows.append(HEADING)
            rows.append(number)
        return rows

    def _list(self, width: int, height: int) -> list[Text]:
        look, lang = self.app.look, self.app.lang
        self._cards.rows = []
        if self._scenes is None:
            return []
        if not self._shown:
            text = say(lang, "gallery-none", text=self._typed) if self._scenes else say(lang, "gallery-empty")
            return [Text("  ").append_text(line) for line in wrap(Text(text, look.muted), width - 4)]
        rows = self._rows()
        here = rows.index(self._at)
        self._first = min(max(self._first, here - height + 2), max(0, here - 1), max(0, len(rows) - height + 1))
        shown = rows[self._first : self._first + height]
        self._cards.rows = shown
        lines: list[Text] = []
        for place, number in enumerate(shown, self._first):
            lines.append(self._heading(rows[place + 1]) if number == HEADING else self._card(number, width))
        return lines

    def _heading(self, number: int) -> Text:
        scene, lang = self._shown[number], self.app.lang
        key = f"part-{scene.part}" if scene.part and scene.part <= 4 else "part-n" if scene.part else "part-more"
        parts = {scene.part for scene in self._shown}
        if parts == {None}:
            key = "gallery"
        return Text(f" {say(lang, key, n=scene.part)}", self.app.look.style("secondary", bold=True))

    def _card(self, number: int, width: int) -> Text:
        """One scene: whether it was played, its number, its title, and how long it takes."""
        look, lang, glyph = self.app.look, self.app.lang, self.app.look.glyphs
        scene, played = self._shown[number], self.app.progress.of(self._shown[number].id)
        chosen = number == self._at
        on = "block-cursor-background" if chosen else ""
        mark = glyph.played if played.finished else glyph.half if played.chapter else " "
        text = Text(f" {glyph.folded if chosen else ' '} ", look.style("accent", bold=True, on=on))
        text.append(f"{mark} ", look.style("success", bold=True, on=on))
        if scene.number:
            text.append(f"{scene.number:2} ", look.style("muted", on=on))
        text.append(scene.title.of(lang), look.style("foreground", bold=chosen or not played.finished, on=on))
        tail = say(lang, "minutes-short", n=scene.minutes) if scene.minutes else ""
        if scene.id == self.app.progress.last and not played.finished:
            tail = say(lang, "gallery-go-on")
        room = width - Text(tail).cell_len - 2
        text.truncate(room - 1, overflow="ellipsis")
        text.append(" " * max(0, room - text.cell_len), look.style("foreground", on=on))
        return text.append(f"{tail}  ", look.style("muted", on=on))


def _has(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)


def _headings(scene: Scene) -> str:
    """What a scene is found by at first, in lower case, in both languages."""
    return _lower(scene, [scene.title, scene.summary, *(chapter.title for chapter in scene.chapters)])


def _all_text(scene: Scene) -> str:
    """Everything that it says: what is looked through where no heading has the words."""
    texts = [
        *scene.learn,
        *scene.learned,
        *(chapter.text for chapter in scene.chapters),
        *(one.text for one in scene.tries),
    ]
    texts += [text for entry in scene.article for text in (entry.says, entry.linux)]
    return "\n".join([_headings(scene), _lower(scene, texts), *scene.reading]).lower()


def _lower(scene: Scene, texts: list[Both]) -> str:
    words = [scene.id, str(scene.number or ""), *(word for text in texts for word in (text.en, text.zh))]
    return "\n".join(words).lower()
