"""The command palette's list: the table of actions, in the language in force."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from ioviz.tui.actions import ACTIONS, EVERYWHERE, Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.tui.app import IovizApp


class ActionProvider(Provider):
    """Finds actions by their label, help or id."""

    @property
    def _lang(self) -> str:
        return cast("IovizApp", self.app).lang

    def _possible(self) -> Iterator[Action]:
        for action in ACTIONS:
            owner = self.app if action.where == EVERYWHERE else self.screen
            if action.id != "command-palette" and hasattr(owner, f"action_{action.method}"):
                yield action

    async def discover(self) -> Hits:
        """All of them."""
        for action in self._possible():
            text = _text(action, self._lang)
            yield DiscoveryHit(text, partial(self._do, action), text=text.plain, help=action.help.of(self._lang))

    async def search(self, query: str) -> Hits:
        """Those that fit."""
        matcher = self.matcher(query)
        for action in self._possible():
            score = max(matcher.match(f"{text.label} {text.help} {action.shown}") for text in _views(action))
            if score > 0:
                text = _text(action, self._lang)
                yield Hit(score, text, partial(self._do, action), text=text.plain, help=action.help.of(self._lang))

    async def _do(self, action: Action) -> None:
        owner = self.app if action.where == EVERYWHERE else self.screen
        await owner.run_action(action.method)


def _text(action: Action, lang: str) -> Text:
    return Text.assemble((f"{action.shown:<10}", "bold"), action.label.of(lang))


class _View:
    def __init__(self, label: str, help_text: str) -> None:
        self.label = label
        self.help = help_text


def _views(action: Action) -> tuple[_View, ...]:
    return tuple(_View(action.label.of(lang), action.help.of(lang)) for lang in ("en", "zh"))
