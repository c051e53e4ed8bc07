"""The stage driven by its keys and by the mouse, on stand-ins; waits for messages, never for time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import Event
from ioviz.model.host import RunEnded
from ioviz.model.task import LineReached
from ioviz.tui.app import IovizApp
from ioviz.tui.place import Place
from ioviz.tui.screens.causes import CausesScreen
from ioviz.tui.screens.compare import CompareScreen
from ioviz.tui.screens.help import HelpScreen
from ioviz.tui.screens.message import MessageScreen
from ioviz.tui.screens.panel_full import PanelScreen
from ioviz.tui.screens.stage import StageScreen
from ioviz.tui.widgets.panel import PanelWidget
from tests.tui.conftest import MakeApp
from tests.tui.fakes import FakeSource, events


class Filled:
    """Set once the stage says that the whole run is in its log."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def __call__(self, message: object) -> None:
        if isinstance(message, StageScreen.Filled):
            self.event.set()


@asynccontextmanager
async def stage(app: IovizApp, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Pilot[int], StageScreen]]:
    filled = Filled()
    async with app.run_test(size=size, message_hook=filled) as pilot:
        await asyncio.wait_for(filled.event.wait(), 10)
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, StageScreen)
        await pilot.press("home")
        yield pilot, screen


def place(screen: StageScreen) -> Place:
    assert screen.player is not None
    return screen.player.place


def shown(app: IovizApp) -> str:
    """The screen as text."""
    height = app.size.height
    lines = app.screen._compositor.render_strips()
    return "\n".join(line.text for line in lines[:height])


async def test_it_opens_where_the_program_begins(make_app: MakeApp) -> None:
    app = make_app()
    filled = Filled()
    async with app.run_test(size=(120, 40), message_hook=filled) as pilot:
        await asyncio.wait_for(filled.event.wait(), 10)
        await pilot.pause()
        assert isinstance(app.screen, StageScreen)
        assert place(app.screen) == Place(7)
        assert "line 3" in shown(app)


async def test_the_stepping_keys(make_app: MakeApp) -> None:
    async with stage(make_app()) as (pilot, screen):
        assert place(screen) == Place(0)
        await pilot.press("right", "right")
        assert place(screen) == Place(2)
        await pilot.press("left")
        assert place(screen) == Place(1)
        await pilot.press("n")
        assert place(screen) == Place(11)
        await pilot.press("n", "p")
        assert place(screen) == Place(11)
        await pilot.press("F", "s", "s")
        assert place(screen) == Place(9, 2)
        await pilot.press("S", "f")
        assert place(screen) == Place(11)
        await pilot.press("u")
        assert place(screen) == Place(12)
        await pilot.press("U")
        assert place(screen) == Place(8)
        await pilot.press("W")
        assert place(screen) == Place(6)
        await pilot.press("end")
        assert place(screen) == Place(len(events()))
        await pilot.press("right")
        assert "the end" in shown(pilot.app)  # type: ignore[arg-type]
        await pilot.press("home")
        assert place(screen) == Place(0)


async def test_the_sentence_the_floors_and_the_place_are_on_the_screen(make_app: MakeApp) -> None:
    app = make_app(lang="zh")
    async with stage(app) as (pilot, _):
        await pilot.press("n")
        text = shown(app)
        assert "事件 10: SyscallReturned" in text
        assert "11/32" in text
        assert "用户态" in text
        assert "内核态" in text
        await pilot.press("L")
        text = shown(app)
        assert "event 10: SyscallReturned" in text
        assert "KERNEL  ring 0" in text
        assert "用户态" not in text


async def test_a_panel_is_drawn_again_only_if_its_key_changed(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, screen):
        await pilot.press("n", "n")
        drawn = {widget.panel.id: widget.drawn for widget in screen.query(PanelWidget)}
        await pilot.press("u")  # a new line of source, and nothing else
        after = {widget.panel.id: widget.drawn for widget in screen.query(PanelWidget)}
        assert {panel for panel in drawn if after[panel] != drawn[panel]} == {"source"}


