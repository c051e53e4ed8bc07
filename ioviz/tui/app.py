"""The app: the look, the language and which screen is on top. What a screen shows is the screen's business."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, ClassVar

from textual.app import App

from ioviz.lesson.language import language_of
from ioviz.tui.actions import EVERYWHERE, bindings
from ioviz.tui.look import Look
from ioviz.tui.theme import ANSI_DARK, ANSI_LIGHT, DARK, LIGHT, prefers_light

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.binding import BindingType
    from textual.screen import Screen

    from ioviz.lesson.progress import Progress
    from ioviz.lesson.scene import Scene
    from ioviz.tui.source import Source

Open = "Callable[[], Source]"


class IovizApp(App[int]):
    """See the module. `open_source` makes the run to watch; without it the gallery opens, and `open_scene` makes a
    run of the scene that is chosen there."""

    TITLE = "ioviz"
    CSS_PATH = "ioviz.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(EVERYWHERE)]

    def __init__(
        self,
        open_source: Callable[[], Source] | None = None,
        open_scene: Callable[[Scene], Source] | None = None,
        *,
        page: str = "",
        lang: str | None = None,
        ascii_only: bool = False,
    ) -> None:
        super().__init__()
        self._page = page
        self.lang = language_of(lang)
        self.look = Look(ascii_only)
        self._open_source = open_source
        self._open_scene = open_scene
        self._progress: Progress | None = None
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.set_reactive(App.ansi_theme_dark, ANSI_DARK)
        self.set_reactive(App.ansi_theme_light, ANSI_LIGHT)
        self.theme = LIGHT.name if prefers_light() else DARK.name
        self._take_theme()

    def get_default_screen(self) -> Screen[None]:
        """The stage if there is a run, the further page if one is named, else the gallery."""
        if self._page:
            from ioviz.tui.screens.further import further_screen

            return further_screen(self._page)
        if self._open_source is not None:
            from ioviz.tui.screens.stage import StageScreen

            return StageScreen(self._open_source)
        from ioviz.tui.screens.gallery import GalleryScreen

        return GalleryScreen()

    def open_scene(self, scene: Scene) -> None:
        """Open a scene from the gallery."""
        stage = self._stage_of(scene.folder)
        if stage is not None:
            self.push_screen(stage)

    def _stage_of(self, what: str) -> Screen[None] | None:
        """A stage for the scene that `what` names; none, and why is said, if it cannot be used."""
        from ioviz.lesson.scene import SceneError, load_scene
        from ioviz.tui.screens.stage import StageScreen

        make = self._open_scene
        if make is None:
            return None
        try:
            scene = load_scene(what)
        except SceneError as error:
            from ioviz.tui.screens.message import MessageScreen

            self.push_screen(MessageScreen("load-failed", error))
            return None
        return StageScreen(lambda: make(scene))

    @property
    def progress(self) -> Progress:
        """What of the course has been played."""
        if self._progress is None:
            from ioviz.lesson.progress import Progress

            self._progress = Progress()
        return self._progress

    def following(self, scene: Scene) -> Scene | None:
        """The scene after `scene`: the one that it names, or the next number."""
        from ioviz.lesson.scene import find_scenes, next_scene

        return next_scene(scene, find_scenes()) if self._open_scene is not None else None

    def open_next(self, name: str) -> None:
        """Open scene `name` in place of the one on the stage."""
        stage = self._stage_of(name)
        if stage is not None:
            self._replace_top(stage)

    def open_gallery(self) -> None:
        """To the gallery, whether it is below or not."""
        from ioviz.tui.screens.gallery import GalleryScreen

        if len(self.screen_stack) > 1 and isinstance(self.screen_stack[-2], GalleryScreen):
            self.pop_screen()
        else:
            self._replace_top(GalleryScreen())

    def _replace_top(self, screen: Screen[None]) -> None:
        """Show `screen` instead of the one on top; the first of all stays below, since Textual cannot do without."""
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def open_further(self, page: str) -> None:
        """A further page of a scene: the table of costs, or the race."""
        from ioviz.tui.screens.further import further_screen

        self.push_screen(further_screen(page))

    def close_further(self, screen: Screen[None]) -> None:
        """Back from a further page; out, if nothing is below it."""
        if len(self.screen_stack) > 1:
            screen.dismiss(None)
        else:
            self.exit(0)

    def leave(self, screen: Screen[None]) -> None:
        """Esc on a stage: to the gallery if that is below, else out."""
        from ioviz.tui.screens.gallery import GalleryScreen

        if len(self.screen_stack) > 1 and isinstance(self.screen_stack[-2], GalleryScreen) and self.screen is screen:
            self.pop_screen()
        elif self.screen is screen:
            self.exit(0)

    def ready(self) -> None:
        """The first whole picture is there: what was imported stays for good, so the collector may skip it."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    # -- everywhere --------------------------------------------------------------------------------------------------

    def action_language(self) -> None:
        """The other language."""
        self.lang = "en" if self.lang == "zh" else "zh"
        self._restyle()

    def action_dark(self) -> None:
        """Light or dark."""
        self.set_reactive(App.ansi_theme_dark, ANSI_DARK)
        self.set_reactive(App.ansi_theme_light, ANSI_LIGHT)
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name
        self._take_theme()
        self._restyle()

    def action_help(self) -> None:
        """Every key."""
        from ioviz.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def action_command_palette(self) -> None:
        """Every action by its name."""
        from textual.command import CommandPalette

        from ioviz.tui.palette import ActionProvider

        if not isinstance(self.screen, CommandPalette):
            self.push_screen(
                CommandPalette(providers=[ActionProvider], placeholder=self._placeholder(), id="--command-palette")
            )

    def _placeholder(self) -> str:
        return "查找操作……" if self.lang == "zh" else "Find an action …"

    async def action_quit(self) -> None:
        """Out."""
        self.exit(0)

    def _take_theme(self) -> None:
        self.look.take(self.get_css_variables(), self.current_theme.dark)

    def _restyle(self) -> None:
        for screen in self.screen_stack:
            restyle = getattr(screen, "restyle", None)
            if restyle is not None:
                restyle()


def run(
    open_source: Callable[[], Source] | None = None,
    open_scene: Callable[[Scene], Source] | None = None,
    *,
    page: str = "",
    lang: str | None = None,
    ascii_only: bool = False,
) -> int:
    """Open the stage (or, without `open_source`, the gallery, or the further page `page`) and give the exit code when
    the person leaves."""
    gc.disable()  # until `ready`: it would only walk what is being imported, again and again
    app = IovizApp(open_source, open_scene, page=page, lang=lang, ascii_only=ascii_only)
    result = app.run()
    return app.return_code or result or 0
