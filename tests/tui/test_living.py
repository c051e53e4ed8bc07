"""The stage on a run that goes on by itself: it follows, stands still, goes back, and returns to the present."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from ioviz.live.calls import Call, Ended, Item
from ioviz.live.source import Inbox
from ioviz.live_session import LiveSession
from ioviz.model.mirror import CallsLeftOut
from ioviz.tui.app import IovizApp
from ioviz.tui.screens.compare import MomentsScreen
from ioviz.tui.screens.stage import StageScreen
from tests.tui.conftest import MakeApp
from tests.tui.fakes import FakeSource, events


class NeverAgain(FakeSource):
    """What cannot be run again."""

    can_turn = False


class Told:
    """A source that tells what the test tells it."""

    name = "test"
    pids = (1,)
    ending = None

    def __init__(self) -> None:
        self.inbox: Inbox[Item] = Inbox()
        self.t = 10**9

    @property
    def ended(self) -> bool:
        return self.inbox.empty

    @property
    def backlog(self) -> int:
        return len(self.inbox)

    def start(self) -> None: ...

    def look(self) -> None: ...

    def take(self, limit: int) -> list[Any]:
        return self.inbox.take(limit)

    def wait(self, seconds: float) -> bool:
        return self.inbox.wait(seconds)

    def stop(self) -> None:
        self.inbox.close()

    def tell(self, count: int = 1) -> None:
        self.t += 1000
        self.inbox.put([Call(1, "read", (0, None, 10), 5, self.t, self.t + 500)] * count)


@asynccontextmanager
async def living(
    make_app: MakeApp, window: int = 1_000_000
) -> AsyncIterator[tuple[Pilot[int], StageScreen, Told, LiveSession]]:
    told = Told()
    session = LiveSession(told, "program", window=window)
    told.tell()
    app: IovizApp = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, StageScreen)
        await until(lambda: screen.following)
        yield pilot, screen, told, session


async def until(done: Callable[[], bool]) -> None:
    """Wait for what is to happen."""
    deadline = asyncio.get_running_loop().time() + 20
    while not done():
        assert asyncio.get_running_loop().time() < deadline, "it never happened"
        await asyncio.sleep(0.005)


def shown(app: IovizApp) -> str:
    """The screen as text."""
    return "\n".join(line.text for line in app.screen._compositor.render_strips())


def place(screen: StageScreen) -> int:
    assert screen.player is not None
    return screen.player.place.position


async def test_it_follows_the_present_and_comes_back_to_it(make_app: MakeApp) -> None:
    async with living(make_app) as (pilot, screen, told, session):
        for _ in range(3):
            told.tell()
            before = len(session.timeline)
            await until(lambda before=before: len(session.timeline) > before)  # type: ignore[misc]  # bound at once
            await until(lambda: place(screen) == len(session.timeline))
        await pilot.press("left")
        here = place(screen)
        assert not screen.following
        assert here == len(session.timeline) - 1
        told.tell()
        await until(lambda: len(session.timeline) > here + 2)
        assert place(screen) == here
        await pilot.press("e")
        await until(lambda: place(screen) == len(session.timeline))
        assert screen.following


async def test_two_moments_are_compared_while_it_goes_on(make_app: MakeApp) -> None:
    async with living(make_app) as (pilot, screen, told, session):
        kept = place(screen)
        await pilot.press("c")
        assert screen.kept == kept
        told.tell(2)
        await until(lambda: place(screen) > kept and place(screen) == len(session.timeline))
        later = place(screen)
        await pilot.press("c")
        moments = screen.app.screen
        assert isinstance(moments, MomentsScreen)
        assert moments.position == later
        text = shown(screen.app)
        assert f"{later - kept} events and" in text.splitlines()[0]
        assert "Calls between the two: read 2" in text
        told.tell()
        await until(lambda: len(session.timeline) > later)
        await pilot.press("left", "left", "left")
        assert moments.position == later - 3
        await pilot.press("end")
        assert moments.position == len(session.timeline)
        await pilot.press("tab", "home")
        assert moments.position == 0
        await pilot.press("tab", "p", "k")
        anew = moments.position
        assert "0 events and" in shown(screen.app).splitlines()[0]
        await pilot.press("escape")
        assert screen.kept == anew
        assert screen.following


async def test_what_differs_stands_first(make_app: MakeApp) -> None:
    app = make_app(NeverAgain(events()))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: isinstance(app.screen, StageScreen) and app.screen.player is not None)
        await pilot.press("home", "c", "u", "c")
        moments = app.screen
        assert isinstance(moments, MomentsScreen)
        same = [one.rows == two.rows for one, two in zip(*(side.panels for side in moments._sides), strict=True)]
        assert same == sorted(same)
        assert len(set(same)) == 2, "some differ, and some do not"


async def test_a_kept_moment_is_let_go_where_it_is_and_when_the_window_forgets_it(make_app: MakeApp) -> None:
    async with living(make_app, window=4_000) as (pilot, screen, told, session):
        await pilot.press("space", "c")
        assert screen.kept == place(screen)
        await pilot.press("c")
        assert screen.kept is None
        assert "No moment is kept" in shown(screen.app)
        await pilot.press("c", "e")
        for _ in range(6):
            told.tell(1_000)
        await until(lambda: screen.kept is not None and session.timeline.first > screen.kept)
        await pilot.press("c")
        assert screen.kept is None
        assert "older than what the window holds" in shown(screen.app)


async def test_a_side_that_the_window_forgets_moves_on_with_it(make_app: MakeApp) -> None:
    async with living(make_app, window=4_000) as (pilot, screen, told, session):
        await pilot.press("c")
        told.tell()
        await until(lambda: place(screen) == len(session.timeline) > (screen.kept or 0))
        await pilot.press("c")
        moments = screen.app.screen
        assert isinstance(moments, MomentsScreen)
        for _ in range(6):
            told.tell(1_000)
        await until(lambda: session.mirror.calls == 6_002 and session.timeline.first > moments.position)
        await pilot.press("left")
        assert moments.position == session.timeline.first
        await pilot.press("p", "n", "home", "end")


async def test_space_stands_still_and_goes_on(make_app: MakeApp) -> None:
    async with living(make_app) as (pilot, screen, told, session):
        await pilot.press("space")
        here = place(screen)
        told.tell()
        await until(lambda: len(session.timeline) > here)
        assert place(screen) == here
        await pilot.press("end")
        assert screen.following
        assert place(screen) == len(session.timeline)


async def test_the_header_says_how_far_to_trust_it(make_app: MakeApp) -> None:
    async with living(make_app) as (_, screen, told, _session):
        state = " ".join(each.text for each in screen.live_state())
        assert "live" in state
        assert "calls/s" in state
        told.inbox.put([Ended(1, 0, 0, told.t)])
        told.stop()
        await until(lambda: not screen.is_live)
        assert "ended" in " ".join(each.text for each in screen.live_state())
        assert {"present", "toggle-trigger", "tries"} <= screen.unusable()


async def test_what_cannot_be_shown_in_time_is_left_out_and_counted(make_app: MakeApp) -> None:
    async with living(make_app) as (_, screen, told, session):
        told.tell(60_000)
        await until(lambda: session.mirror.calls == 60_001 and place(screen) == len(session.timeline))
        left_out = sum(e.n for e in session.timeline.events(0, len(session.timeline)) if isinstance(e, CallsLeftOut))
        assert session.status().left_out == left_out > 20_000


async def test_only_a_window_of_the_events_is_kept(make_app: MakeApp) -> None:
    async with living(make_app, window=4_000) as (pilot, screen, told, session):
        for _ in range(6):
            told.tell(1_000)
            calls = session.mirror.calls + 1_000
            await until(lambda calls=calls: session.mirror.calls == calls)  # type: ignore[misc]  # bound at once
        first = session.timeline.first
        assert first > 0
        assert len(session.timeline) - first <= 8_000
        await pilot.press("home")
        assert place(screen) == first
        await pilot.press("right")
        assert place(screen) == first + 1