async def test_a_broken_panel_says_so_and_the_rest_goes_on(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, screen):
        await pilot.press("end")
        assert "cannot be drawn (ValueError: no picture)" in shown(app)
        await pilot.press("left")
        assert place(screen) == Place(31)


async def test_light_and_dark(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, _):

        def grounds() -> set[str]:
            strips = app.screen._compositor.render_strips()
            return {str(segment.style.bgcolor) for strip in strips for segment in strip if segment.style}

        dark = grounds()
        await pilot.press("D")
        await pilot.pause()
        assert not app.current_theme.dark
        assert not grounds() & dark
        await pilot.press("D")
        await pilot.pause()
        assert grounds() == dark


async def test_why_and_back(make_app: MakeApp) -> None:
    async with stage(make_app()) as (pilot, screen):
        await pilot.press("n", "y")
        assert place(screen) == Place(9)
        await pilot.press("backspace")
        assert place(screen) == Place(11)
        await pilot.press("Y")
        assert "not asked" in shown(pilot.app)  # type: ignore[arg-type]


async def test_the_whole_chain_of_causes_and_back(make_app: MakeApp) -> None:
    made = events()[:6]
    for number in range(6, 3_000):  # each led to the next
        made.append(LineReached(number, number * 1000, 1, 101, number - 1 if number > 6 else -1, 0, 1 << 16 | 3))
    app = make_app(FakeSource(made))
    async with stage(app, (120, 40)) as (pilot, screen):
        await pilot.press("C")
        assert "Nothing led to this" in shown(app)
        await pilot.press("end", "C")
        await app.workers.wait_for_complete()
        assert isinstance(app.screen, CausesScreen)
        text = shown(app)
        assert "2,993 causes" in text
        assert "event 2999: LineReached" in text
        await pilot.press("down", "L")
        assert "2,993 个前因" in shown(app)
        assert "事件 2998" in shown(app)
        await pilot.press("end")
        assert "根源" in shown(app)
        await pilot.press("enter")
        assert len(app.screen_stack) == 1
        assert place(screen) == Place(7)
        await pilot.press("backspace")
        assert place(screen) == Place(3_000)
        await pilot.press("C", "pagedown", "escape")
        assert place(screen) == Place(3_000)
        await pilot.press("C")
        await app.workers.wait_for_complete()
        await pilot.click("#causes", offset=(20, 5))
        await pilot.click("#causes", offset=(20, 5))
        assert place(screen) == Place(2_995)


async def test_search_and_matches(make_app: MakeApp) -> None:
    async with stage(make_app()) as (pilot, screen):
        await pilot.press("/", *"textprinted", "enter")
        assert place(screen) == Place(10)
        await pilot.press(";")
        assert place(screen) == Place(15)
        await pilot.press("comma")
        assert place(screen) == Place(10)
        await pilot.press("/", *"event 13", "enter")  # a word of the sentence
        assert place(screen) == Place(14)


async def test_breakpoints(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, screen):
        await pilot.press("g")
        assert "press b" in shown(app)
        await pilot.press("b", *"hello.py:4", "enter")
        await pilot.pause()
        await pilot.press("g")
        assert place(screen) == Place(8)
        assert "hello.py:4" in shown(app)
        await pilot.press("g", "G")
        assert place(screen) == Place(8)
        await pilot.press("b", "enter")  # the line at hand is offered: the same again removes it
        assert not screen.breakpoints
        await pilot.press("b", *"nonsense", "enter")
        assert "nonsense" in shown(app)


async def test_the_trigger_is_turned_and_the_place_is_kept(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app, (120, 60)) as (pilot, screen):
        await pilot.press("n", "t")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert place(screen) == Place(11)
        assert screen.player is not None
        assert screen.player.source.knob("trigger") == "et"
        assert "first differ at event 10" in shown(app)
        await pilot.press("c")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, CompareScreen)
        assert app.screen.position == 10
        text = shown(app)
        assert "hello" in text
        assert "HELLO" in text
        await pilot.press("left", "escape", "t")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert screen.player.source.knob("trigger") == "as-written"


