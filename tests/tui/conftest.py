"""The stage on stand-ins, with nothing in the environment that would change the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ioviz.tui import picture
from ioviz.tui.app import IovizApp
from ioviz.tui.picture import View
from tests.tui import fakes

MakeApp = Callable[..., IovizApp]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLORFGBG", "IOVIZ_THEME", "IOVIZ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_app(monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """An app on a run of a fake source, with fake panels."""
    panels: Any = fakes.PANELS
    moment: Any = fakes.FakeMoment
    view = View(panels, moment, fakes.narrate, fakes.steps)
    monkeypatch.setattr(picture, "load_view", lambda: view)

    def make(source: Any = None, **options: Any) -> IovizApp:
        return IovizApp((lambda: fakes.FakeSource()) if source is None else (lambda: source), **options)

    return make
