"""Pinned pictures as text: the frame at its three sizes. After a change look at the difference, then `--accept`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import MakeApp
from tests.tui.test_stage import shown, stage

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("name", "size", "lang", "ascii_only", "keys"),
    [
        ("small-zh", (80, 24), "zh", False, ["n", "F"]),
        ("small-ascii", (80, 24), "en", True, ["n"]),
        ("middle-en", (120, 40), "en", False, ["n", "F", "s", "tab"]),
        ("large-zh", (200, 60), "zh", False, ["end"]),
        ("help-en", (120, 46), "en", False, ["?"]),
    ],
)
async def test_the_frame(
    make_app: MakeApp,
    accept: bool,
    name: str,
    size: tuple[int, int],
    lang: str,
    ascii_only: bool,
    keys: list[str],
) -> None:
    app = make_app(lang=lang, ascii_only=ascii_only)
    async with stage(app, size) as (pilot, _):
        await pilot.press(*keys)
        await pilot.pause()
        text = "\n".join(line.rstrip() for line in shown(app).split("\n")) + "\n"
    file = GOLDEN / f"{name}.txt"
    if accept:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