async def test_what_the_trigger_cannot_change_is_not_offered(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app, (120, 60)) as (pilot, screen):
        assert "LT/ET" not in shown(app).splitlines()[-1]
        await pilot.press("c")
        assert app.screen is screen
        assert "No program here uses epoll" in shown(app)


async def test_both_sides_are_called_by_the_knob_that_was_turned(make_app: MakeApp) -> None:
    def turned(made: list[Event], value: str) -> FakeSource:
        knobs = (*made[0].knobs, ("rcvbuf", value))  # type: ignore[attr-defined]
        return FakeSource([replace(made[0], knobs=knobs), *made[1:]])

    class Turning(FakeSource):
        def turned(self, name: str, value: str, /) -> FakeSource:
            assert (name, value) == ("rcvbuf", "4096")
            return turned(events(loops=3), value)

    first = events()
    app = make_app(Turning([replace(first[0], knobs=(*first[0].knobs, ("rcvbuf", "0"))), *first[1:]]))  # type: ignore[attr-defined]
    async with stage(app, (120, 60)) as (pilot, _):
        await pilot.press("n", "x", *["down"] * 8, "enter")
        await pilot.pause()
        await pilot.press(*"rcvbuf", "equals_sign", *"4096", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "rcvbuf=4k" in shown(app).splitlines()[0]
        await pilot.press("c")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, CompareScreen)
        head = shown(app).splitlines()[1]
        assert "rcvbuf=4k" in head
        assert "rcvbuf=0" in head


async def test_the_comparison_makes_the_other_run_by_itself(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    monkeypatch.setattr(StageScreen, "lacks_epoll", lambda screen: False)
    async with stage(app, (120, 60)) as (pilot, screen):
        await pilot.press("c")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, CompareScreen)
        await pilot.press("escape", "t")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert screen.player is not None
        assert screen.player.source.knob("trigger") == "et"


async def test_the_comparison_finds_a_call_however_far_it_is(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StageScreen, "lacks_epoll", lambda screen: False)
    near = events(loops=1)
    made = near[:-1]
    while len(made) < 20_000:
        made.append(LineReached(len(made), len(made) * 1000, 1, 101, -1, 0, 1 << 16 | 3))
    for kind, fields in ((TrapEntered, (0x80, 1, (1, "x", 1))), (SyscallReturned, (1, 1)), (RunEnded, ("exit", "", 0))):
        made.append(kind(len(made), len(made) * 1000, 1, 101, -1, 0, 1 << 16 | 4, *fields))

    class Twice(FakeSource):
        def turned(self, name: str, value: str, /) -> FakeSource:
            return Twice(made)

    app = make_app(Twice(made))
    async with stage(app, (120, 60)) as (pilot, _):
        await pilot.press("c")
        await app.workers.wait_for_complete()
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        first = next(event.seq + 1 for event in made if isinstance(event, SyscallReturned))
        for keys, there in (("home", 0), ("n", first), ("n", 20_002), ("n", 20_002), ("p", first), ("p", first)):
            await pilot.press(keys)
            await app.workers.wait_for_complete()
            assert screen.position == there, keys


async def test_playing_stops_at_the_end_and_leaves_no_timer(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, screen):
        for _ in range(4):
            await pilot.press("+")
        screen.action_play()  # not by its key: it may be at the end before the press is over
        assert screen.playing
        while screen.playing:
            await asyncio.sleep(0)
        assert place(screen) == Place(len(events()))
        assert screen._clock is None


