"""One panel with the whole screen: the same picture with all the room there is. The stepping keys work here too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Region, Size

from ioviz.tui.actions import BY_ID, STAGE, bindings
from ioviz.tui.layout import Planned
from ioviz.tui.texts import say
from ioviz.tui.widgets.bars import Hints, TitleBar, WhyBar
from ioviz.tui.widgets.panel import FULL, PanelWidget

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ioviz.tui.app import IovizApp
    from ioviz.tui.screens.stage import StageScreen

NOT_HERE = {
    "open-panel", "next-panel", "previous-panel", "back", "search", "breakpoint", "compare", "toggle-trigger", "causes",
    "type-line",
}  # fmt: skip


class PanelScreen(Planned):
    """See the module. `stage` is the stage below, which does the moving."""

    app: IovizApp
    BINDINGS: ClassVar[list[BindingType]] = [
        *[
            binding
            for binding in bindings(STAGE)
            if binding.id is not None and binding.id.rpartition(".")[0] not in NOT_HERE
        ],
        ("escape,enter,backspace", "close", ""),
        ("tab", "turn(1)", ""),
        ("shift+tab", "turn(-1)", ""),
    ]
    AUTO_FOCUS = ""

    def __init__(self, stage: StageScreen, panel: str) -> None:
        super().__init__()
        self._stage = stage
        self._panel = panel

    def compose(self) -> ComposeResult:
        """Title, panel, sentence, keys."""
        look = self.app.look
        self._title_bar = TitleBar(look)
        self._widget = PanelWidget(self._stage.panel(self._panel), look, FULL)
        self._why_bar = WhyBar(look)
        self._hints = Hints(look)
        yield from (self._title_bar, self._widget, self._why_bar, self._hints)

    def places(self, size: Size) -> dict[str, Region]:
        """Every child's region, for the layout."""
        width, height = size
        places = {
            "title": Region(0, 0, width, 1),
            self._widget.id or "": Region(0, 2, width, max(1, height - 8)),
            "why": Region(0, height - 5, width, 4),
            "footer": Region(0, height - 1, width, 1),
        }
        for widget in (self._title_bar, self._widget, self._why_bar, self._hints):
            widget.extent = places[widget.id or ""].size
        return places

    def on_mount(self) -> None:
        """Draw, and again whenever the stage does."""
        self._stage.listeners.append(self.restyle)
        self.restyle()

    def on_unmount(self) -> None:
        """The stage need not tell us any more."""
        self._stage.listeners.remove(self.restyle)

    def on_resize(self) -> None:
        """Draw for the new size; the stage asks the timeline again, whose worlds do not keep."""
        self._stage.show_place()

    def restyle(self) -> None:
        """Show what the stage below shows."""
        moment, lang = self._stage.moment, self.app.lang
        self.places(self.app.size)
        if moment is None:
            return
        self._title_bar.update(
            self._widget.panel.title[lang],
            "",
            [f"{moment.position}/{self._stage.player.log_length if self._stage.player else 0}"],
        )
        self._widget.update(moment)
        self._why_bar.update(self._stage.why_texts)
        self._hints.update(say(lang, "panel-hint"))

    async def action_turn(self, by: int) -> None:
        """The next panel, or the one before."""
        panels = self._stage.panel_ids
        self._panel = panels[(panels.index(self._panel) + by) % len(panels)]
        old = self._widget
        self._widget = PanelWidget(self._stage.panel(self._panel), self.app.look, FULL)
        await old.remove()
        await self.mount(self._widget)
        self.restyle()

    def action_close(self) -> None:
        """Back to the stage."""
        self.dismiss(None)


def _forward(name: str) -> object:
    async def action(self: PanelScreen) -> None:
        await self._stage.run_action(name)

    action.__doc__ = f"{name} on the stage."
    return action


for _action in BY_ID.values():
    if _action.where == STAGE and _action.id not in NOT_HERE:
        setattr(PanelScreen, f"action_{_action.method}", _forward(_action.method))
