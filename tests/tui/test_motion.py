"""Bytes that move: a pure function of the event, the panels' places and the progress, and nothing is left of it."""

from __future__ import annotations

import asyncio

from ioviz.model.buffer import BytesCopiedIn, BytesCopiedOut
from ioviz.model.nic import DmaWritten
from ioviz.model.vocabulary import KINDS
from ioviz.tui.motion import LONGEST, PATHS, motion_of
from tests.tui.conftest import MakeApp
from tests.tui.fakes import FakeSource, events
from tests.tui.test_stage import shown, stage

HEAD = (9, 9, 1, 101, -1, 0, 0)
WHERE = {"source": 20, "sockets": 90, "nic": 60}.get


def test_it_begins_where_the_bytes_were_and_ends_where_they_are() -> None:
    down = motion_of(BytesCopiedIn(*HEAD, 8, 1, b"hello you", 9), WHERE, 119, ascii_only=False)
    assert down is not None
    assert (down.floor, down.at(0), down.at(1), down.cargo) == ("kernel", 20, 90, "hello▪you")
    columns = [down.at(step / 10) for step in range(11)]
    assert columns == sorted(columns)
    up = motion_of(BytesCopiedOut(*HEAD, 8, 100), WHERE, 119, ascii_only=True)
    assert up is not None
    assert (up.at(0), up.at(1), up.cargo) == (90, 20, "#" * LONGEST)
    dma = motion_of(DmaWritten(*HEAD, 1, 2), WHERE, 119, ascii_only=False)
    assert dma is not None
    assert dma.at(0) > dma.at(1) == 60


def test_what_is_not_on_the_screen_does_not_move() -> None:
    assert motion_of(BytesCopiedIn(*HEAD, 8, 1, b"hello", 5), {"source": 20}.get, 119, ascii_only=False) is None
    assert motion_of(None, WHERE, 119, ascii_only=False) is None
    assert set(PATHS) <= set(KINDS)


async def test_a_step_moves_them_and_leaves_nothing_behind(make_app: MakeApp) -> None:
    app = make_app(FakeSource(events()))
    async with stage(app) as (pilot, screen):
        await pilot.press("F", "end")
        place = next(event.seq for event in events() if type(event).__name__ == "TextPrinted")
        screen.seek(place)
        await pilot.press("right")
        assert screen._mover is not None
        while screen._mover is not None:
            await asyncio.sleep(0.01)
        await pilot.pause()
        at_rest = shown(app)
        await pilot.press("V", "left", "right")
        assert screen._mover is None
        assert shown(app) == at_rest
        screen.seek(0)
        await pilot.press("V")
        screen.seek(place + 1)  # a jump moves nothing
        assert screen._mover is None