async def test_a_click_on_the_timeline_and_a_drag(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, screen):
        rail = screen.query_one("#timeline")
        left, width = screen._timeline._rail
        await pilot.click(rail, offset=(left + width - 1, 1))
        assert place(screen) == Place(len(events()))
        await pilot.mouse_down(rail, offset=(left + width // 2, 1))
        await pilot.hover(rail, offset=(left, 1))
        await pilot.mouse_up(rail, offset=(left, 1))
        await pilot.pause()
        assert place(screen) == Place(0)


async def test_a_click_opens_a_panel_full_size_and_stepping_goes_on_there(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, screen):
        await pilot.click("#panel-cpu")
        await pilot.pause()
        assert isinstance(app.screen, PanelScreen)
        await pilot.press("n")
        assert place(screen) == Place(11)
        assert "ring 3 task 101" in shown(app)
        await pilot.press("tab", "escape")
        assert app.screen.id == screen.id
        assert len(app.screen_stack) == 1
        await pilot.press("enter")
        assert isinstance(app.screen, PanelScreen)


async def test_a_click_on_the_footer_does_what_the_key_does(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, screen):
        start = next(start for start, _, method in screen._footer._spans if method == "next_event")
        await pilot.click("#footer", offset=(start, 0))
        assert place(screen) == Place(1)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (60, 16), (40, 10), (10, 3)])
async def test_every_size(make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app()
    async with stage(app, size) as (pilot, _):
        await pilot.press("n", "?", "escape", "enter", "escape", "/", "escape")
        if size >= (60, 16):
            assert "event 10: SyscallReturned" in shown(app)


async def test_resizing_live(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, screen):
        await pilot.press("n")
        for size in ((80, 24), (200, 60), (60, 16), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert "event 10: SyscallReturned" in shown(app)
            for widget in screen.query(PanelWidget):
                if widget.extent.width:
                    assert widget.size == widget.extent


async def test_too_small_a_terminal_is_told_so_until_it_is_not(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app) as (pilot, _):
        await pilot.resize_terminal(40, 12)
        await pilot.press("n")
        await pilot.pause()
        assert "40×12 is small: 60×16 at least" in shown(app)
        await pilot.resize_terminal(60, 16)
        await pilot.press("n")
        await pilot.pause()
        assert "at least" not in shown(app)


async def test_ascii_means_ascii(make_app: MakeApp) -> None:
    app = make_app(ascii_only=True)
    async with stage(app) as (pilot, _):
        for keys in (["n", "F"], ["end", "right"], ["enter"], ["escape", "c"]):
            await pilot.press(*keys)
            await app.workers.wait_for_complete()
            await pilot.pause()
            text = shown(app)
            assert text.isascii(), set(text) - set(map(chr, range(128)))


async def test_help_lists_every_action_and_the_palette_finds_one(make_app: MakeApp) -> None:
    app = make_app()
    async with stage(app, (120, 60)) as (pilot, screen):
        await pilot.press("?")
        assert isinstance(app.screen, HelpScreen)
        assert "The next wake-up or switch of tasks" in shown(app)
        await pilot.press("escape", "ctrl+p", *"over a system call")
        await app.workers.wait_for_complete()
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.id == screen.id
        assert len(app.screen_stack) == 1
        assert place(screen) == Place(11)


class Failing(FakeSource):
    """A machine that breaks after a while."""

    def advance(self, max_events: int, /) -> bool:
        if len(self.timeline) > 10:
            raise RuntimeError("out of magic smoke")
        return super().advance(11)


async def test_a_fault_of_the_machine_leaves_what_is_there(make_app: MakeApp) -> None:
    app = make_app(Failing(whole=False))
    async with stage(app) as (pilot, screen):
        await pilot.press("end")
        assert place(screen) == Place(11)
        assert "out of magic smoke" in shown(app)


async def test_what_cannot_be_opened_is_told(make_app: MakeApp) -> None:
    class NoSource:
        @property
        def timeline(self) -> list[Event]:
            raise OSError("no such recording")

    def fail() -> Any:
        raise OSError("run.ioviz: no such file")

    app = make_app()
    app._open_source = fail
    async with app.run_test() as pilot:
        while not isinstance(app.screen, MessageScreen):
            await pilot.pause()
        assert "run.ioviz: no such file" in shown(app)
        await pilot.press("enter")


async def test_leaving_ends_the_guests(make_app: MakeApp) -> None:
    source = FakeSource()
    app = make_app(source)
    async with stage(app) as (pilot, _):
        await pilot.press("q")
    assert source.closed
